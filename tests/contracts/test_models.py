"""One suite for every architecture of the zoo: small ones are run, large ones are laid out without memory."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from dfdetect.models import zoo  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402

SMALL = (
    "tf_efficientnet_lite0",
    "tf_efficientnet_b0",
    "mobilenetv3_small_100",
    "convnext_atto",
    "vit_tiny_patch16_224",
)
TINY = ("test_efficientnet", "timm:test_convnext", "test_vit", "resnet18")  # timm's own, not in the zoo
HEADS = {
    "pool and linear": zoo.Head(),
    "unit length": zoo.Head(unit_length=True),
    "max and hidden": zoo.Head(pool="max", hidden=(16, 8), dropout=0.5),
    "hidden with batch norm": zoo.Head(hidden=(16,), batch_norm=True),
}
SIZE_PX = 64


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(3)


def images(size_px: int = SIZE_PX, n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, size_px, size_px, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", zoo.ARCHITECTURES)
def test_every_row_can_be_built(name: str) -> None:
    """A row with a slip in its name was found when somebody had waited for the data to be prepared."""
    row = zoo.ARCHITECTURES[name]
    with torch.device("meta"):
        net = zoo.build(name)
    assert sum(p.numel() for p in net.parameters()) > 500_000
    assert net.has_cam
    assert zoo.native_size_px(name) == row.input_size_px
    mean, std = zoo.normalisation(name)
    assert all(0.3 < value < 0.6 for value in mean)
    assert all(0.2 < value <= 0.5 for value in std)


@pytest.mark.parametrize("name", [*SMALL, *TINY])
def test_forward_backward_and_the_map_adds_up(name: str) -> None:
    net = zoo.build(name, input_size_px=SIZE_PX)
    net.head.weight.data.normal_(std=0.5)
    net.head.bias.data.fill_(0.7)
    logit, cam = net(images())
    assert logit.shape == (2,)
    assert cam.shape[0] == 2
    assert torch.allclose(cam.mean((1, 2)) + net.head.bias, logit, atol=1e-4)
    logit.sum().backward()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    assert len(gradients) > 0.9 * len(list(net.parameters()))
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


@pytest.mark.parametrize("name", [*SMALL, *TINY])
def test_weights_come_back_from_a_file(name: str, tmp_path: object) -> None:
    from safetensors.torch import load, save

    first, second = (zoo.build(name, input_size_px=SIZE_PX).eval() for _ in range(2))
    data = save({key: value.contiguous() for key, value in first.state_dict().items()})
    second.load_state_dict(load(data))
    with torch.no_grad():
        assert torch.equal(first(images())[0], second(images())[0])


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_100", "resnet18"])
@pytest.mark.parametrize("size_px", [33, 97])
def test_convolutions_take_odd_sizes(name: str, size_px: int) -> None:
    net = zoo.build(name).eval()
    with torch.no_grad():
        logit, cam = net(images(size_px))
    assert torch.allclose(cam.mean((1, 2)) + net.head.bias, logit, atol=1e-4)


def test_transformers_take_what_their_patch_divides_and_say_so() -> None:
    from dfdetect.errors import UsageError

    net = zoo.build("test_vit", input_size_px=96).eval()
    with torch.no_grad():
        assert net(images(160))[1].shape == (2, 10, 10)
    with pytest.raises(UsageError, match=r"takes sizes that 16 divides; 100 is not one: \[96, 112\] are"):
        zoo.build("test_vit", input_size_px=100)


ON_CONVOLUTIONS = [("test_efficientnet", name) for name in HEADS]


@pytest.mark.parametrize(("name", "head_name"), [*ON_CONVOLUTIONS, ("test_vit", "pool and linear")])
def test_every_head_learns_and_is_exported(name: str, head_name: str) -> None:
    """What trains must scan: the exported file gives the same logits, and a map only where the head allows one."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from dfdetect.export.onnx import Trained, to_onnx

    head = HEADS[head_name]
    net = zoo.build(name, head=head, input_size_px=SIZE_PX)
    net.head.weight.data.normal_(std=0.5)
    net(images())[0].sum().backward()
    assert net.head.weight.grad is not None
    model = to_onnx(Trained(net.eval(), ModelSpec(name, SIZE_PX)))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == (["logit", "cam"] if head.has_cam else ["logit"])
    found = session.run(["logit"], {"images": images().numpy()})[0]
    with torch.no_grad():
        assert np.abs(found - net(images())[0].numpy()).max() < 1e-3


def test_a_unit_length_head_scores_the_direction_alone() -> None:
    net = zoo.build("test_efficientnet", head=zoo.Head(unit_length=True)).eval()
    with torch.no_grad():
        seen = net.look(images())
    assert torch.allclose(seen.pooled.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(seen.cam.mean((1, 2)) + net.head.bias, seen.logit, atol=1e-5)


def test_the_class_token_is_no_patch() -> None:
    from dfdetect.errors import UsageError

    net = zoo.build("test_vit", head=zoo.Head(pool="token")).eval()
    with torch.no_grad():
        seen = net.look(images(160))
        raw = net.features.net(images(160))
    assert torch.equal(seen.pooled, raw[:, 0])
    assert seen.cam is None
    assert seen.maps.shape == (2, 64, 10, 10)
    assert torch.equal(seen.maps[:, :, 0, 1], raw[:, 2])
    with pytest.raises(UsageError, match='pool "token" needs a transformer'):
        zoo.build("test_efficientnet", head=zoo.Head(pool="token"))


@pytest.mark.parametrize(("tune", "share"), [("all", (1.0, 1.0)), ("norm", (0.0, 0.06)), ("head", (0.0, 0.002))])
def test_what_is_tuned(tune: str, share: tuple[float, float]) -> None:
    net = zoo.build("test_vit")
    trained = zoo.freeze(net, tune) / sum(p.numel() for p in net.parameters())
    assert share[0] <= trained <= share[1]
    names = {name for name, p in net.named_parameters() if p.requires_grad}
    assert {"head.weight", "head.bias"} <= names
    if tune == "norm":
        assert "features.net.blocks.0.norm1.weight" in names
        assert not any("attn.qkv" in name for name in names)


def test_timms_xception_needs_our_dropout() -> None:
    """timm's legacy Xception computes dropout and throws the result away: a rate given to it does nothing."""
    net = zoo.build("legacy_xception", head=zoo.Head(dropout=0.5))
    net.features.eval()
    net.head.weight.data.normal_(std=0.5)
    with torch.no_grad():
        assert not torch.equal(net(images())[0], net(images())[0])
