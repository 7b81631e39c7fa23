"""Hire operators for a park under test, and let them sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from argon2 import PasswordHasher

from admission.operators import OperatorRole, badge_name, write_badge
from gate_server.ledger import people
from tests.server import Member, Park, Site

PIN = "270415"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True)
class Hired:
    """An operator with what proves who they are."""

    number: str
    badge: str = field(repr=False)
    pin: str = field(repr=False, default=PIN)


def an_operator(park: Park, number: str = "4711", name: str = "早班甲", **options: Any) -> Hired:
    """Add an operator with the PIN `PIN`."""
    badge = write_badge(number.encode().rjust(16, b"#"))
    made = people.NewSecrets(park.keys.badge_hash(badge), badge_name(badge), _hash(park, number))
    role = OperatorRole(options.get("role", "steward"))
    park.change(
        lambda tx: people.add_operator(
            tx, number, name, role, made, by="test", now=park.ledger.clock()
        )
    )
    return Hired(number, badge)


def _hash(park: Park, number: str) -> str:
    # A hash carries its own costs: a PIN that the tests give is proved in no time.
    return _CHEAP.hash(park.keys.pin_text(number, PIN))


def sign_in(site: Site, device: Member, hired: Hired) -> Any:
    """Sign in by badge; it must work."""
    answer = site.post("/operators/sign-in", device, {"badge": hired.badge})
    assert answer.status_code == 200, answer.text
    return answer.json()


def sheet(site: Site, by: Member, **query: Any) -> Any:
    """Return a hand-over sheet."""
    answer = site.get("/handover", by, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()
