"""The Scanner: one record for every input, verdicts that follow from the pictures, and errors that stay errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dfdetect.detect import crop_scores
from dfdetect.detect import detector as scanning
from dfdetect.detect.crop_scores import MIRROR_BELOW
from dfdetect.detect.detector import Scanner
from dfdetect.detect.examination import DEBUG_ENV, EVIDENCE_FRAMES
from dfdetect.errors import ErrorCode, LimitCode, MediaError, ModelUnusable, ReasonCode, UsageError
from dfdetect.faces import extract
from dfdetect.media.roundtrip import encode_jpeg, encode_png, write_video
from dfdetect.values import FaceCrop, ScanResult, Verdict
from fake_faces import BoxMesh, FakeReader, SquareDetector, plain_quality, scene
from tiny_bundle import make_tiny_bundle

BRIGHT, MIDDLE, DARK = 250, 180, 40  # logits 3.0, 0.9 and -3.3 with GAIN, see logit_of
GAIN = 6.0


@pytest.fixture(autouse=True)
def _plain_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "measure", plain_quality)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny", gain=GAIN)


@pytest.fixture
def scanner(bundle: Path) -> Scanner:
    return Scanner(bundle, detector=SquareDetector(), mesh=BoxMesh(), threads=1)


def scan_fake(scanner: Scanner, reader: FakeReader, monkeypatch: pytest.MonkeyPatch) -> ScanResult:
    monkeypatch.setattr(scanning, "open_media", lambda path: reader)
    return scanner.scan("fake.mp4")


def logit_of(gray: int) -> float:
    """What the tiny bundle says of a crop of this gray, margin and all: the crop is 1 / 1.25**2 face, else green."""
    face = (1 / 1.25) ** 2
    return GAIN * (2 * (face * gray + (1 - face) * 85) / 255 - 1)


# ---- real files through the real reader ----


@pytest.mark.parametrize(
    ("gray", "verdict"),
    [
        (BRIGHT, Verdict.LIKELY_MANIPULATED),
        (MIDDLE, Verdict.INCONCLUSIVE),
        (DARK, Verdict.NO_MANIPULATION_FOUND),
    ],
)
def test_image_verdict_follows_from_its_brightness(
    scanner: Scanner, tmp_path: Path, gray: int, verdict: Verdict
) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(scene((200, 100, 120, gray))))
    found = scanner.scan(path)
    assert found.status == "ok"
    assert found.verdict is verdict
    (score,) = found.tracks[0].scores
    assert score.logit == pytest.approx(logit_of(gray), abs=0.06)
    assert score.cam is not None
    assert float(score.cam.mean()) == pytest.approx(score.logit, abs=1e-4)
    assert found.interval is None
    assert found.media is not None
    assert found.media.info.kind == "image"
    assert found.model == scanner.bundle.info
    assert set(found.timing_s) == {"decode", "faces", "score", "total"}
    assert found.input.bytes == path.stat().st_size
    assert LimitCode.EXPERIMENTAL_MODEL in {limit.code for limit in found.limits}


def test_the_same_picture_in_another_file_scores_the_same(scanner: Scanner, tmp_path: Path) -> None:
    image = scene((200, 100, 120, MIDDLE))
    image[150:170, 230:260] = 90
    again = np.ascontiguousarray(np.pad(image, ((0, 40), (0, 60), (0, 0)), mode="edge"))
    for name, data in {
        "a.png": encode_png(image),
        "wrong-name.jpg": encode_png(image),
        "b.png": encode_png(again),
    }.items():
        (tmp_path / name).write_bytes(data)
    one, renamed, padded = (scanner.scan(tmp_path / name) for name in ("a.png", "wrong-name.jpg", "b.png"))
    assert one.tracks == renamed.tracks == padded.tracks
    assert one.input.sha256 == renamed.input.sha256 != padded.input.sha256
    (tmp_path / "c.jpg").write_bytes(encode_jpeg(image, 95, subsampling="444"))
    assert scanner.scan(tmp_path / "c.jpg").probability == pytest.approx(one.probability, abs=0.02)


def test_a_video_with_two_people_has_two_tracks(scanner: Scanner, tmp_path: Path) -> None:
    frames = [scene((40 + i, 100, 100, 250), (400, 140, 100, DARK)) for i in range(50)]
    write_video(tmp_path / "two.mp4", frames, fps=25, crf=18)
    found = scanner.scan(tmp_path / "two.mp4")
    assert (found.status, found.verdict) == ("ok", Verdict.LIKELY_MANIPULATED)
    bright, dark = found.tracks
    assert bright.verdict is Verdict.LIKELY_MANIPULATED
    assert dark.verdict is Verdict.NO_MANIPULATION_FOUND
    assert {reason.track for reason in found.reasons} == {bright.id}
    assert found.media is not None
    assert (found.media.frames_read, found.media.frames_with_face) == (32, 32)
    assert found.interval is not None
    assert found.probability is not None
    assert found.interval[0] <= found.probability <= found.interval[1]
    assert LimitCode.FRAMES_SAMPLED in {limit.code for limit in found.limits}
    again = scanner.scan(tmp_path / "two.mp4")
    assert (again.tracks, again.interval, again.reasons) == (found.tracks, found.interval, found.reasons)


def test_no_face_is_not_applicable_and_has_no_number(scanner: Scanner, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(encode_png(scene()))
    found = scanner.scan(tmp_path / "empty.png")
    assert (found.status, found.verdict) == ("ok", Verdict.NOT_APPLICABLE)
    assert (found.probability, found.interval, found.thresholds, found.tracks) == (None, None, None, ())
    assert [reason.code for reason in found.reasons] == [ReasonCode.NO_FACE]


def test_bad_files_are_records_and_the_others_go_on(scanner: Scanner, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a film\n" * 50)
    (tmp_path / "good.png").write_bytes(encode_png(scene((200, 100, 120, DARK))))
    names = ["missing.jpg", "empty.mp4", "text.mp4", "good.png"]
    results = list(scanner.scan_many(tmp_path / name for name in names))
    assert [r.error.code if r.error else None for r in results] == ["io_error", "empty", "unsupported_type", None]
    for bad in results[:3]:
        assert (bad.status, bad.verdict, bad.probability, bad.thresholds) == ("error", None, None, None)
        assert bad.timing_s["total"] > 0
    assert results[3].verdict is Verdict.NO_MANIPULATION_FOUND


# ---- pictures in memory ----


def test_every_code_of_the_reader_becomes_its_record(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((200, 100, 120, BRIGHT))] * 6
    for code in ErrorCode:
        for position in (0, 3, 6):
            error = MediaError(code, "why", stage="decode")
            found = scan_fake(scanner, FakeReader(frames, fails_at={position: error}), monkeypatch)
            assert found.error is not None
            assert (found.status, found.error.code, found.error.message, found.error.stage) == (
                "error",
                str(code),
                "why",
                "decode",
            )
            assert (found.verdict, found.probability, found.tracks) == (None, None, ())
            assert found.input.sha256 is not None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("bug"), "internal"),
        (MemoryError("big"), "out_of_memory"),
        (ModelUnusable("nan"), "model_unusable"),
    ],
)
@pytest.mark.parametrize("stage", ["open", "decode", "faces", "score"])
def test_whatever_fails_names_its_stage(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, stage: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    reader = FakeReader([scene((200, 100, 120, BRIGHT))] * 20, fails_at={2: error} if stage == "decode" else None)
    if stage == "open":
        monkeypatch.setattr(scanning, "open_media", fail)
        found = scanner.scan("fake.mp4")
    else:
        if stage == "faces":
            monkeypatch.setattr(SquareDetector, "detect", fail)
        elif stage == "score":
            monkeypatch.setattr(scanner._own.scorer._members[0].backend, "logits_and_maps", fail)
        found = scan_fake(scanner, reader, monkeypatch)
    assert found.error is not None
    assert (found.error.code, found.error.stage) == (code, stage)
    assert str(error) in found.error.message


def test_debug_raises_what_is_unexpected(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG_ENV, "1")
    reader = FakeReader([scene()], fails_at={0: RuntimeError("bug")})
    with pytest.raises(RuntimeError, match="bug"):
        scan_fake(scanner, reader, monkeypatch)


def test_ctrl_c_passes_and_stops_decoding(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    reader = FakeReader([scene((200, 100, 120, BRIGHT))] * 40)
    monkeypatch.setattr(SquareDetector, "detect", interrupt)
    with pytest.raises(KeyboardInterrupt):
        scan_fake(scanner, reader, monkeypatch)
    assert reader.closed
    assert reader.given < 10


def test_a_cut_between_two_faces_at_one_place_parts_them(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Averaged over a cut, a manipulated face beside a real one becomes a harmless middle."""
    frames = [scene((200, 100, 120, 250))] * 20 + [scene((200, 100, 120, 200))] * 20
    found = scan_fake(scanner, FakeReader(frames, cuts_s=(5.0,)), monkeypatch)
    assert [(track.first_s, track.last_s) for track in found.tracks] == [
        (0.0, pytest.approx(4.75, abs=0.3)),
        (5.0, 9.75),
    ]
    assert found.media is not None
    assert found.media.cuts_s == (5.0,)
    assert found.tracks[0].probability > found.tracks[1].probability  # type: ignore[operator]


def test_gaps_are_told(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((200, 100, 120, BRIGHT)) if i not in (5, 6) else scene() for i in range(20)]
    found = scan_fake(scanner, FakeReader(frames), monkeypatch)
    assert [track.gaps_s for track in found.tracks] == [((1.0, 1.75),)]
    assert found.media is not None
    assert found.media.frames_with_face == 18


def test_frames_lost_on_the_way_are_a_limit(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy(FakeReader):
        def frames(self, indices: list[int], *, find_cuts: bool = True) -> Iterator:
            return super().frames(list(indices)[:-2], find_cuts=find_cuts)

    found = scan_fake(scanner, Lossy([scene((200, 100, 120, BRIGHT))] * 20), monkeypatch)
    assert LimitCode.PARTIAL_DECODE in {limit.code for limit in found.limits}


@pytest.mark.parametrize(("n_frames", "doubled"), [(MIRROR_BELOW - 1, True), (MIRROR_BELOW, False)])
def test_short_tracks_are_scored_mirrored_too(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, n_frames: int, doubled: bool
) -> None:
    seen = 0
    run = scanner._own.scorer._members[0].backend.logits_and_maps

    def counting(images: np.ndarray):
        nonlocal seen
        seen += len(images)
        return run(images)

    monkeypatch.setattr(scanner._own.scorer._members[0].backend, "logits_and_maps", counting)
    scan_fake(scanner, FakeReader([scene((200, 100, 120, BRIGHT))] * n_frames), monkeypatch)
    assert seen == n_frames * (2 if doubled else 1)


def test_evidence_is_the_highest_frames_of_each_track(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((50, 100, 100, 100 + 5 * i), (400, 100, 100, 100)) for i in range(20)]
    found = scan_fake(scanner, FakeReader(frames), monkeypatch)
    by_track = {track.id: sorted(i for t, i in found.evidence if t == track.id) for track in found.tracks}
    assert by_track[1] == list(range(20 - EVIDENCE_FRAMES, 20))
    assert len(by_track[2]) == EVIDENCE_FRAMES
    assert {picture.shape for picture in found.evidence.values()} == {(64, 64, 3)}


def test_pictures_beyond_the_budget_are_dropped_lowest_first(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory must not grow with the length of the clip and the number of faces."""
    monkeypatch.setattr(crop_scores, "KEPT_BYTES", 5 * 64 * 64 * 3)
    frames = [scene((50, 100, 100, 100 + 5 * i)) for i in range(20)]
    found = scan_fake(scanner, FakeReader(frames), monkeypatch)
    assert sorted(index for _, index in found.evidence) == list(range(15, 20))
    assert len(found.tracks[0].scores) == 20


def test_score_crops_scores_as_a_scan_does(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((50, 100, 100, 100 + 5 * i), *([(400, 100, 100, 60)] if i < 3 else [])) for i in range(20)]
    found = scan_fake(scanner, FakeReader(frames), monkeypatch)
    spec = scanner.bundle.networks[0].spec
    extraction = extract.extract_faces(
        FakeReader(frames),
        range(20),
        detector=SquareDetector(),
        mesh=BoxMesh(),
        margin=spec.margin,
        size_px=spec.input_size_px,
    )
    logits = scanner.score_crops(extraction.crops)
    expected = {(s.track_id, s.frame_index): s.logit for track in found.tracks for s in track.scores}
    assert len(expected) == len(logits) == 23
    for crop, logit in zip(extraction.crops, logits, strict=True):
        assert float(logit) == pytest.approx(expected[crop.track_id, crop.frame_index], abs=1e-5)
    assert scanner.score_crops([]).shape == (0,)


def test_a_crops_score_does_not_depend_on_its_neighbours(scanner: Scanner) -> None:
    rng = np.random.default_rng(0)
    quality = plain_quality(None, np.array([0, 0, 64, 64], np.float32), None, 0.9)
    crops = [
        FaceCrop(
            rng.integers(0, 256, (64, 64, 3), dtype=np.uint8),
            np.eye(2, 3, dtype=np.float32),
            np.array([0, 0, 64, 64], np.float32),
            i,
            float(i),
            -1,
            quality,
        )
        for i in range(40)
    ]
    together = scanner.score_crops(crops)
    alone = np.concatenate([scanner.score_crops([crop]) for crop in crops])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"model": "no-such-model"}, ModelUnusable, "no model 'no-such-model'"),
        ({"detector": "haar"}, UsageError, "yunet"),
        ({"backend": "tflite"}, UsageError, "onnx"),
        ({"device": "tpu"}, UsageError, "auto, cpu, cuda"),
        ({"frames": 0}, UsageError, "at least 1"),
    ],
)
def test_wrong_options_are_said_before_the_first_file(
    bundle: Path, options: dict[str, object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        Scanner(**{"model": bundle, "mesh": BoxMesh(), "detector": SquareDetector(), **options})
