"""A user's own files: every one accounted for, the same bytes once, no file scanned twice, none scored from a guess."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import scan_results
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, MediaError, UsageError
from dfdetect.evaluate import own_files as module
from dfdetect.evaluate.overlap import find_overlap
from dfdetect.evaluate.own_calibration import calibrate_on_own
from dfdetect.evaluate.own_claim import Claim
from dfdetect.evaluate.own_files import (
    OwnFile,
    OwnScan,
    counts_of,
    file_keys,
    hash_file,
    list_sha256,
    once,
    refuse_learned_from,
    refuse_shared,
    refuse_wrong_labels,
    score_own,
)
from dfdetect.evaluate.scores import VideoScore
from dfdetect.models.bundle import load_bundle
from dfdetect.models.trained_on import file_key, split_keys, trained_on
from dfdetect.values import InputInfo, Label, ScanResult
from own_scores import BASE, drawn, origin
from tiny_bundle import make_tiny_bundle

SCAN = OwnScan(Path("bundle"), "ab" * 32)
SCORE = replace(drawn(1)[0], dataset="own", source="own")


def sample(folder: Path, name: str, data: bytes | None, label: Label = Label.REAL, **more: str) -> Sample:
    path = folder / name
    if data is not None:
        path.write_bytes(data)
    return Sample(path.as_posix(), folder.as_posix(), label, "own", name, "image", **more)  # type: ignore[arg-type]


# ---- names and bytes ----


def test_the_same_bytes_count_once(tmp_path: Path) -> None:
    """A folder of backups made 400 clips of 100, and a claim that needed 299."""
    files = [
        hash_file(sample(tmp_path, f"{name}.jpg", data))
        for name, data in zip("abcd", (b"1", b"2", b"1", b"1"), strict=True)
    ]
    kept, repeated = once(files)
    assert [file.sample.name for file in kept] == ["a.jpg", "b.jpg"]
    assert repeated == 2


def test_what_cannot_be_read_is_kept_with_the_reason(tmp_path: Path) -> None:
    missing = hash_file(sample(tmp_path, "gone.jpg", None))
    (tmp_path / "folder.jpg").mkdir()
    folder = hash_file(sample(tmp_path, "folder.jpg", None))
    os.mkfifo(tmp_path / "pipe.jpg")
    pipe = hash_file(sample(tmp_path, "pipe.jpg", None))  # opening it would wait for ever
    assert (missing.error, folder.error, pipe.error) == (
        "No such file or directory",
        "not a regular file",
        "not a regular file",
    )
    assert once([missing, folder, pipe])[1] == 0


def test_folders_of_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="kind 'frames'; calibration takes image and video files"):
        hash_file(replace(sample(tmp_path, "a", b"1"), kind="frames"))


def test_fakes_among_reals_are_refused_by_name(tmp_path: Path) -> None:
    listed = [sample(tmp_path, f"{n}.jpg", b"", Label(n % 2)) for n in range(14)]
    with pytest.raises(
        DataError, match=r"--reals: expected real files only; 7 of 14 are labelled fake: 1\.jpg, .* and 2 more"
    ):
        refuse_wrong_labels(listed, Label.REAL, "--reals")
    with pytest.raises(DataError, match="--fakes: expected fake files only; 7 of 14 are labelled real"):
        refuse_wrong_labels(listed, Label.FAKE, "--fakes")
    refuse_wrong_labels(listed[::2], Label.REAL, "--reals")


def test_a_file_on_both_sides_is_refused(tmp_path: Path) -> None:
    reals = [hash_file(sample(tmp_path, "real.jpg", b"same"))]
    fakes = [hash_file(sample(tmp_path, "fake.jpg", b"same", Label.FAKE))]
    with pytest.raises(DataError, match=r"1 files are in --fakes and in --reals, byte for byte: fake\.jpg = real\.jpg"):
        refuse_shared(reals, fakes)
    unreadable = OwnFile(fakes[0].sample, "", "no permission")
    refuse_shared([replace(unreadable, sample=reals[0].sample)], [unreadable])


def test_what_the_model_learned_from_is_refused(tmp_path: Path) -> None:
    """A model scores its training faces low: a bound from them promised 1 % and flagged 6 % of new people."""
    people = [sample(tmp_path, f"{n}.jpg", bytes([n]), target_id=f"p{n}") for n in range(3)]
    record = trained_on(people[:1])
    base = load_bundle(make_tiny_bundle(tmp_path / "tiny"))
    learned = replace(base, manifest=base.manifest.model_copy(update={"trained_on": record}))
    files = [hash_file(one) for one in people]
    refuse_learned_from(base, files, "--reals")
    refuse_learned_from(learned, files[1:], "--reals")
    with pytest.raises(DataError, match=r"--reals: tiny was trained on some of these, .*1 person .*\(p0; 1 samples\)"):
        refuse_learned_from(learned, files, "--reals")
    by_bytes = record.model_copy(update={"keys": file_key(files[2].sha256)})
    learned = replace(base, manifest=base.manifest.model_copy(update={"trained_on": by_bytes}))
    with pytest.raises(DataError, match=r"1 files, byte for byte \(2\.jpg\)"):
        refuse_learned_from(learned, files, "--reals")


def test_an_evaluation_can_tell_which_files_set_the_bounds(tmp_path: Path) -> None:
    """Evaluated on the very files that it was calibrated on, a model keeps every promise."""
    files = [*three(tmp_path), hash_file(sample(tmp_path, "gone.jpg", None))]
    keys = file_keys([*files, files[0]])
    assert split_keys(keys) == {file_key(file.sha256) for file in files[:3]}
    assert len(keys) == 36
    reals = drawn(120)
    found, _ = calibrate_on_own(reals, [], BASE, Claim(), replace(origin(reals), file_keys=keys))
    bundle = load_bundle(make_tiny_bundle(tmp_path / "own", calibration=found))
    assert find_overlap(bundle, []).calibrated == split_keys(keys)
    assert find_overlap(load_bundle(make_tiny_bundle(tmp_path / "plain")), []).calibrated == frozenset()


def test_what_a_manifest_had_no_room_for_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 50,000 keys the rest was dropped, and a test on those people was called clean."""
    monkeypatch.setattr("dfdetect.models.trained_on.MOST_KEYS", 3)
    record = trained_on([sample(tmp_path, f"{n}.jpg", bytes([n]), target_id=f"p{n}") for n in range(5)])
    base = load_bundle(make_tiny_bundle(tmp_path / "tiny"))
    learned = replace(base, manifest=base.manifest.model_copy(update={"trained_on": record}))
    overlap = find_overlap(learned, [])
    assert (len(overlap.keys), overlap.left_out) == (3, record.left_out)
    assert record.left_out > 0


def test_the_hash_of_a_list_is_of_its_bytes_and_labels(tmp_path: Path) -> None:
    one, two = (hash_file(sample(tmp_path, f"{name}.jpg", name.encode())) for name in "ab")
    assert list_sha256([one, two]) == list_sha256([two, one])
    moved = replace(one, sample=replace(one.sample, path="/elsewhere/a.jpg", root="/elsewhere"))
    assert list_sha256([moved, two]) == list_sha256([one, two])
    fake = replace(one, sample=replace(one.sample, label=Label.FAKE))
    assert list_sha256([fake, two]) != list_sha256([one, two])


def test_every_file_is_counted_once() -> None:
    scores = drawn(6)
    scores[0] = replace(scores[0], status="no_face", logit=None)
    scores[1] = replace(scores[1], status="timeout", logit=None)
    scores[2] = replace(scores[2], usable=False)
    counts = counts_of(scores, 4)
    assert (counts.used, counts.no_face, counts.failed, counts.unusable, counts.repeated) == (3, 1, 1, 1, 4)
    assert counts.asked == 10


# ---- scores ----


def worker(
    seen: list[str], answers: dict[str, object] | None = None
) -> Callable[[OwnScan], Callable[[OwnFile], object]]:
    def work(file: OwnFile) -> VideoScore:
        seen.append(file.sample.name)
        answer = (answers or {}).get(file.sample.name)
        if isinstance(answer, Exception):
            raise answer
        return replace(SCORE, path=file.sample.name, group=file.sample.target_id, **(answer or {}))  # type: ignore[arg-type]

    return lambda _scan: work


def three(folder: Path) -> list[OwnFile]:
    return [hash_file(sample(folder, f"{n}.jpg", bytes([n]), target_id=f"p{n}")) for n in range(3)]


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(module, "_make_work", worker(seen))
    files, kept = three(tmp_path), tmp_path / "kept.jsonl"
    list(score_own(files[:2], SCAN, kept, jobs=1))
    kept.write_text(kept.read_text()[:-20])  # killed while it wrote
    again = list(score_own(files, SCAN, kept, jobs=1))
    assert seen == ["0.jpg", "1.jpg", "1.jpg", "2.jpg"]
    assert sorted(score.path for score in again) == ["0.jpg", "1.jpg", "2.jpg"]
    assert list(score_own(files, SCAN, kept, jobs=1)) == sorted(again, key=lambda score: score.path)
    assert len(seen) == 4


@pytest.mark.parametrize("other", [{"bundle_sha256": "cd" * 32}, {"frames": 64}, {"detector": "mtcnn"}])
def test_another_model_or_way_to_scan_is_work_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(module, "_make_work", worker(seen))
    files, kept = three(tmp_path), tmp_path / "kept.jsonl"
    list(score_own(files, SCAN, kept, jobs=1))
    list(score_own(files, replace(SCAN, **other), kept, jobs=1))  # type: ignore[arg-type]
    list(score_own(files, SCAN, kept, jobs=1))
    assert len(seen) == 6


def test_a_list_that_was_corrected_needs_no_new_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores kept by path stayed with the wrong person; a renamed file was scanned again."""
    seen: list[str] = []
    monkeypatch.setattr(module, "_make_work", worker(seen))
    files, kept = three(tmp_path), tmp_path / "kept.jsonl"
    list(score_own(files, SCAN, kept, jobs=1))
    (tmp_path / "0.jpg").rename(tmp_path / "new name.jpg")
    renamed = hash_file(sample(tmp_path, "new name.jpg", None, target_id="somebody else"))
    (found,) = score_own([renamed], SCAN, kept, jobs=1)
    assert len(seen) == 3
    assert (found.path, found.group, found.logit) == ("new name.jpg", "somebody else", drawn(1)[0].logit)


def test_what_failed_is_counted_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    answers = {"0.jpg": MediaError("timeout", "slow"), "1.jpg": {"status": "no_face", "logit": None}}  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_make_work", worker(seen, answers))
    files, kept = [*three(tmp_path), hash_file(sample(tmp_path, "gone.jpg", None))], tmp_path / "kept.jsonl"
    found = {score.path: score for score in score_own(files, SCAN, kept, jobs=1)}
    assert {path: score.status for path, score in found.items()} == {
        "0.jpg": "timeout", "1.jpg": "no_face", "2.jpg": "ok", "gone.jpg": "io_error",
    }  # fmt: skip
    assert found["0.jpg"].logit is None
    list(score_own(files, SCAN, kept, jobs=1))
    assert seen == ["0.jpg", "1.jpg", "2.jpg", "0.jpg"]


def test_lines_of_another_version_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(module, "_make_work", worker(seen))
    files, kept = three(tmp_path), tmp_path / "kept.jsonl"
    line = json.dumps({"scan": SCAN.key, "sha256": files[0].sha256, "score": {"gone_field": 1}})
    kept.write_text(f'{line}\n{{"scan": "x"}}\n{{"scan": broken\n')
    list(score_own(files, SCAN, kept, jobs=1))
    assert len(seen) == 3


@pytest.mark.parametrize("text", ["path,label\na.mp4,real", "a letter to my mother"])
def test_a_file_of_somebody_elses_is_not_written_to(tmp_path: Path, text: str) -> None:
    kept = tmp_path / "mine.csv"
    kept.write_text(text)
    with pytest.raises(UsageError, match="not a file of scores kept by `dfdetect calibrate`"):
        list(score_own(three(tmp_path), SCAN, kept, jobs=1))
    assert kept.read_text() == text


def test_the_kind_is_what_the_content_is_and_a_changed_file_has_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip named .jpg was counted among the photos."""

    class Fake:
        def __init__(self, *_: object, **__: object) -> None: ...

        def scan(self, path: str) -> ScanResult:
            result = scan_results.video_result()
            return replace(result, input=InputInfo(path, self.sha256, 3))

        sha256 = ""

    monkeypatch.setattr(module, "Scanner", Fake)
    file = three(tmp_path)[0]
    Fake.sha256 = file.sha256
    (found,) = score_own([file], SCAN, tmp_path / "kept.jsonl", jobs=1)
    assert (found.kind, found.status) == ("video", "ok")
    Fake.sha256 = "ff" * 32
    (changed,) = score_own([file], SCAN, tmp_path / "other.jsonl", jobs=1)
    assert (changed.status, changed.logit) == ("changed_during_read", None)
