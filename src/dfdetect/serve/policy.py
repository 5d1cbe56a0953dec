"""Policies: named, versioned files that turn a scan's answer into `allow`, `review` or `block`.

A model says what it saw; what to do about it is the operator's rule, written down and named in every answer
(`decided_by`). A person's feedback goes above any policy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from dfdetect.errors import LimitCode, UsageError, unknown_name
from dfdetect.values import Verdict

DECISIONS = ("allow", "review", "block")  # the later, the stricter


@dataclass(frozen=True, slots=True)
class Policy:
    """verdict: Verdict -> decision. limits: code -> the least strict decision when the result carries that limit.

    error: of a file that could not be read. experimental_model: the strictest decision that a model labelled
    experimental may lead to. most_fpr: a threshold that stands for more false alarms than this, or for which none were
    measured, blocks nothing: `block` becomes `review`.
    """

    name: str
    version: int
    about: str
    most_fpr: float
    verdict: Mapping[str, str]
    limits: Mapping[str, str]
    error: str
    experimental_model: str

    @property
    def label(self) -> str:
        """What `decided_by` says."""
        return f"policy:{self.name}@{self.version}"

    def decide(self, result: Mapping[str, Any]) -> str:
        """Decision for a result of schema `dfdetect.scan/1`."""
        if result["status"] != "ok":
            return self.error
        found = self.verdict[result["verdict"]]
        codes = {limit["code"] for limit in result["limits"]}
        if found == "block":
            thresholds = result["thresholds"] or {}
            measured = thresholds.get("measured_fpr")
            if measured is None or measured > self.most_fpr:
                found = "review"
            if LimitCode.EXPERIMENTAL_MODEL in codes:
                found = _less_strict(found, self.experimental_model)
        for code in codes & set(self.limits):
            found = _stricter(found, self.limits[code])
        return found


def load_policies(folder: Path | None = None) -> dict[str, Policy]:
    """The policies that come with dfdetect, and those of an operator's folder (one `NAME.toml` each), by name."""
    texts = {
        file.name.removesuffix(".toml"): file.read_text()
        for file in (resources.files("dfdetect.serve") / "policies").iterdir()
        if file.name.endswith(".toml")
    }
    if folder is not None:
        texts |= {file.stem: file.read_text() for file in sorted(folder.glob("*.toml"))}
    return {name: parse_policy(name, text) for name, text in sorted(texts.items())}


def parse_policy(name: str, text: str) -> Policy:
    """TOML -> Policy. UsageError: names the key that is missing, unknown or has an unknown value."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"policy {name}: not valid TOML: {error}") from error
    _same_keys(name, "", found, {"version", "about", "most_fpr", "verdict", "other", "limits"})
    _same_keys(name, "[verdict] ", found["verdict"], set(Verdict))
    _same_keys(name, "[other] ", found["other"], {"error", "experimental_model"})
    unknown = set(found["limits"]) - set(LimitCode)
    if unknown:
        raise UsageError(f"policy {name}: [limits] {unknown_name('limit', min(unknown), LimitCode).message}")
    for where in ("verdict", "other", "limits"):
        for key, value in found[where].items():
            if value not in DECISIONS:
                message = unknown_name("decision", str(value), DECISIONS).message
                raise UsageError(f"policy {name}: [{where}] {key}: {message}")
    version, most_fpr = found["version"], found["most_fpr"]
    if type(version) is not int or version < 1:
        raise UsageError(f"policy {name}: version must be a whole number from 1 on; got {version!r}")
    if not isinstance(most_fpr, int | float) or not 0 <= most_fpr <= 1:
        raise UsageError(f"policy {name}: most_fpr must be in 0..1; got {most_fpr!r}")
    return Policy(
        name=name,
        version=version,
        about=" ".join(str(found["about"]).split()),
        most_fpr=float(most_fpr),
        verdict=found["verdict"],
        limits=found["limits"],
        error=found["other"]["error"],
        experimental_model=found["other"]["experimental_model"],
    )


def _same_keys(name: str, where: str, found: Mapping[str, Any], wanted: set[str]) -> None:
    if set(found) != wanted:
        raise UsageError(f"policy {name}: {where}expected the keys {sorted(wanted)}; found {sorted(found)}")


def _stricter(one: str, other: str) -> str:
    return max(one, other, key=DECISIONS.index)


def _less_strict(one: str, other: str) -> str:
    return min(one, other, key=DECISIONS.index)
