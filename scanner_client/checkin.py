"""From a code to what staff are shown: the server's answer, or in time the scanner's own."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from admission import wire
from admission.codes import normalise
from admission.errors import InvalidInput, LedgerConflict, RelayError
from admission.operators import is_badge, needs_operator
from admission.practice import find_practice
from admission.scans import Direction, Mode, PartyDefault
from admission.verdicts import Outcome, Reason
from scanner_client.answers import Declined, NoAnswer
from scanner_client.askers import Asker
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.desk import Desk, NotSignedIn
from scanner_client.journal_store import JournalUnwritable
from scanner_client.offline import Decided, NotOffline, Offline
from scanner_client.offline_picks import OFFLINE_PICK, Unheld
from scanner_client.printer_queue import QueueUnwritable
from scanner_client.questions import Unsaid
from scanner_client.relay import Relay
from scanner_client.slip_beside import SlipBeside
from scanner_client.state import StateError


@dataclass(frozen=True, slots=True)
class Terms:
    """How this scanner presents codes, apart from the code.

    Attributes:
        party: people each scan is for; None leaves it to the device's default.
        queue: the closed queue whose people are stamped; None: whoever comes.
    """

    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: int | None = None
    queue: str | None = None

    def __post_init__(self) -> None:
        if self.queue is not None and self.mode is not Mode.ARRIVE:
            raise InvalidInput("queue", "is said of arrival stamps only (--mode arrive)")


LETS_IN = frozenset({Mode.ADMIT, Mode.REENTRY})
"""Modes in which people pass."""

DECLINED = wire.Text(
    zh="检票服务器没有受理，请叫值班主管。",
    en="The gate server did not take this scan: call a supervisor.",
)
UNSAID = wire.Text(
    zh="没有输入人数，请再次出示入园码。",
    en="The number of people was not given: present the code again.",
)
UNRECORDED = wire.Text(
    zh="无法记录，请叫值班主管。",
    en="Cannot record: call a supervisor.",
)
ONLINE_ONLY = wire.Text(
    zh="离线时不能换票，请等待网络恢复。",
    en="Tickets are exchanged only while the server answers: call a supervisor.",
)
PICK_AGAIN = wire.Text(
    zh="请再次出示入园码并重新选择。",
    en="Present the code again, and pick again.",
)
SIGN_IN = wire.Text(
    zh="请先刷工牌上岗，再验票。",
    en="Nobody has signed in here: present a badge first.",
)
BADGE = wire.Text(
    zh="这是工牌，此处不能使用。",
    en="This is a badge, which is of no use here.",
)
PRACTICE_CODE = wire.Text(
    zh="这是练习码，本通道正在验票。",
    en="This is a practice code, and this lane is live.",
)
BARRED = wire.Text(
    zh="此设备已停用，请叫值班主管。",
    en="This device was stopped by the gate server: call a supervisor.",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What staff are shown about one scan: the verdict, or why there is none.

    Attributes:
        answer: None where there is no verdict.
        problem: what happened instead, for the technician.
        offline: the scanner decided it on its own.
        mode: what was asked for; in `check` and `arrive` nobody passes, whatever the verdict.
        staff: it is about who stands here, no verdict and no visitor.
        practice: staff are learning: nobody passes on it, and nothing of it is recorded.
        took_s: from when the code was seen to now, seconds; None where nobody measured.
    """

    nonce: str
    outcome: Outcome
    message: wire.Text
    answer: wire.ScanAnswer | None = None
    problem: str = ""
    offline: bool = False
    mode: Mode = Mode.ADMIT
    staff: bool = False
    practice: bool = False
    took_s: float | None = None

    @property
    def admitted(self) -> bool:
        """Whether the holder may pass."""
        return self.answer is not None and self.outcome is Outcome.ADMIT and not self.practice


@dataclass(frozen=True, slots=True)
class Tries:
    """How long one scan is asked about, and how long to wait in between, in seconds."""

    timeout_s: float
    pause_s: float


class CheckIn:
    """The one use case of a scanner. Safe for several threads.

    Args:
        watches: whether the lane sees who passes its turnstile, as of now.
        note: is told of each scan before it is sent; raises QueueUnwritable where it must not be.

    Attributes:
        party_default: as the gate server last told; None until it has.
    """

    def __init__(
        self,
        relay: Relay,
        contact: Contact,
        offline: Offline,
        clock: SteadyClock,
        *,
        terms: Terms,
        tries: Tries,
        questions: Asker | None = None,
        desk: Desk | None = None,
        watches: Callable[[], bool] = lambda: False,
        note: Callable[[wire.ScanRequest], None] = lambda _: None,
    ) -> None:
        self._desk = desk
        self._relay = relay
        self._contact = contact
        self._offline = offline
        self._clock = clock
        self._terms = terms
        self._tries = tries
        self._questions = questions
        self._watches = watches
        self._note = note
        self._slips = SlipBeside()
        self.party_default: PartyDefault | None = None

    def check_in(self, code: str) -> Shown:
        """Present a code; what the network or the server does is shown, never raised."""
        link = self._contact.connectivity.link
        terms, nonce = self._terms, new_nonce(self._clock.wall())
        aside = self._aside(code, nonce)
        if aside is not None:
            return aside
        if link.barred:
            return Shown(nonce, Outcome.REFER, BARRED, problem=link.problem)
        operator = None if self._desk is None else self._desk.operator()
        if operator is None and self._waits_for_operator():
            return Shown(nonce, Outcome.WAIT, SIGN_IN)
        request = wire.ScanRequest(
            nonce=nonce,
            code=code,
            mode=terms.mode,
            direction=terms.direction,
            party=terms.party,
            scanned_at=wire.at(self._clock.wall()),
            operator=operator,
            passage=terms.mode in LETS_IN and self._watches(),
            queue=terms.queue,
            slip=self._slips.find(code),
        )
        shown = self._show(nonce, lambda: self._check_in(request))
        if shown.answer is not None:
            self._slips.note(code, shown.answer)
        return shown

    def _aside(self, code: str, nonce: str) -> Shown | None:
        """Return what comes of a code that no visitor has: such a one is never sent as a scan."""
        text = normalise(code)
        if find_practice(text) is not None:
            return Shown(nonce, Outcome.WAIT, PRACTICE_CODE)
        if not is_badge(text):
            return None
        if self._desk is None:
            return Shown(nonce, Outcome.WAIT, BADGE, staff=True)
        try:
            return Shown(nonce, Outcome.WAIT, self._desk.present(text), staff=True)
        except NotSignedIn as error:
            return Shown(nonce, Outcome.REFER, error.text, staff=True)
        except StateError as error:
            return Shown(nonce, Outcome.REFER, UNRECORDED, problem=str(error), staff=True)

    def _waits_for_operator(self) -> bool:
        told, terms = self._offline.told, self._terms
        return terms.mode is not Mode.CHECK and needs_operator(
            terms.direction,
            required=told.operator_required or terms.queue is not None,
            staffed=told.staffed,
            emergency=(told.operator_required or terms.queue is not None)
            and self._offline.emergency,
        )

    def _check_in(self, request: wire.ScanRequest) -> Decided:
        request = self._with_party(request)
        decided = self._decide(request)
        if decided.answer.reason is Reason.SEVERAL_VOUCHERS:
            return self._decide_picked(request, decided)
        return decided

    def _show(self, nonce: str, decide: Callable[[], Decided]) -> Shown:
        """Return what staff are shown of a decision, or of there being none."""
        try:
            decided = decide()
        except Unsaid as error:
            return Shown(nonce, Outcome.WAIT, UNSAID, problem=str(error))
        except NotOffline as error:
            return Shown(nonce, Outcome.REFER, ONLINE_ONLY, problem=str(error))
        except Unheld as error:
            return Shown(nonce, Outcome.REFER, PICK_AGAIN, problem=str(error))
        except (JournalUnwritable, QueueUnwritable) as error:
            self._contact.alarms.sound("journal", str(error))
            return Shown(nonce, Outcome.REFER, UNRECORDED, problem=str(error))
        except (RelayError, LedgerConflict) as error:
            if isinstance(error, Declined) and error.slug == "operator-required":
                return Shown(nonce, Outcome.WAIT, SIGN_IN, problem=str(error))
            message = BARRED if self._contact.connectivity.link.barred else DECLINED
            return Shown(nonce, Outcome.REFER, message, problem=str(error))
        answer = decided.answer
        return Shown(
            answer.nonce,
            answer.outcome,
            answer.message,
            answer,
            offline=decided.offline,
            mode=self._terms.mode,
        )

    def seen(self, shown: Shown) -> None:
        """Note that staff have seen what came of a scan."""
        if shown.answer is not None:
            self._offline.end(shown.nonce)

    def _with_party(self, request: wire.ScanRequest) -> wire.ScanRequest:
        """Add the number of people, where the device is told to ask and several are left."""
        if self._questions is None or self.party_default is not PartyDefault.ASK:
            return request
        if request.party is not None or request.direction is Direction.EXIT:
            return request
        # The party of one is stated, so that admitted and remaining make up all who are left.
        seen = self._decide(replace(request, mode=Mode.CHECK, party=1, queue=None)).answer
        most = min(seen.admitted + seen.remaining, wire.MOST_PEOPLE)
        if seen.outcome is not Outcome.ADMIT or most <= 1:
            return request
        return replace(request, party=self._questions.ask_party(seen, most))

    def _decide_picked(self, request: wire.ScanRequest, several: Decided) -> Decided:
        """Let staff pick one of several vouchers; where nobody does, the answer stays a refer."""
        if self._questions is None or not several.answer.vouchers:
            return several
        pick = self._questions.ask_pick(several.answer.vouchers)
        if pick is None:
            return several
        self._offline.end(several.answer.nonce)
        nonce = new_nonce(self._clock.wall())
        return self._decide(replace(request, nonce=nonce, code=None, pick=pick.pick))

    def _decide(self, request: wire.ScanRequest) -> Decided:
        """Ask the server, and decide here where it does not answer; one nonce, one record."""
        if request.mode is Mode.CHECK:
            return self._decide_under(request)
        request, unseen = self._offline.begin(request, self._clock.now())
        if unseen is not None:
            return unseen
        try:
            self._note(request)
            return self._decide_under(request)
        except (RelayError, LedgerConflict, NotOffline, Unheld):
            self._offline.end(request.nonce)
            raise
        except (JournalUnwritable, QueueUnwritable):
            # Nothing was decided that anybody saw: the same visitor goes on under this nonce.
            self._offline.end(request.nonce, shown=False)
            raise

    def _decide_under(self, request: wire.ScanRequest) -> Decided:
        local = request.pick is not None and request.pick.startswith(OFFLINE_PICK)
        if not local and not self._contact.connectivity.offline:
            answer = self._find_answer(request)
            if answer is not None:
                self._note_online(request, answer)
                return Decided(answer, offline=False)
        decided = self._offline.decide(request, self._clock.now())
        self._contact.alarms.clear("journal")
        return decided

    def _note_online(self, request: wire.ScanRequest, answer: wire.ScanAnswer) -> None:
        try:
            self._offline.note_online(request, answer, self._clock.now())
        except JournalUnwritable as error:
            # The server has it on record: what it decided is shown all the same.
            self._contact.alarms.sound("journal", str(error))

    def _find_answer(self, request: wire.ScanRequest) -> wire.ScanAnswer | None:
        """Return the server's answer; None where it gives none and the scanner decides.

        Raises Declined: its no stands.
        """
        asked = self._clock.mark()
        try:
            answer = self._ask(request)
        except RelayError as error:
            if self._contact.failed(error):
                raise
            return None
        self._contact.answered(answer.epoch)
        if not self._clock.learnt and not answer.replayed:
            # A scanner without heartbeats, as `read` is, learns the time from its first scan.
            self._clock.learn(answer.decided_at, asked)
        return answer

    def _ask(self, request: wire.ScanRequest) -> wire.ScanAnswer:
        """Ask until there is an answer or the time is over, again where an answer broke off."""
        until_s = time.monotonic() + self._tries.timeout_s
        while True:
            try:
                return self._relay.scan(request, until_s - time.monotonic())
            except NoAnswer as error:
                pause_s = self._tries.pause_s
                if error.absent or until_s - time.monotonic() <= 2 * pause_s:
                    raise
            time.sleep(pause_s)


def new_nonce(now: datetime) -> str:
    """Return a nonce that sorts by time, UUID version 7 (RFC 9562, 5.7)."""
    at_ms = int(now.timestamp() * 1000)
    value = at_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))
