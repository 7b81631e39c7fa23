"""What the journal keeps of a line, and what it gives back of it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from admission.calendar import from_ms
from admission.history import Record
from admission.scans import Direction
from admission.verdicts import Reason
from admission.wire_outage import OfflineAnnul, OfflineCount, OfflinePassage, OfflineScan

COLUMNS = "entry_id, nonce, state, at, annulled, annuls, annulled_at, turned, sealed"


class Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a line is kept sealed: the line as sent, and what it does not say.

    Attributes:
        line: JSON.
        platform: of the voucher it was decided on; "" where none was found.
    """

    line: msgspec.Raw
    gate_id: str = ""
    area: str = ""
    platform: str = ""
    staffed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A scan to be journalled, before it has its place.

    Attributes:
        line: without seq, head and boot_id.
        numbered: it is an arrival that gets a number of this scanner's own.
        inside: change of the people inside the venue.
        honoured: persons that it honours on deal `deal_no`.
        revision: of an online answer: the ledger's, which has the scan from there on.
        arrives: it is a new arrival (`admission.arrival_rates`).
    """

    line: OfflineScan
    gate_id: str
    area: str
    platform: str = ""
    staffed: bool = True
    deal_no: int | None = None
    inside: int = 0
    honoured: int = 0
    numbered: bool = False
    revision: int | None = None
    arrives: bool = False

    def keep(self, line: OfflineScan) -> Kept:
        """Return what is kept of it, once it has its place."""
        return Kept(
            line=msgspec.Raw(msgspec.json.encode(line)),
            gate_id=self.gate_id,
            area=self.area,
            platform=self.platform,
            staffed=self.staffed,
        )


@dataclass(frozen=True, slots=True)
class OwnScan:
    """A scan of this scanner as its own journal has it.

    Attributes:
        record: with its annulments.
        state: `waiting`, `accepted`, `parked`, or `online` where the server itself decided it.
    """

    entry_id: int
    record: Record
    line: OfflineScan
    platform: str
    state: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line that the server has yet to take; `body` is its JSON."""

    entry_id: int
    nonce: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a line: taken, or parked with the server's problem."""

    entry_id: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """A line that the server could not read."""

    nonce: str
    kind: str
    problem: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How much the journal holds for the server.

    Attributes:
        seq: the last place in the chain; `head`: the chain's head there.
    """

    waiting: int
    parked: int
    seq: int
    head: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose journal it is.

    Attributes:
        device_id: begins the chain.
        epoch: of the ledger that the device was enrolled in.
        boot_id: of this machine's start and this copy of the directory.
    """

    device_id: str
    epoch: str
    boot_id: str


def own_scan(row: tuple[object, ...], kept: Kept, device_id: str) -> OwnScan:
    """Make a scan of the columns of COLUMNS."""
    entry_id, nonce, state, at, annulled, annuls, annulled_at, turned, _ = row
    line = msgspec.json.decode(kept.line, type=OfflineScan)
    record = Record(
        device_id=device_id,
        nonce=str(nonce),
        scan_at=from_ms(_whole(at)),
        gate_id=kept.gate_id,
        area=kept.area,
        reason=Reason(line.verdict.reason),
        mode=line.mode,
        direction=line.direction,
        people=line.verdict.admitted,
        party=line.party,
        staffed=kept.staffed,
        annulled=_whole(annulled),
        annuls=_whole(annuls),
        annulled_at=None if annulled_at is None else from_ms(_whole(annulled_at)),
        turned=(0 if turned is None else _whole(turned)) if line.watched else None,
        attested_at=line.attested_at,
    )
    return OwnScan(_whole(entry_id), record, line, kept.platform, str(state))


def signed(line: OfflineScan, people: int) -> int:
    """Return people who passed as a change of the people inside."""
    return -people if line.direction is Direction.EXIT else people


_KINDS = {OfflinePassage: "passage", OfflineAnnul: "annul", OfflineCount: "count"}


def kind_of(line: OfflineScan | OfflineAnnul | OfflinePassage | OfflineCount) -> str:
    """Return the kind of a line, as it is stored."""
    return _KINDS.get(type(line), "scan")


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a column holds {type(value).__name__}, not a whole number")
    return value
