"""Hire operators for a park under test, and let them sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from admission.operators import OperatorRole, badge_name, write_badge
from gate_server.ledger import people
from gate_server.secrets import hash_password
from tests.server import Member, Park, Site

PIN = "270415"
_HASHES: dict[str, str] = {}


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
    # A tenth of a second each: those of one venue's copies are alike.
    text = park.keys.pin_text(number, PIN)
    if text not in _HASHES:
        _HASHES[text] = hash_password(text)
    return _HASHES[text]


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
