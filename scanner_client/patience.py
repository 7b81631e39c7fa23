"""Wait for a call no longer than a given time, whatever holds it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from admission.errors import RelayError

T = TypeVar("T")

MOST_WAITING = 32


class Patience:
    """Runs calls aside, so that no name server and no slow drip of bytes holds up a gate.

    A time-out of sockets bounds each step, not the whole, and the resolver has none. A call that
    is given up ends by itself sometime; at most `MOST_WAITING` are under way at once.
    """

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MOST_WAITING)

    def run(self, call: Callable[[], T], within_s: float) -> T:
        """Return what `call` returns, or raise the RelayError that it raises.

        Raises TimeoutError: it took longer, or too many calls have not come back.
        """
        if not self._free.acquire(blocking=False):
            raise TimeoutError(f"the last {MOST_WAITING} calls have not come back")
        ended: SimpleQueue[tuple[T] | RelayError] = SimpleQueue()
        threading.Thread(target=self._run, args=(call, ended), daemon=True).start()
        try:
            result = ended.get(timeout=within_s)
        except Empty as error:
            raise TimeoutError(f"no answer within {within_s * 1000:.0f} ms") from error
        if isinstance(result, RelayError):
            raise result
        return result[0]

    def _run(self, call: Callable[[], T], ended: SimpleQueue[tuple[T] | RelayError]) -> None:
        try:
            ended.put((call(),))
        except RelayError as error:
            ended.put(error)
        finally:
            self._free.release()
