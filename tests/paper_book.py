"""The state of a ledger on paper: rows, records, and the cases that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admission.calendar import Venue
from admission.cases import Case, Facts, Found
from admission.codes import CodeRead, CodeReader, read_code
from admission.deals import Closure, Deal, Hold
from admission.history import History, Record, Terms, fold
from admission.keys import CodeKey, KeyList, PublicKey
from admission.moves import with_moves
from admission.provisional import voucher_of_token
from admission.refusal_slips import Proof, read_proof
from admission.scans import Device, Gate, GateState, PartyDefault, Profile, Scan
from admission.tokens import Purpose, Token, write_token
from admission.verdicts import Verdict
from admission.voids import Void
from admission.vouchers import Voucher
from tests.paper_rows import Row, Sold, read_deal, read_instant, read_voucher

START = datetime.fromisoformat("2015-01-01T00:00:00Z")
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
_PUBLISHED = PublicKey(1, SIGNER.public_key().public_bytes_raw(), START)
READER = CodeReader((CodeKey(1, bytes(32)),), KeyList((_PUBLISHED,)))
# A forged token names a key that is published; an unknown key is in nobody's list.
TOKEN_KEYS = {"known": (1, SIGNER), "forged": (1, STRANGER), "unknown": (9, STRANGER)}


@dataclass(slots=True)
class Entry:
    """One line of the paper ledger.

    Attributes:
        keys: credential keys of the code that was shown.
        voucher_id: the voucher it was decided on; None where it found none, or several.
        terms: of what was found, else of a code nobody knows.
        request: what a repetition must agree with.
    """

    record: Record
    keys: frozenset[bytes]
    voucher_id: int | None
    terms: Terms
    request: tuple[object, ...]
    verdict: Verdict


class Book:
    """Rows, voids, holds, blocks and records of one venue, in memory.

    Args:
        scenario: the first five keys of a file of tests/vectors.
        online: decide as the server does; else as a scanner from its replica.
    """

    def __init__(self, scenario: Row, *, online: bool = True) -> None:
        venue = scenario.get("venue", {})
        self.online = online
        self.venue = Venue(
            ZoneInfo(venue.get("zone", "Asia/Shanghai")),
            time.fromisoformat(venue.get("day_starts_at", "00:00")),
        )
        self.facts = Facts(limit=venue.get("limit"))
        self.gates = {row["gate_id"]: _gate(row) for row in scenario["gates"]}
        self.devices = {row["device_id"]: _device(row) for row in scenario["devices"]}
        self.deals: dict[str, Deal] = {}
        self.sold: dict[tuple[str, str], Sold] = {}
        self.voids: dict[str, list[Void]] = {}
        self.holds: dict[str, Hold] = {}
        self.closures: dict[str, list[tuple[Closure, Row]]] = {}
        self.blocks: dict[tuple[str, str], datetime | None] = {}
        self.entries: dict[tuple[str, str], Entry] = {}
        self.counts: list[tuple[date, int]] = []
        self.take_deals(START, scenario.get("deals", []))
        self.take_vouchers(START, scenario.get("vouchers", []))

    # --- rows --------------------------------------------------------------------------------

    def take_deals(self, now: datetime, rows: list[Row]) -> None:
        for row in rows:
            known = self.deals.get(row["deal_id"])
            deal = read_deal(row, self.venue, known.deal_no if known else len(self.deals) + 1, now)
            if known is None or _not_older(deal.updated_at or now, known.updated_at):
                closures = known.closures if known else ()
                self.deals[deal.deal_id] = replace(deal, closures=closures)

    def take_vouchers(self, now: datetime, rows: list[Row]) -> None:
        for row in rows:
            platform = self.deals[row["deal_id"]].platform
            known = self.sold.get((platform, row["code"]))
            number = known.voucher.voucher_id if known else len(self.sold) + 1
            texts = [row["code"], row.get("order_ref")]
            keys = [key for text in texts if text for key in read_code(text, READER).keys]
            sold = Sold(
                voucher=read_voucher(row, self.venue, number, now),
                deal_id=row["deal_id"],
                platform=platform,
                keys=frozenset(keys),
                buyer_ref=row.get("buyer_ref"),
                updated_at=read_instant(row["updated_at"], self.venue)
                if "updated_at" in row
                else now,
            )
            if known is None or _not_older(sold.updated_at, known.updated_at):
                self.sold[platform, row["code"]] = sold

    def read(self, body: Row) -> CodeRead:
        """Read the code of a step, or make its token and read that."""
        if "token" not in body:
            return read_code(body["code"], READER)
        row = body["token"]
        key_id, signer = TOKEN_KEYS[row["key"]]
        deal = self.deals.get(row["deal_id"])
        token = Token(
            key_id=key_id,
            voucher_number=row["voucher_number"],
            deal_number=deal.deal_no if deal else 9999,
            first_day=date.fromisoformat(row["first_day"]),
            last_day=date.fromisoformat(row["last_day"]),
            admits=row["admits"],
            purpose=Purpose.VOUCHER,
        )
        read = read_code(write_token(token, signer), READER)
        if row.get("held") and deal is not None and read.token is not None:
            self._hold_row(read, deal)
        return read

    def _hold_row(self, read: CodeRead, deal: Deal) -> None:
        name = (deal.platform, f"token {read.keys[0].hex()}")
        if name not in self.sold and read.token is not None:
            voucher = voucher_of_token(read.token, self.venue, voucher_id=len(self.sold) + 1)
            keys = frozenset(read.keys)
            self.sold[name] = Sold(voucher, deal.deal_id, deal.platform, keys, None, START)

    # --- the case ----------------------------------------------------------------------------

    def case(self, read: CodeRead, device: Device, scan: Scan, now: datetime) -> Case:
        rows = [sold for sold in self.sold.values() if sold.keys & set(read.keys)]
        found = tuple(self._found(sold, now) for sold in rows)
        return Case(
            venue=self.venue,
            gate=self.gates[device.gate_id],
            scan=scan,
            found=found,
            facts=replace(self.facts, inside=self.inside(now)),
            form=read.form,
            token=read.token_state,
            provisional=None if found or self.online else self._provisional(read, device),
            proof=self.proof_of(read),
        )

    def proof_of(self, read: CodeRead) -> Proof | None:
        """Return what a slip of a refusal proves: online its scan, offline its signature."""
        return read_proof(read.token)

    def _found(self, sold: Sold, now: datetime) -> Found:
        deal = self.deals[sold.deal_id]
        until = self.blocks.get((sold.platform, sold.buyer_ref or ""), _NEVER)
        return Found(
            self.voucher_now(sold),
            deal,
            self.history(sold),
            void=self.void_of(deal.deal_id),
            hold=self.holds.get(deal.deal_id),
            buyer_blocked=until is None or now <= until,
            honoured_people=self._honoured_on(deal.deal_id),
        )

    def _provisional(self, read: CodeRead, device: Device) -> Found | None:
        if read.token is None or read.token.purpose is Purpose.REFUSAL:
            return None
        number = read.token.deal_number
        deal = next((deal for deal in self.deals.values() if deal.deal_no == number), None)
        if deal is None:
            return None
        voucher = voucher_of_token(read.token, self.venue)
        own = [
            entry.record
            for entry in self.entries.values()
            if entry.keys & set(read.keys) and entry.record.device_id == device.device_id
        ]
        history = fold(own, Terms.of(voucher, deal), self.venue)
        void, hold = self.void_of(deal.deal_id), self.holds.get(deal.deal_id)
        return Found(voucher, deal, history, void=void, hold=hold)

    def history(self, sold: Sold) -> History:
        """Fold what is on record of a voucher: decided on it, or linked by its key since."""
        records = [entry.record for entry in self.entries.values() if _concerns(entry, sold)]
        terms = Terms.of(self.voucher_now(sold), self.deals[sold.deal_id])
        return fold(records, terms, self.venue)

    def voucher_now(self, sold: Sold) -> Voucher:
        return sold.voucher

    def records_of(self, read: CodeRead) -> list[Record]:
        """Return what is on record of the one voucher that a code finds; [] where it finds none."""
        found = [sold for sold in self.sold.values() if sold.keys & set(read.keys)]
        if len(found) != 1:
            return []
        return [entry.record for entry in self.entries.values() if _concerns(entry, found[0])]

    def settle(self) -> None:
        """Note who was moved, by all that is on record of each voucher."""
        for sold in self.sold.values():
            entries = [entry for entry in self.entries.values() if _concerns(entry, sold)]
            records = [entry.record for entry in entries]
            terms = Terms.of(self.voucher_now(sold), self.deals[sold.deal_id])
            moved = with_moves(records, terms, self.venue)
            for entry, record in zip(entries, moved, strict=True):
                entry.record = record

    def histories(self) -> Iterator[History]:
        """Yield every history once: of the vouchers, and of the codes that found none."""
        linked: set[tuple[str, str]] = set()
        for sold in self.sold.values():
            yield self.history(sold)
            linked |= {name for name, entry in self.entries.items() if _concerns(entry, sold)}
        strangers: dict[frozenset[bytes], list[Entry]] = {}
        for name, entry in self.entries.items():
            if name not in linked:
                strangers.setdefault(entry.keys, []).append(entry)
        for entries in strangers.values():
            yield fold([entry.record for entry in entries], entries[0].terms, self.venue)

    def inside(self, now: datetime) -> int:
        """Return the people inside the venue, counted ones included."""
        day = self.venue.day_of(now)
        counted = sum(people for on, people in self.counts if on == day)
        return counted + sum(history.inside_venue(day) for history in self.histories())

    def void_of(self, deal_id: str) -> Void | None:
        """Return the void in force."""
        versions = self.voids.get(deal_id)
        return versions[-1] if versions and not versions[-1].restored else None

    def _honoured_on(self, deal_id: str) -> int:
        return sum(self.history(s).honoured() for s in self.sold.values() if s.deal_id == deal_id)

    def sold_of(self, entry: Entry) -> Sold | None:
        return next((sold for sold in self.sold.values() if _concerns(entry, sold)), None)

    def beside(self, entry: Entry) -> list[Entry]:
        sold = self.sold_of(entry)
        if sold is None:
            return [each for each in self.entries.values() if each.keys & entry.keys]
        return [each for each in self.entries.values() if _concerns(each, sold)]

    def terms_now(self, entry: Entry) -> Terms:
        sold = self.sold_of(entry)
        if sold is None:
            return entry.terms
        return Terms.of(self.voucher_now(sold), self.deals[sold.deal_id])


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00Z")


def _concerns(entry: Entry, sold: Sold) -> bool:
    if entry.voucher_id is not None:
        return entry.voucher_id == sold.voucher.voucher_id
    return bool(entry.keys & sold.keys)


def _not_older(instant: datetime, than: datetime | None) -> bool:
    return than is None or instant >= than


def _gate(row: Row) -> Gate:
    name, area = str(row.get("name", row["gate_id"])), row.get("area", "park")
    return Gate(row["gate_id"], name, area, GateState(row.get("state", "open")))


def _device(row: Row) -> Device:
    profile = Profile(row.get("profile", "gate"))
    usual = "all" if profile.staffed else "one"
    default = PartyDefault(row.get("party_default", usual))
    return Device(row["device_id"], row["device_id"], row["gate_id"], profile, default)
