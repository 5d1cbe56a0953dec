"""Score the private evaluation folder with a model and print its tables: AUC per method, false positives on reals.

    python benchmarks/eval_table.py ../shared/data/eval.csv --model default --out runs/eval-default --jobs 2

What `dfdetect evaluate` does, with the folder of a file as its source, and every folder of fakes against the reals of
its own source. The folder is for measuring only: nothing is fitted on it. A second call continues.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

from dfdetect.evaluate.assemble import ReportOptions, reports_of
from dfdetect.evaluate.protocol import PROTOCOLS
from dfdetect.evaluate.report.write import write_report
from dfdetect.evaluate.run import EvalJob, evaluate
from dfdetect.evaluate.samples import read_asked
from dfdetect.evaluate.score_set import open_scores
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--protocol", default="native", choices=sorted(PROTOCOLS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()

    asked = read_asked(args.list)
    folders = tuple(  # the publisher stays, as dataset: the model's manifest may name it among its training sources
        replace(one, dataset=one.source, source=PurePosixPath(one.name).parent.name) for one in asked.samples
    )
    job = EvalJob(
        args.model,
        replace(asked, samples=folders, extras={}),
        PROTOCOLS[args.protocol],
        source=args.list.name,
        allow_trained_on=True,
    )
    done, began = 0, time.perf_counter()

    def told(status: str) -> None:
        nonlocal done
        done += 1
        if done % 20 == 0:
            print(f"{done} files, {done / (time.perf_counter() - began):.2f}/s", file=sys.stderr)

    evaluate(job, args.out, jobs=args.jobs, on_progress=told)
    (report,) = reports_of([open_scores(args.out)], ReportOptions(reals_of=PAIRS))
    write_report(args.out, [report])
    sources = report.of("video", "source")
    tables = [
        count_table(report.block("video", "all")),
        figure_table([block for block in sources if block.fake.asked], "AUC of every folder of fakes"),
        rate_table(sources, "Flagged in every folder"),
    ]
    print(f"Protocol: {json.dumps(report.run['protocol']['name'])}, hash {report.run['protocol']['hash']}")
    print(findings_markdown(report), *map(markdown, tables), sep="\n\n")


if __name__ == "__main__":
    main()
