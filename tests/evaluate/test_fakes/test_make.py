"""`dfdetect data fakes`: the folder, its list and masks; a stopped run ends in the same bytes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_clip, draw_face
from dfdetect.data.lists import read_list
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.test_fakes.make import LIST, make_fakes
from dfdetect.evaluate.test_fakes.write import CRF, FakeOptions, clip_crf
from dfdetect.media.image import read_rgb
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_png, write_video
from dfdetect.models.trained_on import keys_of, trained_on
from dfdetect.values import Label

OPTIONS = FakeOptions(("t1", "t3"), seconds=0.3)


@pytest.fixture(scope="module")
def reals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn people, two of them also in a clip of ten frames, a landscape, and a file that is none."""
    folder = tmp_path_factory.mktemp("reals")
    rows = []
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encode_png(draw_face(np.random.default_rng(number), 320)))
        rows.append((f"{number}.png", f"p{number}"))
    for number in range(2):
        frames = [scene.image for scene in draw_clip(np.random.default_rng(10 + number), 10, (320, 320))]
        write_video(folder / f"{number}.mp4", iter(frames), crf=20, repeatable=True)
        rows.append((f"{number}.mp4", f"c{number}"))
    (folder / "empty.png").write_bytes(encode_png(np.full((64, 64, 3), 90, np.uint8)))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    rows += [("empty.png", "nobody"), ("broken.jpg", "nobody")]
    with (folder / "reals.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "person"), *((name, "real", who) for name, who in rows)])
    return folder / "reals.csv"


@pytest.fixture(scope="module")
def made(reals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "fakes"
    report = make_fakes(read_list(reals), out, OPTIONS)
    assert report.fakes >= 8
    assert report.left_out["no_face"] == ["empty.png"]
    assert any("broken.jpg" in names for names in report.left_out.values())
    return out


def test_the_list_names_reals_fakes_donors_and_masks(made: Path) -> None:
    samples = read_list(made / LIST)
    fakes = [sample for sample in samples if sample.label is Label.FAKE]
    clips = {sample.video_id for sample in samples if sample.label is Label.REAL}
    assert {sample.method for sample in fakes} == {"t1_mesh_swap", "t3_pyramid_swap"}
    assert {sample.kind for sample in fakes} == {"image", "video"}
    for sample in fakes:
        assert sample.donor_id
        assert sample.donor_id != sample.target_id
        assert sample.pair_key in clips
        assert Path(sample.mask_path).is_file()
    assert all(not sample.mask_path for sample in samples if sample.label is Label.REAL)


def test_masks_lie_where_a_fake_differs_from_its_real_copy(made: Path) -> None:
    samples = read_list(made / LIST)
    copies = {sample.video_id: Path(sample.path) for sample in samples if sample.label is Label.REAL}
    for sample in samples:
        if sample.label is Label.REAL:
            continue
        fake, real, mask = (
            _frames(path) for path in (Path(sample.path), copies[sample.pair_key], Path(sample.mask_path))
        )
        assert len(fake) == len(real) == len(mask)
        for a, b, m in zip(fake, real, mask, strict=True):
            change = np.abs(a.astype(int) - b).mean(axis=2)
            inside = m[..., 0] > 200
            assert change[inside].mean() > 1.5 * change[m[..., 0] < 20].mean()  # both have a compression of their own


def _frames(path: Path) -> list[np.ndarray]:
    if path.suffix in (".jpg", ".png"):
        return [read_rgb(path)]
    with open_media(path) as reader:
        return [frame.image for frame in reader.frames(range(len(reader.times_s)))]


def test_a_model_that_was_trained_on_the_reals_is_found_out(made: Path, reals: Path) -> None:
    """The copies have other names and bytes; their people and clips are still the same ones."""
    learned = trained_on(read_list(reals)).key_set
    for sample in read_list(made / LIST):
        kinds = {kind for key, (kind, _) in keys_of(sample).items() if key in learned}
        assert kinds == {"identity", "clip"}


def test_compression_tells_nothing_of_the_label() -> None:
    """One codec setting for all fakes, or one shared by a pair, would be a label that every network learns."""
    names = [f"{n}.mp4" for n in range(400)]
    reals, fakes = ([clip_crf(f"{kind}/{name}", FakeOptions()) for name in names] for kind in ("real", "t1"))
    assert abs(np.mean(reals) - np.mean(fakes)) < 1
    assert set(reals) == set(fakes) == set(range(CRF[0], CRF[1] + 1))
    assert abs(np.corrcoef(reals, fakes)[0, 1]) < 0.15


def test_a_stopped_run_ends_in_the_same_bytes(made: Path, reals: Path, tmp_path: Path) -> None:
    out = tmp_path / "fakes"
    make_fakes(read_list(reals), out, OPTIONS)
    journal = (out / "rows.jsonl").read_text().splitlines(keepends=True)
    gone = json.loads(journal[-1])["name"]
    (out / "rows.jsonl").write_text("".join(journal[:-1]) + journal[-1][:7])  # killed in the middle of the line
    (out / gone).write_bytes(b"half a file")
    (out / LIST).unlink()
    make_fakes(read_list(reals), out, OPTIONS)
    files = [path.relative_to(made) for path in sorted(made.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(out) for path in sorted(out.rglob("*")) if path.is_file()]
    assert all((made / name).read_bytes() == (out / name).read_bytes() for name in files)


def test_other_options_in_the_same_folder_are_refused(made: Path, reals: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="made with other seed"):
        make_fakes(read_list(reals), made, FakeOptions(OPTIONS.kinds, OPTIONS.seconds, seed=1))
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="is not empty"):
        make_fakes(read_list(reals), tmp_path, OPTIONS)


def test_bad_input_is_refused_by_name(made: Path, reals: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown kind of test fake 't4'"):
        make_fakes(read_list(reals), tmp_path / "a", FakeOptions(("t4",)))
    with pytest.raises(DataError, match="real files only"):
        make_fakes(read_list(made / LIST), tmp_path / "b", OPTIONS)
    with pytest.raises(DataError, match=r"at least two people; got 1 among \d real files"):
        make_fakes([s for s in read_list(reals) if s.target_id == "p1"], tmp_path / "c", OPTIONS)
    with pytest.raises(DataError, match="got 0 among 0 real files"):
        make_fakes([], tmp_path / "d", OPTIONS)
    (tmp_path / "broken.jpg").write_text("no picture")
    (tmp_path / "broken.csv").write_text("path,label\nbroken.jpg,real\n")
    with pytest.raises(DataError, match=r"left out, unsupported_type: 1 \(such as broken.jpg\)$"):
        make_fakes(read_list(tmp_path / "broken.csv"), tmp_path / "e", OPTIONS)


def test_the_command_says_what_it_made_and_left_out(
    reals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["data", "fakes", str(reals), "-o", str(out), "--kinds", "t5", "--seconds", "0.1", "-q"]) == 0
    told = capsys.readouterr()
    assert f"reals in {out / LIST}" in told.out
    assert "left out, no_face: 1 (empty.png)" in told.err
    assert {s.method for s in read_list(out / LIST)} == {"", "t5_reenact"}
    assert read_rgb(out / "sheet.jpg").shape[0] > 2 * 160  # a real and its fake, with their captions
