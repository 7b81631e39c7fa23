"""Erase personal data that is older than a venue keeps it, in slices that let scans go first.

Each slice is one transaction with an event of its own in the audit, and looks again at what may not
be erased. What is erased is not found a second time: a purge that was killed is simply begun anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from admission.codes import normalise
from admission.keys import CodeKey, code_hash
from gate_server.ledger import sales
from gate_server.ledger.anonymous import erase_operators
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.retention import FOREVER, Kept, Why, read_kept
from gate_server.ledger.session import Session

SLICE: Final = 200
SPAN: Final = 20_000
"""Keys that one look walks at most."""

ENDED: Final = f"""
MIN(COALESCE(v.valid_until, d.valid_until),
    IIF(v.status IN ('cancelled', 'refunded'), COALESCE(v.status_at, {FOREVER}), {FOREVER}))
"""
_NOT_KEPT: Final = "v.deal_no NOT IN (SELECT value FROM json_each(:kept))"
# The platform was told that it may pay back, and has not said yet that it did.
OPEN_REFUND: Final = (
    "EXISTS (SELECT 1 FROM refund_locks l WHERE l.voucher_id = v.voucher_id"
    " AND l.status = 'valid' AND l.admits + l.people > l.sold)"
)
# What is sealed stays until its deal's accounts have been closed so long.
_CLOSED: Final = (
    "COALESCE((SELECT s.settled_at FROM settled_deals s WHERE s.deal_no = v.deal_no), 0) <= :codes"
)
UNNEEDED: Final = f"{_NOT_KEPT} AND NOT {OPEN_REFUND} AND {_CLOSED}"
"""Of a voucher: neither kept nor waited for by anybody."""
_REPORTED: Final = (
    "NOT EXISTS (SELECT 1 FROM deeds e WHERE e.voucher_id = v.voucher_id"
    " AND e.state NOT IN ('done', 'dropped'))"
)
_VOUCHERS: Final = "vouchers v JOIN deals d USING (deal_no)"
_AMONG: Final = "IN (SELECT value FROM json_each(:ids))"
_OLD: Final = "< MIN(:{}, :floor)"

_COUNT_KEPT: Final = f"""
SELECT COUNT(*) FROM {_VOUCHERS} WHERE v.deal_no = ?1 AND (
    (v.phone IS NOT NULL OR v.phone_last4 IS NOT NULL) AND {ENDED} < ?2
    OR (v.buyer_no IS NOT NULL OR v.order_ref IS NOT NULL) AND {ENDED} < ?3)
"""  # noqa: S608 - names of ours

_COUNT_WAITING: Final = f"""
SELECT v.deal_no, COUNT(*) FROM {_VOUCHERS}
WHERE v.voucher_id IN (SELECT voucher_id FROM refund_locks) AND {OPEN_REFUND} AND {_NOT_KEPT} AND (
    (v.phone IS NOT NULL OR v.phone_last4 IS NOT NULL) AND {ENDED} < :phones
    OR (v.buyer_no IS NOT NULL OR v.order_ref IS NOT NULL) AND {ENDED} < :buyers)
GROUP BY v.deal_no
"""  # noqa: S608 - names of ours

Erase: TypeAlias = Callable[[Session, Sequence[int], "Asked"], None]


@dataclass(frozen=True, slots=True)
class Cuts:
    """What is older than this is erased; instants in ms, of a voucher's end or of the record."""

    phones: int
    buyers: int
    codes: int
    operators: int
    audit: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One purge.

    Attributes:
        code_keys: every key that an order's number may be hashed with.
    """

    cuts: Cuts
    code_keys: tuple[CodeKey, ...]
    by: str
    now_ms: int

    def params(self, kept: Kept) -> dict[str, Any]:
        """Return what the conditions of the steps ask for."""
        cuts = self.cuts
        return {
            "phones": cuts.phones,
            "buyers": cuts.buyers,
            "codes": cuts.codes,
            "operators": cuts.operators,
            "audit": cuts.audit,
            "kept": msgspec.json.encode(sorted(kept.deals)).decode(),
            "floor": 0 if kept.everything else kept.floor_ms,
            "all": int(kept.everything),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of data: where it is, when it may go, and how."""

    what: str
    table: str
    key: str
    condition: str
    erase: Erase

    @property
    def find(self) -> str:
        """The SQL for the next keys."""
        among = f"{self.key} > :last AND {self.key} <= :until"
        return f"{self._select(among)} ORDER BY 1 LIMIT :most"

    @property
    def find_again(self) -> str:
        """The SQL for those of some keys that still may go."""
        return self._select(f"{self.key} {_AMONG}")

    @property
    def count(self) -> str:
        """The SQL for how many there are among some keys."""
        among = f"{self.key} > :last AND {self.key} <= :until"
        return f"SELECT COUNT(*) FROM ({self._select(among)})"  # noqa: S608 - names of ours

    def _select(self, among: str) -> str:
        where = f"{among} AND {self.condition} AND NOT :all"
        return f"SELECT DISTINCT {self.key} FROM {self.table} WHERE {where}"  # noqa: S608

    @property
    def newest(self) -> str:
        """The SQL for the highest key."""
        return f"SELECT MAX({self.key}) FROM {self.table}"  # noqa: S608


def _run(sql: str) -> Erase:
    def erase(tx: Session, ids: Sequence[int], asked: Asked) -> None:
        given = {"ids": msgspec.json.encode(ids).decode(), "now": asked.now_ms}
        tx.db.execute(sql.format(_AMONG), given)

    return erase


def _erase_buyers(tx: Session, ids: Sequence[int], asked: Asked) -> None:
    given = {"ids": msgspec.json.encode(ids).decode(), "now": asked.now_ms}
    of = f"voucher_id {_AMONG}"
    sql = f"SELECT order_ref, voucher_id FROM vouchers WHERE order_ref IS NOT NULL AND {of}"  # noqa: S608
    for order_ref, voucher_id in tx.db.execute(sql, given).fetchall():
        unlink_order(tx, order_ref, voucher_id, asked.code_keys)
    tx.db.execute(f"UPDATE voucher_states SET buyer_no = NULL WHERE {of}", given)  # noqa: S608
    gone = "buyer_no = NULL, order_ref = NULL, erased_at = :now"
    with ExitStack() as counters:
        for voucher_id in ids:
            counters.enter_context(sales.recounted(tx.db, voucher_id))
        tx.db.execute(f"UPDATE vouchers SET {gone} WHERE {of}", given)  # noqa: S608


def unlink_order(
    tx: Session, order_ref: str, voucher_id: int, code_keys: tuple[CodeKey, ...]
) -> None:
    """Let an order's number no longer find a voucher."""
    code = normalise(order_ref)
    gone = [(code_hash(code, key), voucher_id) for key in code_keys]
    sql = "DELETE FROM credentials WHERE key = ? AND voucher_id = ? AND kind = 'order'"
    tx.db.executemany(sql, gone)


STEPS: Final = (
    Step(
        "phones",
        _VOUCHERS,
        "v.voucher_id",
        f"(v.phone IS NOT NULL OR v.phone_last4 IS NOT NULL) AND {ENDED} < :phones AND {_NOT_KEPT}"
        f" AND NOT {OPEN_REFUND}",
        _run("UPDATE vouchers SET phone = NULL, phone_last4 = NULL, erased_at = :now"
             " WHERE voucher_id {}"),
    ),
    Step(
        "sealed_codes",
        _VOUCHERS,
        "v.voucher_id",
        f"v.sealed_code IS NOT NULL AND {ENDED} < :codes AND {UNNEEDED} AND {_REPORTED}",
        _run("UPDATE vouchers SET sealed_code = NULL WHERE voucher_id {}"),
    ),
    Step(
        "buyers",
        _VOUCHERS,
        "v.voucher_id",
        f"(v.buyer_no IS NOT NULL OR v.order_ref IS NOT NULL) AND {ENDED} < :buyers"
        f" AND {UNNEEDED}",
        _erase_buyers,
    ),
    Step(
        "audit_fields",
        "audit_personal p JOIN audit a USING (revision)",
        "p.revision",
        f"a.body ->> 'at' {_OLD.format('audit')}",
        _run("DELETE FROM audit_personal WHERE revision {}"),
    ),
    Step(
        "scans_operators",
        "scans s LEFT JOIN vouchers v USING (voucher_id)",
        "s.scan_id",
        "(s.operator IS NOT NULL OR s.overridden_operator IS NOT NULL)"
        " AND MAX(s.received_at, COALESCE(s.overridden_at, 0)) < :operators"
        f" AND (v.deal_no IS NULL AND s.received_at < :floor OR {_NOT_KEPT})",
        lambda tx, ids, _: erase_operators(tx, scans=ids),
    ),
    Step(
        "counts_operators",
        "counts c",
        "c.count_id",
        f"c.operator IS NOT NULL AND c.counted_at {_OLD.format('operators')}",
        lambda tx, ids, _: erase_operators(tx, counts=ids),
    ),
    Step(
        "reports_operators",
        "reports r",
        "r.report_id",
        f"r.operator IS NOT NULL AND r.received_at {_OLD.format('operators')}",
        lambda tx, ids, _: erase_operators(tx, reports=ids),
    ),
    Step(
        "shifts",
        "shifts h",
        "h.shift_id",
        f"h.closes_at {_OLD.format('operators')}",
        _run("DELETE FROM shifts WHERE shift_id {}"),
    ),
    Step(
        "set_aside",
        "set_aside a",
        "a.row_id",
        f"a.tried_at {_OLD.format('buyers')}",
        _run("DELETE FROM set_aside WHERE row_id {}"),
    ),
    Step(
        "revoked_devices_lines",
        "evidence e",
        "e.evidence_id",
        f"e.received_at {_OLD.format('audit')}",
        _run("DELETE FROM evidence WHERE evidence_id {}"),
    ),
)  # fmt: skip


def count_old(ledger: Ledger, step: Step, asked: Asked) -> int:
    """Count what a step would erase."""
    found = 0
    params = asked.params(ledger.read(read_kept))
    for last in range(0, _newest(ledger, step), SPAN):
        given = params | {"last": last, "until": last + SPAN}
        found += ledger.read(lambda db: db.execute(step.count, given).fetchone()[0])  # noqa: B023
    return found


def erase_old(ledger: Ledger, step: Step, asked: Asked) -> int:
    """Erase what a step is about, slice by slice; return how many rows it was."""
    return sum(
        ledger.write(partial(_erase_slice, step, asked, ids), patient=True)
        for ids in _find(ledger, step, asked)
    )


def count_kept(db: sqlite3.Connection, asked: Asked, kept: Kept) -> list[tuple[int, Why, int]]:
    """Count the vouchers that have ended long enough ago and still keep what leads to a buyer."""
    if kept.everything:
        return [(0, Why.LEGAL_HOLD, 0)]
    given = asked.params(kept)
    counted = [(*row, given["phones"], given["buyers"]) for row in kept.deals.items()]
    found = [
        (number, why, vouchers)
        for number, why, phones, buyers in counted
        if (vouchers := db.execute(_COUNT_KEPT, (number, phones, buyers)).fetchone()[0])
    ]
    waiting = db.execute(_COUNT_WAITING, given).fetchall()
    return found + [(number, Why.OPEN_REFUND, vouchers) for number, vouchers in waiting]


def count_statements(db: sqlite3.Connection) -> dict[int, int]:
    """Count the statements of deals, whose tables name orders and are kept as they were signed."""
    return dict(db.execute("SELECT deal_no, COUNT(*) FROM statements GROUP BY deal_no").fetchall())


def _newest(ledger: Ledger, step: Step) -> int:
    newest: int | None = ledger.read(lambda db: db.execute(step.newest).fetchone()[0])
    return newest or 0


def _find(ledger: Ledger, step: Step, asked: Asked) -> Iterator[list[int]]:
    """Yield keys of what may go, a slice at a time."""
    last, newest = 0, _newest(ledger, step)
    params = asked.params(ledger.read(read_kept))
    while last < newest:
        given = params | {"last": last, "until": last + SPAN, "most": SLICE}
        found = ledger.read(partial(_keys, step.find, given))
        if found:
            yield found
        last = found[-1] if len(found) == SLICE else last + SPAN


def _keys(sql: str, given: dict[str, Any], db: sqlite3.Connection) -> list[int]:
    return [row[0] for row in db.execute(sql, given).fetchall()]


def _erase_slice(step: Step, asked: Asked, ids: list[int], tx: Session) -> int:
    # A hold may have come since they were found.
    given = asked.params(read_kept(tx.db)) | {"ids": msgspec.json.encode(ids).decode()}
    ids = _keys(step.find_again, given, tx.db)
    if ids:
        step.erase(tx, ids, asked)
        tx.record_event("purge", {"what": step.what, "rows": len(ids), "by": asked.by})
    return len(ids)
