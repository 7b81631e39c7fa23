"""Commands for those who check the record: replay, signed heads, exports, conduct."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.errors import NotFound
from admission.wire_evidence import ConductAnswer, HeadsAnswer, ReplayAnswer
from gate_server.bundle import Exported
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing
from gate_server.conduct import make_conduct, read_day
from gate_server.evidence_words import read_evidence_words
from gate_server.head_sends import list_sent
from gate_server.heads import list_heads, sign_head
from gate_server.ledger.statements import count_sold, find_newest
from gate_server.replay import replay_scan


class Replay(Params, frozen=True):
    """A recorded scan, by the number that its answer had."""

    scan_id: int


class Heads(Params, frozen=True):
    """Signed heads after a revision; `sign`: sign the chain's newest row first."""

    since: int = 0
    sign: bool = False


class Export(Params, frozen=True):
    """A bundle whose rows are written, to be put on record and signed."""

    exported: Exported


class StatementOf(Params, frozen=True):
    """A deal whose newest statement is asked for."""

    deal_id: str


class Conduct(Params, frozen=True):
    """A venue day; None: today."""

    day: str | None = None


def replay_old(services: Services, params: Replay) -> dict[str, Any]:
    """Decide an old scan again."""
    answer: ReplayAnswer = replay_scan(services.ledger, params.scan_id, read_evidence_words())
    return _plain(answer)


def heads(services: Services, params: Heads) -> dict[str, Any]:
    """List signed heads."""
    if params.sign:
        sign_head(services.ledger, services.keys, again=True)
    answer: HeadsAnswer = list_heads(services.ledger, services.keys, params.since)
    sent: list[Any] = msgspec.to_builtins(list_sent(services.ledger))
    return _plain(answer) | {"sent": sent}


def audit_keys(services: Services, _: Nothing) -> dict[str, str]:
    """Return the public keys that verify signed heads, by number."""
    keys = services.keys.audit_keys().keys
    return {str(key.key_id): key.public.hex() for key in keys}


def export(services: Services, params: Export) -> int:
    """Record that a bundle was handed out, sign the head over it, and return its revision."""
    fields = {**msgspec.structs.asdict(params.exported), "by": services.by}
    revision = services.ledger.write(lambda tx: tx.record_event("export", fields))
    sign_head(services.ledger, services.keys, again=True)
    return revision


def statement(services: Services, params: StatementOf) -> dict[str, Any] | None:
    """Return the figures of a deal's newest statement, the very text that is signed; None: none.

    `whole`: it has all the vouchers that there are now.
    """
    deal = services.ledger.catalogue.deal(params.deal_id)
    if deal is None:
        raise NotFound(f"no deal {params.deal_id}")
    found = services.ledger.read(lambda db: find_newest(db, deal.deal_no))
    if found is None:
        return None
    sold = services.ledger.read(lambda db: count_sold(db, deal.deal_no))
    whole = msgspec.json.decode(found.summary)["counts"]["sold"] == sold
    return {"version": found.version, "whole": whole, "text": found.summary.decode()}


def conduct(services: Services, params: Conduct) -> dict[str, Any]:
    """Tell who overrode, annulled and struck on a venue day."""
    day = read_day(params.day)
    answer: ConductAnswer = make_conduct(services.ledger, day, read_evidence_words())
    return _plain(answer)


def _plain(answer: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain


COMMANDS: dict[str, Command[Any]] = {
    "replay": Command(Replay, replay_old),
    "audit heads": Command(Heads, heads),
    "audit keys": Command(Nothing, audit_keys),
    "audit export": Command(Export, export),
    "audit statement": Command(StatementOf, statement),
    "conduct": Command(Conduct, conduct),
}
