"""`dfdetect calibrate --reals`: a user's own files become a new model that says what it was calibrated on."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="evaluation needs the extra: evaluate")

from dfdetect.batch.lock import held
from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_face
from dfdetect.evaluate import own_files
from dfdetect.media.roundtrip import encode_png
from dfdetect.models.bundle import load_bundle
from own_scores import drawn
from tiny_bundle import make_tiny_bundle

N = 21  # drawn people; 19 carry a claim of 5 %


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N drawn people, one of them twice, a wall and a text that calls itself a picture."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(N):
        (folder / f"{seed:02d}.png").write_bytes(encode_png(draw_face(np.random.default_rng(seed), 200)))
    shutil.copy(folder / "00.png", folder / "again.png")
    (folder / "wall.png").write_bytes(encode_png(np.full((90, 90, 3), 70, np.uint8)))
    (folder / "text.jpg").write_text("no picture")
    return folder


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    make_tiny_bundle(tmp_path / "tiny", gain=2.0)
    return tmp_path


def own(*more: str) -> list[str]:
    return ["calibrate", "--model", "tiny", *more]


def no_work(_scan: object) -> object:
    raise AssertionError("a file was scanned")


def test_own_pictures_make_a_model_that_says_so(
    pictures: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in (desk / "tiny").iterdir()}
    arguments = own("--reals", str(pictures), "--target-fpr", "0.05", "-o", "mine", "--said-by", "the desk", "-q")
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert f"of {N + 3} files named {N} were used, 1 repeated, 1 without a face, 1 not read" in out
    assert f"image: at most 5 % false alarms on average over such samples, from {N} files of {N} people" in out
    assert "as said by the desk" in out
    assert "mine: mine 1.0; next: dfdetect scan FILE --model mine" in out
    for text in (
        "look: 1 of 24 real files hold the same bytes as another one and were counted once",
        "look: 1 of 24 real files show no face and set no bound",
        "look: not read: text.jpg (unsupported_type)",
        "look: image: every file counts as a person of its own",
        "look: the probability scale stays as it was",
    ):
        assert text in err
    assert {path.name: path.read_bytes() for path in (desk / "tiny").iterdir()} == before
    made = load_bundle(desk / "mine")
    assert made.calibration.record is not None
    assert made.calibration.record.reals.used == N
    assert "## Calibrated on own material" in made.card
    assert "as said by the desk" in made.card

    assert run(["models", "show", "mine"]) == 0
    shown = capsys.readouterr().out
    assert "calibrated on 20" in shown
    assert "image: measured" in shown
    assert run(["models", "show", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calibrated_on"]["said_by"] == "the desk"

    assert run(["scan", str(pictures / "01.png"), "--model", "mine", "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)["thresholds"]
    assert told["target_fpr"] == 0.05
    assert "own images, people left out in turn" in told["measured_on"]
    bound = made.calibration.thresholds["image"]["1"].likely_manipulated
    assert told["likely_manipulated"] == pytest.approx(bound, abs=1e-4)

    # What was scanned is not scanned again for another claim; the first model stays as it is.
    monkeypatch.setattr(own_files, "_make_work", no_work)
    (pictures / "text.jpg").unlink()
    kept = ["--scores", "mine.calibration-scores.jsonl"]
    assert run(own("--reals", str(pictures), "--target-fpr", "0.1", "-o", "other", "-q", *kept)) == 0
    assert load_bundle(desk / "other").calibration.target_fpr == 0.1
    assert run(arguments) == 2
    assert "it already holds something; name a new folder" in capsys.readouterr().err


def test_too_few_are_refused_before_anything_is_scanned(
    pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_files, "_make_work", no_work)
    assert run(own("--reals", str(pictures), "-q")) == 3
    text = capsys.readouterr().err
    assert "a claim of 1 % false alarms needs the files of 99 people" in text
    assert not Path("tiny-own").exists()


def test_two_runs_do_not_write_one_file(pictures: Path, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held(desk / ".mine.calibration-scores.jsonl.lock", ""):
        assert run(own("--reals", str(pictures), "--target-fpr", "0.05", "-o", "mine", "-q")) == 2
    assert "another `dfdetect calibrate` is at work on mine.calibration-scores.jsonl" in capsys.readouterr().err


def scored_files(desk: Path, n_real: int, n_fake: int) -> tuple[Path, Path, Path]:
    """(reals, fakes, kept scores) of clips that were scanned before: their bytes are numbers, no file is opened."""
    scan = own_files.OwnScan(Path("tiny"), load_bundle(desk / "tiny").sha256)
    kept = desk / "kept.jsonl"
    folders = desk / "shown", desk / "made"  # names that say nothing to the readers of datasets
    drawn_scores = drawn(n_real, mean=-1.0), drawn(n_fake, label=1, mean=1.0)
    lines = []
    for folder, scores in zip(folders, drawn_scores, strict=True):
        folder.mkdir()
        for number, score in enumerate(scores):
            data = f"{folder.name} {number}".encode()
            (folder / f"{number}.mp4").write_bytes(data)
            line = {"scan": scan.key, "sha256": hashlib.sha256(data).hexdigest(), "score": asdict(score)}
            lines.append(json.dumps(line) + "\n")
    kept.write_text("".join(lines))
    return *folders, kept


def test_own_fakes_set_the_probability(
    pictures: Path, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    reals, fakes, kept = scored_files(desk, 510, 500)
    with monkeypatch.context() as context:
        context.setattr(own_files, "_make_work", no_work)
        arguments = own("--reals", str(reals), "--fakes", str(fakes), "--scores", str(kept), "-q")
        assert run([*arguments, "-o", "sigmoid"]) == 0
        assert run([*arguments, "-o", "steps", "--probability", "isotonic"]) == 0
        assert run([*arguments, "-o", "sure", "--probability", "kept", "--confidence", "0.95"]) == 0
    out = capsys.readouterr().out
    assert "probability scale: a sigmoid fitted anew, 510 reals and 500 fakes; expected calibration error 0." in out
    assert "probability scale: an isotonic curve fitted anew" in out
    assert "at most 1 % false alarms with 95 % confidence, from 510 files of 510 people" in out
    missed = [float(line.split(" ")[-5]) for line in out.splitlines() if line.endswith("% below the lower")]
    assert len(missed) == 3
    assert max(missed) <= 5
    steps = load_bundle(desk / "steps").calibration
    assert steps.curve is not None
    assert load_bundle(desk / "sigmoid").calibration.scale == pytest.approx(2.0, abs=0.3)

    assert run(["scan", str(pictures / "01.png"), "--model", "steps", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    frame = found["tracks"][0]["frames"][0]
    assert found["probability"] == frame["p_manipulated"]
    assert run(["scan", str(pictures / "01.png"), "--model", "tiny", "--json", "-q"]) == 0
    before = json.loads(capsys.readouterr().out)["probability"]
    logit = float(np.log(before / (1 - before)))  # tiny reads a logit by its plain sigmoid
    assert found["probability"] == pytest.approx(steps.probability(logit), abs=2e-3)


def test_too_few_for_steps_and_lists_that_are_swapped(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    reals, fakes, kept = scored_files(desk, 120, 110)
    arguments = own("--scores", str(kept), "-q", "-o", "x")
    assert run([*arguments, "--reals", str(reals), "--fakes", str(fakes), "--probability", "isotonic"]) == 3
    assert "at least 1000 tracks (one a file); got 230" in capsys.readouterr().err
    assert run([*arguments, "--reals", str(fakes), "--fakes", str(reals)]) == 3
    assert "Are --reals and --fakes the wrong way round?" in capsys.readouterr().err
    assert not (desk / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "expected --reals FOLDER (bounds for your own material, in a new model), or BUNDLE --photos LIST"),
        (["tiny"], 2, "expected --reals FOLDER"),
        (["tiny", "--reals", "people"], 2, "BUNDLE (name the model with --model): goes only with"),
        (["--reals", "people", "--photos", "x.csv"], 2, "--photos: goes only with BUNDLE"),
        (["tiny", "--photos", "a", "--clips", "b", "--fakes", "c"], 2, "--fakes: goes only with --reals"),
        (["--reals", "people", "--target-fpr", "1"], 2, "--target-fpr: expected a share between 0 and 0.5"),
        (["--reals", "people", "--target-fpr", "0"], 2, "as 0.01 for 1 %; got 0"),
        (["--reals", "people", "--confidence", "95"], 2, "expected 0.5 to 0.999, as 0.95 for 95 %; got 95"),
        (["--reals", "people", "--probability", "isotonic"], 2, "is fitted on reals and fakes; name your"),
        (["--reals", "people", "--model", "nobody"], 4, "no model 'nobody'"),
        (["--reals", "nowhere"], 2, "--reals nowhere: expected a folder of images and videos, or a list"),
        (["--reals", "notes.doc"], 2, "found a file of another kind"),
        (["--reals", "empty"], 3, "--reals empty: no image or video in it"),
        (["--reals", "people", "-o", "no/such/place"], 2, "there is no folder"),
        (["--reals", "people", "--scores", "no/such/x.jsonl"], 2, "--scores no/such/x.jsonl: there is no folder"),
        (["--reals", "list.csv", "--folder-per-person"], 2, "is a list; give it a column `person` instead"),
        (["--reals", "both"], 3, "laid out as the dataset 'folders', and 1 of its files are fakes; name the folder"),
        (["--reals", "people", "--fakes", "both/fake"], 3, "at least 50 usable reals and as many fakes; got 2 and 1"),
        (["--reals", "mixed.csv"], 3, "--reals: expected real files only; 1 of 2 are labelled fake: b.png"),
        (["--reals", "list.csv", "--fakes", "list.csv"], 3, "2 files are in --fakes and in --reals, byte for byte"),
        (["--reals", "nopath.csv"], 3, "needs the columns path; missing ['path']"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told(
    arguments: list[str], code: int, text: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "people").mkdir()
    (desk / "empty").mkdir()
    for name in ("a.png", "b.png"):
        (desk / name).write_bytes(name.encode())
        shutil.copy(desk / name, desk / "people")
    for label in ("real", "fake"):
        (desk / "both" / label).mkdir(parents=True)
        (desk / "both" / label / "1.mp4").write_bytes(label.encode())
    (desk / "notes.doc").write_text("x")
    (desk / "list.csv").write_text("path,person\na.png,ada\nb.png,bea\n")
    (desk / "mixed.csv").write_text("path,label\na.png,real\nb.png,fake\n")
    (desk / "nopath.csv").write_text("file\na.png\n")
    wanted = arguments if "--model" in arguments or arguments[:1] == ["tiny"] else [*arguments, "--model", "tiny"]
    assert run(["calibrate", *wanted, "-q"]) == code
    assert text in capsys.readouterr().err


def test_people_are_told_by_folders_and_by_lists(desk: Path) -> None:
    from dfdetect.cli.calibrate_own import samples_named
    from dfdetect.values import Label

    for name in ("ada/1.png", "ada/2.mp4", "bea/1.png", "bea/.hidden.png", "bea/notes.txt"):
        (desk / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        (desk / "people" / name).write_bytes(b"x")
    found = samples_named(Path("people"), Label.REAL, "--reals", folder_per_person=True)
    assert [(s.name, s.kind, s.target_id) for s in found] == [
        ("ada/1.png", "image", "ada"), ("ada/2.mp4", "video", "ada"), ("bea/1.png", "image", "bea"),
    ]  # fmt: skip
    assert {s.target_id for s in samples_named(Path("people"), Label.REAL, "--reals")} == {""}
    (desk / "list.txt").write_text("people/ada/1.png\n\npeople/bea/1.png\n")
    listed = samples_named(Path("list.txt"), Label.FAKE, "--fakes")
    assert [(s.name, s.label) for s in listed] == [("people/ada/1.png", Label.FAKE), ("people/bea/1.png", Label.FAKE)]
    (desk / "list.csv").write_text("path,person\npeople/ada/1.png,ada\n")
    assert [s.target_id for s in samples_named(Path("list.csv"), Label.REAL, "--reals")] == ["ada"]
