"""Decide a scan without the gate server: from the replica and the journal, by the same rules."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from admission import wire
from admission.cases import Found
from admission.codes import CodeForm, CodeRead, CodeReader, classify, normalise, read_code
from admission.corrections import check_replay
from admission.errors import AdmissionError
from admission.history import Record
from admission.keys import KeyList, read_code_keys
from admission.moves import decide_moving
from admission.notices import bears_notice, notice_to_say
from admission.own_records import join_records
from admission.replica_columns import key_of as key_of_text
from admission.scans import Gate, Mode, Scan
from admission.verdicts import NOTHING_TO_SAY, Reason, Say, Verdict
from scanner_client.journal import Journal
from scanner_client.journal_rows import Draft, OwnScan
from scanner_client.journal_store import JournalUnwritable
from scanner_client.offline_answers import Answers, Decision, without_copy
from scanner_client.offline_case import NOWHERE, Gathered, Gatherer
from scanner_client.offline_claims import Arriving, Asked, attested_again, with_answered
from scanner_client.offline_drafts import (
    Key,
    Where,
    draft_of,
    key_of,
    online_draft,
    placed,
    record_of,
)
from scanner_client.offline_picks import Picks
from scanner_client.replica import Held, NoReplica, Replica, View
from scanner_client.state import Told

DRY = frozenset({Mode.CHECK, Mode.ARRIVE})
_OPAQUE = CodeRead(CodeForm.OPAQUE)


class NotOffline(AdmissionError):
    """Only the gate server can do this."""


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer, and whether the scanner made it itself."""

    answer: wire.ScanAnswer
    offline: bool


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict reached here: what is shown of it, and what is recorded."""

    decision: Decision
    draft: Draft


class Offline:
    """The scanner's own decisions. Safe for several threads.

    Args:
        code_key: the venue's code keys as of the enrolment; the replica's are newer.
        max_age: an older replica decides nothing.
        desk: it is an exchange desk's.

    Attributes:
        told: what the server last told of this device.
    """

    def __init__(
        self,
        told: Told,
        replica: Replica,
        journal: Journal,
        *,
        code_key: str,
        max_age: timedelta,
        desk: bool = False,
    ) -> None:
        self.told = told
        self._replica = replica
        self._journal = journal
        self._reader = CodeReader(read_code_keys(code_key), KeyList())
        self._max_age = max_age
        self._desk = desk
        self._answers = Answers()
        self._picks = Picks()

    @property
    def emergency(self) -> bool:
        """Whether the venue evacuates, as far as the replica knows."""
        state = self._replica.standing.state
        return state is not None and state.emergency

    # --- a scan under way ------------------------------------------------------------------------

    def begin(
        self, request: wire.ScanRequest, now: datetime
    ) -> tuple[wire.ScanRequest, Decided | None]:
        """Note a scan before it is sent; return it under the nonce that it goes by.

        Where it is one that was recorded and that nobody has seen, its verdict is returned too.
        """
        code = None if request.code is None else normalise(request.code)
        # Of a payment code nothing may be kept; what is no code at all consumes nothing.
        if code is None or classify(code) in {CodeForm.PAYMENT, CodeForm.MALFORMED}:
            return request, None
        asked = (code, request.mode, request.direction, str(request.party))
        scan = "\0".join((*asked, *filter(None, (request.queue, request.slip))))
        name = scan.encode("utf-8", "surrogatepass")
        try:
            nonce = self._journal.intents.begin(name, request.nonce, now)
        except JournalUnwritable:
            # The server may still decide it, and record it.
            return request, None
        own = None if nonce == request.nonce else self._journal.find(nonce)
        if own is None:
            return replace(request, nonce=nonce), None
        if own.record.annulled:
            self.end(nonce)
            return request, None
        try:
            with self._replica.view() as view:
                return replace(request, nonce=nonce), self._recall(own, view)
        except NoReplica:
            return replace(request, nonce=nonce), self._recall(own, None)

    def end(self, nonce: str, *, shown: bool = True) -> None:
        """Note that staff have seen what came of a scan; if not, it may be taken up again."""
        try:
            self._journal.intents.end(nonce, shown=shown)
        except JournalUnwritable:
            # The note runs out by itself; until then the same code goes on under this nonce.
            return

    def _recall(self, own: OwnScan, view: View | None) -> Decided:
        """Return a recorded verdict again."""
        line, reason = own.line, Reason(own.line.verdict.reason)
        key = None if line.code_key is None else key_of_text(line.code_key)
        held = () if view is None or key is None else view.find([key])
        verdict = Verdict(
            reason,
            line.verdict.admitted,
            line.remaining,
            say=self._say_again(own.record, view, held[0] if len(held) == 1 else None),
            void_version=line.void_version,
        )
        decision = Decision(
            verdict=verdict,
            nonce=line.nonce,
            decided_at=own.record.scan_at,
            epoch=self._journal.epoch,
            revision=line.replica_revision or 0,
            area=own.record.area,
            dry=line.mode in DRY,
            replayed=True,
            attested=attested_again(line),
        )
        return Decided(
            self._write_answer(decision, view, line.arrival_number), offline=not line.online
        )

    def _say_again(self, record: Record, view: View | None, one: Held | Found | None) -> Say:
        """Return what the notice on a recorded refusal is made of: of the terms known now."""
        if view is None or one is None or not bears_notice(record.reason, one.voucher):
            return NOTHING_TO_SAY
        return notice_to_say(view.void_of(one.deal.deal_no), one.deal, record.scan_at)

    # --- a decision ------------------------------------------------------------------------------

    def decide(self, request: wire.ScanRequest, now: datetime) -> Decided:
        """Decide a scan, and record it before it is returned; `check` is not recorded.

        Raises:
            NotOffline: only the server can do this.
            Unheld: the picked voucher is not known here.
            JournalUnwritable: it cannot be recorded, so nothing was decided.
        """
        if request.mode is Mode.EXCHANGE:
            raise NotOffline("tickets are made by the gate server alone")
        try:
            with self._replica.view() as view:
                fresh = now - view.fresh_at <= self._max_age
                return self._decide(request, view if fresh else None, now)
        except NoReplica:
            # Also where it turned out damaged just now.
            return self._decide(request, None, now)

    def _decide(self, request: wire.ScanRequest, view: View | None, now: datetime) -> Decided:
        if request.mode is Mode.CHECK:
            judged = self._judge(request, view, now)
            return Decided(self._write_answer(judged.decision, view), offline=True)
        own = self._journal.find(request.nonce)
        if own is not None:
            return self._repeat(own, request, view)
        made: list[_Judged] = []

        def make() -> Draft:
            made.append(self._judge(request, view, now))
            return made[-1].draft

        line = self._journal.decide(make, now)
        answer = self._write_answer(made[-1].decision, view, line.arrival_number)
        return Decided(answer, offline=not line.online)

    def _repeat(self, own: OwnScan, request: wire.ScanRequest, view: View | None) -> Decided:
        """Answer a nonce that is on record with its verdict.

        Raises LedgerConflict: it belongs to another scan, or was annulled.
        """
        line = own.line
        same = (line.mode, line.direction, line.party) == (
            request.mode,
            request.direction,
            request.party,
        )
        if request.code is not None and line.code_key is not None:
            read = read_code(request.code, self.reader(view))
            held = view.find(read.keys) if view is not None else ()
            keys = {*read.keys, *(each.credential_key for each in held)}
            same = same and key_of_text(line.code_key) in keys
        known = None if view is None else view.record(self.told.device_id, request.nonce)
        (record,) = join_records([] if known is None else [known], [own.record])
        check_replay(record, same=same)
        return self._recall(own, view)

    def _write_answer(
        self, decision: Decision, view: View | None, arrival_number: str | None = None
    ) -> wire.ScanAnswer:
        if view is None:
            said = without_copy(decision)
            return self._answers.write(said, NOWHERE, arrival_number=arrival_number)
        desk = view.state.help_desk
        return self._answers.write(decision, view.venue, view.gates, arrival_number, desk=desk)

    def _judge(self, request: wire.ScanRequest, view: View | None, now: datetime) -> _Judged:
        gate, told = self._gate(view), self.told
        read, picked = self._read(request, view, now)
        gatherer = Gatherer(view, self._journal, told.device_id, now)
        gathered = gatherer.gather(read, picked)
        known = self._find_known(request, view)
        slip = None if request.slip is None else read_code(request.slip, self.reader(view))
        asked = Asked(request, read, slip, gate.area, now)
        arriving = Arriving(asked, view, self._journal, gathered, told)
        if known is not None:
            verdict = _again(known, self._say_again(known, view, gathered.one))
        else:
            party = request.party, told.party_default, told.staffed
            scan = Scan(request.mode, request.direction, *party, desk=self._desk)
            case = arriving.complete(gatherer.case(gathered, read, gate, scan))
            verdict = decide_moving(case, gathered.records, now, device_id=told.device_id)
        decision = Decision(
            verdict=verdict,
            nonce=request.nonce,
            decided_at=now,
            epoch=self._journal.epoch,
            revision=view.revision if view is not None else 0,
            area=gate.area,
            one=gathered.one,
            picks=self._list(verdict, gathered, gate, gatherer.venue.day_of(now), now),
            dry=request.mode in DRY,
            replayed=known is not None,
            attested=arriving.attested,
            fresh=arriving.fresh,
        )
        record = record_of(request, decision, gate, told)
        draft = draft_of(request, decision, record, key_of(read, gathered))
        draft = with_changes(draft, line=arriving.said(draft.line))
        return _Judged(decision, placed(draft, record, gathered, gatherer.venue))

    def _find_known(self, request: wire.ScanRequest, view: View | None) -> Record | None:
        """Return the server's own record of this very scan, where a delta has brought it."""
        if view is None or request.mode is Mode.CHECK:
            return None
        return view.record(self.told.device_id, request.nonce)

    def _gate(self, view: View | None) -> Gate:
        told = self.told
        gate = None if view is None else view.gate(told.gate_id)
        return gate or Gate(told.gate_id, told.gate_name, told.area)

    def _read(
        self, request: wire.ScanRequest, view: View | None, now: datetime
    ) -> tuple[CodeRead, list[Held] | None]:
        if request.code is None:
            return _OPAQUE, [self._picks.read(request.pick or "", view, now)]
        return read_code(request.code, self.reader(view)), None

    def reader(self, view: View | None) -> CodeReader:
        """Return the keys to read a code with: the newest that were told."""
        return view.reader if view is not None and view.reader.code_keys else self._reader

    def _list(
        self, verdict: Verdict, gathered: Gathered, gate: Gate, day: date, now: datetime
    ) -> list[wire.PickAnswer] | None:
        """List the vouchers that staff may pick from, each with the people that it still admits."""
        if verdict.reason is not Reason.SEVERAL_VOUCHERS:
            return None
        return [
            wire.PickAnswer(
                pick=self._picks.write(held, now),
                tail=held.voucher.tail,
                title=held.deal.title,
                category=held.deal.category.value,
                remaining=found.history.available(gate.area, day),
            )
            for held, found in zip(gathered.held, gathered.found, strict=True)
        ]

    # --- the server's answers --------------------------------------------------------------------

    def note_online(
        self, request: wire.ScanRequest, answer: wire.ScanAnswer, now: datetime
    ) -> None:
        """Record what the server decided: own history until a delta brings it, and evidence.

        Raises JournalUnwritable: only this scanner does without it; the server has it.
        """
        if request.mode is Mode.CHECK or answer.scan_id is None:
            return
        where = Where(self.told, self._gate(None), self._journal.boot_id)
        draft = online_draft(request, answer, where, self._key_online(request, answer))
        slip = None if request.slip is None else self._read_slip(request.slip)
        line, arrives = with_answered(draft.line, answer, slip, self.told.device_id)
        self._journal.append(with_changes(draft, line=line, arrives=arrives), now)

    def _read_slip(self, text: str) -> CodeRead:
        return read_code(text, self._replica.standing.reader)

    def _key_online(self, request: wire.ScanRequest, answer: wire.ScanAnswer) -> Key:
        """Return what an online scan is recorded under."""
        if request.code is None:
            # Which voucher a handle of the server stands for, only the server knows.
            return Key()
        try:
            with self._replica.view() as view:
                read = read_code(request.code, self.reader(view))
                held = view.find(read.keys, read.tail)
        except NoReplica:
            read, held = read_code(request.code, self._reader), ()
        voucher = answer.voucher
        if voucher is None:
            return key_of(read, Gathered())
        if len(held) == 1:
            one = held[0]
            return Key(one.credential_key, one.platform, voucher.tail, one.deal.deal_no)
        # The server knows more: it is a voucher, be its code of what form it may.
        return Key(read.keys[0] if read.keys else None, "", voucher.tail)


def _again(known: Record, say: Say) -> Verdict:
    """Return the verdict that the server reached on this very scan.

    Raises Annulled: people of it were taken back; a retry never opens a turnstile.
    """
    check_replay(known, same=True)
    if known.overridden:
        return Verdict(Reason.OVERRIDDEN, known.overridden)
    return Verdict(known.reason, known.people, say=say)
