"""The lane: frames are decoded while earlier scans are still on their way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Full, Queue

from scanner_client.capture import Frame, Source, Watch
from scanner_client.checkin import Shown
from scanner_client.debounce import Debounce
from scanner_client.decode import LiveReader, nearest, read_all
from scanner_client.preview import Window
from scanner_client.rescue import Reading

# Scans on their way at once: while the server is slow the next visitor is not kept waiting.
AT_ONCE = 4
MOST_WAITING = 8
TICK_S = 0.1
NO_TIME_S = 0.001


class Lane:
    """Joins a source, a reader and the check-in.

    Args:
        check_in: answers a code; called from several threads.
        reading: says that a code was seen, before it is answered.
        present: shows what came of it; called from several threads.
        report: says a line to staff.
    """

    def __init__(
        self,
        reader: LiveReader,
        debounce: Debounce,
        *,
        check_in: Callable[[str], Shown],
        reading: Callable[[], object],
        present: Callable[[Shown], object],
        report: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._debounce = debounce
        self._check_in = check_in
        self._reading = reading
        self._present = present
        self._report = report

    def run(self, source: Source, stop: threading.Event, preview: Window | None = None) -> None:
        """Scan until the source ends or `stop` is set; scans under way are still answered."""
        waiting: deque[Future[None]] = deque()
        watch = Watch(stop, self._report)
        with ThreadPoolExecutor(AT_ONCE + 1, thread_name_prefix="lane") as pool:
            try:
                for frame in captured(source, watch, pool):
                    reading = self._read(frame)
                    if preview is not None:
                        preview.show(frame, reading)
                    if reading is not None and self._debounce.is_new(
                        reading.text, frame.seen_s, self._reader.in_sight
                    ):
                        self._reading()
                        waiting.append(pool.submit(self._scan, reading.text))
                    settle(waiting, MOST_WAITING)
                settle(waiting, 0)
            finally:
                stop.set()

    def _read(self, frame: Frame) -> Reading | None:
        if frame.live:
            return self._reader.read(frame.image)
        # No second look comes, so this one is thorough.
        found = read_all(frame.image, self._reader.stages)
        if not found:
            self._report(f"no code in {frame.origin}")
        return nearest(found, frame.image.shape)

    def _scan(self, code: str) -> None:
        self._present(self._check_in(code))


def settle(waiting: deque[Future[None]], most: int) -> None:
    """Take away what is done, and wait until at most `most` are left.

    Raises what a scan raised: a defect of ours ends the lane and is seen, it is not swallowed.
    """
    while waiting and (len(waiting) > most or waiting[0].done()):
        waiting.popleft().result()


def captured(source: Source, watch: Watch, pool: ThreadPoolExecutor) -> Iterator[Frame]:
    """Give a source's frames, captured in a thread of their own; raise what the source raised.

    A live frame that was not taken when the next one comes is dropped, so that what is decoded is
    never old; a picture waits, so that none is lost.
    """
    frames: Queue[Frame] = Queue(maxsize=1)
    capture = pool.submit(_capture, source, watch, frames)
    while not watch.stop.is_set():
        ended = capture.done()
        try:
            yield frames.get(timeout=NO_TIME_S if ended else TICK_S)
        except Empty:
            if ended:
                break
    if capture.done():
        capture.result()


def _capture(source: Source, watch: Watch, frames: Queue[Frame]) -> None:
    for frame in source.frames(watch):
        if frame.live:
            _drop(frames)
        while not watch.stop.is_set():
            try:
                frames.put(frame, timeout=TICK_S)
                break
            except Full:
                continue


def _drop(frames: Queue[Frame]) -> None:
    try:
        frames.get_nowait()
    except Empty:
        return
