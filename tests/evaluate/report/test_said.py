"""Fifty warnings are read by nobody: what is alike is said once, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

from dfdetect.evaluate.findings import FindingCode, finding
from dfdetect.evaluate.report.html import render
from dfdetect.evaluate.report.markdown import to_markdown
from dfdetect.evaluate.report.said import Said, said
from eval_reports import eval_report


def few(where: str, real: int = 3) -> object:
    return finding(FindingCode.FEW_SAMPLES, where, real=real, fake=4, least=30)


def test_what_every_model_says_is_said_once() -> None:
    both = [replace(eval_report(name), findings=(few("set a"),)) for name in ("one", "two")]  # type: ignore[arg-type]
    assert [(line.models, line.where) for line in said(both, "warning")] == [((0, 1), "set a")]
    page = render(both)
    assert page.count("3 real and 4 fake samples") == 1
    assert "<strong>one 1.0" not in page


def test_what_one_model_says_has_its_name() -> None:
    first = replace(eval_report("one"), findings=())
    second = replace(eval_report("two"), findings=(few("set a"),))  # type: ignore[arg-type]
    assert said([first, second], "warning")[0].models == (1,)
    assert "<strong>two 1.0</strong>" in render([first, second])
    assert "- Warning: two 1.0: `set a`: 3 real" in to_markdown([first, second])


def test_many_alike_are_one_line_that_names_them_all() -> None:
    report = replace(eval_report(), findings=tuple(few(f"set {n}", n) for n in range(5)))  # type: ignore[arg-type]
    (line,) = said([report], "warning")
    assert line == Said((0,), "set 0", line.text, ("set 1", "set 2", "set 3", "set 4"))
    assert "0 real and 4 fake" in line.text
    assert "Likewise 4 more: set 1; set 2; set 3; set 4." in to_markdown([report])


def test_two_alike_are_told_one_by_one_and_severities_do_not_mix() -> None:
    leak = finding(FindingCode.TRAIN_TEST_LEAK, "", leak="12 people")
    report = replace(eval_report(), findings=(leak, few("a"), few("b")))  # type: ignore[arg-type]
    assert [line.where for line in said([report], "warning")] == ["a", "b"]
    assert [line.text for line in said([report], "red")] == [leak.text]
    assert said([report], "note") == []
