"""EvalReports made by hand, for whoever shows them: the numbers follow from few arguments and are nobody's results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dfdetect.calibration_record import CalibrationRecord, FileCounts, KindRate, ScaleRecord
from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate
from dfdetect.evaluate.eval_report import (
    Block,
    By,
    Comparison,
    Counts,
    CrossAuc,
    CrossCell,
    Curves,
    Decisions,
    DeLong,
    Difference,
    EvalReport,
    Level,
    ReliabilityBin,
)
from dfdetect.evaluate.explanations import Explanations, measure_explanations
from dfdetect.evaluate.explanations_run import FaceCheck, MapCheck
from dfdetect.evaluate.findings import FindingCode, finding
from dfdetect.evaluate.launder.grid import CLEAN, GRID
from dfdetect.evaluate.robustness import Robustness, measure_robustness
from dfdetect.evaluate.robustness_run import CellScore
from dfdetect.evaluate.scores import VideoScore
from dfdetect.evaluate.worst import Worst, WorstCase

EVIL = "<script>alert(1)</script>\"'|`<img src=x onerror=alert(2)>\x1b[31m\u202eexe.mp4\r\n## owned"
RUN = {
    "schema": "dfdetect.evaluation-run/1",
    "model": {"name": "default", "version": "1.0", "sha256": "ab" * 32},
    "protocol": {
        "name": "native",
        "says": "What scan does.",
        "scan": {"numbered_frames": None, "crop": None, "face_choice": "all", "pooling": "tracks", "mirror": True},
        "samples": "all",
        "no_face": "apart",
        "hash": "cd" * 32,
    },
    "data": {"name": "test.csv", "rows": 300, "sha256": "ef" * 32},
    "peers": {"meso4": {"name": "meso4", "sha256": "01" * 32}},
    "frames": {"at_least": 32, "detector": "yunet"},
    "seed": 7,
    "dfdetect": "0.1.0",
    "notes": [],
}


def estimate(value: float, half: float = 0.03) -> Estimate:
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def counts(scored: int, lost: int = 6) -> Counts:
    """Of `lost` samples without a score: 1 missing, 2 failed, the rest without a face."""
    codes = {"corrupt_data": 1, "timeout": 1}
    return Counts(scored + lost, scored, lost - 3, 1, 2, codes, scored // 5, max(1, scored // 3))


def block(
    level: Level = "video",
    by: By = "all",
    name: str = "",
    *,
    n_real: int = 120,
    n_fake: int = 180,
    auc: float = 0.87,
    against: str = "all reals",
) -> Block:
    """A block whose curves are those of two triangles, not of `auc`. Of one class where one of the counts is 0."""
    refused = None if n_real and n_fake else f"one class only: all {n_real + n_fake} scored samples are fake"
    metrics = {
        figure: Estimate(None, why=refused) if refused else estimate(auc if figure == "roc_auc" else 0.25)
        for figure in FIGURES
    }
    fp, tp = n_real // 20, n_fake // 2
    rates = {
        setting: {figure: estimate(0.5) for figure in DECISION_FIGURES}
        | {"false_positive_rate": estimate(0.05), "recall": estimate(0.5), "coverage": estimate(0.8)}
        for setting in ("shipped", "flagged", "half")
    }
    away = {"shipped": (n_real // 5, n_fake // 5), "flagged": (0, 0), "half": (0, 0)}
    decisions = {
        setting: Decisions(
            setting,  # type: ignore[arg-type]
            f"text of {setting}",
            tn=n_real - fp - real,
            fp=fp,
            fn=n_fake - tp - fake,
            tp=tp,
            abstained_real=real,
            abstained_fake=fake,
            metrics=rates[setting],
        )
        for setting, (real, fake) in away.items()
    }
    return Block(
        level,
        by,
        name,
        against,
        counts(n_real),
        counts(n_fake),
        metrics,
        decisions,
        None if refused else curves(n_real, n_fake),
    )


def curves(n_real: int, n_fake: int) -> Curves:
    steps = np.linspace(0, 1, 41)
    bins = tuple(
        ReliabilityBin(20, float(p), float(p), max(0.0, p - 0.1), min(1.0, p + 0.1))
        for p in np.linspace(0.05, 0.95, 15)
    )
    return Curves(
        roc=tuple((float(x), float(x**0.3)) for x in steps),
        precision_recall=tuple((float(x), float(1 - 0.4 * x)) for x in steps),
        risk_coverage=tuple((float(x), float(0.2 * x)) for x in steps[1:]),
        reliability=bins,
        histogram=tuple((n / 20, (n + 1) / 20, n_real // 20 * (n < 10), n_fake // 20 * (n >= 5)) for n in range(20)),
    )


def eval_report(name: str = "default", *, auc: float = 0.87, hostile: str = "") -> EvalReport:
    """A report with every part but the optional ones. hostile: text that stands wherever outside text can stand."""
    evil = hostile or "celeb_df_v2"
    sets = ("faceforensics", evil)
    cells = tuple(CrossCell(a, b, 60, 90, estimate(0.9 - 0.1 * (a != b))) for a in sets for b in sets)
    case = WorstCase(
        f"videos/{hostile or 'id0_0001.mp4'}", evil, evil, hostile or "FaceSwap", 0.97, "likely_manipulated"
    )
    return EvalReport(
        run=RUN | {"model": {"name": hostile or name, "version": "1.0", "sha256": "ab" * 32}},
        draws=1000,
        blocks=(
            block(auc=auc),
            *(block(by="dataset", name=one, auc=auc) for one in sets),
            *(
                block(by="method", name=f"{one}/Deepfakes", n_fake=90, against="reals of the same dataset")
                for one in sets
            ),
            block(by="compression", name="c40", auc=auc - 0.1),
            block(by="source", name="only-fakes", n_real=0),
            block("frame", n_real=3000, n_fake=5000, auc=auc - 0.02),
        ),
        cross=(CrossAuc("video", "dataset", sets, sets, cells),),
        findings=(
            finding(FindingCode.TRAIN_TEST_LEAK, evil, leak=hostile or "12 people on both sides"),
            finding(FindingCode.FEW_SAMPLES, "c40", real=120, fake=80, least=100),
        ),
        worst=Worst((case,), (replace(case, probability=0.02, verdict=None),)),
    )


def comparison(a: str = "default 1.0", b: str = "meso4 1.0") -> Comparison:
    difference = Difference(0.87, 0.74, Estimate(-0.13, -0.16, -0.10), 0.0004)
    share = Difference(0.5, 0.46, Estimate(-0.04, -0.09, 0.02), 0.21)
    return Comparison(
        *("video", a, b, 290, 10, 4, 118, 172),
        {"roc_auc": difference, "tpr_at_fpr5": share},
        DeLong(0.87, 0.74, 0.02, -6.5, 1e-9),
    )  # type: ignore[arg-type]


def robustness(*, files: int = 40) -> Robustness:
    """Of the whole grid, scores falling with severity; the false alarms of `blur` rise."""
    rows = []
    for cell in (CLEAN, *GRID):
        for n in range(files):
            score = 0.2 + 0.5 * (n % 2) + 0.01 * (n % 7) - 0.08 * cell.severity * (n % 2)
            flagged = score > 0.6 or (cell.family == "blur" and n % 8 == 0)
            verdict = "likely_manipulated" if flagged else "no_manipulation_found"
            one = VideoScore(f"v{n}", n % 2, "d", group=f"p{n // 2}", probability=score, verdict=verdict)
            if n < 4 or "image" in cell.kinds:
                rows.append(CellScore(cell.name, one))
    return measure_robustness(rows, model="default", rng=np.random.default_rng(0), draws=50)


def explanations() -> Explanations:
    """Twenty faces: the heat map beats chance and loses the pointing game to the blob in the middle."""

    def check(level: float, hit: bool) -> MapCheck:
        falling = (4.0, *(4 * level * (1 - n / 8) for n in range(1, 8)), 0.0)
        return MapCheck(hit, 0.3 + 0.1 * hit, falling, tuple(4.0 - value for value in falling))

    faces = [
        FaceCheck(
            *(f"{n}.png", "t1", f"p{n // 2}", 0.35, 4.0, 0.0),
            {"heatmap": check(0.4, n % 3 > 0), "random": check(0.9, n % 4 == 0), "centre": check(0.6, True)}
            | {"mask": check(0.2, True)},
        )
        for n in range(20)
    ]
    return measure_explanations(faces, ["lost.png: no face"], model="m", rng=np.random.default_rng(0), draws=50)


def calibration_record() -> CalibrationRecord:
    rate = KindRate("video", 0.01, 0.01, 150, 120, 0.024, 1, 150, 5, 0.0067, (0.0002, 0.036), 0.08)
    return CalibrationRecord(
        *("default 1.0", "ab" * 32, "2026-01-02", "a newsroom", "cd" * 32, None),
        FileCounts(160, 150, 4, 3, 2, 1),
        None,
        (rate,),
        ScaleRecord("kept", 150, 0, None, None, None, None),
    )
