"""What an offline scan says of an earlier arrival: by a closed queue or a slip, as last told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from msgspec.structs import replace as with_fields

from admission import wire
from admission.arrival_rates import is_counted, is_fresh
from admission.attested import Claim, claim_by_slip, claim_in_queue
from admission.cases import Case
from admission.codes import CodeRead
from admission.replica_columns import key_of, key_text
from admission.scans import Mode
from admission.tokens import Purpose, Token, credential_key
from admission.verdicts import Reason
from admission.wire_arrivals import AttestedAnswer
from admission.wire_outage import OfflineScan
from scanner_client.journal import Journal
from scanner_client.offline_case import Gathered
from scanner_client.replica import View
from scanner_client.state import Told


@dataclass(frozen=True, slots=True)
class Asked:
    """A scan as it came, read: the code that is shown, and the slip beside it."""

    request: wire.ScanRequest
    code: CodeRead
    slip: CodeRead | None
    area: str
    now: datetime

    @property
    def token(self) -> Token | None:
        """The numbered slip that is shown, beside a voucher or by itself."""
        return _slip_of(self.code) or _slip_of(self.slip)

    @property
    def alone(self) -> bool:
        """Whether the slip is all that is shown."""
        return _slip_of(self.code) is not None


def _slip_of(read: CodeRead | None) -> Token | None:
    token = None if read is None else read.token
    return token if token is not None and token.purpose is Purpose.NUMBERED_SLIP else None


class Arriving:
    """What one offline scan says of its holder's arrival, and what is known of that here."""

    def __init__(
        self, asked: Asked, view: View | None, journal: Journal, gathered: Gathered, told: Told
    ) -> None:
        self._asked = asked
        self._view = view
        self._journal = journal
        self._gathered = gathered
        self._told = told
        self.claim = self._find_claim()
        self.fresh = False

    def complete(self, case: Case) -> Case:
        """Return a case with the claim, and with how many arrived here just now."""
        asked, gathered, view = self._asked, self._gathered, self._view
        case.claim = self.claim
        request, told = asked.request, self._told
        if view is None or not is_counted(request.mode, request.direction, staffed=told.staffed):
            return case
        self.fresh = is_fresh(
            gathered.stamps,
            view.venue,
            device_id=told.device_id,
            mode=request.mode,
            voucher=None if gathered.one is None else gathered.one.voucher,
            party=request.party,
            now=asked.now,
        )
        most = view.state.most_arrivals
        if self.fresh and most:
            arrivals = self._journal.arrivals.within_minute(asked.now)
            case.facts = replace(case.facts, arrivals=arrivals, most_arrivals=most)
        return case

    @property
    def attested(self) -> AttestedAnswer | None:
        """What is shown of a claim that holds."""
        asked, claim = self._asked, self.claim
        if claim is None or claim.at is None:
            return None
        if asked.token is not None:
            return AttestedAnswer(at=claim.at, by=None, slip=asked.token.voucher_number)
        by = asked.request.operator or self._told.device_id
        return AttestedAnswer(at=claim.at, by=by, queue=asked.request.queue)

    def said(self, line: OfflineScan) -> OfflineScan:
        """Return a line that says of the earlier arrival what was shown of it.

        A queue of which this scanner knew too little is named all the same: the server knows.
        """
        asked, attested = self._asked, self.attested
        if attested is None:
            stale = line.verdict.reason is Reason.LEDGER_STALE
            return with_fields(line, queue=asked.request.queue) if stale else line
        line = with_fields(line, attested_at=attested.at, queue=attested.queue)
        if asked.token is None:
            return line
        return with_fields(line, slip_key=key_text(credential_key(asked.token)))

    def _find_claim(self) -> Claim | None:
        """Return what the scan says of an earlier arrival; None: nothing.

        Without a replica nothing is known of queues and slips, which the rules call our own lag.
        """
        asked, view = self._asked, self._view
        if asked.token is not None:
            return self._by_slip(asked.token)
        if asked.request.queue is None:
            return None
        known = () if view is None else view.state.queues
        told = next((each for each in known if each.queue_id == asked.request.queue), None)
        closing = None if told is None else told.read()
        return claim_in_queue(closing, area=asked.area, now=asked.now)

    def _by_slip(self, token: Token) -> Claim | None:
        asked, view = self._asked, self._view
        if view is None:
            return Claim(problem=Reason.SLIP_NOT_HANDED_OUT)
        here = {each.credential_key for each in self._gathered.held}
        if asked.alone and here:
            return None  # it finds its voucher, and the arrival stands in that one's history
        handouts = (each.read() for each in view.state.handouts)
        handed = next((each for each in handouts if each.holds(token.voucher_number)), None)
        key = credential_key(token)
        bound = {each.credential_key for each in view.find((key,))}
        own = (scan.line.code_key for scan in self._journal.arrivals.shown_with(key))
        bound |= {key_of(text) for text in own if text is not None}
        return claim_by_slip(
            None if handed is None else handed.handed_at,
            bound_elsewhere=not asked.alone and bool(bound) and not bound & here,
            alone=asked.alone,
            venue=view.venue,
            now=asked.now,
        )


def attested_again(line: OfflineScan) -> AttestedAnswer | None:
    """Return what was shown of a recorded scan's earlier arrival."""
    if line.attested_at is None:
        return None
    slip = None if line.slip_key is None else key_of(line.slip_key)
    number = None if slip is None else int.from_bytes(slip[2:6], "big")
    by = line.operator if slip is None else None
    return AttestedAnswer(at=line.attested_at, by=by, queue=line.queue, slip=number)


def with_answered(
    line: OfflineScan, answer: wire.ScanAnswer, slip: CodeRead | None, device_id: str
) -> tuple[OfflineScan, bool]:
    """Return the line of an online scan with what the server said of its arrival; and if it is new.

    Which of its own numbers the server gave again, this scanner does not know: each counts.
    """
    number = answer.arrival_number or ""
    own = number.startswith(f"{device_id}-") and not answer.replayed
    arrives = line.mode is Mode.ARRIVE and own
    attested = answer.attested
    if attested is None:
        return line, arrives
    line = with_fields(line, attested_at=attested.at, queue=attested.queue)
    if slip is not None and slip.token is not None:
        line = with_fields(line, slip_key=key_text(credential_key(slip.token)))
    return line, arrives
