"""Requests to a platform to stop a sale: written with the figures, sent until they are taken."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.deals import Deal
from admission.incidents import Figures
from admission.messages import Sentence
from gate_server.ledger.duty import DUE
from gate_server.ledger.session import Session

NOTIFY: Final = "notify_url"
"""The name under which a feed's config has where its platform takes requests."""
_COLUMNS: Final = (
    "request_id, incident_id, deal_no, platform, zh, en, figures, written_at, state, feed_id,"
    " tries, next_at, taken_at, problem"
)
_REQUESTS: Final = f"SELECT {_COLUMNS} FROM stop_sales"  # noqa: S608 - names of ours


class StopState(StrEnum):
    """What became of a request; stored, so never renamed."""

    WAITING = "waiting"
    TAKEN = "taken"
    BY_HAND = "by_hand"
    """Nobody told us where the platform takes requests: a human sends the text."""
    DROPPED = "dropped"
    """Released or closed before it was taken, or another one has taken its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSale:
    """A request to stop a sale, as it stands.

    Attributes:
        feed_id: whose address and secret it is sent with; None: by hand.
        next_at: when it is sent (again); None: not any more.
    """

    request_id: str
    incident_id: str
    deal_no: int
    platform: str
    text: Sentence
    figures: Figures
    written_at: datetime
    state: StopState
    feed_id: int | None
    tries: int
    next_at: datetime | None
    taken_at: datetime | None
    problem: str | None


def write_request(
    tx: Session, incident_id: str, deal: Deal, figures: Figures, text: Sentence, *, now: datetime
) -> str:
    """Write a request and return its id; one of the incident that still waits is dropped."""
    drop_requests(tx, incident_id)
    feed_id = _find_feed(tx, deal.platform)
    request_id = f"msg_{secrets.token_hex(12)}"
    state = StopState.BY_HAND if feed_id is None else StopState.WAITING
    fields: Mapping[str, object] = {
        "request_id": request_id,
        "incident_id": incident_id,
        "deal_id": deal.deal_id,
        "text": [text.zh, text.en],
        "figures": msgspec.to_builtins(figures),
    }
    tx.record_event("stop_sale", fields)
    tx.db.execute(
        "INSERT INTO stop_sales (request_id, incident_id, deal_no, platform, zh, en, figures,"
        " written_at, state, feed_id, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request_id,
            incident_id,
            deal.deal_no,
            deal.platform,
            text.zh,
            text.en,
            msgspec.json.encode(figures).decode(),
            to_ms(now),
            state.value,
            feed_id,
            None if feed_id is None else to_ms(now),
        ),
    )
    tx.touched.add("incidents")
    return request_id


def _find_feed(tx: Session, platform: str) -> int | None:
    """Return the feed that knows where a platform takes requests."""
    for feed in tx.catalogue.feeds.values():
        if feed.platform == platform and feed.config.get(NOTIFY):
            return feed.feed_id
    return None


def drop_requests(tx: Session, incident_id: str) -> None:
    """Send an incident's request no more, where nobody has taken it; a human need not either."""
    tx.db.execute(
        "UPDATE stop_sales SET state = ?, next_at = NULL, begun = NULL"
        " WHERE incident_id = ? AND state IN (?, ?)",
        (StopState.DROPPED.value, incident_id, StopState.WAITING.value, StopState.BY_HAND.value),
    )
    tx.touched.add("incidents")


def begin_request(tx: Session, request_id: str, sender: str, *, until: datetime) -> None:
    """Note who sends a request; while that one lives, nobody sends it again before `until`."""
    sql = "UPDATE stop_sales SET begun = ?, tries = tries + 1, next_at = ? WHERE request_id = ?"
    tx.db.execute(sql, (sender, to_ms(until), request_id))


def note_taken(tx: Session, request: StopSale, *, now: datetime) -> None:
    """Note that the platform has taken a request."""
    tx.record_event("stop_sale_taken", {"request_id": request.request_id})
    tx.db.execute(
        "UPDATE stop_sales SET state = ?, taken_at = ?, next_at = NULL, begun = NULL,"
        " problem = NULL WHERE request_id = ?",
        (StopState.TAKEN.value, to_ms(now), request.request_id),
    )
    tx.touched.add("incidents")


def note_untaken(tx: Session, request: StopSale, problem: str, *, next_at: datetime) -> None:
    """Note that a request did not arrive, and when it is sent again."""
    tx.db.execute(
        "UPDATE stop_sales SET begun = NULL, next_at = ?, problem = ?"
        " WHERE request_id = ? AND state = ?",
        (to_ms(next_at), problem, request.request_id, StopState.WAITING.value),
    )


def leave_to_people(tx: Session, request: StopSale, problem: str) -> None:
    """Send a request no more, for the feed that had the address is gone: a human does."""
    tx.db.execute(
        "UPDATE stop_sales SET state = ?, feed_id = NULL, next_at = NULL, begun = NULL, problem = ?"
        " WHERE request_id = ?",
        (StopState.BY_HAND.value, problem, request.request_id),
    )
    tx.touched.add("incidents")


def find_request(db: sqlite3.Connection, request_id: str) -> StopSale | None:
    """Return a request."""
    row = db.execute(f"{_REQUESTS} WHERE request_id = ?", (request_id,)).fetchone()
    return None if row is None else _read(row)


def newest_request(db: sqlite3.Connection, incident_id: str) -> StopSale | None:
    """Return the request of an incident that counts."""
    row = db.execute(
        f"{_REQUESTS} WHERE incident_id = ? ORDER BY written_at DESC, state = ? LIMIT 1",
        (incident_id, StopState.DROPPED.value),
    ).fetchone()
    return None if row is None else _read(row)


def due_requests(db: sqlite3.Connection, now: datetime, sender: str) -> list[StopSale]:
    """Return the requests that are to be sent now, oldest first.

    Args:
        sender: who asks; what another has begun, which is gone then, is due at once.
    """
    sql = f"{_REQUESTS} WHERE {DUE} ORDER BY written_at, request_id"
    return [_read(row) for row in db.execute(sql, {"now": to_ms(now), "sender": sender})]


def _read(row: tuple[Any, ...]) -> StopSale:
    (request_id, incident_id, deal_no, platform, zh, en, figures, written_at, state, feed_id,
     tries, next_at, taken_at, problem) = row  # fmt: skip
    return StopSale(
        request_id=request_id,
        incident_id=incident_id,
        deal_no=deal_no,
        platform=platform,
        text=Sentence(zh, en),
        figures=msgspec.json.decode(figures, type=Figures),
        written_at=from_ms(written_at),
        state=StopState(state),
        feed_id=feed_id,
        tries=tries,
        next_at=_instant(next_at),
        taken_at=_instant(taken_at),
        problem=problem,
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
