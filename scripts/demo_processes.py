"""Run the real programs beside the demo: pass their terminals through, notice a crash, end all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BIN = Path(sys.executable).parent
TICK_S = 0.1
AT_ONCE = 3
COMMANDS_WITHIN_S = 90.0
KEPT_LINES = 15
# Wide enough that the last line of a verdict never wraps; no wider, so that it stays one glance.
COLUMNS = (66, 86)
SCANNER_ENDS_S, SERVER_ENDS_S = 5.0, 10.0

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")
# The line that every verdict ends with: its reason and the scan's nonce.
_VERDICT = re.compile(r"\b([a-z_]+)  [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, or a signal."""


class Failed(Exception):
    """The demo cannot go on; says why, and what a program said last."""


@dataclass(slots=True)
class Child:
    """A program that runs beside the demo.

    Attributes:
        output: what it writes, to be read without waiting; None where it goes to `log`.
        verdicts: reasons that it has shown, oldest first.
        tail: its last lines.
    """

    name: str
    process: subprocess.Popen[bytes]
    output: int | None = None
    log: Path | None = None
    verdicts: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    begun: str = ""

    @property
    def last_words(self) -> str:
        """Its last lines, for the report of its end."""
        if self.log is not None:
            lines = self.log.read_text("utf-8", "replace").splitlines()[-KEPT_LINES:]
        else:
            lines = [line for line in (*self.tail, self.begun) if line.strip()]
        return "\n".join(f"    {line}" for line in lines) or "    (it said nothing)"

    def note(self, data: bytes) -> None:
        """Look for verdicts in what it wrote."""
        *lines, self.begun = (self.begun + data.decode("utf-8", "replace")).split("\n")
        for line in lines:
            plain = _ESCAPES.sub("", line).rstrip()
            self.tail.append(plain)
            self.verdicts += _VERDICT.findall(plain)


class Stage:
    """What runs, and the one place where the demo waits: while it does, words flow and ends show.

    Attributes:
        stopping: set by a signal; the next wait raises `Stopped`.
        meanwhile: is called again and again while the demo waits.
    """

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False
        self.meanwhile: Callable[[], None] = lambda: None
        self._selector = selectors.DefaultSelector()
        self._is_terminal = sys.stdout.isatty()

    def listen_to_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal end the demo in good order."""

        def stop(_: int, __: object) -> None:
            self.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)

    def listen(self, file: int, told: Callable[[str], None]) -> None:
        """Hand over what is typed, while the demo waits."""
        self._selector.register(file, selectors.EVENT_READ, told)

    def start_logged(self, name: str, command: list[str], log: Path) -> Child:
        """Start a program whose words go to a file."""
        with log.open("wb") as file:
            child = Child(name, _popen(command, file.fileno()), log=log)
        self.children.append(child)
        return child

    def start_shown(self, name: str, command: list[str]) -> Child:
        """Start a program whose words appear in this terminal as it writes them."""
        ours, theirs = _open_terminal() if self._is_terminal else os.pipe()
        try:
            child = Child(name, _popen(command, theirs), output=ours)
        finally:
            os.close(theirs)
        self._selector.register(ours, selectors.EVENT_READ, child)
        self.children.append(child)
        return child

    def run_shown(self, name: str, command: list[str], within_s: float) -> Child:
        """Start such a program and wait for its end."""
        child = self.start_shown(name, command)
        self.children.remove(child)
        self.wait(within_s, lambda: child.process.poll() is not None, f"the end of {name}")
        self._pass_on(0)
        self._close(child)
        return child

    def wait(self, seconds: float, until: Callable[[], bool] | None = None, what: str = "") -> None:
        """Wait for a time, or until something is so.

        Raises:
            Stopped: a signal came.
            Failed: a program ended, or it was not so in time.
        """
        end_s = time.monotonic() + seconds
        while until is None or not until():
            left_s = end_s - time.monotonic()
            if left_s <= 0 and until is not None:
                raise Failed(f"{what} did not come within {seconds:.0f} s{self._last_words()}")
            if left_s <= 0:
                return
            self._pass_on(min(TICK_S, left_s))
            self._look_after()
            self.meanwhile()

    def stop(self) -> None:
        """End all that runs: scanners first, so that none of them finds its server gone."""
        scanners = [child for child in self.children if child.log is None]
        servers = [child for child in self.children if child.log is not None]
        for children, patience_s in ((scanners, SCANNER_ENDS_S), (servers, SERVER_ENDS_S)):
            for child in children:
                _signal(child, signal.SIGTERM)
            end_s = time.monotonic() + patience_s
            while any(child.process.poll() is None for child in children):
                if time.monotonic() > end_s:
                    break
                self._pass_on(TICK_S)
            for child in children:
                _signal(child, signal.SIGKILL)  # its own children too, if it left any behind
                child.process.wait()
        self._pass_on(0)
        for child in scanners:
            self._close(child)
        self.children.clear()

    def at_once(self, *jobs: Callable[[], T]) -> list[T]:
        """Do several things at the same time; return what each of them returned, in order.

        Raises what one of them raised, and what `wait` does.
        """
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                self.wait(COMMANDS_WITHIN_S, lambda: all(map(Future.done, futures)), "a command")
            except Stopped:
                pool.shutdown(cancel_futures=True)
                raise
            return [future.result() for future in futures]

    def _last_words(self) -> str:
        return "".join(f"\n{child.name} said:\n{child.last_words}" for child in self.children)

    def _look_after(self) -> None:
        if self.stopping:
            raise Stopped
        for child in self.children:
            status = child.process.poll()
            if status is not None:
                self._pass_on(0)
                raise Failed(f"{child.name} ended with {status}; it said:\n{child.last_words}")

    def _pass_on(self, wait_s: float) -> None:
        """Copy what programs write to this terminal."""
        if not self._selector.get_map():
            time.sleep(wait_s)
            return
        for key, _ in self._selector.select(wait_s):
            data = _read(key.fd)
            if not data:
                self._selector.unregister(key.fd)
                continue
            if not isinstance(key.data, Child):
                key.data(data.decode("utf-8", "replace"))
                continue
            key.data.note(data)
            try:
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
            except OSError:  # the terminal has gone: nobody looks on any more
                self.stopping = True

    def _close(self, child: Child) -> None:
        if child.output is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.output)
            os.close(child.output)
            child.output = None


def _popen(command: list[str], output: int) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C reaches the demo alone, which ends the rest in order.
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)


def _open_terminal() -> tuple[int, int]:
    """Return both ends of a terminal like this one: what reads it, what a program writes to."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    size = shutil.get_terminal_size()
    columns = max(COLUMNS[0], min(size.columns, COLUMNS[1]))
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, columns, 0, 0))
    return ours, theirs


def _read(file: int) -> bytes:
    """Read what is there; nothing where the other end is closed."""
    try:
        return os.read(file, 65536)
    except OSError:  # EIO: the last program at a terminal has ended
        return b""


def run(command: list[str], *, within_s: float = 60) -> str:
    """Run a program to its end, out of reach of Ctrl-C; return what it wrote to stdout.

    Raises:
        Failed: it was refused or failed, with what it said.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=within_s,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{_name(command)} did not end within {within_s:.0f} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise Failed(f"{_name(command)} ended with {done.returncode}:\n    {said}")
    return done.stdout


def _name(command: list[str]) -> str:
    return f"{Path(command[0]).name} {' '.join(command[1:])}"
