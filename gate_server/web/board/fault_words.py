"""What to say of a field that cannot be used: which one, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from admission.errors import Fault, InvalidInput
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext

FAULTS: Final[Mapping[Fault, Lazy]] = {
    Fault.MISSING: lazy_gettext("please fill this in"),
    Fault.UNREADABLE: lazy_gettext("this cannot be read: %(limit)s"),
    Fault.FORM: lazy_gettext("this has not the form that it must have"),
    Fault.NAME: lazy_gettext("letters, digits, - and _ only, and not too long"),
    Fault.CHARACTERS: lazy_gettext("a character that cannot be shown stands at place %(limit)s"),
    Fault.UNKNOWN: lazy_gettext("there is none called %(limit)s"),
    Fault.CHOICE: lazy_gettext("please choose one of those that there are"),
    Fault.TOO_SHORT: lazy_gettext("at least %(limit)s characters"),
    Fault.TOO_LONG: lazy_gettext("at most %(limit)s characters"),
    Fault.TOO_LITTLE: lazy_gettext("at least %(limit)s"),
    Fault.TOO_MUCH: lazy_gettext("at most %(limit)s"),
    Fault.TOO_MANY: lazy_gettext("at most %(limit)s of them"),
    Fault.DECIMALS: lazy_gettext("at most %(limit)s digits behind the point"),
    Fault.PAST: lazy_gettext("this time has passed already"),
    Fault.AHEAD: lazy_gettext("this time has not come yet"),
    Fault.LONG_AGO: lazy_gettext("this is too long ago"),
    Fault.FAR_OFF: lazy_gettext("not more days than %(limit)s"),
    Fault.BACKWARDS: lazy_gettext("the end lies before the beginning"),
    Fault.TWICE: lazy_gettext("this is given twice"),
    Fault.OUT_OF_PLACE: lazy_gettext("this does not belong here: leave it empty"),
    Fault.CONTRADICTION: lazy_gettext("this contradicts another field"),
    Fault.NOTHING_BOUND: lazy_gettext("nothing is good in that time: choose others, or other days"),
    Fault.STILL_OPEN: lazy_gettext("this is still open, or there is none such"),
    Fault.GUESSED: lazy_gettext("everybody would try this first: choose another"),
    Fault.STALE: lazy_gettext("this is too old: look it up again"),
}
"""What is wrong, after the field's name and a colon."""

# Without a limit: nobody says what was typed or meant, or nothing of it may be.
_BARE: Final[Mapping[Fault, Lazy]] = {
    Fault.DECIMALS: lazy_gettext("whole amounts only, nothing behind the point"),
    Fault.UNREADABLE: lazy_gettext("this cannot be read"),
    Fault.UNKNOWN: lazy_gettext("there is none such"),
}

NAMES: Final[Mapping[str, Lazy]] = {
    "by": lazy_gettext("By"),
    "code": lazy_gettext("Code"),
    "counted": lazy_gettext("People counted"),
    "day": lazy_gettext("Day"),
    "deal_id": lazy_gettext("Deal"),
    "deals": lazy_gettext("Deals"),
    "device_id": lazy_gettext("Device"),
    "event": lazy_gettext("What"),
    "feed_id": lazy_gettext("Feed"),
    "format": lazy_gettext("File"),
    "from": lazy_gettext("From"),
    "gate_id": lazy_gettext("Gate"),
    "gates": lazy_gettext("Gates"),
    "how": lazy_gettext("What"),
    "incident_id": lazy_gettext("Incident"),
    "limit": lazy_gettext("How many"),
    "month": lazy_gettext("Month"),
    "name": lazy_gettext("Name"),
    "new": lazy_gettext("New password"),
    "nonce": lazy_gettext("Scan"),
    "operator": lazy_gettext("Operator number"),
    "order_ref": lazy_gettext("order number"),
    "people": lazy_gettext("People"),
    "phone": lazy_gettext("whole phone number"),
    "phone_last4": lazy_gettext("last 4 digits of the phone"),
    "reason": lazy_gettext("Reason"),
    "state": lazy_gettext("State"),
    "template": lazy_gettext("Template"),
    "until": lazy_gettext("Until"),
    "what": lazy_gettext("What"),
}
"""What fields are called that no form in front of a person names."""

# Commands name some of theirs as their line does, in capitals.
_ALSO: Final = {"id": "name", "number": "operator", "since": "from"}


def field_words(error: InvalidInput, labels: Mapping[str, Lazy]) -> str:
    """Return the sentence about a field.

    Args:
        labels: what the form in front of a person calls its fields.
    """
    problem = _problem(error)
    label = _label(error.field, labels)
    if label is None:
        return gettext("This cannot be used: %(problem)s.", problem=problem)
    return gettext("%(field)s: %(problem)s.", field=label, problem=problem)


def _problem(error: InvalidInput) -> str:
    if error.fault is None:
        return gettext("this cannot be used as it is")
    sentence = FAULTS[error.fault]
    if error.limit in {"", 0}:
        sentence = _BARE.get(error.fault, sentence)
    return str(sentence) % {"limit": error.limit}


def _label(field: str, labels: Mapping[str, Lazy]) -> Lazy | None:
    """Return what a field is called: `gates[2]` as `gates`, `honour.arrived_by` as that."""
    whole = re.sub(r"\[\d*\]|\[\.\.\.\]", "", field)
    whole = _ALSO.get(whole.lower(), whole)
    last = whole.rpartition(".")[2]
    for known in (labels, NAMES):
        for name in (whole, last, last.lower()):
            if name in known:
                return known[name]
    return None
