"""Commands about operators, and the hand-over sheet of what they did."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec

from admission.errors import Fault, InvalidInput
from admission.operators import OperatorRole, badge_name, check_pin, write_badge
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing, checked_name, checked_text
from gate_server.handover import Page, make_sheet, read_asked
from gate_server.keyring import Keyring
from gate_server.ledger import people
from gate_server.secrets import hash_password
from gate_server.settings import read_messages

LONGEST_NUMBER: Final = 40
_PIN_DIGITS: Final = 6


class AddOperator(Params, frozen=True):
    """Somebody who stands at lanes; without a PIN of their own they get one."""

    operator: str
    name: str
    role: OperatorRole = OperatorRole.STEWARD
    pin: str | None = None


class ResetOperator(Params, frozen=True):
    """An operator who lost the badge or forgot the PIN."""

    operator: str
    pin: str | None = None


class AskSheet(Params, frozen=True):
    """What a hand-over sheet is to be about."""

    day: str | None = None
    operator: str | None = None
    gate_id: str | None = None
    counted: str | None = None


def add_operator(services: Services, params: AddOperator) -> dict[str, Any]:
    """Add an operator; badge and PIN are told this once."""
    ledger, number = services.ledger, checked_name("NUMBER", params.operator)
    if len(number) > LONGEST_NUMBER or number.startswith("badge-"):
        raise InvalidInput(
            "NUMBER", f"at most {LONGEST_NUMBER} characters, not badge-...", Fault.NAME
        )
    name = checked_text("name", params.name)
    made, told = _secrets(services.keys, number, params.pin)
    ledger.write(
        lambda tx: people.add_operator(
            tx, number, name, params.role, made, by=services.by, now=ledger.clock()
        ),
        alone=True,
    )
    return {"operator": number, "name": name, "role": params.role.value, **told}


def list_operators(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all operators, and where each stands now."""
    ledger, catalogue = services.ledger, services.ledger.catalogue
    now = ledger.clock()
    lanes: dict[str, list[str]] = {}
    for device_id in catalogue.on_duty:
        operator = catalogue.operator_at(device_id, now)
        if operator is not None:
            lanes.setdefault(operator, []).append(device_id)
    return [
        {
            "operator": each.operator,
            "name": each.name,
            "role": each.role.value,
            "state": "disabled" if each.disabled else "active",
            "devices": lanes.get(each.operator, []),
            "created_at": each.created_at.isoformat(),
        }
        for each in catalogue.operators.values()
    ]


def disable_operator(services: Services, params: Named) -> dict[str, Any]:
    """End an operator's rights and shifts at once."""
    ledger = services.ledger
    ledger.write(
        lambda tx: people.disable_operator(tx, params.name, by=services.by, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    return {"operator": params.name, "state": "disabled"}


def reset_operator(services: Services, params: ResetOperator) -> dict[str, Any]:
    """Give an operator a new badge and a new PIN, told this once."""
    made, told = _secrets(services.keys, params.operator, params.pin)
    services.ledger.write(
        lambda tx: people.reset_operator(tx, params.operator, made, by=services.by), alone=True
    )
    return {"operator": params.operator, **told}


def _secrets(
    keys: Keyring, number: str, pin: str | None
) -> tuple[people.NewSecrets, dict[str, Any]]:
    """Make a badge, and a PIN unless one was chosen; return what is kept and what is told."""
    chosen = check_pin(pin) if pin is not None else _new_pin()
    badge = write_badge(secrets.token_bytes(16))
    made = people.NewSecrets(
        keys.badge_hash(badge), badge_name(badge), hash_password(keys.pin_text(number, chosen))
    )
    # A PIN that its owner typed is not repeated.
    return made, {"pin": chosen if pin is None else None, "badge": badge}


def _new_pin() -> str:
    while True:
        pin = f"{secrets.randbelow(10**_PIN_DIGITS):0{_PIN_DIGITS}}"
        try:
            return check_pin(pin)
        except InvalidInput:
            continue


def show_sheet(services: Services, params: AskSheet) -> dict[str, Any]:
    """Return a hand-over sheet, as figures and as a page."""
    ledger = services.ledger
    asked = read_asked(params.day, params.operator, params.gate_id, params.counted)
    sheet = make_sheet(ledger, asked)
    messages = read_messages(ledger.venue, services.settings.help_desk)
    page = Page(ledger.venue, messages, services.settings.name).write(sheet)
    return {"sheet": msgspec.to_builtins(sheet, str_keys=True), "page": page}


COMMANDS: dict[str, Command[Any]] = {
    "operator add": Command(AddOperator, add_operator),
    "operator list": Command(Nothing, list_operators),
    "operator disable": Command(Named, disable_operator),
    "operator reset": Command(ResetOperator, reset_operator),
    "handover": Command(AskSheet, show_sheet),
}
