"""Fields of acts: how each is shown, and what a call gets of what people typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeAlias

from admission.calendar import Venue
from admission.errors import Fault, InvalidInput
from admission.row_values import MOST_MONEY
from gate_server.web.board.languages import Lazy, decimals_of
from gate_server.web.board.pages import Visit

# No sign, no separator of thousands, no exponent; an amount that a ledger holds.
_AMOUNT: Final = re.compile(r"\d{1,13}(?:[.]\d{1,9})?")

Choice: TypeAlias = tuple[str, "str | Lazy"]
"""What is sent, and what people read."""

_TO_THE_MINUTE: Final = len("2026-05-01T23:59")
_LAST_OF_MINUTE: Final = ":59.999"
"""The ledger keeps milliseconds, and ends are within what they end."""


class Kind(StrEnum):
    """How a field is shown and read."""

    LINE = "line"
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    TIME = "time"
    CHOICE = "choice"
    MANY = "many"
    CHECK = "check"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an act.

    Attributes:
        name: of the call's body, with dots where it stands deeper: `honour.arrived_by`.
        choices: for CHOICE and MANY, or a function that makes them.
        value: what stands in it at first, or a function of the visit and the act's subject.
        needed: it cannot be left empty; another one that is empty is not sent.
        hint: a sentence below it.
        suggestions: what people may take instead of typing, for LINE.
        currency: for MONEY, which it is in: a function of the visit and the act's subject.
        whole: of TIME, an end: the minute that is typed is within it, to its last instant.
        folded: shown once more terms are asked for; such fields stand together, at the end.
    """

    name: str
    label: Lazy
    kind: Kind = Kind.LINE
    choices: Sequence[Choice] | Callable[[Visit], Sequence[Choice]] = ()
    value: str | Callable[[Visit, Mapping[str, str]], str] = ""
    needed: bool = True
    hint: Lazy | None = None
    longest: int = 200
    suggestions: Sequence[Lazy] = ()
    currency: Callable[[Visit, Mapping[str, str]], str] | None = None
    whole: bool = False
    folded: bool = False

    def choices_of(self, visit: Visit) -> Sequence[Choice]:
        """Return what can be chosen."""
        return self.choices(visit) if callable(self.choices) else self.choices

    def value_of(self, visit: Visit, subject: Mapping[str, str]) -> Any:
        """Return what was typed, else what the address brought, else what stands in it at first."""
        if visit.form:
            return (
                visit.form.getlist(self.name)
                if self.kind is Kind.MANY
                else visit.form.get(self.name, "")
            )
        if self.name in visit.query:
            return visit.query[self.name]
        began = self.began(visit, subject)
        return began[:_TO_THE_MINUTE] if self.whole else began

    def began(self, visit: Visit, subject: Mapping[str, str]) -> str:
        """Return what stands in it at first; of an instant, to the millisecond."""
        return self.value(visit, subject) if callable(self.value) else self.value

    def decimals_of(self, visit: Visit, subject: Mapping[str, str]) -> int:
        """Return how many digits may stand behind the point; 0 but for MONEY."""
        return 0 if self.currency is None else decimals_of(self.currency(visit, subject))


def read_fields(
    fields: Sequence[Field], visit: Visit, subject: Mapping[str, str]
) -> dict[str, Any]:
    """Return a call's body from a form.

    Args:
        subject: what the form is about: what is left as it was shown stays exactly as it was.

    Raises:
        InvalidInput: a field is empty or cannot be read; it is named.
    """
    body: dict[str, Any] = {}
    for field in fields:
        value = _read(field, visit, subject)
        if value is None:
            if field.needed and field.kind not in {Kind.CHECK, Kind.MANY}:
                raise InvalidInput(field.name, "is empty", Fault.MISSING)
            continue
        place = body
        *way, last = field.name.split(".")
        for part in way:
            place = place.setdefault(part, {})
        place[last] = value
    return body


def _read(field: Field, visit: Visit, subject: Mapping[str, str]) -> Any:
    if field.kind is Kind.MANY:
        return visit.form.getlist(field.name) or None
    if field.kind is Kind.CHECK:
        return field.name in visit.form
    text = visit.form.get(field.name, "").strip()
    if not text:
        return None
    if field.kind is Kind.MONEY:
        return read_minor(field.name, text, field.decimals_of(visit, subject))
    if field.whole and len(text) == _TO_THE_MINUTE:
        began = field.began(visit, subject)
        text = began if began[:_TO_THE_MINUTE] == text else text + _LAST_OF_MINUTE
    reader = _READERS.get(field.kind)
    if reader is None:
        return text
    try:
        return reader(text, visit.services.ledger.venue)
    except ValueError as error:
        raise InvalidInput(field.name, "cannot be read", Fault.UNREADABLE, text) from error


def read_minor(name: str, text: str, decimals: int) -> int:
    """Return minor units of an amount as it is typed.

    Args:
        decimals: how many digits the currency has behind the point.

    Raises:
        InvalidInput: it is no amount, a smaller part than the currency has, or more than any price.
    """
    if _AMOUNT.fullmatch(text) is None:
        raise InvalidInput(name, "is not an amount", Fault.UNREADABLE, text)
    minor = Decimal(text).scaleb(decimals)
    if minor != minor.to_integral_value():
        problem = f"has more than {decimals} digits behind the point"
        raise InvalidInput(name, problem, Fault.DECIMALS, decimals)
    if minor > MOST_MONEY:
        most = f"{Decimal(MOST_MONEY).scaleb(-decimals):f}"
        raise InvalidInput(name, f"is more than {most}", Fault.TOO_MUCH, most)
    return int(minor)


def _number(text: str, _venue: Venue) -> int:
    return int(text)


def _time(text: str, venue: Venue) -> str:
    """Return an instant of a browser's date and time, which is venue time."""
    return datetime.fromisoformat(text).replace(tzinfo=venue.zone).isoformat()


_READERS: Final[Mapping[Kind, Callable[[str, Venue], Any]]] = {
    Kind.NUMBER: _number,
    Kind.TIME: _time,
}
