"""The lane: what its sources see is decoded while earlier scans are still on their way."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from admission.codes import normalise
from scanner_client.capture import Frame, Sighting, Source, Typed, Watch
from scanner_client.checkin import Shown
from scanner_client.debounce import Debounce
from scanner_client.decode import LiveReader, nearest, read_all
from scanner_client.intake import Intake
from scanner_client.preview import Window
from scanner_client.rescue import Reading, Stage

# Scans on their way at once: while the server is slow the next visitor is not kept waiting.
AT_ONCE = 4
MOST_WAITING = 8


class Lane:
    """Joins sources, a reader for each camera, one debounce and the check-in.

    Args:
        stages: rescue what a fast look misses.
        check_in: answers a code; called from several threads.
        reading: says that a code was seen, before it is answered.
        present: shows what came of it; called from several threads.
        report: says a line to staff.
        answers: takes a text for the answer to a question, and tells whether it was one.
        lost: is told how many of the sources' devices do not work, whenever that changes.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        debounce: Debounce,
        *,
        check_in: Callable[[str], Shown],
        reading: Callable[[], object],
        present: Callable[[Shown], object],
        report: Callable[[str], None],
        answers: Callable[[Typed], bool],
        lost: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._stages = stages
        self._readers: dict[str, LiveReader] = {}
        self._debounce = debounce
        self._check_in = check_in
        self._reading = reading
        self._present = present
        self._report = report
        self._answers = answers
        self._lost = lost

    def run(
        self,
        sources: Sequence[Source],
        stop: threading.Event,
        preview: Window | None = None,
        *,
        aside: Sequence[Source] = (),
    ) -> None:
        """Scan until the sources end or `stop` is set; scans under way are still answered.

        Args:
            aside: sources that do not keep the lane open.
        """
        waiting: deque[Future[None]] = deque()
        intake = Intake(Watch(stop, self._report, self._lost), self._answers)
        workers = AT_ONCE + len(sources) + len(aside)
        with ThreadPoolExecutor(workers, thread_name_prefix="lane") as pool:
            try:
                for sighting in intake.sightings(sources, aside, pool):
                    code, in_sight = self._find_code(sighting, preview)
                    if code and self._is_new(code, sighting, in_sight):
                        self._reading()
                        waiting.append(pool.submit(self._scan, code, sighting.seen_s))
                    settle(waiting, MOST_WAITING)
                settle(waiting, 0)
            finally:
                stop.set()

    def _find_code(
        self, sighting: Sighting, preview: Window | None
    ) -> tuple[str | None, tuple[str, ...]]:
        """Return the code that counts, and all that are in sight."""
        if isinstance(sighting, Typed):
            return sighting.text, ()
        reading, in_sight = self._read(sighting)
        if preview is not None:
            preview.show(sighting, reading)
        return None if reading is None else reading.text, in_sight

    def _is_new(self, code: str, sighting: Sighting, in_sight: Sequence[str]) -> bool:
        # A camera and a wedge may put different marks round the same code.
        known = [normalise(text) for text in in_sight]
        return self._debounce.is_new(normalise(code), sighting.seen_s, known)

    def _read(self, frame: Frame) -> tuple[Reading | None, tuple[str, ...]]:
        if frame.live:
            # Each camera has its own: what it remembers of a scene is of that scene.
            reader = self._readers.setdefault(frame.origin, LiveReader(self._stages))
            return reader.read(frame.image), reader.in_sight
        # No second look comes, so this one is thorough.
        found = read_all(frame.image, self._stages)
        chosen = nearest(found, frame.image.shape)
        if not found:
            self._report(f"no code in {frame.origin}")
        elif chosen is None:
            self._report(f"no code taken in {frame.origin}: a nearer one cannot be read")
        return chosen, ()

    def _scan(self, code: str, seen_s: float) -> None:
        shown = self._check_in(code)
        self._present(replace(shown, took_s=time.monotonic() - seen_s))


def settle(waiting: deque[Future[None]], most: int) -> None:
    """Take away what is done, and wait until at most `most` are left.

    Raises what a scan raised: a defect of ours ends the lane and is seen, it is not swallowed.
    """
    while waiting and (len(waiting) > most or waiting[0].done()):
        waiting.popleft().result()
