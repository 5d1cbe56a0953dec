"""The page in a real browser, as a person uses it. The model is the tiny one: its score is the brightness of a face."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page.browser import AXE, MOST_WAIT_MS, Visit, axe_issues
from page.media import clip, nobody, picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

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


def test_an_upload_over_the_limit_is_refused_before_it_is_sent(visit: Visit) -> None:
    page = visit.enter()
    drop(page, ("large.mp4", bytes(3_000_000)))
    assert "at most" in page.get_by_role("alert").inner_text()


def test_several_files_make_a_table_that_keys_work_through(visit: Visit) -> None:
    page = visit.enter()
    drop(page, *((f"face {n}.png", picture(n, light=0.9 if n % 2 else 0.0)) for n in range(6)), ("wall.png", nobody(2)))
    page.wait_for_selector("table")
    page.get_by_text("7 of 7 examined").wait_for()
    page.get_by_role("button", name="Probability").click()
    assert "face" in page.locator("tbody tr").first.inner_text()
    page.get_by_role("button", name=re.compile("Not applicable")).click()
    page.wait_for_function("document.querySelectorAll('tbody tr').length < 7")
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


def test_the_built_page_is_committed() -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "dfdetect" / "serve" / "page"
    assert (folder / "page.js").stat().st_size > 10_000
