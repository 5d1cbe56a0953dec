"""Test fakes share no operator with what is trained on: a family measured with its own code measures nothing."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import dfdetect

ROOT = Path(dfdetect.__file__).parent
OPERATORS_OF_TRAINING = {
    f"dfdetect.data.{name}"
    for name in (
        *("fakes", "blend", "masks", "changes", "affine", "self_blend", "cross_blend", "degraded_paste", "reconstruct"),
        *("warp", "cutouts", "pairs", "history", "framing", "augment", "validation_swaps"),
    )
}


def imported_by(module: str) -> set[str]:
    """Modules of dfdetect named by any import of a module, also inside functions."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} | {name for name in inner if _is_module(name)}
    return {name for name in found if name.startswith("dfdetect.")}


def _is_module(name: str) -> bool:
    place = ROOT.parent / name.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def reached_from(modules: set[str]) -> set[str]:
    """Everything that these modules import, over any number of steps."""
    reached, waiting = set(modules), list(modules)
    while waiting:
        new = imported_by(waiting.pop()) - reached
        reached |= new
        waiting += new
    return reached


def modules_in(folder: str) -> set[str]:
    names = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in (ROOT / folder).rglob("*.py")}
    return {name.removesuffix(".__init__") for name in names}


def test_test_fakes_reach_no_operator_of_training() -> None:
    reached = reached_from(modules_in("evaluate/test_fakes"))
    assert "dfdetect.faces.mesh" in reached  # the walk does walk
    assert not reached & OPERATORS_OF_TRAINING


def test_training_reaches_no_test_fake() -> None:
    reached = reached_from(modules_in("train") | modules_in("data"))
    assert reached >= OPERATORS_OF_TRAINING
    assert not reached & modules_in("evaluate")


def test_the_list_of_operators_is_whole() -> None:
    """A new family of training fakes must be added here: everything that FAMILIES and pairs import from data, except
    readers of records."""
    harmless = {
        "dfdetect.data.shards",
        "dfdetect.data.face_record",
        "dfdetect.data.shard_table",
        "dfdetect.data.sample",
        "dfdetect.data.sampling",
    }
    used = {name for name in reached_from({"dfdetect.data.fakes", "dfdetect.data.pairs"}) if ".data." in name}
    assert used - OPERATORS_OF_TRAINING <= harmless, used - OPERATORS_OF_TRAINING - harmless
