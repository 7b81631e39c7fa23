"""What the feeder runs: tasks, each in a thread of its own, and how they reach the server."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

from msgspec import Struct

from admission.errors import AdmissionError
from gate_server import control
from gate_server.commands.services import Caller
from gate_server.keyring import Keyring
from gate_server.settings import Settings

# The control socket has 16 places; commands of people must always find one.
MOST_CALLS: Final = 6
_LOOK_S: Final = 0.5

log = logging.getLogger("gatehouse.feeder")


class Task(Protocol):
    """Something that the feeder does again and again."""

    @property
    def name(self) -> str:
        """How the log calls it; each task has its own."""

    def due_s(self) -> float:
        """Return the seconds until it should run; 0 or less: now."""

    def run(self, caller: Caller) -> None:
        """Do it once. It may take long; it must bear to be killed at any moment.

        Raises:
            AdmissionError: what went wrong; it is logged, and the task runs again when it is due.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a task may be made from."""

    directory: Path
    settings: Settings
    keys: Keyring


class Link:
    """Calls the running server, with a connection for each call, so that none goes stale."""

    def __init__(self, directory: Path, room: threading.BoundedSemaphore) -> None:
        self._directory = directory
        self._room = room
        self._open = contextlib.ExitStack()
        self._caller: Caller | None = None

    def call(self, name: str, params: Struct | dict[str, Any] | None = None) -> Any:
        """Run a command and return what it returns; raises its errors."""
        self.send(name, params or {})
        return self.receive()

    def send(self, name: str, params: Struct | dict[str, Any]) -> None:
        """Begin a command; prepare the next meanwhile."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._room)
            self._caller = stack.enter_context(control.reach(self._directory))
            self._caller.send(name, params)
            self._open = stack.pop_all()

    def receive(self) -> Any:
        """Return what the command that was sent returned; raises its errors."""
        caller, self._caller = self._caller, None
        assert caller is not None, "nothing was sent"  # noqa: S101 - a mistake of ours
        with self._open:
            return caller.receive()


@dataclass(slots=True)
class _Thread:
    task: Task
    thread: threading.Thread
    stop: threading.Event = field(default_factory=threading.Event)


class Runner:
    """Runs tasks, each in its own thread: none waits for another.

    Args:
        link: makes the caller of one thread.
        pause_s: the least time between a run that failed and the next.
    """

    def __init__(self, link: Callable[[], Caller], *, pause_s: float = 1.0) -> None:
        self._link = link
        self._pause_s = pause_s
        self._threads: dict[str, _Thread] = {}

    def keep(self, tasks: dict[str, Task]) -> None:
        """Run these tasks from now on; those that are not named end after their present run.

        A thread that a defect has ended is started again.
        """
        for name in [*self._threads]:
            if name not in tasks:
                self._threads.pop(name).stop.set()
        for name, task in tasks.items():
            there = self._threads.get(name)
            if there is None or not there.thread.is_alive():
                self._threads[name] = self._start(task)

    def _start(self, task: Task) -> _Thread:
        stop = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(task, stop), name=f"task {task.name}", daemon=True
        )
        thread.start()
        return _Thread(task, thread, stop)

    def _run(self, task: Task, stop: threading.Event) -> None:
        caller = self._link()
        while not stop.is_set():
            wait_s = task.due_s()
            if wait_s > 0:
                stop.wait(min(wait_s, _LOOK_S))
                continue
            try:
                task.run(caller)
            except AdmissionError as error:
                log.warning("%s: %s", task.name, error)
                stop.wait(self._pause_s)


def tell_defect(args: threading.ExceptHookArgs) -> None:
    """Log where a thread was ended by a defect, without the values that it had: they may be codes.

    For `threading.excepthook`.
    """
    name = args.thread.name if args.thread is not None else "a thread"
    log.error("%s ended: %s at %s", name, args.exc_type.__name__, _where(args.exc_traceback))


def _where(traceback: TracebackType | None) -> str:
    place = "an unknown place"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


MAKERS: Final[tuple[Callable[[Surroundings], Task], ...]] = ()
"""Tasks beside those of the feeds; one of each runs for as long as the feeder does."""
