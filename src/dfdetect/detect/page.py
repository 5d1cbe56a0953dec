"""How every HTML page is made of its template: what it is given is escaped, and a name that it lacks is an error."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from dfdetect.detect.wording import clock, plain

if TYPE_CHECKING:
    from jinja2 import Template


def page_template(package: str, name: str, **names: object) -> Template:
    """The template of this name in a package. names: what it may use beside what it is rendered with."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(clock=clock, plain=plain, number="{:,}".format)
    environment.globals.update(names)
    return environment.from_string((files(package) / name).read_text(encoding="utf-8"))
