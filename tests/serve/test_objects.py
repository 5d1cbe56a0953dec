"""Objects in a folder and in a store that is none (fsspec's memory stands for S3)."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from dfdetect.serve.ids import is_id, new_id
from dfdetect.serve.objects import ObjectGone, Objects


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return Objects(f"file://{tmp_path / 'objects'}" if request.param == "file" else f"memory://{uuid.uuid4().hex}")


def test_what_is_put_in_comes_out_and_goes_with_its_folder(objects: Objects, tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    upload.write_bytes(b"clip")
    objects.put_file("media/scn_1", upload)
    objects.put_bytes("results/scn_1/2/report.html", b"<p>")
    assert not upload.exists()
    assert sorted(objects.names()) == ["media/scn_1", "results/scn_1/2/report.html"]
    with objects.local_file("media/scn_1") as path, objects.open("media/scn_1") as file:
        assert path.read_bytes() == file.read() == b"clip"
    assert objects.bytes_of("media/scn_1") == 4
    objects.delete("media/scn_1")
    objects.delete("media/scn_1")
    objects.delete_folder("results/scn_1")
    objects.delete_folder("results/scn_1")
    assert list(objects.names()) == []
    for use in (objects.open, objects.bytes_of, lambda name: objects.local_file(name).__enter__()):
        with pytest.raises(ObjectGone):
            use("media/scn_1")


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "/etc/passwd", "", "a//b", ".hidden", "a/.b", "a b", "a\0b", "a\\b"]
)
def test_a_name_that_we_did_not_make_is_refused(objects: Objects, name: str) -> None:
    with pytest.raises(ValueError, match="not a name that we made"):
        objects.put_bytes(name, b"")


def test_ids_are_random_and_known_by_their_form() -> None:
    made = {new_id("scn") for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_id(one) for one in made)
    assert not any(is_id(text) for text in ("scn_1", "../../etc", "scn_" + "u" * 26, "", "SCN_" + "0" * 26))
