"""Networks by name: the map adds up to the score. Every architecture: tests/contracts/test_models.py."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from dfdetect.errors import UsageError  # noqa: E402
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
    with pytest.raises(
        UsageError,
        match=r"unknown architecture 'resnet1'; .*tf_efficientnet_lite0.*or any name that timm knows, .*resnet1",
    ):
        zoo.build("resnet1")
