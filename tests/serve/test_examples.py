"""The examples of the OpenAPI document are what the service takes and gives, and no route lacks one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from dfdetect.detect.result_json import ScanDocument
from dfdetect.errors import LimitCode, ReasonCode
from dfdetect.serve import problems, schemas
from dfdetect.serve.api.app import make_app
from dfdetect.serve.examples import EXAMPLES
from dfdetect.serve.problems import BASE
from dfdetect.serve.settings import ServeSettings


def model_of(name: str) -> type[BaseModel]:
    found = getattr(schemas, name, None) or getattr(problems, name, None) or {"ScanDocument": ScanDocument}[name]
    assert issubclass(found, BaseModel)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_its_schema_says(name: str) -> None:
    model = model_of(name)
    model.model_validate(EXAMPLES[name])
    unknown = set(EXAMPLES[name]) - {field.alias or key for key, field in model.model_fields.items()}
    assert unknown == set()


def test_every_body_of_json_has_an_example() -> None:
    document = make_app(ServeSettings()).openapi()
    lacking = {
        f"{method} {path}: {name}"
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        for name in _schemas_of(route)
        if "examples" not in document["components"]["schemas"][name]
    }
    assert lacking == set()


def _schemas_of(route: dict[str, Any]) -> set[str]:
    """Names of the schemas that a route takes or gives itself."""
    bodies = [route.get("requestBody", {}), *route.get("responses", {}).values()]
    kinds = [kind for body in bodies for kind in body.get("content", {}).values()]
    shown = [kind.get("schema", {}) for kind in kinds]
    shown += [schema["items"] for schema in shown if isinstance(schema.get("items"), dict)]
    return {schema["$ref"].rpartition("/")[2] for schema in shown if "$ref" in schema}


def test_the_example_of_a_problem_is_one_of_ours() -> None:
    example = EXAMPLES["ProblemDocument"]
    assert example["type"] == BASE + example["code"]
    assert (example["status"], example["title"]) == problems.PROBLEMS[example["code"]][:2]


def test_the_example_of_a_result_uses_codes_that_there_are() -> None:
    result = EXAMPLES["ScanDocument"]
    assert {one["code"] for one in result["reasons"]} <= set(ReasonCode)
    assert {one["code"] for one in result["limits"]} <= set(LimitCode)
