"""Ensembles on disk: whole verified members, and nothing that leads out of the folder or into another ensemble."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from dfdetect.calibration import uncalibrated
from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.models.bundle import list_bundles, load_bundle, seal
from dfdetect.models.ensemble import write_ensemble
from dfdetect.models.manifest import MANIFEST, MOST_MEMBERS, check_member_names
from dfdetect.models.sealed import sha256_of
from tiny_bundle import make_tiny_bundle, tiny_calibration
from tiny_ensemble import make_tiny_ensemble


@pytest.fixture
def members(tmp_path: Path) -> list[Path]:
    small = make_tiny_bundle(tmp_path / "a", name="small", gain=3.0)
    large = make_tiny_bundle(tmp_path / "b", name="large", gain=5.0, size_px=96, cam_side=6, margin=0.3)
    return [small, large]


@pytest.fixture
def ensemble(tmp_path: Path, members: list[Path]) -> Path:
    return make_tiny_ensemble(tmp_path / "both", members)


def forge(folder: Path, **changes: object) -> None:
    """Change the manifest, as somebody would who can compute hashes."""
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def reseal(folder: Path, file: str) -> None:
    hashes = json.loads((folder / MANIFEST).read_text())["files"]
    forge(folder, files={**hashes, file: sha256_of((folder / file).read_bytes())})


def test_an_ensemble_holds_its_members_whole(ensemble: Path, members: list[Path]) -> None:
    found = load_bundle(ensemble)
    assert [network.name for network in found.networks] == ["small", "large"]
    assert [member.sha256 for member in found.members] == [load_bundle(member).sha256 for member in members]
    assert {file for file in found.manifest.files if file.endswith(MANIFEST)} == {
        "members/small/manifest.json",
        "members/large/manifest.json",
    }
    assert found.calibration == uncalibrated()
    assert found.manifest.experimental
    assert "`large`: large 1.0, mean_brightness, 96 px, margin 0.3" in found.card
    assert found.manifest.weights_licence == "Apache-2.0"
    assert len(found.manifest.sources) == 1
    assert [(view.margin, view.size_px) for view in found.views] == [(0.3, 96), (0.125, 64)]
    assert found.heatmap == "cam"


def test_a_member_may_come_twice(tmp_path: Path, members: list[Path]) -> None:
    found = load_bundle(make_tiny_ensemble(tmp_path / "twice", [members[0], members[0]]))
    assert [network.name for network in found.networks] == ["small", "small-2"]
    assert len(found.views) == 1


def test_names_that_no_folder_takes_are_made_plain(tmp_path: Path) -> None:
    odd = [make_tiny_bundle(tmp_path / str(n), name=name) for n, name in enumerate(["../über/é", "..", "A", "a"])]
    found = load_bundle(make_tiny_ensemble(tmp_path / "odd", odd))
    assert [network.name for network in found.networks] == ["ber", "member", "A", "a-2"]


def test_only_the_ensemble_is_listed(ensemble: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFDETECT_MODELS", str(ensemble.parent))
    assert {"a", "b", "both"} <= set(list_bundles())
    assert "small" not in list_bundles()


def test_what_cannot_be_combined_is_said(tmp_path: Path, members: list[Path], ensemble: Path) -> None:
    fresh = make_tiny_bundle(tmp_path / "fresh", calibration=uncalibrated())
    for bad, match in (
        ([], "needs members"),
        ([ensemble, members[0]], "is an ensemble itself"),
        ([members[0], fresh], "is not calibrated, so its logits have no scale in common"),
    ):
        with pytest.raises(UsageError, match=match):
            write_ensemble(tmp_path / "new", bad, name="x", version="1")
        assert not (tmp_path / "new").exists()
    with pytest.raises(UsageError, match="already holds something"):
        write_ensemble(ensemble, members, name="x", version="1")
    with pytest.raises(ModelUnusable, match="at most 16 members"):
        write_ensemble(tmp_path / "new", [members[0]] * (MOST_MEMBERS + 1), name="x", version="1")


@pytest.mark.parametrize("file", ["model.onnx", "spec.json", "calibration.json", "card.md", MANIFEST])
def test_one_altered_byte_of_a_member_is_refused(ensemble: Path, file: str) -> None:
    path = ensemble / "members" / "large" / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelUnusable, match=f"members/large/{file}.*expected SHA-256"):
        load_bundle(ensemble)


def test_a_member_sealed_again_is_another_member(ensemble: Path) -> None:
    """Each member's own hashes would be right; the ensemble was calibrated with the weights that it names."""
    inside = ensemble / "members" / "large"
    (inside / "card.md").write_text("other")
    seal(inside)
    with pytest.raises(ModelUnusable, match="expected SHA-256"):
        load_bundle(ensemble)


def test_missing_and_extra_members_are_named(ensemble: Path, tmp_path: Path) -> None:
    shutil.copytree(ensemble, tmp_path / "less")
    shutil.rmtree(tmp_path / "less" / "members" / "small")
    with pytest.raises(ModelUnusable, match="members/small"):
        load_bundle(tmp_path / "less")
    shutil.copytree(ensemble / "members" / "small", ensemble / "members" / "other")
    with pytest.raises(ModelUnusable, match="does not name: other"):
        load_bundle(ensemble)
    shutil.rmtree(ensemble / "members" / "other")
    (ensemble / "model.onnx").write_bytes(b"x")
    with pytest.raises(ModelUnusable, match=r"does not name: model\.onnx"):
        load_bundle(ensemble)


@pytest.mark.parametrize(
    "name", ["..", "../../a", "/etc", "a/b", "a\\b", ".hidden", "", "a..b", "x" * 65, "con:", "a b", "ä", "a\n"]
)
def test_member_names_that_lead_elsewhere_are_refused(ensemble: Path, name: str) -> None:
    hashes = json.loads((ensemble / MANIFEST).read_text())["files"]
    small = hashes.pop("members/small/manifest.json")
    forge(ensemble, files={**hashes, f"members/{name}/manifest.json": small})
    with pytest.raises(ModelUnusable, match=r"expected hashes of|member name"):
        load_bundle(ensemble)
    with pytest.raises(ModelUnusable, match="member name"):
        check_member_names((name,))


def test_names_that_only_differ_in_case_are_refused() -> None:
    with pytest.raises(ModelUnusable, match="different names"):
        check_member_names(("a", "A"))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
@pytest.mark.parametrize("place", ["card.md", "members", "members/small", "members/small/model.onnx"])
def test_links_are_refused_also_to_the_right_content(ensemble: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "content"
    (ensemble / place).rename(moved)
    (ensemble / place).symlink_to(moved)
    with pytest.raises(ModelUnusable, match="symbolic link"):
        load_bundle(ensemble)


def test_an_ensemble_inside_an_ensemble_is_refused(ensemble: Path, tmp_path: Path) -> None:
    """A folder inside a folder inside a folder would be read to whatever depth somebody cared to make."""
    inside = ensemble / "members" / "small"
    shutil.rmtree(inside)
    (tmp_path / "copy").mkdir()
    make_tiny_ensemble(inside, [tmp_path / "b"])
    reseal(ensemble, "members/small/manifest.json")
    with pytest.raises(ModelUnusable, match="an ensemble inside an ensemble"):
        load_bundle(ensemble)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "not JSON"),
        ('{"kind": "ensemble", "members": ["large", "small"], "score": "mean_calibrated_logit"}', "spec.json of an"),
        ('{"kind": "ensemble", "members": ["small", "large"], "score": "max"}', "mean_calibrated_logit"),
        ('{"kind": "mix", "members": ["small", "large"], "score": "mean_calibrated_logit"}', "'kind': 'ensemble'"),
        ("[]", "expected"),
    ],
)
def test_another_spec_is_refused(ensemble: Path, text: str, match: str) -> None:
    (ensemble / "spec.json").write_text(text)
    with pytest.raises(ModelUnusable, match=match):
        seal(ensemble)


def test_sealing_leaves_the_members_alone(ensemble: Path) -> None:
    before = load_bundle(ensemble)
    (ensemble / "card.md").write_text("# measured\n")
    after = seal(ensemble, version="1.0", experimental=False)
    assert (after.card, after.info.version) == ("# measured\n", "1.0")
    assert after.sha256 != before.sha256
    assert [member.sha256 for member in after.members] == [member.sha256 for member in before.members]
    (ensemble / "members" / "small" / "card.md").write_text("altered")
    with pytest.raises(ModelUnusable, match="expected SHA-256"):
        seal(ensemble)


def test_the_calibration_of_each_member_is_its_networks(tmp_path: Path) -> None:
    own = tiny_calibration()
    scaled = type(own)(0.5, -0.25, own.target_fpr, own.thresholds)
    member = make_tiny_bundle(tmp_path / "c", calibration=scaled)
    (network,) = load_bundle(make_tiny_ensemble(tmp_path / "one", [member])).networks
    assert (network.scale, network.offset) == (0.5, -0.25)
    (alone,) = load_bundle(member).networks
    assert (alone.scale, alone.offset) == (1.0, 0.0)
