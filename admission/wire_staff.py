"""What staff and their pages say to the gate server, and what it answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from admission.deals import AtGate
from admission.scans import GateState
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire import Answer, FirstUseAnswer, Line, PickAnswer, Request, Text
from admission.wire_alarms import AlarmAnswer
from admission.wire_crowd import CrowdAdvice
from admission.wire_passage import FaultAnswer
from admission.wire_terms import HonourTerms, VoidMoney, VoidVersion

Money = Annotated[int, Meta(ge=0, le=10**12)]


class HoldScopeWire(Request, frozen=True):
    """Which vouchers a hold is about; prices are per person."""

    sold_from: datetime | None = None
    sold_until: datetime | None = None
    price_at_most_minor: Money | None = None


class HoldRequest(Request, frozen=True):
    """Let vouchers of a deal await a human's decision."""

    reason: Line
    scope: HoldScopeWire | None = None
    at_gate: AtGate = AtGate.REFER


class ReasonRequest(Request, frozen=True):
    """An action that needs nothing but its reason: release, restore, lift."""

    reason: Line


class HonourWire(Request, frozen=True):
    """Who is admitted in spite of a void."""

    arrived_by: datetime
    arrived_from: datetime | None = None
    admit_until: datetime | None = None
    max_people: Annotated[int, Meta(ge=0, le=10**7)] | None = None


class RemedyWire(Request, frozen=True):
    """What the platform gives to those it does not honour."""

    refund: Literal["price_paid", "none"] = "price_paid"
    compensation_per_buyer_minor: Money = 0


class VoidRequest(Request, frozen=True):
    """Withdraw a deal. `honour` must be given and may be null: nobody is honoured."""

    reason: Line
    honour: HonourWire | None
    cost_bearer: CostBearer
    settlement_unit_minor: Money | None = None
    statuses_since: datetime | None = None
    notice: Text | None = None
    remedy: RemedyWire | None = None


class VoidTerms(Answer, frozen=True):
    """A void in force."""

    void_version: int
    committed_at: datetime
    reason: str
    honour: HonourTerms | None
    cost_bearer: CostBearer
    settlement_unit_minor: int
    statuses_since: datetime


class Preview(Answer, frozen=True):
    """What a void would touch; money in minor units of the deal's currency.

    Attributes:
        would_admit: vouchers that it would still let in, by the arrivals so far.
        would_refuse: vouchers with people left that it would turn away, by the arrivals so far.
        refunded_people: given back on request before; counted nowhere else here.
        money: what it comes to under the new terms; `before` under those in force, if any are.
        newly_covered: vouchers nobody came in on that would be let in, and are not as things stand;
            `no_longer_covered` the other way round.
        seconds: what the preview took.
    """

    vouchers: int
    people: int
    buyers: int
    paid_minor: int
    arrived: int
    admitted_people: int
    inside: int
    would_admit: int = 0
    would_refuse: int = 0
    refunded_people: int = 0
    money: VoidMoney | None = None
    before: VoidMoney | None = None
    newly_covered: int = 0
    no_longer_covered: int = 0
    seconds: float = 0.0


class VoidAnswer(Answer, frozen=True):
    """The result of a void, a restore, or of a preview (`void_version` null).

    Attributes:
        warnings: what may be mistyped, though it can be meant.
    """

    deal_id: str
    status: str
    void_version: int | None
    preview: Preview | None = None
    warnings: list[Text] = []


class DealAnswer(Answer, frozen=True):
    """A deal as staff see it.

    Attributes:
        void_versions: all of them, oldest first, where one deal is shown.
        closures: numbers of the closures in force that bind it.
    """

    deal_id: str
    platform: str
    title: str
    category: str
    status: Literal["active", "held", "voided"]
    valid_from: datetime
    valid_until: datetime
    face_price_minor: int
    currency: str
    rights: str
    vouchers: int
    people_sold: int
    people_admitted: int
    refunded_people: int
    hold: HoldAnswer | None
    void: VoidTerms | None
    void_versions: list[VoidVersion] = []
    closures: list[str] = []


class HoldAnswer(Answer, frozen=True):
    """A hold in force."""

    since: datetime
    reason: str
    at_gate: AtGate
    sold_from: datetime | None
    sold_until: datetime | None
    price_at_most_minor: int | None
    any_price_from: datetime | None


class DealsAnswer(Answer, frozen=True):
    """All deals that the asker may see."""

    deals: list[DealAnswer]


class LookupRequest(Request, frozen=True):
    """Find vouchers by exactly one of code, order, phone, or a phone's last four digits."""

    code: Annotated[str, Meta(max_length=600)] | None = None
    order_ref: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    phone: Annotated[str, Meta(min_length=4, max_length=40)] | None = None
    phone_last4: Annotated[str, Meta(pattern="^[0-9]{4}$", max_length=4)] | None = None
    reason: Line | None = None


class FoundVoucher(PickAnswer, frozen=True):
    """A voucher found by look-up, masked."""

    deal_id: str
    status: str
    admits: int
    sold_at: datetime | None
    admitted: int
    first_use_at: datetime | None


class LookupAnswer(Answer, frozen=True):
    """At most ten vouchers; `more` says that there are others."""

    vouchers: list[FoundVoucher]
    more: bool


class GateAnswer(Answer, frozen=True):
    """A gate and its state."""

    gate_id: str
    name: str
    area: str
    state: GateState


class GatesAnswer(Answer, frozen=True):
    """All gates."""

    gates: list[GateAnswer]


class EmergencyRequest(Request, frozen=True):
    """Begin or end an evacuation."""

    on: bool
    reason: Line


class EmergencyAnswer(Answer, frozen=True):
    """Whether the venue is being evacuated."""

    on: bool


class CapacityAnswer(Answer, frozen=True):
    """How full the venue is; share of the limit, and the level that it means."""

    limit: int | None
    share: float | None
    level: str


class QueueAnswer(Answer, frozen=True):
    """Who waits outside, in all areas that are known of; the wait is of the longest queue.

    Attributes:
        as_of: of the oldest figure that it rests on.
        waiting_between, wait_between: bounds of the figures, nine times of ten.
    """

    waiting: int | None
    wait_minutes: float | None
    as_of: datetime | None
    waiting_between: list[float] | None = None
    wait_between: list[float] | None = None


class DeviceStats(Answer, frozen=True):
    """One device's last word.

    Attributes:
        fault: what is wrong with its turnstile, by its own word.
        practice: staff are learning on it: it lets nobody in.
        operator: the number of who has signed in there.
    """

    device_id: str
    name: str
    profile: str
    last_seen_at: datetime | None
    outbox_depth: int | None
    replica_age_s: float | None
    battery: float | None
    clock_skew_s: float | None
    state: Literal["active", "suspended", "revoked"] = "active"
    fault: FaultAnswer | None = None
    practice: bool = False
    operator: str | None = None


class GateStats(Answer, frozen=True):
    """One gate's day.

    Attributes:
        refused, referred, waited: scans by reason.
    """

    gate_id: str
    name: str
    area: str
    state: GateState
    people_today: int
    scans_today: int
    people_last_60min: int
    per_minute: list[int]
    refused: dict[str, int]
    p50_ms: float | None
    p95_ms: float | None
    devices: list[DeviceStats]
    referred: dict[str, int] = {}
    waited: dict[str, int] = {}


class DealShare(Answer, frozen=True):
    """One deal's part of today's people."""

    deal_id: str
    title: str
    people: int
    share: float


class CallAnswer(Answer, frozen=True):
    """A scan whose visitor still waits for a human; device and nonce name it.

    Attributes:
        elsewhere: told where the same code let people in minutes before at another gate.
    """

    device_id: str
    nonce: str
    gate_id: str
    reason: Reason
    at: datetime
    elsewhere: FirstUseAnswer | UnsetType = UNSET


class StatsAnswer(Answer, frozen=True):
    """The venue now. `people` counts persons once; `scans` counts presentations.

    Attributes:
        conflicts_open: what the ledger finds wrong and nobody has closed yet.
        incidents_unanswered: open ones that nobody has acknowledged.
        calls: those that wait, the longest first.
        alarms: those that stand, the most severe first.
    """

    now: datetime
    inside: int
    people_today: int
    scans_today: int
    calls_waiting: int
    capacity: CapacityAnswer
    queue: QueueAnswer
    gates: list[GateStats]
    deals_today: list[DealShare]
    exits_today: int = 0
    counted_today: dict[str, int] = {}
    emergency: bool = False
    conflicts_open: int = 0
    incidents_open: int = 0
    incidents_unanswered: int = 0
    calls: list[CallAnswer] = []
    alarms_standing: int = 0
    alarms: list[AlarmAnswer] = []
    advice: list[CrowdAdvice] = []
