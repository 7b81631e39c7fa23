"""Broadcasts that were worded beforehand: for screens, and to be said over the loudspeaker.

A template names what has to be filled in, and of what kind it is. Which gate or deal an id stands
for, whoever fills it in looks up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from string import Formatter
from typing import Any, Final

from admission.broadcasts import Priority, checked_text
from admission.errors import Fault, InvalidInput
from admission.messages import Sentence

TEXTS: Final = ("zh", "en", "loud_zh", "loud_en")
LONGEST_VALUE: Final = 80
DESK: Final = "desk"
"""A name that every template may use: where visitors are helped, by the venue's settings."""
ARRIVED_BY: Final = "arrived_by"
"""A field by this name is held against the terms in force of the template's deal."""
CLOCK: Final = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")
_KEY: Final = re.compile("[a-z][a-z0-9_]{0,39}")
_NUMBER: Final = re.compile("[1-9][0-9]{0,3}")


class FieldKind(StrEnum):
    """What may be put into a field of a template."""

    GATE = "gate"
    DEAL = "deal"
    TIME = "time"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Template:
    """A broadcast with fields to fill in.

    Attributes:
        shown: what screens show; `loud`: what is said over the loudspeaker (广播词).
        fields: by name, what belongs into each.
        own: the venue wrote it itself.
    """

    key: str
    shown: Sentence
    loud: Sentence
    fields: Mapping[str, FieldKind] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    own: bool = False


@dataclass(frozen=True, slots=True)
class Worded:
    """A template with its fields filled in."""

    shown: Sentence
    loud: Sentence


def read_templates(tables: Mapping[str, Any], *, file: str, own: bool) -> dict[str, Template]:
    """Read templates by their keys.

    Args:
        tables: `{key: {"zh", "en", "loud_zh", "loud_en", "priority", "fields"}}`.
        file: where they stand, for whoever has to mend it.

    Raises:
        InvalidInput: one that could not be filled in or shown; names the key and what is wrong.
    """
    return {key: _read(key, table, f"{file}: [{key}]", own) for key, table in tables.items()}


def _read(key: str, table: Any, place: str, own: bool) -> Template:
    if not _KEY.fullmatch(key):
        raise InvalidInput(place, "a key has small letters, digits and underscores, at most 40")
    if not isinstance(table, dict):
        raise InvalidInput(place, "is no table")
    unknown = sorted(table.keys() - {*TEXTS, "priority", "fields"})
    if unknown:
        raise InvalidInput(place, f"nothing is called {unknown[0]}")
    fields = _read_fields(table.get("fields", {}), place)
    texts = [_read_text(name, table, fields, place) for name in TEXTS]
    used = {name for text in texts for name in _names_in(text, place)}
    idle = sorted(fields.keys() - used)
    if idle:
        raise InvalidInput(place, f"field {idle[0]} stands in no text")
    try:
        priority = Priority(table.get("priority", Priority.NORMAL))
    except ValueError as error:
        raise InvalidInput(place, "priority is normal or high") from error
    shown, loud = Sentence(texts[0], texts[1]), Sentence(texts[2], texts[3])
    return Template(key, shown, loud, fields, priority, own)


def _read_fields(given: Any, place: str) -> dict[str, FieldKind]:
    kinds = ", ".join(FieldKind)
    if not isinstance(given, dict) or not all(_KEY.fullmatch(name) for name in given):
        raise InvalidInput(place, f"fields is a table of names and kinds ({kinds})")
    if DESK in given:
        raise InvalidInput(place, f"{DESK} is filled in by itself; leave it out of the fields")
    try:
        return {name: FieldKind(kind) for name, kind in given.items()}
    except ValueError as error:
        raise InvalidInput(place, f"a field is one of {kinds}") from error


def _read_text(
    name: str, table: Mapping[str, Any], fields: Mapping[str, FieldKind], place: str
) -> str:
    text = table.get(name)
    if not isinstance(text, str):
        raise InvalidInput(place, f"{name} is missing")
    found = checked_text(f"{place} {name}", text)
    for each in _names_in(found, place):
        if each not in fields and each != DESK:
            raise InvalidInput(place, f"{name} names {{{each}}}, which is none of its fields")
    return found


def _names_in(text: str, place: str) -> list[str]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidInput(place, f"braces do not fit: {error}") from error
    # Only names: no attribute, no index, no form, which would reach into what is filled in.
    if any(spec or conversion for _, name, spec, conversion in parts if name is not None):
        raise InvalidInput(place, "in braces stands a field's name alone")
    return [name for _, name, _, _ in parts if name is not None]


@dataclass(frozen=True, slots=True)
class Lookups:
    """How ids and times are said.

    Attributes:
        gate, deal: return what people call it; raise InvalidInput where there is none.
        instant: returns how an instant is said; raises InvalidInput where it is none.
        desk: where visitors are helped.
    """

    gate: Callable[[str, str], str]
    deal: Callable[[str, str], str]
    instant: Callable[[str, str], str]
    desk: Sentence


def fill(template: Template, values: Mapping[str, str], lookups: Lookups) -> Worded:
    """Return a template's texts with its fields filled in.

    Args:
        values: by field; a text may be given apart in both languages, as `place.zh`, `place.en`.

    Raises:
        InvalidInput: a value is missing, one too many, or not of its kind; names it.
    """
    zh, en = {DESK: lookups.desk.zh}, {DESK: lookups.desk.en}
    left = dict(values)
    for name, kind in template.fields.items():
        zh[name], en[name] = _take(name, kind, left, lookups)
    if left:
        known = ", ".join(template.fields) or "none"
        raise InvalidInput(
            f"values.{min(left)}",
            f"is no field of template {template.key}; it has: {known}",
            Fault.OUT_OF_PLACE,
        )
    shown = Sentence(template.shown.zh.format_map(zh), template.shown.en.format_map(en))
    loud = Sentence(template.loud.zh.format_map(zh), template.loud.en.format_map(en))
    for each in (shown.zh, shown.en, loud.zh, loud.en):
        checked_text("values", each)
    return Worded(shown, loud)


def _take(name: str, kind: FieldKind, left: dict[str, str], lookups: Lookups) -> tuple[str, str]:
    """Take the value of a field out of those that are left; return how it is said."""
    apart = [left.pop(f"{name}.{language}", None) for language in ("zh", "en")]
    whole = left.pop(name, None)
    given = [whole or each for each in apart]
    at = f"values.{name}"
    if None in given or (whole is not None and apart != [None, None]):
        raise InvalidInput(
            at, f"is missing: a {kind}" if whole is None else "stands twice", Fault.MISSING
        )
    if kind is not FieldKind.TEXT and whole is None:
        raise InvalidInput(at, "is the same in both languages; give it once", Fault.TWICE)
    said = [checked_text(at, str(each)) for each in given]
    if max(map(len, said)) > LONGEST_VALUE:
        raise InvalidInput(at, f"at most {LONGEST_VALUE} characters", Fault.TOO_LONG, LONGEST_VALUE)
    if kind is not FieldKind.TEXT:
        said = [_say(at, kind, said[0], lookups)] * 2
    return said[0], said[1]


def _say(at: str, kind: FieldKind, value: str, lookups: Lookups) -> str:
    if kind is FieldKind.GATE:
        return lookups.gate(at, value)
    if kind is FieldKind.DEAL:
        return lookups.deal(at, value)
    if kind is FieldKind.NUMBER:
        if not _NUMBER.fullmatch(value):
            raise InvalidInput(at, "give a whole number from 1 to 9999", Fault.UNREADABLE, value)
        return value
    return value if CLOCK.fullmatch(value) else lookups.instant(at, value)
