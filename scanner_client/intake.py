"""Bring what several sources give at once to the one lane, each captured in its own thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from scanner_client.capture import TICK_S, Frame, Sighting, Source, Typed, Watch

# What may wait of one source: texts that come faster than they are answered, but few pictures.
MOST_TEXTS = 256
MOST_PICTURES = 1


class Intake:
    """What has been seen and not yet taken by the lane.

    A live frame that was not taken when the next one comes makes room for it, so that what is
    decoded is never old; a picture and a text wait, so that none is lost.

    Args:
        answers: takes a text that answers a question of staff, at once and in the source's own
            thread; tells whether it was one.
    """

    def __init__(self, watch: Watch, answers: Callable[[Typed], bool]) -> None:
        self._watch = watch
        self._answers = answers
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, Sighting]] = deque()

    def sightings(
        self, sources: Sequence[Source], aside: Sequence[Source], pool: ThreadPoolExecutor
    ) -> Iterator[Sighting]:
        """Give what all sources give, until those that are not aside have ended.

        A source that fails is told, and the others go on; raises what it raised at the end.
        """
        captures = [
            pool.submit(self._capture, number, source)
            for number, source in enumerate([*sources, *aside])
        ]
        main, told = captures[: len(sources)], set[int]()
        while not self._watch.stop.is_set():
            ended = all(capture.done() for capture in main)
            sighting = self._take(0.0 if ended else TICK_S)
            if sighting is not None:
                yield sighting
            elif ended:
                break
            self._tell_failed(captures, told)
        for capture in captures:
            if capture.done():
                capture.result()

    def _tell_failed(self, captures: Sequence[Future[None]], told: set[int]) -> None:
        for number, capture in enumerate(captures):
            error = capture.exception() if capture.done() else None
            if error is not None and number not in told:
                told.add(number)
                self._watch.report(f"reader {number + 1} failed 读码器故障: {type(error).__name__}")

    def _capture(self, number: int, source: Source) -> None:
        try:
            for sighting in source.sightings(self._watch):
                if not (isinstance(sighting, Typed) and self._answers(sighting)):
                    self._put(number, sighting)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _put(self, number: int, sighting: Sighting) -> None:
        with self._changed:
            if isinstance(sighting, Frame) and sighting.live:
                if self._replace(number, sighting):
                    return
            else:
                most = MOST_PICTURES if isinstance(sighting, Frame) else MOST_TEXTS
                while self._count(number) >= most and not self._watch.stop.is_set():
                    self._changed.wait(TICK_S)
            self._waiting.append((number, sighting))
            self._changed.notify_all()

    def _replace(self, number: int, frame: Frame) -> bool:
        """Put a live frame in the place of the one before it, if that still waits."""
        for place, (other, earlier) in enumerate(self._waiting):
            if other == number and isinstance(earlier, Frame) and earlier.live:
                self._waiting[place] = (number, frame)
                return True
        return False

    def _count(self, number: int) -> int:
        return sum(other == number for other, _ in self._waiting)

    def _take(self, within_s: float) -> Sighting | None:
        with self._changed:
            if not self._waiting and within_s:
                self._changed.wait(within_s)
            if not self._waiting:
                return None
            _, sighting = self._waiting.popleft()
            self._changed.notify_all()
            return sighting
