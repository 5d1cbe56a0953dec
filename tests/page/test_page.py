"""The page in a real browser, as a person uses it. The model is the tiny one: its score is the brightness of a face."""

from __future__ import annotations

import random
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page.browser import AXE, MOST_WAIT_MS, Visit, axe_issues, visiting
from page.media import clip, nobody, picture
from serve.test_privacy import NAMES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIGHTS = (0.0, 0.0, 0.6, 0.6)  # dark at first, light at the end


def drop(page: Page, *files: tuple[str, bytes]) -> None:
    """Give files to the page as the file chooser does."""
    kinds = {"mp4": "video/mp4", "png": "image/png"}
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": kinds.get(name.rpartition(".")[2], ""), "buffer": data} for name, data in files]
    )


def verdict(page: Page) -> str:
    page.wait_for_selector(".verdict", timeout=MOST_WAIT_MS)
    return str(page.locator("#verdict").inner_text())


def test_a_video_from_drop_to_report(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("talk.mp4", clip(1, lights=LIGHTS)))
    assert "ikely manipulated" in verdict(page) or "Inconclusive" in verdict(page)
    plot = page.locator(".plot").first
    plot.focus()
    for _ in range(40):  # to the last examined frame
        page.keyboard.press("ArrowRight")
    last = float(plot.get_attribute("aria-valuenow") or 0)
    page.wait_for_function("t => Math.abs(document.querySelector('video').currentTime - t) < 0.1", arg=last)
    assert last > 1.5
    place = plot.locator(".u-over").bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + place["width"] * 0.25, place["y"] + 20)
    page.wait_for_function("t => document.querySelector('video').currentTime < t - 0.5", arg=last)
    page.get_by_label("Heatmap").first.check()
    page.get_by_role("button", name=re.compile("^Go to")).first.click()
    page.wait_for_selector("svg.overlay image")
    square = page.locator("svg.overlay image").first.bounding_box()
    box = page.locator("svg.overlay .box rect").first.bounding_box()
    assert square is not None
    assert box is not None
    assert square["width"] > box["width"] * 0.9  # the crop reaches around the face
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report (page)").click()
    opened.value.wait_for_load_state()
    assert "talk.mp4" in opened.value.content()


def test_a_picture_without_a_face_is_no_verdict(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("wall.png", nobody(1)))
    assert "Not applicable" in verdict(page)
    assert page.get_by_text("What may help").count() == 1


def test_a_file_that_is_no_media_says_so(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("torn.mp4", clip(2)[:3000]))
    assert "Could not be examined" in verdict(page)
    card = page.locator(".verdict")
    assert "damaged" in card.inner_text()
    assert "Error:" not in card.inner_text()  # the decoder's own words are for whoever opens them
    card.get_by_text("What the program said").click()
    assert "corrupt_" in card.inner_text()


def test_a_slow_network_shows_how_far_it_came(visit: Visit) -> None:
    page = visit.enter()
    page.wait_for_selector("input[type=file]", state="attached")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 300, "downloadThroughput": 50_000, "uploadThroughput": 30_000}
    network.send("Network.emulateNetworkConditions", slow)
    drop(page, ("face.png", picture(13)))
    page.get_by_role("progressbar").first.wait_for()
    sent = set()
    while (now := page.evaluate("document.querySelector('progress')?.value ?? null")) is not None:
        sent.add(now)
        page.wait_for_timeout(100)
    assert len(sent) > 2, sent
    assert verdict(page)
    page.wait_for_selector(".crops img", timeout=MOST_WAIT_MS)


def test_an_upload_over_the_limit_is_refused_before_it_is_sent(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("large.mp4", bytes(3_000_000)))
    assert "at most" in page.get_by_role("alert").inner_text()


def test_one_file_over_the_limit_does_not_stop_the_others(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("large.mp4", bytes(3_000_000)), ("face.png", picture(12)))
    assert "large.mp4" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Go on with the other 1").click()
    assert verdict(page)


def test_an_answer_from_before_says_so_and_can_be_made_anew(visit: Visit) -> None:
    first = visit.scan(picture(13), "seen.png", keep_media_s="3600")
    page = visit.enter()
    page.clock.install()
    page.clock.fast_forward(3_600_000)  # an hour later
    drop(page, ("seen.png", picture(13)))
    page.get_by_text("was examined before").wait_for()
    page.get_by_role("button", name="Examine it again").click()
    page.wait_for_function("id => !location.hash.includes(id)", arg=first["id"])
    assert verdict(page)


def test_several_files_make_a_table_that_keys_work_through(visit: Visit) -> None:
    page = visit.enter()
    drop(
        page, *((f"face {n}.png", picture(n, light=0.9 if n % 2 else 0.0)) for n in range(19)), ("wall.png", nobody(2))
    )
    page.wait_for_selector("table")
    page.get_by_text("20 of 20 examined").wait_for(timeout=3 * MOST_WAIT_MS)
    page.keyboard.press("j")  # its keys work without a click
    page.locator("tr.chosen").wait_for()
    page.get_by_role("button", name="Probability").click()
    assert "face" in page.locator("tbody tr").first.inner_text()
    page.get_by_role("button", name=re.compile("Not applicable")).click()
    page.wait_for_function("document.querySelectorAll('tbody tr').length < 20")
    assert all("Not applicable" in row for row in page.locator("tbody tr").all_inner_texts())
    page.get_by_role("button", name="All").click()
    page.locator("table").focus()
    page.keyboard.press("j")
    page.keyboard.press("1")
    page.locator("tr.chosen", has_text="Manipulated").wait_for()
    page.keyboard.press("Enter")
    assert verdict(page)


def test_delete_removes_it_everywhere(visit: Visit) -> None:
    visit.expected.append("404")
    page = visit.enter()
    drop(page, ("gone.png", picture(9)))
    verdict(page)
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("button", name="Yes, delete").click()
    page.get_by_text("Deleted: the upload").wait_for()
    page.goto(f"{visit.base}/#/history")
    page.get_by_text("Nothing has been examined yet").wait_for()
    assert visit.api("/v1/scans")["items"] == []


def test_a_reload_and_a_second_tab_show_the_same(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("same.png", picture(4)))
    said = verdict(page)
    page.reload()
    assert verdict(page) == said
    other = page.context.new_page()
    other.goto(page.url)
    assert verdict(other) == said


def test_a_persons_word_is_kept(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("face.png", picture(5)))
    verdict(page)
    page.get_by_role("button", name="I see it differently").click()
    page.get_by_label("Manipulated", exact=True).check()
    page.get_by_label(re.compile("^Note")).fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("<img src=x onerror=alert(1)>").wait_for()


def test_a_known_file_says_so(visit: Visit) -> None:
    scan = visit.scan(picture(11), "known.png")
    known = b'{"decision": "block", "reason": "seen on 12 November"}'
    visit.api(f"/v1/hashes/{scan['sha256']}", known, "PUT", **{"content-type": "application/json"})
    page = visit.enter(f"#/scan/{scan['id']}")
    page.get_by_text("on your list of known files: hold back").wait_for()
    page.get_by_text("seen on 12 November").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(visit: Visit, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("NOT CHECKED WITH AXE: run `make page` first, which installs it")
    page = visit.enter()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.add_init_script(path=str(AXE))
    scan = visit.scan(clip(6, lights=LIGHTS, seconds=1.5), "talk.mp4")
    found = {}
    for place in ("", "history", "models", "settings", f"scan/{scan['id']}"):
        page.goto(f"{visit.base}/#/{place}")
        page.reload()
        page.wait_for_selector("h1")
        page.wait_for_load_state("networkidle")
        found[place] = axe_issues(page)
    assert {place: issues for place, issues in found.items() if issues} == {}


def test_korean_has_every_page(visit: Visit) -> None:
    page = visit.enter("#/settings")
    page.get_by_label("한국어").check()
    page.get_by_role("heading", name="설정").wait_for()
    page.goto(f"{visit.base}/#/")
    page.get_by_role("heading", name="이 사진이나 영상의 얼굴이 조작되었나요?").wait_for()
    assert page.evaluate("document.documentElement.lang") == "ko"


def test_a_wrong_key_says_so_and_a_right_one_comes_in(visit: Visit) -> None:
    visit.expected.append("401")
    page = visit.page
    page.goto(f"{visit.base}/")
    page.get_by_label("Key").fill("dfk_wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("not known here").wait_for()
    page.goto(f"{visit.base}/#key=dfk_wrong")
    page.reload()
    page.get_by_text("not known here").wait_for()


def test_the_built_page_is_committed() -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "dfdetect" / "serve" / "page"
    assert (folder / "page.js").stat().st_size > 10_000


def test_a_restart_in_the_middle_is_waited_for(browser: Browser, tmp_path: Path) -> None:
    from dfdetect.serve.access import create_key
    from dfdetect.serve.settings import ServeSettings
    from dfdetect.serve.supervise import ready_store
    from serve.killing import Service
    from tiny_bundle import make_tiny_bundle

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ServeSettings(
        data=tmp_path / "data", port=port, workers=1, model=str(make_tiny_bundle(tmp_path / "tiny")), lease_s=2.0,
        free_reserve_bytes=0,
    )  # fmt: skip
    engine = ready_store(settings)
    key = create_key(engine, "visit")[1]
    engine.dispose()
    service = Service(settings, tmp_path)
    service.start()
    base = f"http://127.0.0.1:{port}"
    service.wait_ready()
    try:
        with visiting(browser, base, key) as visit:
            visit.expected += ["ERR_", "Failed to load resource"]
            page = visit.enter()
            drop(page, ("talk.mp4", clip(7, seconds=6.0)))
            page.wait_for_selector(".stages")
            service.kill("both", random.Random(0))
            assert verdict(page)
    finally:
        service.stop()


def test_forty_names_run_no_script(visit: Visit) -> None:
    for name in NAMES:
        visit.scan(picture(11), name, again="true")
    page = visit.enter("#/history")
    page.wait_for_selector("tbody tr")
    assert page.locator("tbody tr").count() == len(NAMES)
    for link in page.locator("tbody a").all()[:: len(NAMES) // 4]:
        page.goto(f"{visit.base}/{link.get_attribute('href')}")
        verdict(page)
        page.go_back()
        page.wait_for_selector("tbody tr")
    assert page.evaluate("window.dfdetect_was_here === undefined")


def test_the_whole_way_by_keyboard(visit: Visit) -> None:
    page = visit.enter()
    page.get_by_role("button", name="Test fake").wait_for()
    _tab_to(page, "Test fake")
    page.keyboard.press("Enter")
    verdict(page)
    _tab_to(page, "Copy the API call")
    page.keyboard.press("Enter")
    _tab_to(page, "Boxes")
    page.keyboard.press("Space")
    assert page.locator("svg.overlay .box").count() == 0
    _tab_to(page, "Delete now", back=True)
    page.keyboard.press("Enter")
    _tab_to(page, "Yes, delete")
    page.keyboard.press("Enter")
    page.get_by_text("Deleted: the upload").wait_for()


def _tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        said = page.evaluate("(document.activeElement.closest('label') ?? document.activeElement).innerText ?? ''")
        if name in said and page.evaluate("document.activeElement.matches('button, a, input')"):
            return
    raise AssertionError(f"no Tab leads to {name!r}")
