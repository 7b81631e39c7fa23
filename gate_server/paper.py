"""Fill in the pages that are printed: each is one file with its style, and needs no server."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """Return a page of `gate_server/web/templates` with values filled in, all of them escaped."""
    return _environment().get_template(template).render(**values)


def read_style(name: str) -> str:
    """Return a style sheet of `gate_server/web/static`, for a page that carries its own."""
    return files("gate_server").joinpath("web", "static", name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("gate_server", "web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
