"""Pictures that look alike: copies are found however they were saved, other people are not, a stopped run goes on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dfdetect.data.audit import AuditReport, audit
from dfdetect.data.audit import pixels as pixels_module
from dfdetect.data.audit.picture_hash import distance, file_hashes, mirrored, picture_hash
from dfdetect.data.audit.pixels import HEADER, PixelOptions
from dfdetect.data.drawn_faces import draw_clip, draw_face, local_fake
from dfdetect.errors import DataError, MediaError, UsageError
from dfdetect.media.roundtrip import encode_jpeg, encode_png, jpeg_round_trip, write_video
from dfdetect.values import UInt8Array


def face(seed: int, size_px: int = 256) -> UInt8Array:
    return draw_face(np.random.default_rng(seed), size_px)


def resized(image: UInt8Array, factor: float) -> UInt8Array:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


CHANGES = {
    "strong JPEG": lambda image: jpeg_round_trip(image, 30, subsampling="420"),
    "half the size": lambda image: resized(image, 0.5),
    "twice the size": lambda image: np.asarray(cv2.resize(image, None, fx=2, fy=2), np.uint8),
    "brighter": lambda image: np.clip(image * 1.1 + 8, 0, 255).astype(np.uint8),
    "blurred": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8),
    "a changed mouth": lambda image: local_fake(
        image, np.array([90, 80, 170, 190], np.float32), np.random.default_rng(1), strength=0.3
    )[0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_alike(change: str) -> None:
    for seed in range(5):
        before, after = picture_hash(face(seed)), picture_hash(CHANGES[change](face(seed)))
        assert before is not None
        assert after is not None
        assert distance(before, after) <= 31


def test_other_people_in_the_same_pose_are_not_alike() -> None:
    hashes = [picture_hash(face(seed, 128)) for seed in range(30)]
    apart = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[i + 1 :] if a is not None and b is not None]
    assert len(apart) == 435
    assert min(apart) > 31


def test_a_flat_picture_has_no_hash() -> None:
    """Black frames at the start of clips would all be alike."""
    assert picture_hash(np.zeros((90, 160, 3), np.uint8)) is None
    assert picture_hash(np.full((90, 160, 3), 200, np.uint8)) is None


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight people as PNG, two again as small JPEG, a byte copy, a clip at two sizes, a folder of its frames."""
    folder = tmp_path_factory.mktemp("media")
    for seed in range(8):
        (folder / f"p{seed}.png").write_bytes(encode_png(face(seed)))
    for seed in range(2):
        (folder / f"copy{seed}.jpg").write_bytes(encode_jpeg(resized(face(seed), 0.5), 60))
    (folder / "same.png").write_bytes((folder / "p2.png").read_bytes())
    frames = [scene.image for scene in draw_clip(np.random.default_rng(5), 12, (320, 180))]
    write_video(folder / "clip.mp4", frames)
    write_video(folder / "small.mp4", [resized(frame, 0.5) for frame in frames])
    (folder / "frames").mkdir()
    for n, frame in enumerate(frames):
        (folder / "frames" / f"{n:03d}.png").write_bytes(encode_png(frame))
    (folder / "black.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    (folder / "notes.txt").write_text("no picture")
    return folder


def audited(media: Path, train: list[str], test: list[str], tmp_path: Path, **options: object) -> AuditReport:
    split = {"path": [*train, *test], "split": ["train"] * len(train) + ["test"] * len(test)}
    return audit(split, pixels=PixelOptions(tmp_path / "hashes.jsonl", root=media, **options))  # type: ignore[arg-type]


PEOPLE = [f"p{seed}.png" for seed in range(8)]


def test_copies_are_found_under_other_names(media: Path, tmp_path: Path) -> None:
    report = audited(media, PEOPLE, ["copy0.jpg", "copy1.jpg", "same.png", "clip.mp4"], tmp_path)
    look = report.leak("near_duplicate", "train", "test")
    assert look is not None
    assert (look.keys, look.samples) == (3, (3, 3))
    assert {(example.first, example.second) for example in look.examples} == {
        ("p0.png", "copy0.jpg"), ("p1.png", "copy1.jpg"), ("p2.png", "same.png"),
    }  # fmt: skip
    content = report.leak("content", "train", "test")
    assert content is not None
    assert content.keys == 1
    assert report.pixels is not None
    assert report.pixels["samples"] == 12


def test_a_clip_at_another_size_and_its_frames(media: Path, tmp_path: Path) -> None:
    for other in ("small.mp4", "frames"):
        report = audited(media, [*PEOPLE[:4], "clip.mp4"], [*PEOPLE[4:], other], tmp_path)
        look = report.leak("near_duplicate", "train", "test")
        assert look is not None
        assert look.samples == (1, 1)


def test_different_pictures_are_clean(media: Path, tmp_path: Path) -> None:
    report = audited(media, PEOPLE[:4], PEOPLE[4:], tmp_path)
    assert not report.leaks_found
    assert ("near_duplicate", "train", "test") in report.clean


def test_what_cannot_be_looked_at_is_counted(media: Path, tmp_path: Path) -> None:
    report = audited(media, ["p0.png", "none.png", "notes.txt"], ["p1.png", "black.png"], tmp_path)
    assert report.pixels is not None
    assert report.pixels["unreadable"] == {"io_error": 1, "unsupported_type": 1}
    lacking = next(row for row in report.not_checked if row.kind == "near_duplicate")
    assert (lacking.samples, lacking.of) == (3, 5)
    assert {note.examples[0] for note in report.notes if note.code == "unreadable_file"} == {
        str(media / "none.png"), str(media / "notes.txt"),
    }  # fmt: skip
    with pytest.raises(DataError, match=r"none of 2 files could be looked at, .*--root DIR"):
        audited(media, ["a.png"], ["b.png"], tmp_path)


def test_a_stopped_run_goes_on(media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the files are done, the last line is torn by the crash: the rest is hashed, no more."""
    opened: list[str] = []

    def counted(path: Path, n_frames: int) -> object:
        opened.append(path.name)
        return file_hashes(path, n_frames)

    monkeypatch.setattr(pixels_module, "file_hashes", counted)
    whole = audited(media, PEOPLE, ["copy0.jpg", "same.png"], tmp_path)
    kept = tmp_path / "hashes.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    assert (lines[0], len(lines)) == (HEADER, 11)
    kept.write_text("".join(lines[:6]) + lines[6][:40])
    opened.clear()
    again = audited(media, PEOPLE, ["copy0.jpg", "same.png"], tmp_path)
    assert len(opened) == 5
    assert again.leaks == whole.leaks
    assert sorted(kept.read_text().splitlines()) == sorted(line.strip() for line in lines)
    (media / "p7.png").touch()
    opened.clear()
    audited(media, PEOPLE, ["copy0.jpg", "same.png"], tmp_path)
    assert opened == ["p7.png"]


def test_several_processes_give_the_same(media: Path, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one = audited(media, PEOPLE[:4], ["copy0.jpg"], tmp_path / "a")
    two = audited(media, PEOPLE[:4], ["copy0.jpg"], tmp_path / "b", jobs=2, on_progress=lambda *at: done.append(at))
    assert one.leaks == two.leaks
    assert done == [(n, 5) for n in range(1, 6)]


def test_options_that_cannot_be(tmp_path: Path) -> None:
    for options, says in (({"most_bits": 40}, "0 to 31 bits; got 40"), ({"frames": 0}, "at least 1; got 0 and 1")):
        with pytest.raises(UsageError, match=says):
            PixelOptions(tmp_path / "h", **options)  # type: ignore[arg-type]


def test_another_file_is_never_written_to(media: Path, tmp_path: Path) -> None:
    (tmp_path / "hashes.jsonl").write_text("my thesis\n")
    with pytest.raises(UsageError, match="not a file of hashes"):
        audited(media, ["p0.png"], ["p1.png"], tmp_path)
    assert (tmp_path / "hashes.jsonl").read_text() == "my thesis\n"


def test_a_folder_that_is_not_there(media: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        audited(media, ["p0.png"], ["p1.png"], tmp_path / "none")


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(MediaError):
        file_hashes(tmp_path, 3)


def test_a_mirrored_copy_is_found_and_said_to_be_mirrored(tmp_path: Path) -> None:
    """Flipping is the augmentation that everybody saves to disk: the same faces were then on both sides."""
    for seed in range(4):
        (tmp_path / f"p{seed}.png").write_bytes(encode_png(face(seed)))
    flipped = np.ascontiguousarray(face(1)[:, ::-1])
    (tmp_path / "flipped.jpg").write_bytes(encode_jpeg(resized(flipped, 0.5), 60))
    look = audited(tmp_path, [f"p{seed}.png" for seed in range(4)], ["flipped.jpg"], tmp_path).leak(
        "near_duplicate", "train", "test"
    )
    assert look is not None
    assert (look.keys, look.samples) == (1, (1, 1))
    assert look.examples[0].first == "p1.png"
    assert look.examples[0].key.endswith("of 256 bits differ, mirrored")


def test_the_hash_of_a_mirrored_picture_follows_from_its_own() -> None:
    for seed in range(5):
        own, other = picture_hash(face(seed)), picture_hash(np.ascontiguousarray(face(seed)[:, ::-1]))
        assert own is not None
        assert other is not None
        assert distance(own, other) > 60
        assert distance(mirrored(own), other) <= 12
        assert np.array_equal(mirrored(mirrored(own)), own)
