"""Read the ledger as it was before one revision: what an old scan was decided on."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from admission.calendar import Venue, from_ms
from admission.cases import Family, Found
from admission.deals import AtGate, Deal, Hold, HoldScope
from admission.history import History, Record, Terms, fold
from admission.replay import Changed, Correction, as_corrected
from admission.scans import Gate, GateState, PartyDefault, Profile
from admission.tickets import join_family
from admission.verdicts import Reason
from admission.voids import Void
from admission.vouchers import Status, Voucher
from gate_server.ledger.catalogue import DEAL_COLUMNS, VOIDS, instant, read_deal, read_void
from gate_server.ledger.closure_rows import closures_of
from gate_server.ledger.devices import default_party
from gate_server.ledger.scans import read_record

_decode = msgspec.json.decode

_LAST: Final = """
SELECT body FROM audit WHERE body IS NOT NULL AND kind = ? AND revision < ?
    AND (?3 IS NULL OR body ->> ?3 = ?4) ORDER BY revision DESC LIMIT 1
"""
_STATE: Final = (
    "deal_no, admits, price_paid_minor, valid_from, valid_until, status, status_at, sold_at,"
    " refund_listed_at, buyer_no, exchanged, dead"
)
_FORMER: Final = f"""
SELECT {_STATE} FROM voucher_states WHERE voucher_id = ? AND until_revision > ?
ORDER BY until_revision LIMIT 1
"""  # noqa: S608 - names of ours
_CURRENT: Final = f"""
SELECT credential_key, tail, parent_id, more_keys, revision, erased_at, {_STATE}
FROM vouchers WHERE voucher_id = ?
"""  # noqa: S608
_REPLACED: Final = """
SELECT v.tail FROM tickets t JOIN vouchers v ON v.voucher_id = t.replaced_by WHERE t.voucher_id = ?
"""
_FORMER_DEAL: Final = f"""
SELECT {DEAL_COLUMNS} FROM deal_states WHERE deal_no = ? AND until_revision > ?
ORDER BY until_revision LIMIT 1
"""  # noqa: S608
_CURRENT_DEAL: Final = f"SELECT {DEAL_COLUMNS} FROM deals WHERE deal_no = ?"  # noqa: S608
# As it was recorded, then as it stands; read_record takes twenty columns.
_SCANS: Final = """
SELECT s.scan_id, s.corrected, s.detail ->> 'passage',
    device_id, nonce, scan_at, gate_id, area, reason, mode, direction, people, party, staffed,
    0, 0, NULL, 0, NULL, NULL, turned, 0, attested_at,
    device_id, nonce, scan_at, gate_id, area, COALESCE(shown_reason, reason), mode, direction,
    COALESCE(shown_people, people), party, staffed, annulled, annuls, annulled_at, overridden,
    overridden_at, struck_at, turned, moved, attested_at
FROM scans s WHERE s.scan_id < ?2 AND (s.voucher_id = ?3 OR s.voucher_id IS NULL)
    AND s.credential_key IN (SELECT ?1 UNION
        SELECT key FROM credentials WHERE voucher_id = ?3 AND kind <> 'order' AND ?4)
"""
_WIDTH: Final = 20
_HOLDS: Final = """
SELECT revision, since, reason, sold_from, sold_until, price_at_most_minor, at_gate FROM holds
WHERE deal_no = ? AND revision < ? ORDER BY revision DESC LIMIT 1
"""
_ENDED: Final = """
SELECT 1 FROM audit WHERE body IS NOT NULL AND kind IN ('release', 'void', 'restore_deal')
    AND revision > ? AND revision < ? AND body ->> 'deal_id' = ? LIMIT 1
"""
_BLOCKED: Final = """
SELECT 1 FROM blocks WHERE buyer_no = ?1 AND revision < ?2
    AND (lifted_at IS NULL OR COALESCE(lifted_revision, 0) > ?2)
    AND (expires_at IS NULL OR expires_at >= ?3) LIMIT 1
"""
_CORRECTIONS: Final = f"""
SELECT revision, kind, body FROM audit WHERE body IS NOT NULL
    AND kind IN ({", ".join(f"'{each}'" for each in Changed)})
    AND revision > ?1 AND revision < ?2 AND body ->> 'scan_id' IN (SELECT value FROM json_each(?3))
ORDER BY revision
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class FormerVoucher:
    """A voucher as it was.

    Attributes:
        known: False where it has changed since, before former states were kept.
        erased: what led to its buyer was purged since.
    """

    voucher: Voucher
    deal_no: int
    buyer_no: int | None
    credential_key: bytes
    more_keys: bool
    was_exchanged: bool
    known: bool
    erased: bool


class Former:
    """The ledger as it was before a revision; valid while `db` shows one moment of it."""

    def __init__(self, db: sqlite3.Connection, venue: Venue, revision: int) -> None:
        self._db = db
        self._venue = venue
        self._revision = revision

    def _last(self, kind: str, key: str | None = None, value: str | None = None) -> dict[str, Any]:
        row = self._db.execute(_LAST, (kind, self._revision, key, value)).fetchone()
        # A JSON path with a name of ours; `->>` takes it as a key.
        return {} if row is None else _decode(row[0], type=dict[str, Any])

    @property
    def states_kept(self) -> bool:
        """Whether former states of deals and vouchers were kept by then."""
        since = self._db.execute("SELECT states_since FROM venue").fetchone()[0]
        return bool(self._revision > since)

    def emergency(self) -> bool:
        """Say whether the venue evacuated."""
        return bool(self._last("emergency").get("on", False))

    def gate(self, gate_id: str, area: str) -> Gate:
        """Return a gate in the state that it had."""
        state = self._last("gate_state", "gate_id", gate_id).get("state", GateState.OPEN.value)
        return Gate(gate_id, gate_id, area, GateState(state))

    def device(self, device_id: str) -> tuple[Profile, PartyDefault]:
        """Return a device's profile, and for how many people its scans were."""
        sql = "SELECT profile FROM devices WHERE device_id = ?"
        profile = Profile(self._db.execute(sql, (device_id,)).fetchone()[0])
        told = self._last("party_default", "device_id", device_id).get("party_default")
        return profile, default_party(profile) if told is None else PartyDefault(told)

    def deal(self, deal_no: int) -> Deal:
        """Return a deal as it was."""
        where = (deal_no, self._revision)
        row = self._db.execute(_FORMER_DEAL, where).fetchone()
        row = row or self._db.execute(_CURRENT_DEAL, (deal_no,)).fetchone()
        return read_deal(row, closures_of(self._db, deal_no, self._revision))

    def void(self, deal_no: int) -> Void | None:
        """Return the version of a deal's void that was in force."""
        sql = f"{VOIDS} WHERE deal_no = ? AND revision < ? ORDER BY version DESC LIMIT 1"
        row = self._db.execute(sql, (deal_no, self._revision)).fetchone()
        void = None if row is None else read_void(row)
        return None if void is None or void.restored else void

    def hold(self, deal: Deal) -> Hold | None:
        """Return the hold that was on a deal."""
        row = self._db.execute(_HOLDS, (deal.deal_no, self._revision)).fetchone()
        if row is None:
            return None
        revision, since, reason, sold_from, sold_until, price, at_gate = row
        if self._db.execute(_ENDED, (revision, self._revision, deal.deal_id)).fetchone():
            return None
        scope = HoldScope(instant(sold_from), instant(sold_until), price)
        return Hold(from_ms(since), reason, scope, AtGate(at_gate))

    def buyer_blocked(self, buyer_no: int | None, at_ms: int) -> bool:
        """Say whether a buyer's account had to see a supervisor."""
        where = (buyer_no, self._revision, at_ms)
        return buyer_no is not None and self._db.execute(_BLOCKED, where).fetchone() is not None

    def voucher(self, voucher_id: int) -> FormerVoucher | None:
        """Return a voucher as it was; None where its row is gone."""
        row = self._db.execute(_CURRENT, (voucher_id,)).fetchone()
        if row is None:
            return None
        key, tail, parent_id, more_keys, revision, erased_at, *now = row
        former = self._db.execute(_FORMER, (voucher_id, self._revision)).fetchone()
        (deal_no, admits, price, valid_from, valid_until, status, status_at, sold_at, listed,
         buyer_no, exchanged, dead) = former or now  # fmt: skip
        voucher = Voucher(
            voucher_id=voucher_id,
            tail=tail,
            admits=admits,
            price_paid_minor=price,
            valid_from=instant(valid_from),
            valid_until=instant(valid_until),
            status=Status(status),
            status_at=instant(status_at),
            sold_at=instant(sold_at),
            refund_listed=listed is not None,
            exchanged=exchanged or 0,
            parent_id=parent_id,
            dead=bool(dead),
        )
        if dead:
            replaced = self._db.execute(_REPLACED, (voucher_id,)).fetchall()
            voucher.exchanged_for = tuple(each[0] for each in replaced)
        known = former is not None or revision <= self._revision
        links = key, bool(more_keys), exchanged is not None
        return FormerVoucher(voucher, deal_no, buyer_no, *links, known, erased_at is not None)

    def records(self, one: FormerVoucher) -> list[Record]:
        """Return a voucher's recorded scans as they stood."""
        where = one.credential_key, self._revision, one.voucher.voucher_id, int(one.more_keys)
        rows = self._db.execute(_SCANS, where).fetchall()
        corrected = {row[0] for row in rows if row[1] is not None and row[1] >= self._revision}
        changes = self._corrections(corrected)
        return [
            self._then(row, changes[row[0]])
            if row[0] in corrected
            else read_record(row[3 + _WIDTH :])
            for row in rows
        ]

    def _then(self, row: tuple[Any, ...], corrections: list[Correction]) -> Record:
        record = read_record(row[3 : 3 + _WIDTH])
        record.turned = 0 if row[2] else None
        return as_corrected(record, corrections)

    def _corrections(self, scan_ids: set[int]) -> dict[int, list[Correction]]:
        found: dict[int, list[Correction]] = defaultdict(list)
        if scan_ids:
            for scan_id, correction in list_corrections(self._db, scan_ids, self._revision):
                found[scan_id].append(correction)
        return found

    def found(self, one: FormerVoucher, at_ms: int, honoured_people: int) -> Found:
        """Return a voucher as a scan of it found it."""
        deal, records = self.deal(one.deal_no), self.records(one)
        terms = Terms.of(one.voucher, deal)
        return Found(
            one.voucher,
            deal,
            fold(records, terms, self._venue) if records else History(terms),
            self.void(one.deal_no),
            self.hold(deal),
            self.buyer_blocked(one.buyer_no, at_ms),
            self._family(one),
            honoured_people,
        )

    def _family(self, one: FormerVoucher) -> Family | None:
        parent_id = one.voucher.parent_id
        if parent_id is None and not one.was_exchanged:
            return None
        parent = one if parent_id is None else self.voucher(parent_id)
        if parent is None:
            return None
        sql = "SELECT voucher_id FROM vouchers WHERE parent_id = ? ORDER BY voucher_id"
        children = self._db.execute(sql, (parent.voucher.voucher_id,)).fetchall()
        tickets = [each for (number,) in children if (each := self.voucher(number)) is not None]
        records = [record for each in tickets for record in self.records(each)]
        deal = self.deal(parent.deal_no)
        return join_family(parent.voucher, deal, self.records(parent), records, self._venue)


def list_corrections(
    db: sqlite3.Connection, scan_ids: set[int], before: int
) -> list[tuple[int, Correction]]:
    """Return what was done to scans before a revision, oldest first, each with its scan."""
    numbers = msgspec.json.encode(sorted(scan_ids)).decode()
    rows = db.execute(_CORRECTIONS, (min(scan_ids), before, numbers)).fetchall()
    found = []
    for revision, kind, text in rows:
        body = _decode(text, type=dict[str, Any])
        correction = Correction(
            revision,
            Changed(kind),
            from_ms(body.get("done_at", body["at"])),
            body.get("people", 0),
            reason=Reason(body["reason"]) if kind == Changed.SHOWN else None,
            unwatched=bool(body.get("unwatched", False)),
        )
        found.append((body["scan_id"], correction))
    return found
