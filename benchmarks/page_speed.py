"""The page in Chromium: first paint, a long timeline, and what the page adds to the scan of a picture.

    PYTHONPATH=tests python benchmarks/page_speed.py

Starts `dfdetect serve` with the tests' tiny model. Aims: first paint within 1 s; 8 ms for a step of the player beside a
timeline of ten faces with 10,000 scores each (script, style and layout; painting, which a headless browser does in
software, is given beside it); at most 0.5 s from the drop of a picture to its verdict beyond the scan itself
(`timing_s.total` of the result).
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine import conditions

from page.browser import MOST_WAIT_MS, Visit, missing, new_key, running_browser, visiting
from page.media import clip, picture
from serve.running import running_service

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

TRACKS = 10
POINTS = 10_000
STEPS = 100


def first_paint_ms(visit: Visit) -> float:
    """From the start of a load to the first content, after the first load of all."""
    visit.page.goto(f"{visit.base}/#/")
    visit.page.reload()
    visit.page.wait_for_selector("h1")
    return float(visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


def long_result(scan: dict[str, Any]) -> dict[str, Any]:
    """A finished scan blown up to ten faces with 10,000 examined frames each."""
    result = scan["result"]
    [track, *_] = result["tracks"]
    [frame, *_] = track["frames"]
    length_s = POINTS / 25
    times = [n / 25 for n in range(POINTS)]
    scores = [0.5 + 0.4 * ((n * 37 % 101) / 101 - 0.5) for n in range(POINTS)]
    moments = enumerate(zip(times, scores, strict=True))
    frames = [{**frame, "index": n, "time_s": t, "p_manipulated": p} for n, (t, p) in moments]
    long = {**track, "frames": frames, "first_s": 0.0, "last_s": times[-1], "gaps_s": [[100.0, 101.0]]}
    media = {**result["media"], "duration_s": length_s}
    return {**scan, "result": {**result, "media": media, "tracks": [{**long, "id": n + 1} for n in range(TRACKS)]}}


def _spent_ms(session: CDPSession) -> tuple[float, float]:
    """(script, style and layout; all that the page's thread did) so far."""
    found = {one["name"]: 1000 * float(one["value"]) for one in session.send("Performance.getMetrics")["metrics"]}
    ours = found["ScriptDuration"] + found["RecalcStyleDuration"] + found["LayoutDuration"]
    return ours, found["TaskDuration"]


def long_timeline_ms(visit: Visit) -> tuple[float, float, float]:
    """(until the timeline stands; for one step: script, style and layout; all of the page's thread)."""
    scan = visit.scan(clip(1), "talk.mp4")
    body = json.dumps(long_result(scan))
    page = visit.page
    page.route(f"**/v1/scans/{scan['id']}", lambda route: route.fulfill(body=body, content_type="application/json"))
    start = time.monotonic()
    page.goto(f"{visit.base}/#/scan/{scan['id']}")
    page.wait_for_function(f"() => document.querySelectorAll('.plot canvas').length === {TRACKS}", timeout=60_000)
    stood_ms = 1000 * (time.monotonic() - start)
    page.wait_for_load_state("networkidle")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = _spent_ms(session)
    _walk(page)
    after = _spent_ms(session)
    return stood_ms, (after[0] - before[0]) / STEPS, (after[1] - before[1]) / STEPS


def _walk(page: Page) -> None:
    page.evaluate(
        """async (steps) => {
            const plot = document.querySelector('.plot');
            for (let n = 0; n < steps; n += 1) {
                plot.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
                await new Promise((done) => requestAnimationFrame(done));
                await new Promise((done) => requestAnimationFrame(done));
            }
        }""",
        STEPS,
    )


def overhead_s(visit: Visit, seed: int) -> float:
    """From giving a picture to the page to its verdict on it, less the time of the scan itself."""
    page = visit.page
    page.goto(f"{visit.base}/#/")
    field = page.locator("input[type=file]").first
    field.wait_for(state="attached")
    data = picture(seed)
    start = time.monotonic()
    field.set_input_files([{"name": f"face {seed}.png", "mimeType": "image/png", "buffer": data}])
    page.wait_for_selector(".verdict", timeout=MOST_WAIT_MS)
    took_s = time.monotonic() - start
    scan = visit.api(f"/v1/scans/{page.url.rpartition('/')[2]}")
    return took_s - float(scan["result"]["timing_s"]["total"])


def main() -> None:
    why = missing()
    if why is not None:
        raise SystemExit(why)
    print(conditions())
    with (
        tempfile.TemporaryDirectory() as name,
        running_service(Path(name)) as (base, admin_key, _),
        running_browser() as browser,
        visiting(browser, base, new_key(base, admin_key)) as visit,
    ):
        visit.enter()
        paints = [first_paint_ms(visit) for _ in range(5)]
        print(f"first paint {statistics.median(paints):.0f} ms, {max(paints):.0f} at most (1000)")
        extra = [overhead_s(visit, seed) for seed in range(10)]
        print(f"from drop to verdict beyond the scan: {statistics.median(extra):.2f} s, {max(extra):.2f} at most (0.5)")
        stood_ms, step_ms, with_paint_ms = long_timeline_ms(visit)
        print(
            f"{TRACKS} faces with {POINTS} scores: drawn after {stood_ms:.0f} ms (with the browser's driver); a step "
            f"{step_ms:.1f} ms (8), {with_paint_ms:.1f} with painting in software"
        )


if __name__ == "__main__":
    main()
