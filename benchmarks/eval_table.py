"""Score the private evaluation folder with a model and print its tables: AUC per method, false positives on reals.

    python benchmarks/eval_table.py ../shared/data/eval.csv --model default --out runs/eval-default.jsonl --jobs 2

Scores are kept in --out, so a second call continues. The folder is for measuring only: nothing is fitted on it.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dfdetect.batch import pool
from dfdetect.data.lists import read_list
from dfdetect.data.sample import Sample
from dfdetect.detect.detector import Scanner
from dfdetect.evaluate.measure import measure
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import VideoScore, append_score, read_scores, video_score
from dfdetect.evaluate.tables import count_table, figure_table, findings_markdown, markdown, rate_table

FF = ["ffpp_c40_youtube"]
ALL_VIDEO_REALS = ["ffpp_c40_youtube", "ffpp_c40_actors", "voxceleb2_pcavs", "liveportrait_driving", "hdtf_sadtalker"]
PAIRS = {
    "ffpp_c40_deepfakes": FF,
    "ffpp_c40_faceswap": FF,
    "ffpp_c40_face2face": FF,
    "ffpp_c40_neuraltextures": FF,
    "ciplab_fake": ["ciplab_real"],
    "dfd_frames_fake": ["dfd_frames_real"],
    "dfdc_aaronchong": ["dfdc_real", *ALL_VIDEO_REALS],
    "edtalk_out": ALL_VIDEO_REALS,
    "sadtalker_out": ALL_VIDEO_REALS,
    "omi_stylegan2": ["ciplab_real", "london_neutral", "ecuador_real"],
    "ecuador_flux_lora": ["ecuador_real"],
}


def _worker(model: str) -> Callable[[Sample], VideoScore]:
    scanner = Scanner(model, threads=1)
    return lambda row: replace(video_score(row, scanner.scan(row.path)), source=Path(row.name).parent.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()

    done = {row.path for row in read_scores(args.out)}
    waiting = [row for row in read_list(args.list) if row.name not in done]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for number, outcome in enumerate(pool.run(waiting, functools.partial(_worker, args.model), jobs=args.jobs), 1):
        if outcome.result is None:
            print(f"{outcome.item.name}: {outcome.error}", file=sys.stderr)
            continue
        append_score(args.out, outcome.result)
        if number % 20 == 0:
            print(f"{number}/{len(waiting)}", file=sys.stderr)
    rows = read_scores(args.out)
    folders = [replace(row, source=Path(row.path).parent.name) for row in rows]
    report = measure(ScoreTable.from_rows(folders), bounds=None, rng=np.random.default_rng(0), reals_of=PAIRS)
    print(f"Verdicts on reals: {dict(Counter(r.verdict for r in rows if r.label == 0))}")
    print(f"Verdicts on fakes: {dict(Counter(r.verdict for r in rows if r.label == 1))}\n")
    sources = report.of("video", "source")
    tables = [
        count_table(report.block("video", "all")),
        figure_table([block for block in sources if block.fake.asked], "AUC of every folder of fakes"),
        rate_table(sources, "Flagged in every folder"),
    ]
    print(findings_markdown(report), *map(markdown, tables), sep="\n\n")


if __name__ == "__main__":
    main()
