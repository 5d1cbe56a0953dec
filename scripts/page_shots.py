"""Pictures of every state of the page, to be looked at: at three widths, light and dark.

    PYTHONPATH=tests python scripts/page_shots.py FOLDER [--clip FILE]

Starts `dfdetect serve` itself, with the shipped model and the sample clips; needs Chromium and the extra `dev`. --clip
adds the answer for a file of one's own; such pictures show a person and belong into no repository.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dfdetect.media.sample_clips import sample_clips
from page.browser import Visit, missing, running_browser, visiting
from page.media import nobody, picture

WIDTHS_PX = (390, 1024, 1600)
SCHEMES = ("light", "dark")


@contextmanager
def service(folder: Path) -> Iterator[tuple[str, str]]:
    """(address, key)."""
    command = [sys.executable, "-m", "dfdetect", "serve", "--port", "0", "--data", str(folder)]
    environment = {**os.environ, "DFDETECT_SERVE_FREE_RESERVE_BYTES": "0", "DFDETECT_SERVE_KEEP_MEDIA_S": "3600"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        said = re.search(r"(http://\S+?)/#key=(\S+)", process.stdout.readline())
        if said is None:
            raise SystemExit((folder / "log").read_text())
        try:
            yield said[1], said[2]
        finally:
            process.terminate()
            process.wait(timeout=60)


def states(visit: Visit, clip: Path | None) -> dict[str, Callable[[], None]]:
    """Name -> how to get there."""
    fake, real = (one.path for one in sample_clips())
    ids = {
        "likely": visit.scan(fake.read_bytes(), fake.name)["id"],
        "nothing": visit.scan(real.read_bytes(), real.name)["id"],
        "no_face": visit.scan(nobody(1), "wall.png")["id"],
        "torn": visit.scan(fake.read_bytes()[:4_000], "torn.mp4")["id"],
        "drawn": visit.scan(picture(3), "drawn.png")["id"],
    }
    if clip is not None:
        ids["own"] = visit.scan(clip.read_bytes(), clip.name)["id"]
    batch = visit.api("/v1/batches", b"{}", **{"content-type": "application/json"})["id"]
    for n in range(6):
        visit.scan(picture(n, light=0.3 * (n % 3)), f"picture {n}.png", batch_id=batch)

    def at(place: str, ready: str) -> Callable[[], None]:
        def go() -> None:
            visit.page.goto(f"{visit.base}/#/{place}")
            visit.page.reload()
            visit.page.wait_for_selector(ready)
            visit.page.wait_for_load_state("networkidle")

        return go

    found = {f"scan_{name}": at(f"scan/{scan_id}", ".verdict") for name, scan_id in ids.items()}
    found |= {name or "start": at(name, "h1") for name in ("", "history", "models", "settings", "nowhere")}
    found["gone"] = at("scan/scn_00000000000000000000000000", ".problem")
    found["batch"] = at(f"batch/{batch}", "tbody tr")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clip", type=Path)
    args = parser.parse_args()
    why = missing()
    if why is not None:
        raise SystemExit(why)
    args.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        service(Path(data)) as (base, key),
        running_browser() as browser,
        visiting(browser, base, key) as visit,
    ):
        visit.expected.append("404")
        visit.enter()
        for name, go in states(visit, args.clip).items():
            for scheme in SCHEMES:
                for width in WIDTHS_PX:
                    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    visit.page.set_viewport_size({"width": width, "height": 900})
                    go()
                    visit.page.wait_for_timeout(400)
                    visit.page.screenshot(path=args.folder / f"{name}-{width}-{scheme}.png", full_page=True)
        sys.stdout.write(f"{len(list(args.folder.glob('*.png')))} pictures in {args.folder}\n")


if __name__ == "__main__":
    main()
