"""What scanners and the gate server exchange so that gates go on through an outage.

A replica's lines (`GET /replica`) and a batch's lines (`POST /scans/batch`), NDJSON both ways.
Replica lines are many, so they carry instants as milliseconds since 1970 and leave out defaults.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from admission.deals import Deal, Hold
from admission.scans import Direction, Gate, Mode
from admission.verdicts import Outcome, Reason
from admission.voids import Void
from admission.wire import Amount, Answer, Ident, Line, Nonce, People, Request, Text
from admission.wire_arrivals import HandoutTold, QueueId, QueueTold
from admission.wire_people import CountKind, Operator
from admission.wire_tickets import DeskLink

NDJSON = "application/x-ndjson"
MOST_BATCH_BYTES = 16 << 20

Head = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="of a scanner's own chain")]
BootId = Annotated[str, Meta(min_length=1, max_length=64)]
CodeKeyText = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]{6,24}$", description="a credential key, base64url")
]

# --- a batch: what a scanner did on its own -------------------------------------------------------


class OfflineVerdict(Request, frozen=True):
    """The verdict as it was shown; that is what happened."""

    outcome: Outcome
    reason: Reason
    admitted: Annotated[int, Meta(ge=0, le=99)]


class Chained(Request, frozen=True, kw_only=True, omit_defaults=True):
    """What every line of a batch may say of its place in the scanner's own record.

    Attributes:
        seq: counts the lines of one scanner, from 1.
        head: the scanner's chain after this line (`admission.journal_chain`).
        boot_id: names one start of one machine with one copy of the scanner's directory.
    """

    scanned_at: datetime
    seq: Amount | None = None
    head: Head | None = None
    boot_id: BootId | None = None
    gate_id: Ident | None = None


class OfflineScan(Chained, frozen=True, kw_only=True, omit_defaults=True):
    """A scan that a scanner decided, or whose answer it was shown; `code`, or `code_key` + `tail`.

    Attributes:
        code_key: a credential key, for a scanner keeps no code.
        replica_revision: what it was decided on.
        online: the verdict shown was the gate server's own answer (sent again to a new epoch).
        watched: as `passage` of a scan: the lane will report who passed.
        queue, slip_key: as `queue` and `slip` of a scan; of the slip the credential key.
        attested_at: the earlier arrival that it was shown to count as.
    """

    nonce: Nonce
    verdict: OfflineVerdict
    code: str | None = None
    code_key: CodeKeyText | None = None
    tail: Annotated[str, Meta(max_length=4)] | None = None
    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: People | None = None
    operator: Operator | None = None
    replica_revision: Amount | None = None
    remaining: Amount = 0
    void_version: Amount | None = None
    arrival_number: Annotated[str, Meta(max_length=80)] | None = None
    online: bool = False
    watched: bool = False
    queue: QueueId | None = None
    slip_key: CodeKeyText | None = None
    attested_at: datetime | None = None


class OfflineAnnul(Chained, frozen=True, kw_only=True, omit_defaults=True):
    """People of a scan who did not pass, taken back while the server was away."""

    annul: Nonce
    reason: Line
    people: People | None = None
    operator: Operator | None = None


class OfflinePassage(Chained, frozen=True, kw_only=True, omit_defaults=True):
    """How many people of a scan the turnstile has counted through so far."""

    passage: Nonce
    people: People


class OfflineCount(Chained, frozen=True, kw_only=True, omit_defaults=True):
    """People without a voucher, counted while the server was away."""

    nonce: Nonce
    kind: CountKind
    people: Annotated[int, Meta(ge=1, le=10_000)]
    direction: Direction = Direction.ENTRY
    operator: Operator | None = None


class OfflineStamp(Chained, frozen=True, kw_only=True, omit_defaults=True):
    """An arrival that nobody decided about: the device has no replica, the server was away.

    The server decides when it gets the line, by the time at which the holder stood there. Nobody
    was shown that verdict; the stamp is what counts.

    Attributes:
        stamp: the scan's nonce.
    """

    stamp: Nonce
    code: Annotated[str, Meta(max_length=4096)]
    party: People | None = None
    operator: Operator | None = None
    queue: QueueId | None = None


BatchLine = OfflineScan | OfflineAnnul | OfflinePassage | OfflineCount | OfflineStamp


def nonce_of(line: BatchLine) -> str:
    """Return the nonce that a line is about: its own, or that of the scan it changes."""
    if isinstance(line, OfflineAnnul):
        return line.annul
    if isinstance(line, OfflinePassage):
        return line.passage
    return line.stamp if isinstance(line, OfflineStamp) else line.nonce


class BatchAnswer(Answer, frozen=True):
    """What became of one line; the answers come in the order of the lines.

    Attributes:
        nonce: the line's (an annulment's: of the scan it takes back); "" where it has none.
        conflicts: kinds, as `double_use`.
        problem: why it was rejected.
    """

    nonce: str
    status: Literal["accepted", "replayed", "rejected"]
    conflicts: list[str] = []
    problem: str | None = None


# --- a replica: what a scanner decides from -------------------------------------------------------


class _Row(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """The base of a replica's lines; `revision` is the newest that the line takes part in."""

    revision: int


class VouchersLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="vouchers"):
    """Some vouchers of one deal, in columns; `admission.replica_columns` packs and unpacks it.

    A column that is absent holds its default for every voucher. Whole numbers are differences to
    the value before them in the column (nulls are skipped).

    Attributes:
        deal: the deal's ordinal.
        key_no: the first byte of every key; `keys`: the rest of each, end to end, base64url.
        width: bytes of each key after its first.
        order_keys: credential keys (base64url) of the order that the voucher belongs to.
        more_keys: further credential keys under which earlier scans of it may stand.
        desk: links between vouchers and the tickets that they were exchanged for.
    """

    deal: int
    key_no: int
    width: int
    keys: str
    admits: list[int] = []
    price_minor: list[int | None] = []
    sold_ms: list[int | None] = []
    valid_from_ms: list[int | None] = []
    valid_until_ms: list[int | None] = []
    status: list[str] = []
    status_ms: list[int | None] = []
    buyer: list[int | None] = []
    refund_listed: list[bool] = []
    order_keys: list[list[str]] = []
    more_keys: list[list[str]] = []
    desk: list[DeskLink | None] = []


class ScanLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="scan"):
    """One recorded scan as it stands now; a later line of the same device and nonce replaces it.

    Attributes:
        key: the credential key it links by, base64url.
        platform: of the voucher it was decided on; "" where none was found.
    """

    key: str
    device: str
    nonce: str
    at_ms: int
    gate: str
    area: str
    reason: Reason
    platform: str = ""
    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    people: int = 0
    party: int | None = None
    staffed: bool = True
    annulled: int = 0
    annuls: int = 0
    annulled_ms: int | None = None
    overridden: int = 0
    overridden_ms: int | None = None
    struck: bool = False
    turned: int | None = None
    moved: int = 0
    arrival_number: str | None = None
    attested_ms: int | None = None


class DealLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="deal"):
    """A deal as it stands now, with the void and the hold in force."""

    deal: Deal
    void: Void | None = None
    hold: Hold | None = None


class GateLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="gate"):
    """A gate as it stands now."""

    gate: Gate


class BlockLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="block"):
    """A buyer's account, by ordinal; `lifted` is a tombstone."""

    buyer: int
    until_ms: int | None = None
    lifted: bool = False


class TokenKey(Struct, frozen=True):
    """A published key that verifies tokens; `public` is base64url."""

    key_id: int
    public: str
    signs_from: datetime


class StateLine(_Row, frozen=True, kw_only=True, omit_defaults=True, tag="state"):
    """What is small and holds for the whole venue; each download ends with one.

    Attributes:
        inside: people inside the venue.
        limit: most people inside at once; None: no limit.
        feeds_ms: when the enabled feed that was heard longest ago was; None: there is no feed.
        feed_silent: an enabled feed was never heard.
        honoured: persons honoured so far, by deal ordinal.
        code_keys: all code keys, as at enrolment.
        help_desk: where visitors are helped; None: an older server does not tell.
        queues, handouts: closed queues and handed-out slips that may still be needed.
        most_arrivals: new ones a minute at one device that are not odd; 0: nobody looks.
    """

    server_time: datetime
    zone: str
    day_starts_at: str
    stale_after_s: float
    inside: int
    limit: int | None = None
    emergency: bool = False
    feeds_ms: int | None = None
    feed_silent: bool = False
    honoured: dict[str, int] = {}
    code_keys: str = ""
    token_keys: list[TokenKey] = []
    help_desk: Text | None = None
    queues: list[QueueTold] = []
    handouts: list[HandoutTold] = []
    most_arrivals: int = 0


class CompleteLine(Struct, frozen=True):
    """The last line: everything up to this revision was told."""

    revision: int
    epoch: str
    complete: bool


ReplicaLine = VouchersLine | ScanLine | DealLine | GateLine | BlockLine | StateLine

# --- conflicts ------------------------------------------------------------------------------------


class ConflictScan(Answer, frozen=True):
    """One of the scans that a conflict is about."""

    device_id: str
    nonce: str
    gate_id: str
    scan_at: datetime
    reason: str
    admitted: int
    offline: bool


class ConflictAnswer(Answer, frozen=True):
    """What the ledger finds wrong between scans and the rest of the record.

    Attributes:
        status: `open`; `solved` where the record itself cleared it up; `resolved` by a human.
    """

    conflict_id: str
    kind: str
    status: Literal["open", "solved", "resolved"]
    opened_at: datetime
    ended_at: datetime | None
    deal_id: str | None
    tail: str | None
    device_id: str | None
    note: str | None
    by: str | None
    scans: list[ConflictScan]
    detail: dict[str, Any] = {}


class ConflictsAnswer(Answer, frozen=True):
    """All conflicts, the newest first."""

    conflicts: list[ConflictAnswer]


class ResolveRequest(Request, frozen=True):
    """Close a conflict with what was found out."""

    note: Line
