"""The lane's turnstile: opens for those who are let in, and sees who passes.

One thread does it all. It waits for nobody: what the gate server has to know goes to `Passages`,
and a barrier that does not answer holds up no scan and no verdict.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from admission.wire_passage import ReportKind
from scanner_client.barrier_driver import BarrierLost, Driver, Signal
from scanner_client.barrier_settings import BarrierSettings
from scanner_client.barrier_state import ALL_WELL, EMERGENCY, STATES, BarrierState
from scanner_client.passage import Passages

FIRST_WAIT_S, MOST_WAIT_S = 0.5, 5.0
# An output that a controller lets go of by itself is put on again, as long as people must get out.
ASSERT_EVERY_S = 2.0
FOR_GOOD = float("inf")
LATE_KEPT = 20
# A controller takes two pulses for one where the output was not at rest between them.
GAP_S = 0.1


@dataclass(slots=True)
class Opening:
    """One scan whose people are to pass; times are monotonic seconds.

    Attributes:
        at: when it was opened, or the last of them turned; None before it was opened.
        pulses: how often the output was put on for it.
    """

    nonce: str
    people: int
    turned: int = 0
    at: float | None = None
    pulses: int = 0

    @property
    def missing(self) -> int:
        """People who have yet to turn."""
        return self.people - self.turned


class Turnstile:
    """Opens a barrier for people who are let in. `admit` and `evacuate` are for any thread.

    Args:
        passages: is told who passed and who did not.
        show: is told how the barrier stands.
        is_emergency: what the scanner last heard; None: nothing since it was asked before.
    """

    def __init__(
        self,
        driver: Driver,
        settings: BarrierSettings,
        passages: Passages,
        *,
        show: Callable[[BarrierState], None],
        is_emergency: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self._driver = driver
        self._settings = settings
        self._passages = passages
        self._show = show
        self._ask_emergency = is_emergency
        self._asked: SimpleQueue[Opening] = SimpleQueue()
        self._waiting: deque[Opening] = deque()
        self._late: deque[tuple[Opening, float]] = deque(maxlen=LATE_KEPT)
        self._wake = threading.Event()
        self._emergency = False
        self._connected = False
        self._told = False
        self._on = False
        self._off_at = 0.0
        self._on_at = 0.0
        self._turns = 0
        self._active_at: float | None = None
        self._idle_in_a_row = 0
        self._fault: ReportKind | None = None

    # --- for other threads ----------------------------------------------------------------------

    def watches(self) -> bool:
        """Say whether it will see who passes, as of now."""
        return self._connected and self._driver.watches and not self._emergency

    def admit(self, nonce: str, people: int) -> None:
        """Let people pass; never twice for one scan, which its caller sees to."""
        self._asked.put(Opening(nonce, people))
        self._wake.set()

    def evacuate(self, on: bool) -> None:
        """Stay open until it is over: everybody may leave."""
        self._emergency = on
        self._wake.set()

    # --- the thread -----------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Serve the barrier until `stop` is set; at the end its output falls to rest."""
        wait_s = FIRST_WAIT_S
        while not stop.is_set():
            self._heed()
            try:
                if not self._connected:
                    self._connect()
                    wait_s = FIRST_WAIT_S
                self.step(time.monotonic())
                pause_s = self._settings.poll_ms / 1000
            except BarrierLost as error:
                self._lose(error)
                pause_s, wait_s = wait_s, min(2 * wait_s, MOST_WAIT_S)
            self._wake.wait(pause_s)
            self._wake.clear()
        self._end()

    def _connect(self) -> None:
        self._driver.connect()
        if not self._emergency:
            self._driver.set(on=False)
        # What turned while nobody was connected is not this process's to judge.
        self._turns = self._driver.sense().turns
        self._connected, self._on = True, False
        if self._fault is ReportKind.BARRIER_LOST:
            self._clear()
        elif not self._told:
            self._show(ALL_WELL)
        self._told = True

    def _lose(self, error: BarrierLost) -> None:
        """The barrier is away: staff let people through by hand, and nobody sees who passes."""
        self._connected = False
        self._take_asked()
        for opening in self._waiting:
            if opening.at is None:
                self._passages.by_hand(opening.nonce)
            else:
                self._passages.unknown(opening.nonce, opening.missing, "the turnstile was lost")
        self._waiting.clear()
        if self._fault is not ReportKind.BARRIER_LOST:
            self._raise(ReportKind.BARRIER_LOST, detail=str(error))

    def _end(self) -> None:
        """Leave it as safe as software can: at rest, but open as long as people must get out."""
        for opening in self._waiting:
            self._passages.unknown(opening.nonce, opening.missing, "the scanner was stopped")
        if self._connected and not self._emergency and self._on:
            try:
                self._driver.set(on=False)
            except BarrierLost as error:
                self._passages.report(ReportKind.BARRIER_LOST, detail=str(error))
        self._driver.close()

    # --- one step -------------------------------------------------------------------------------

    def step(self, now_s: float) -> None:
        """Look once, and do what is due."""
        self._heed()
        self._take_asked()
        signal = self._driver.sense()
        turns, self._turns = max(0, signal.turns - self._turns), signal.turns
        if self._emergency:
            self._stay_open(now_s)
            return
        if self._on and self._off_at == FOR_GOOD:
            self._set(False, now_s)
            self._show(ALL_WELL)
        for _ in range(turns):
            self._take_turn(now_s)
        self._expire(now_s)
        self._serve(now_s)
        self._judge(signal, now_s)

    def _heed(self) -> None:
        """Ask whether there is news of an evacuation; also while the barrier is away."""
        heard = self._ask_emergency()
        if heard is not None:
            self._emergency = heard

    def _take_asked(self) -> None:
        while True:
            try:
                self._waiting.append(self._asked.get_nowait())
            except Empty:
                return

    def _stay_open(self, now_s: float) -> None:
        """Let everybody out; who turns now is not counted, and nobody is given back."""
        for opening in self._waiting:
            self._passages.done(opening.nonce)
        self._waiting.clear()
        if not self._on or now_s - self._on_at >= ASSERT_EVERY_S:
            self._set(True, now_s)
            self._off_at = FOR_GOOD
            self._show(EMERGENCY)

    def _take_turn(self, now_s: float) -> None:
        """Somebody passed: the first in line, one whose time was over, or one for nobody."""
        self._idle_in_a_row = 0
        opening = next((each for each in self._waiting if each.at is not None), None)
        if opening is not None and opening.missing:
            opening.turned, opening.at = opening.turned + 1, now_s
            self._passages.turned(opening.nonce, opening.turned)
            if not opening.missing:
                self._passages.done(opening.nonce)
                self._waiting.popleft()
                self._rest(now_s)
            if self._fault in {ReportKind.FORCED, ReportKind.JAMMED}:
                self._clear()
            return
        late = next((each for each, _ in reversed(self._late) if each.missing), None)
        if late is not None:
            late.turned += 1
            self._passages.turned(late.nonce, late.turned)
            self._passages.report(ReportKind.LATE_PASSAGE, people=1, detail=f"scan {late.nonce}")
            self._show(STATES[ReportKind.LATE_PASSAGE])
            return
        self._raise(ReportKind.FORCED, people=1)

    def _expire(self, now_s: float) -> None:
        """Give back those whose time is over, and forget who could still be late."""
        timeout_s = self._settings.passage_timeout_s
        while self._late and now_s - self._late[0][1] > timeout_s:
            self._late.popleft()
        opening = self._waiting[0] if self._waiting else None
        if opening is None or opening.at is None or now_s - opening.at < timeout_s:
            return
        self._waiting.popleft()
        self._rest(now_s)
        if not self._driver.watches:
            self._passages.done(opening.nonce)
            return
        self._passages.give_back(opening.nonce, opening.missing)
        self._late.append((opening, now_s))
        self._idle_in_a_row += opening.turned == 0
        if self._settings.jam_after and self._idle_in_a_row >= self._settings.jam_after:
            detail = f"opened {self._idle_in_a_row} times, and nobody turned"
            self._raise(ReportKind.JAMMED, detail=detail)

    def _serve(self, now_s: float) -> None:
        """Put the output on for the first in line, and off again when its time is over."""
        if self._on and now_s >= self._off_at:
            self._set(False, now_s)
        if self._on or not self._waiting:
            return
        opening, pulsed = self._waiting[0], self._settings.mode == "pulse"
        if opening.pulses > (self._due(opening) if pulsed else 0):
            if pulsed and not self._driver.watches:
                # Nobody sees them turn, so there is nothing to wait for.
                self._waiting.popleft()
                self._passages.done(opening.nonce)
            return
        if now_s < self._off_at + GAP_S:
            return
        self._set(True, now_s)
        opening.pulses, opening.at = opening.pulses + 1, now_s
        # For a party the output stays on until the last has turned, or their time is over.
        lasts_s = opening.people * self._settings.passage_timeout_s
        self._off_at = now_s + (self._settings.pulse_ms / 1000 if pulsed else lasts_s)

    def _due(self, opening: Opening) -> int:
        """Return after how many pulses the next one waits for somebody to turn."""
        return opening.turned if self._driver.watches else opening.people - 1

    def _rest(self, now_s: float) -> None:
        if self._settings.mode == "hold":
            self._off_at = min(self._off_at, now_s)

    def _set(self, on: bool, now_s: float) -> None:
        self._driver.set(on=on)
        self._on = on
        if on:
            self._on_at = now_s
        else:
            self._off_at = now_s

    # --- what is wrong with it ------------------------------------------------------------------

    def _judge(self, signal: Signal, now_s: float) -> None:
        if not signal.active:
            self._active_at = None
        elif self._active_at is None:
            self._active_at = now_s
        held = self._active_at is not None and now_s - self._active_at > self._settings.held_open_s
        if signal.fault:
            self._raise(ReportKind.JAMMED, detail=signal.fault)
        elif held:
            self._raise(ReportKind.HELD_OPEN)
        elif self._fault is ReportKind.HELD_OPEN or self._controller_recovered():
            self._clear()

    def _controller_recovered(self) -> bool:
        jam_after = self._settings.jam_after
        by_count = bool(jam_after) and self._idle_in_a_row >= jam_after
        return self._fault is ReportKind.JAMMED and not by_count

    def _raise(self, kind: ReportKind, *, people: int | None = None, detail: str = "") -> None:
        """Say and report a fault; one that lasts is said once, each forced turn is."""
        if kind is not self._fault or kind is ReportKind.FORCED:
            self._passages.report(kind, people=people, detail=detail)
            self._show(STATES[kind].because(detail))
        self._fault = kind

    def _clear(self) -> None:
        self._fault = None
        self._passages.report(ReportKind.CLEARED)
        self._show(ALL_WELL)
