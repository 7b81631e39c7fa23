"""Make the hand-over sheet 交接班 of a venue day, as figures and as a page to be signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from admission.calendar import Venue
from admission.errors import Fault, InvalidInput
from admission.messages import Messages, Sentence
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.wire_passage import ReportKind
from admission.wire_people import HandoverAnswer, SheetRow, ShiftAnswer
from gate_server.ledger.handover import Post, Sums, quarter_of, read_sheet, until_of
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.operators import Shift
from gate_server.paper import read_style, render


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sheet is to be about.

    Attributes:
        day: a venue day; None: today.
        operator, gate_id: only theirs.
        counted: people that whoever hands over counted coming in.
    """

    day: date | None = None
    operator: str | None = None
    gate_id: str | None = None
    counted: int | None = None


def read_asked(
    day: str | None, operator: str | None, gate_id: str | None, counted: str | None
) -> Asked:
    """Read what was asked for.

    Raises:
        InvalidInput: no day, or no number of people.
    """
    try:
        on = None if not day else date.fromisoformat(day)
    except ValueError as error:
        raise InvalidInput(
            "day", "give a day as 2026-05-01", Fault.UNREADABLE, day or ""
        ) from error
    if counted and not (counted.isascii() and counted.isdecimal() and len(counted) < 8):
        raise InvalidInput(
            "counted", "give the people that were counted coming in", Fault.UNREADABLE, counted
        )
    return Asked(on, operator or None, gate_id or None, int(counted) if counted else None)


def make_sheet(ledger: Ledger, asked: Asked) -> HandoverAnswer:
    """Return a venue day's sheet, from counters: however many scans there were."""
    now, venue = ledger.clock(), ledger.venue
    day = asked.day or venue.day_of(now)
    found = ledger.read(
        lambda db: read_sheet(db, venue, day, operator=asked.operator, gate_id=asked.gate_id)
    )
    rows = [_row(ledger, post, sums) for post, sums in found.items()]
    people_in = sum(row.people_in for row in rows)
    return HandoverAnswer(
        day=day,
        made_at=now,
        operator=asked.operator,
        gate_id=asked.gate_id,
        rows=rows,
        people_in=people_in,
        people_out=sum(row.people_out for row in rows),
        counted_by_hand=asked.counted,
        difference=None if asked.counted is None else asked.counted - people_in,
    )


def _row(ledger: Ledger, post: Post, sums: Sums) -> SheetRow:
    catalogue = ledger.catalogue
    gate, device = catalogue.gates.get(post.gate_id), catalogue.devices.get(post.device_id)
    operator = catalogue.operators.get(post.operator)
    return SheetRow(
        operator=post.operator or None,
        name=None if operator is None else operator.name,
        role=None if operator is None else operator.role,
        gate_id=post.gate_id,
        gate_name=post.gate_id if gate is None else gate.name,
        device_id=post.device_id,
        device_name=None if device is None else device.name,
        shifts=[
            _shift(ledger, shift, disabled=operator is None or operator.disabled)
            for shift in sums.shifts
        ],
        first_at=quarter_of(sums.first_ms),
        last_at=quarter_of(sums.last_ms, last=True),
        scans=sums.outcomes,
        reasons=_largest_first(sums.reasons),
        people_in=sums.entered,
        people_out=sums.left_out,
        counted=dict(sums.counted),
        counted_out=dict(sums.counted_out),
        overrides=sums.overrides,
        overridden_people=sums.overridden,
        annulments=sums.annuls,
        taken_back=sums.taken_back,
        offline_scans=sums.offline,
        conflicts_open=sums.conflicts,
        faults=dict(sums.faults),
        tickets=dict(sums.tickets),
    )


def _shift(ledger: Ledger, shift: Shift, *, disabled: bool) -> ShiftAnswer:
    until, ended_by = until_of(shift, ledger.clock())
    return ShiftAnswer(
        since=shift.from_at,
        until=until,
        ended_by=ended_by,
        verified=shift.verified,
        disabled=disabled,
    )


def _largest_first(reasons: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(reasons.items(), key=lambda each: (-each[1], each[0])))


# --- on paper ------------------------------------------------------------------------------------

KINDS: Mapping[str, Sentence] = {
    "free_child": Sentence("免票儿童", "free children"),
    "concession": Sentence("优惠", "concessions"),
    "staff": Sentence("员工", "staff"),
    "vip": Sentence("贵宾", "guests"),
    "walk_in": Sentence("现场购票", "walk-ins"),
    "manual": Sentence("手工清点", "counted by hand"),
}
TICKETS: Mapping[str, Sentence] = {
    "issued": Sentence("已出票", "printed"),
    "reprinted": Sentence("补打", "printed anew"),
    "annulled": Sentence("作废", "taken back"),
}
FAULTS: Mapping[str, Sentence] = {
    ReportKind.JAMMED.value: Sentence("闸机卡住", "turnstile jammed"),
    ReportKind.FORCED.value: Sentence("有人强行通过", "somebody forced their way through"),
    ReportKind.HELD_OPEN.value: Sentence("闸机长时间未关", "turnstile held open"),
    ReportKind.BARRIER_LOST.value: Sentence("闸机失联，人工放行", "turnstile lost, by hand"),
    ReportKind.LATE_PASSAGE.value: Sentence("超时后通过", "passed after the time-out"),
    ReportKind.UNKNOWN_PASSAGE.value: Sentence("是否通过不明", "nobody saw who passed"),
}
ENDS: Mapping[str, Sentence] = {
    "sign_out": Sentence("已退出", "signed out"),
    "sign_in": Sentence("换人", "the next signed in"),
    "disabled": Sentence("账号停用", "disabled"),
    "day_end": Sentence("当日结束", "day's end"),
}
ROLES: Mapping[str, Sentence] = {
    "steward": Sentence("检票员", "steward"),
    "marshal": Sentence("排队疏导员", "marshal"),
    "supervisor": Sentence("值班主管", "supervisor"),
}
OUTCOME_WORDS: Mapping[Outcome, Sentence] = {
    Outcome.ADMIT: Sentence("✓ 放行", "GO"),
    Outcome.REFUSE: Sentence("✕ 拒绝", "STOP"),
    Outcome.REFER: Sentence("☎ 转人工", "CALL"),
    Outcome.WAIT: Sentence("… 等候", "WAIT"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Writes sheets as pages that can be printed and signed by both sides.

    Attributes:
        name: the venue's.
    """

    venue: Venue
    messages: Messages
    name: str

    def write(self, sheet: HandoverAnswer, *, served: bool = False) -> str:
        """Return a sheet as a page.

        Args:
            served: by the gate server, which has the style beside it; else it is in the page.
        """
        return render(
            "handover.html",
            sheet=sheet,
            style=None if served else read_style("handover.css"),
            venue=self.name,
            zone=self.venue.zone,
            kinds={**KINDS, **TICKETS, **FAULTS},
            ends=ENDS,
            roles=ROLES,
            outcomes={outcome.value: words for outcome, words in OUTCOME_WORDS.items()},
            reason_name=lambda reason: self.messages.short(Reason(reason)),
            outcome_of=lambda reason: OUTCOMES[Reason(reason)].value,
        )
