"""From a code to what staff are shown: ask the gate server, and again under the same nonce."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from msgspec.structs import replace

from admission import wire
from admission.errors import RelayError
from admission.scans import Direction, Mode, PartyDefault
from admission.verdicts import Outcome, Reason
from scanner_client.answers import Declined, NoAnswer, NotAllowed, NotRecognised
from scanner_client.connectivity import Connectivity
from scanner_client.questions import Questions, Unsaid
from scanner_client.relay import Relay


@dataclass(frozen=True, slots=True)
class Terms:
    """How this scanner presents codes, apart from the code.

    Attributes:
        party: people each scan is for; None leaves it to the device's default.
    """

    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: int | None = None


NO_ANSWER = wire.Text(
    zh="没有得到检票服务器的答复，请叫值班主管。",
    en="No answer from the gate server: call a supervisor.",
)
DECLINED = wire.Text(
    zh="检票服务器没有受理，请叫值班主管。",
    en="The gate server did not take this scan: call a supervisor.",
)
UNSAID = wire.Text(
    zh="没有输入人数，请再次出示入园码。",
    en="The number of people was not given: present the code again.",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What staff are shown about one scan: the verdict, or why there is none.

    Attributes:
        answer: None where there is no verdict.
        problem: what happened instead, for the technician.
    """

    nonce: str
    outcome: Outcome
    message: wire.Text
    answer: wire.ScanAnswer | None = None
    problem: str = ""

    @property
    def admitted(self) -> bool:
        """Whether the holder may pass."""
        return self.answer is not None and self.outcome is Outcome.ADMIT


@dataclass(frozen=True, slots=True)
class Tries:
    """How often and how long one scan is tried, in seconds."""

    timeout_s: float
    give_up_s: float
    pause_s: float


class CheckIn:
    """The one use case of a scanner. Safe for several threads.

    Attributes:
        party_default: as the gate server last told; None until it has.
    """

    def __init__(
        self,
        relay: Relay,
        connectivity: Connectivity,
        terms: Terms,
        tries: Tries,
        questions: Questions | None = None,
    ) -> None:
        self._relay = relay
        self._connectivity = connectivity
        self._terms = terms
        self._tries = tries
        self._questions = questions
        self.party_default: PartyDefault | None = None

    def check_in(self, code: str) -> Shown:
        """Present a code; what the network or the server does is shown, never raised."""
        terms = self._terms
        request = wire.ScanRequest(
            nonce=new_nonce(_now()),
            code=code,
            mode=terms.mode,
            direction=terms.direction,
            party=terms.party,
            scanned_at=wire.at(_now()),
        )
        try:
            answer = self._decide(self._with_party(request))
            if answer.reason is Reason.SEVERAL_VOUCHERS:
                answer = self._decide_picked(request, answer)
        except Unsaid as error:
            return Shown(request.nonce, Outcome.WAIT, UNSAID, problem=str(error))
        except Declined as error:
            return Shown(request.nonce, Outcome.REFER, DECLINED, problem=str(error))
        except RelayError as error:
            return Shown(request.nonce, Outcome.REFER, NO_ANSWER, problem=str(error))
        return Shown(answer.nonce, answer.outcome, answer.message, answer)

    def _with_party(self, request: wire.ScanRequest) -> wire.ScanRequest:
        """Add the number of people, where the device is told to ask and several are left."""
        if self._questions is None or self.party_default is not PartyDefault.ASK:
            return request
        if request.party is not None or request.direction is Direction.EXIT:
            return request
        # The party of one is stated, so that admitted and remaining make up all who are left.
        seen = self._decide(replace(request, mode=Mode.CHECK, party=1))
        most = min(seen.admitted + seen.remaining, wire.MOST_PEOPLE)
        if seen.outcome is not Outcome.ADMIT or most <= 1:
            return request
        return replace(request, party=self._questions.ask_party(seen, most))

    def _decide_picked(self, request: wire.ScanRequest, answer: wire.ScanAnswer) -> wire.ScanAnswer:
        """Let staff pick one of several vouchers; where nobody does, the answer stays a refer."""
        if self._questions is None or not answer.vouchers:
            return answer
        pick = self._questions.ask_pick(answer.vouchers)
        if pick is None:
            return answer
        picked = replace(request, nonce=new_nonce(_now()), code=None, pick=pick.pick)
        return self._decide(picked)

    def _decide(self, request: wire.ScanRequest) -> wire.ScanAnswer:
        """Ask until there is an answer or patience ends: one nonce, so one record at most."""
        began_s = time.monotonic()
        while True:
            left_s = self._tries.give_up_s - (time.monotonic() - began_s)
            try:
                return self._ask(request, min(self._tries.timeout_s, left_s))
            except NoAnswer:
                left_s = self._tries.give_up_s - (time.monotonic() - began_s)
                if left_s <= self._tries.pause_s:
                    raise
            time.sleep(self._tries.pause_s)

    def _ask(self, request: wire.ScanRequest, within_s: float) -> wire.ScanAnswer:
        try:
            answer = self._relay.scan(request, within_s)
        except RelayError as error:
            note(self._connectivity, error)
            raise
        self._connectivity.note_answer(_now())
        return answer


def note(connectivity: Connectivity, error: RelayError) -> None:
    """Tell a server that says no from one that is away or does not know this device."""
    stranger = isinstance(error, NotRecognised) or (
        isinstance(error, NotAllowed) and error.slug.startswith("device-")
    )
    if isinstance(error, Declined) and not stranger:
        connectivity.note_answer(_now())
    else:
        connectivity.note_miss(_now(), str(error))


def new_nonce(now: datetime) -> str:
    """Return a nonce that sorts by time, UUID version 7 (RFC 9562, 5.7)."""
    at_ms = int(now.timestamp() * 1000)
    value = at_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def _now() -> datetime:
    return datetime.now(UTC)
