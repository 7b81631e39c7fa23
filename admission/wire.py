"""What devices and the gate server say to each other: one definition, for both sides.

Requests refuse unknown fields, so that a typo is never silently ignored; answers do not, so that
an older scanner goes on when the server learns to say more. Instants are aware UTC, milliseconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admission.scans import Direction, GateState, Mode, PartyDefault, Profile
from admission.verdicts import Outcome, Reason

# Told again under their own names: whoever speaks of the wire says `wire.read`, `wire.Text`.
from admission.wire_arrivals import AttestedAnswer, QueueId
from admission.wire_base import MOST_PEOPLE as MOST_PEOPLE
from admission.wire_base import NONCE as NONCE
from admission.wire_base import Amount as Amount
from admission.wire_base import Answer as Answer
from admission.wire_base import FieldProblem as FieldProblem
from admission.wire_base import Ident as Ident
from admission.wire_base import Line as Line
from admission.wire_base import Name as Name
from admission.wire_base import Nonce as Nonce
from admission.wire_base import People as People
from admission.wire_base import Problem as Problem
from admission.wire_base import Request as Request
from admission.wire_base import Text as Text
from admission.wire_base import at as at
from admission.wire_base import read as read
from admission.wire_base import write as write
from admission.wire_notices import MOST_SEEN as MOST_SEEN
from admission.wire_notices import BroadcastEvent as BroadcastEvent
from admission.wire_notices import SeenIds
from admission.wire_people import CountKind as CountKind
from admission.wire_people import Operator
from admission.wire_surges import HelpTold as HelpTold
from admission.wire_tickets import SlipAnswer, TicketAnswer

# --- devices -----------------------------------------------------------------------------------


class EnrolRequest(Request, frozen=True):
    """Turn an enrolment code into a device; the nonce makes a lost answer safe to ask again."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    nonce: Nonce | None = None
    name: Name | None = None


class Enrolled(Answer, frozen=True):
    """A device's identity; the token is shown this once.

    Attributes:
        zone: the venue's time zone, as `Asia/Shanghai`.
    """

    device_id: str
    token: str
    gate_id: str
    profile: Profile
    code_key: str
    server_time: datetime
    epoch: str
    zone: str = ""


class DeviceSelf(Answer, frozen=True):
    """What the server knows of the asking device.

    Attributes:
        zone: the venue's time zone, as `Asia/Shanghai`.
    """

    device_id: str
    name: str
    gate_id: str
    gate_name: str
    area: str
    profile: Profile
    staffed: bool
    party_default: PartyDefault
    server_time: datetime
    server_version: str
    epoch: str
    ledger_revision: int
    operator: str | None = None
    operator_required: bool = False
    zone: str = ""


class HeartbeatRequest(Request, frozen=True, omit_defaults=True):
    """A device's word that it lives, and how far it has come.

    Attributes:
        replica_age_s: None of a device that keeps no replica.
        seen: broadcasts that it has shown since its last heartbeat; a server that sends none does
            not know this field.
    """

    epoch: Annotated[str, Meta(max_length=64)]
    replica_revision: Amount
    replica_age_s: Annotated[float, Meta(ge=0)] | None
    outbox_depth: Amount
    boot_id: Annotated[str, Meta(max_length=64)] | None = None
    outbox_seq: Amount | None = None
    outbox_head: Annotated[str, Meta(max_length=128)] | None = None
    device_time: datetime | None = None
    battery: Annotated[float, Meta(ge=0, le=100)] | None = None
    version: Annotated[str, Meta(max_length=40)] | None = None
    seen: SeenIds = []
    practice: bool | None = None


class Heartbeat(Answer, frozen=True):
    """What a device has to know by now.

    Attributes:
        messages: broadcasts in force for its gate that it has not shown yet.
        in_force: ids of all in force for its gate; null: an older server that has none.
        help: how its own open call for help stands.
        gate_id, party_default: as the server has them; where they are not what the device knows, it
            asks anew who it is. null: an older server that does not say.
    """

    server_time: datetime
    epoch: str
    ledger_revision: int
    audit_head: str
    messages: list[BroadcastEvent] = []
    in_force: list[str] | None = None
    operator: str | None = None
    help: HelpTold | None = None
    gate_id: str | None = None
    party_default: PartyDefault | None = None


# --- scans -------------------------------------------------------------------------------------


class ScanRequest(Request, frozen=True, omit_defaults=True):
    """One presentation of a code; exactly one of `code` and `pick`.

    Attributes:
        want: what the answer shall say beside the verdict.
        passage: this lane watches its turnstile and will report who passed.
        queue: of a stamp: the holder stood in this closed queue, by the word of whoever signed in.
        slip: the code of a numbered slip that the holder shows beside the voucher.
    """

    nonce: Nonce
    code: str | None = None
    pick: Annotated[str, Meta(max_length=200)] | None = None
    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: People | None = None
    scanned_at: datetime | None = None
    operator: Operator | None = None
    want: list[Literal["order", "slip"]] = []
    passage: bool = False
    queue: QueueId | None = None
    slip: Annotated[str, Meta(max_length=4096)] | None = None


class FirstUseAnswer(Answer, frozen=True):
    """When and where a voucher first let people in."""

    at: datetime
    gate_id: str


class OrderAnswer(Answer, frozen=True):
    """How far an order has come in at this gate's area: people admitted, of how many."""

    admitted: int
    admits: int


class VoucherAnswer(Answer, frozen=True):
    """A voucher as staff may see it: no code but its masked tail.

    Attributes:
        order: told where the scan wants it and the order admits more than one.
        elsewhere: told where the same code let people in minutes ago at another gate: call a human.
    """

    tail: str
    deal_id: str
    title: str
    category: str
    admits: int
    area: str
    arrived_at: datetime | None = None
    first_use: FirstUseAnswer | None = None
    order: OrderAnswer | None = None
    elsewhere: FirstUseAnswer | UnsetType = UNSET


class PickAnswer(Answer, frozen=True):
    """One of several vouchers; `pick` can be scanned for two minutes."""

    pick: str
    tail: str
    title: str
    category: str
    remaining: int


class ScanAnswer(Answer, frozen=True):
    """The verdict on one scan, as staff see it and as it was recorded.

    Attributes:
        attested: the earlier arrival that it counts as, by the word of staff.
        slip: the proof of a stamp, where the scan wants it.
    """

    outcome: Outcome
    reason: Reason
    admitted: int
    remaining: int
    nonce: str
    scan_id: str | None
    replayed: bool
    message: Text
    decided_at: datetime
    epoch: str
    ledger_revision: int
    void_version: int | None
    rules_version: int
    voucher: VoucherAnswer | None
    vouchers: list[PickAnswer] | None
    arrival_number: str | None
    tickets: list[TicketAnswer] | None
    clock_skew_s: float | None
    attested: AttestedAnswer | None = None
    slip: SlipAnswer | None = None


class AnnulRequest(Request, frozen=True):
    """Take back people who did not pass; `people` is their number in all, absent: everybody."""

    reason: Line
    people: People | None = None
    device_id: Ident | None = None
    operator: Operator | None = None


class OverrideRequest(Request, frozen=True):
    """Let the holder in although the rules refused or referred."""

    device_id: Ident
    reason: Line
    party: People | None = None
    cost_bearer: Literal["platform", "venue"] = "venue"
    operator: Operator | None = None


class CallRequest(Request, frozen=True):
    """Answer a call without letting anybody in: the holder was told what to do instead."""

    device_id: Ident
    reason: Line


class StrikeRequest(Request, frozen=True):
    """Make an arrival stamp count for nothing from now on."""

    device_id: Ident
    reason: Line


class CountRequest(Request, frozen=True):
    """People without a voucher, counted by hand."""

    kind: CountKind
    people: Annotated[int, Meta(ge=1, le=10_000)]
    nonce: Nonce
    direction: Direction = Direction.ENTRY
    gate_id: Ident | None = None
    operator: Operator | None = None


class Counted(Answer, frozen=True):
    """A count as recorded."""

    nonce: str
    kind: str
    people: int
    direction: Direction
    gate_id: str
    annulled: int
    replayed: bool


class GateStateRequest(Request, frozen=True):
    """Open, pause or turn a gate to exits only."""

    state: GateState
    reason: Line


class Ready(Answer, frozen=True):
    """The server can commit; `degraded` names what is not as it should be."""

    ready: bool
    epoch: str
    ledger_revision: int
    degraded: list[str]


class RevisionEvent(Answer, frozen=True, omit_defaults=True):
    """The ledger has changed; sent on an event stream.

    Attributes:
        urgent: a deal, void, hold, gate, block or the venue did, so fetch it at once; what is not
            urgent is fetched at a moment of chance within a second.
    """

    epoch: str
    revision: int
    urgent: bool = False


class GateEvent(Answer, frozen=True):
    """A gate's state, or the venue's, has changed; sent on an event stream."""

    gate_id: str
    name: str
    area: str
    state: GateState
    emergency: bool
