"""What the lane screen shows at any moment, of what it was told; an output of the lane."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from admission import wire
from admission.scans import Direction, GateState
from admission.wire_passage import ReportKind
from scanner_client.barrier_state import BarrierState
from scanner_client.checkin import Shown
from scanner_client.legible import legible
from scanner_client.presenter import Outlook
from scanner_client.questions import Unsaid
from scanner_client.screen_pictures import (
    BETWEEN_SCANS,
    Both,
    BroadcastPicture,
    ChoicePicture,
    LanePicture,
    Picture,
    QuestionPicture,
    Scene,
    Trouble,
    VerdictPicture,
)
from scanner_client.screen_words import (
    BROKEN,
    CLOSED,
    EMERGENCY,
    EMERGENCY_DETAIL,
    READING,
    READING_DETAIL,
    TROUBLES,
    invite,
    picture_of,
)

# A reading that no verdict follows: its scan was one of several, or broke off.
READING_S = 15.0
TICK_S = 0.2
# What else is seen of a turnstile is over once it was seen, and for the server.
TOLD_OF_BARRIER = frozenset({ReportKind.BARRIER_LOST, ReportKind.FORCED, ReportKind.HELD_OPEN})


@dataclass(frozen=True, slots=True)
class Around:
    """What holds round the lane, apart from its scans.

    Attributes:
        name: of the gate; "" is not known yet.
        offline: what staff have to know while the server is away.
        operator: who is signed in, masked.
        help: how its own call for help stands; `staffed`: somebody stands here who may call.
    """

    name: str = ""
    area: str = ""
    gate: GateState = GateState.OPEN
    emergency: bool = False
    trouble: Trouble | None = None
    offline: Both | None = None
    broadcast: BroadcastPicture | None = None
    theme: str = "light"
    level: float = 0.0
    operator: str = ""
    practice: bool = False
    help: Both | None = None
    staffed: bool = False


class Screen:
    """The state of one lane screen. Safe for several threads; nobody waits for a browser.

    It keeps what is shown now and nothing else, so that it never grows; a page that comes, or
    comes back, gets the whole picture.

    Args:
        verdict_s: how long a verdict stays, unless the next code comes first.
        ask_s: how long an answer may take.
        stop: when set, nobody waits for an answer any more.
        now_s: the monotonic clock.
    """

    def __init__(
        self,
        lane: LanePicture,
        *,
        verdict_s: float,
        ask_s: float,
        stop: threading.Event,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lane = lane
        self._verdict_s = verdict_s
        self._ask_s = ask_s
        self._stop = stop
        self._now_s = now_s
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._around = Around()
        self._faults: dict[str, Trouble] = {}
        self._run, self._number = secrets.token_hex(4), 0
        self._verdict: VerdictPicture | None = None
        self._until_s = 0.0
        self._question: QuestionPicture | None = None
        self._answer: int | None = None
        self._notice: Both | None = None

    # --- what it is told --------------------------------------------------------------------------

    def reading(self) -> None:
        """Show at once that a code was seen."""
        with self._changed:
            self._verdict, self._until_s = None, self._now_s() + READING_S
            self._changed.notify_all()

    def show(self, shown: Shown) -> None:
        """Show one verdict, or that there is none."""
        with self._changed:
            self._number += 1
            self._verdict = picture_of(shown, self._run, self._number)
            self._until_s = self._now_s() + self._verdict_s
            self._changed.notify_all()

    def show_link(self, outlook: Outlook) -> None:
        """Show nothing here: how things stand is looked at twice a second."""

    def report(self, line: str) -> None:
        """Show nothing: a line for staff is nothing for visitors."""

    def take(self, around: Around) -> None:
        """Note what holds round the lane."""
        with self._changed:
            if around != self._around:
                self._around = around
                self._changed.notify_all()

    def note_fault(self, part: str, trouble: Trouble | None) -> None:
        """Note that a part of the lane does not work, as a reader or the turnstile; None: again."""
        with self._changed:
            if trouble is None:
                self._faults.pop(part, None)
            else:
                self._faults[part] = trouble
            self._changed.notify_all()

    def barrier_state(self, state: BarrierState) -> None:
        """Show how the turnstile stands: jammed it is out of order, else staff are told."""
        jammed = state.fault is ReportKind.JAMMED
        told = state.fault in TOLD_OF_BARRIER
        with self._changed:
            self._notice = Both(legible(state.text.zh), legible(state.text.en)) if told else None
            self.note_fault("turnstile", Trouble.BARRIER if jammed else None)

    # --- what it asks -----------------------------------------------------------------------------

    def ask_party(self, seen: wire.ScanAnswer, most: int) -> int:
        """Ask for how many people a scan is.

        Raises Unsaid: nobody said in time, or said that they will not.
        """
        title = legible(seen.voucher.title, 60) if seen.voucher else ""
        number = self._ask(QuestionPicture(secrets.token_hex(8), most, title))
        if number is None:
            raise Unsaid("nobody said how many people come in; present the code again")
        return number

    def ask_pick(self, picks: Sequence[wire.PickAnswer]) -> wire.PickAnswer | None:
        """Ask which of several vouchers; None where nobody says."""
        choices = [
            ChoicePicture(legible(pick.tail, 8), legible(pick.title, 60), pick.remaining)
            for pick in picks
        ]
        question = QuestionPicture(secrets.token_hex(8), len(picks), choices=choices)
        number = self._ask(question)
        return None if number is None else picks[number - 1]

    def withdraw(self) -> None:
        """End the question that is open, if one is: it was answered elsewhere."""
        with self._changed:
            self._question = None
            self._changed.notify_all()

    def answer(self, question_id: str, number: int) -> bool:
        """Take an answer, 0 for none; False where no such question is open."""
        with self._changed:
            question = self._question
            if question is None or question.question_id != question_id:
                return False
            if not 0 <= number <= question.most:
                return False
            self._answer, self._question = number or None, None
            self._changed.notify_all()
            return True

    def _ask(self, question: QuestionPicture) -> int | None:
        with self._asking, self._changed:
            self._answer, self._question = None, question
            self._changed.notify_all()
            end_s = time.monotonic() + self._ask_s
            while self._question is question and not self._stop.is_set():
                if not self._changed.wait(TICK_S) and time.monotonic() >= end_s:
                    break
            answer, self._answer, self._question = self._answer, None, None
            self._changed.notify_all()
            return answer

    # --- what it shows ----------------------------------------------------------------------------

    def next(self, after: Picture | None, within_s: float) -> Picture:
        """Return the picture once it is another one than `after`, or when the time is over."""
        end_s = time.monotonic() + within_s
        with self._changed:
            while True:
                picture = self._draw()
                left_s = end_s - time.monotonic()
                if picture != after or left_s <= 0:
                    return picture
                # In ticks: a verdict's end tells nobody of itself.
                self._changed.wait(min(left_s, TICK_S))

    def _draw(self) -> Picture:
        scene, around = self._scene(), self._around
        say, detail = self._words(scene)
        between = scene in BETWEEN_SCANS
        lane = self._lane
        return Picture(
            scene=scene,
            lane=LanePicture(
                lane.name or around.name,
                around.area,
                lane.direction,
                lane.mode,
                lane.way,
                lane.reader,
            ),
            theme=around.theme,
            level=around.level,
            say=say,
            detail=detail,
            verdict=self._verdict if scene is Scene.VERDICT else None,
            question=self._question if scene is Scene.QUESTION else None,
            offline=around.offline,
            notice=self._notice,
            broadcast=around.broadcast if between else None,
            operator=around.operator,
            practice=around.practice,
            help=around.help,
            staffed=around.staffed,
        )

    def _scene(self) -> Scene:
        """Return what is most urgent to be seen."""
        current = self._now_s() < self._until_s
        entering = self._lane.direction is Direction.ENTRY
        scenes = (
            (self._around.emergency, Scene.EMERGENCY),
            (self._question is not None, Scene.QUESTION),
            (current and self._verdict is not None, Scene.VERDICT),
            (current and self._verdict is None, Scene.READING),
            (self._trouble is not None, Scene.BROKEN),
            (entering and self._around.gate is not GateState.OPEN, Scene.CLOSED),
        )
        return next((scene for so, scene in scenes if so), Scene.WAITING)

    @property
    def _trouble(self) -> Trouble | None:
        return self._around.trouble or next(iter(self._faults.values()), None)

    def _words(self, scene: Scene) -> tuple[Both, Both]:
        if scene is Scene.EMERGENCY:
            return EMERGENCY, EMERGENCY_DETAIL
        if scene is Scene.BROKEN and self._trouble is not None:
            return BROKEN, TROUBLES[self._trouble]
        if scene is Scene.CLOSED:
            return CLOSED[self._around.gate]
        return (READING, READING_DETAIL) if scene is Scene.READING else invite(self._lane)
