"""Commands about the on-duty list, and those by which the feeder carries its messages."""

from __future__ import annotations

from typing import Any

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing
from gate_server.duty_calls import DutyCalls
from gate_server.duty_forms import Outcome
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Contact, Form


class AddContact(Params, frozen=True):
    """Somebody who is to be called; `url` and `secret` are secrets."""

    name: str
    form: Form
    url: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"AddContact({self.name!r}, {self.form.value!r})"


class Tried(Params, frozen=True):
    """What came of a test; `problem` None: it was taken."""

    name: str
    problem: str | None


class Sender(Params, frozen=True):
    """Who sends messages: a name of its own for each life of the process."""

    sender: str


class Outcomes(Params, frozen=True):
    """What came of messages."""

    outcomes: list[Outcome]


def add_contact(services: Services, params: AddContact) -> dict[str, Any]:
    """Put somebody on the list."""
    added = _list(services).add(params.name, params.form, params.url, params.secret, by=services.by)
    return _contact(added)


def list_contacts(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List who is called, without their addresses."""
    return [_contact(each) for each in _list(services).contacts()]


def remove_contact(services: Services, params: Named) -> dict[str, Any]:
    """Take somebody off the list."""
    _list(services).remove(params.name, by=services.by)
    return {"name": params.name}


def make_test(services: Services, params: Named) -> dict[str, Any]:
    """Return a message that tries whether somebody can be called; it holds secrets."""
    made: dict[str, Any] = msgspec.to_builtins(_list(services).test_message(params.name))
    return made


def note_test(services: Services, params: Tried) -> dict[str, Any]:
    """Keep what came of a test."""
    _list(services).note_test(params.name, params.problem)
    return {"name": params.name}


def give_due(services: Services, params: Sender) -> list[dict[str, Any]]:
    """Return the messages that are to be sent now; they hold secrets."""
    found = _calls(services).due(params.sender)
    made: list[dict[str, Any]] = msgspec.to_builtins(found)
    return made


def settle(services: Services, params: Outcomes) -> None:
    """Record what came of messages."""
    _calls(services).settle(params.outcomes)


def _list(services: Services) -> DutyList:
    return DutyList(services.ledger, services.keys, services.settings)


def _calls(services: Services) -> DutyCalls:
    return DutyCalls(services.ledger, services.keys, services.settings)


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "form": contact.form.value,
        "address": contact.shown,
        "added_at": contact.added_at.isoformat(),
        "answered_at": _text(contact.answered_at),
        "failed_at": _text(contact.failed_at),
        "failures": contact.failures,
        "problem": contact.error,
    }


def _text(at: Any) -> str | None:
    return None if at is None else at.isoformat()


COMMANDS: dict[str, Command[Any]] = {
    "duty add": Command(AddContact, add_contact),
    "duty list": Command(Nothing, list_contacts),
    "duty remove": Command(Named, remove_contact),
    "duty test": Command(Named, make_test),
    "duty tried": Command(Tried, note_test),
    "duty due": Command(Sender, give_due),
    "duty settle": Command(Outcomes, settle),
}
