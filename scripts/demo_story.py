"""What the demo shows: gates, phones and steps as config/demo/story.toml tells them."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from admission.verdicts import Reason


class Gate(Struct, frozen=True, forbid_unknown_fields=True):
    """A gate; some have a scanner that the demo runs."""

    id: str
    name: str
    area: str
    scanner: bool = False


class Phone(Struct, frozen=True, forbid_unknown_fields=True):
    """A visitor's phone, and the voucher that is sold to it at every start.

    Attributes:
        deal: "" where nobody sold anything: it shows a made-up `code`, opaque or payment.
        price_minor: paid for the voucher.
    """

    deal: str = ""
    admits: int = 1
    price_minor: int = 0
    buyer: str = ""
    code: str = "opaque"


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happens: a phone is shown, a command or a request is given, or time passes.

    Attributes:
        show: name of the phone; `at` is the gate, or `marshal`; `expect` the reason.
        party: people that staff type in.
        command: what `gate-server` is given.
        post: path of the supervisor's request; `body` is its JSON.
        cut_off: now the cut-off is set, a little ahead; `after_cut_off` lets time pass until then.
    """

    say: str
    zh: str
    show: str = ""
    at: str = ""
    party: int | None = None
    expect: Reason | None = None
    command: list[str] = []
    post: str = ""
    body: dict[str, Any] = {}
    cut_off: bool = False
    after_cut_off: bool = False


class Story(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""

    gates: list[Gate]
    phones: dict[str, Phone]
    steps: list[Step]


def read_story() -> Story:
    """Read the story from the package's data."""
    return msgspec.convert(tomllib.loads(read_text("story.toml")), Story)


def read_text(name: str) -> str:
    """Read a file of the demo's data."""
    return files("gatehouse_config").joinpath("demo", name).read_text("utf-8")
