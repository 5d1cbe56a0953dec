"""Policies: what an answer leads to, and what a policy file may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dfdetect.errors import UsageError
from dfdetect.serve.policy import DECISIONS, load_policies, parse_policy
from dfdetect.values import Verdict

GOOD = """
version = 3
about = "x"
most_fpr = 0.02
[verdict]
likely_manipulated = "block"
inconclusive = "review"
no_manipulation_found = "allow"
not_applicable = "allow"
[other]
error = "review"
experimental_model = "review"
[limits]
partial_decode = "review"
"""


def _result(verdict: str, *, limits: tuple[str, ...] = (), fpr: float | None = 0.01) -> dict[str, Any]:
    return {
        "status": "ok",
        "verdict": verdict,
        "limits": [{"code": code, "text": ""} for code in limits],
        "thresholds": {"measured_fpr": fpr},
    }


def test_every_bundled_policy_answers_every_verdict() -> None:
    policies = load_policies()
    assert set(policies) == {"balanced", "newsroom", "strict"}
    for policy in policies.values():
        assert all(policy.decide(_result(verdict)) in DECISIONS for verdict in Verdict)
        assert policy.decide({"status": "error"}) in DECISIONS
        assert policy.label == f"policy:{policy.name}@{policy.version}"


def test_newsroom_never_blocks_and_strict_lets_nothing_unread_pass() -> None:
    policies = load_policies()
    for verdict in Verdict:
        assert policies["newsroom"].decide(_result(verdict, limits=("partial_decode",))) != "block"
    assert policies["strict"].decide({"status": "error"}) == "block"
    assert policies["strict"].decide(_result("not_applicable")) == "review"


@pytest.mark.parametrize(
    ("limits", "fpr", "decision"),
    [
        ((), 0.01, "block"),
        ((), 0.03, "review"),  # more false alarms than the policy stands for
        ((), None, "review"),  # nobody has measured them
        (("experimental_model",), 0.01, "review"),
        (("partial_decode",), 0.01, "block"),
    ],
)
def test_a_block_needs_a_measured_rate_and_a_model_that_is_no_experiment(
    limits: tuple[str, ...], fpr: float | None, decision: str
) -> None:
    policy = parse_policy("p", GOOD)
    assert policy.decide(_result("likely_manipulated", limits=limits, fpr=fpr)) == decision


def test_a_limit_makes_a_decision_stricter_never_softer() -> None:
    policy = parse_policy("p", GOOD)
    assert policy.decide(_result("no_manipulation_found", limits=("partial_decode",))) == "review"
    assert policy.decide(_result("no_manipulation_found", limits=("few_frames",))) == "allow"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"block"', '"delete"', "unknown decision 'delete'; the options are: allow, block, review"),
        ("partial_decode", "partial", "unknown limit 'partial'"),
        ('inconclusive = "review"\n', "", "expected the keys"),
        ("version = 3", "version = 0", "whole number from 1 on"),
        ("most_fpr = 0.02", "most_fpr = 2", "most_fpr must be in 0..1"),
        ("[other]", "[others]", "expected the keys"),
        ("version = 3", "version = ", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(old: str, new: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("..", r"\.\.")):
        parse_policy("p", GOOD.replace(old, new))


def test_an_operator_adds_policies_of_his_own(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text(GOOD)
    assert load_policies(tmp_path)["desk"].label == "policy:desk@3"
