"""The drill's side of its scanners: start them, hold codes before them, keep what they showed."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from drill.calls import DrillFailed
from drill.cast import Step
from drill.sales import FLASH
from drill.venue import Device

# Processes that share the scanners; each takes a second to start.
HOSTS, FEW_HOSTS = 4, 2
ANSWER_WITHIN_S: Final = 60.0
END_WITHIN_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A verdict as staff at a scanner saw it.

    Attributes:
        reason: "" where there was no verdict, and then `problem` says why.
        at: when it was decided; `offline`: by the scanner itself.
        late_s: how long after its moment in the story it was there.
    """

    place: str
    device_id: str
    code: str = field(repr=False)
    nonce: str = ""
    outcome: str = ""
    reason: str = ""
    people: int = 0
    at: datetime | None = None
    offline: bool = False
    leaves: bool = False
    took_s: float = 0.0
    late_s: float = 0.0
    problem: str = ""


class Host:
    """One process with some of the scanners."""

    def __init__(self, devices: list[Device], log: Path, take: Callable[[Any], None]) -> None:
        self.names = [device.name for device in devices]
        places = [f"{device.name}={device.directory}" for device in devices]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drill.lane_host", FLASH, *places],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._thread = threading.Thread(target=self._read, args=(take,), daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    def tell(self, **asked: Any) -> None:
        """Give it one line."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - for the type checker
        pipe.write(json.dumps(asked) + "\n")
        pipe.flush()

    def close(self) -> None:
        """Let it end, and end it if it does not."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(OSError):
            pipe.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(END_WITHIN_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self, take: Callable[[Any], None]) -> None:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - for the type checker
        for line in pipe:
            take(json.loads(line))


@dataclass(slots=True)
class _Open:
    """A code that is held before a scanner, until it answers."""

    step: Step
    due_s: float


class Lanes:
    """All scanners of the drill.

    Attributes:
        shown: every verdict, in the order in which they came.
        voided_s: when each scanner knew of the void, monotonic, by its name.
        tickets: codes of tickets by the code of the voucher that they were exchanged for.
        on_tickets: is told of tickets as they are printed.
    """

    def __init__(self, devices: list[Device], log: Path, *, hosts: int = HOSTS) -> None:
        self.shown: list[Shown] = []
        self.voided_s: dict[str, float] = {}
        self.tickets: dict[str, list[str]] = {}
        self.on_tickets: Callable[[Step, list[str]], None] = lambda _, __: None
        self._devices = {device.name: device for device in devices}
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._open: dict[int, _Open] = {}
        self._told: dict[int, Any] = {}
        self._ready: set[str] = set()
        self._on_ready: Callable[[int], None] = lambda _: None
        groups = [devices[number::hosts] for number in range(hosts)]
        self._hosts = [Host(group, log, self._take) for group in groups if group]
        self._host_of = {name: host for host in self._hosts for name in host.names}

    @property
    def names(self) -> list[str]:
        """All scanners that run."""
        return list(self._host_of)

    def await_ready(self, within_s: float, advance: Callable[[int], None]) -> None:
        """Wait until all have started and downloaded.

        Args:
            advance: is told of each that has.
        """
        with self._changed:
            advance(len(self._ready))
            self._on_ready = advance
        self._wait(lambda: len(self._ready) == len(self._devices), within_s, "the scanners' start")

    def scan(self, step: Step, due_s: float) -> None:
        """Hold a code before a scanner; what it shows comes in its own time.

        Args:
            due_s: the moment that it belongs to, monotonic.
        """
        number = next(self._numbers)
        with self._changed:
            self._open[number] = _Open(step, due_s)
        told = {"n": number, "lane": step.place, "code": step.code, "leaves": step.leaves}
        self._host_of[step.place].tell(**told)

    @property
    def waiting(self) -> int:
        """Codes that are held before a scanner now."""
        return len(self._open)

    def await_shown(self, within_s: float) -> None:
        """Wait until every code was answered."""
        self._wait(lambda: not self._open, within_s, "a verdict")

    def follow(self) -> None:
        """Have every scanner say when it knows of the void."""
        for host in self._hosts:
            host.tell(follow=True)

    def await_voided(self, within_s: float) -> None:
        """Wait until every scanner knows of the void."""
        so = lambda: len(self.voided_s) == len(self._host_of)  # noqa: E731
        self._wait(so, within_s, "the void at the last scanner")

    def status(self, names: Iterable[str]) -> dict[str, Any]:
        """Ask scanners where they stand, after what they are busy with."""
        asked = {}
        for name in names:
            asked[name] = next(self._numbers)
            self._host_of[name].tell(n=asked[name], lane=name)
        with self._changed:
            self._wait_for(lambda: all(n in self._told for n in asked.values()))
            return {name: self._told.pop(number) for name, number in asked.items()}

    def await_status(
        self, names: Iterable[str], so: Callable[[Any], object], within_s: float, what: str
    ) -> None:
        """Wait until all of some scanners stand as they should."""
        left, until_s = list(names), time.monotonic() + within_s
        while left:
            told = self.status(left)
            left = [name for name in left if not so(told[name])]
            if left and time.monotonic() > until_s:
                raise DrillFailed(f"{what} did not come within {within_s:.0f} s: {left}")
            if left:
                time.sleep(0.1)

    def close_but(self, names: set[str]) -> None:
        """Switch off every process that has none of these scanners."""
        for host in [host for host in self._hosts if not names.intersection(host.names)]:
            self._hosts.remove(host)
            host.close()
            for name in host.names:
                del self._host_of[name]

    def close(self) -> None:
        """End all scanners."""
        for host in self._hosts:
            host.close()
        self._hosts.clear()
        self._host_of.clear()

    # --- what they say ---------------------------------------------------------------------------

    def _take(self, said: dict[str, Any]) -> None:
        with self._changed:
            if "ready" in said:
                self._ready.add(said["ready"])
                self._on_ready(1)
            elif "voided" in said:
                self.voided_s[said["voided"]] = said["at_s"]
            elif said["n"] in self._open:
                self._note(self._open.pop(said["n"]), said)
            else:
                self._told[said["n"]] = said
            self._changed.notify_all()

    def _note(self, was: _Open, said: dict[str, Any]) -> None:
        step = was.step
        device_id = self._devices[step.place].device_id
        self.shown.append(read_shown(step, device_id, said, was.due_s))
        if said.get("tickets"):
            self.tickets[step.code] = said["tickets"]
            self.on_tickets(step, said["tickets"])

    def _wait(self, so: Callable[[], bool], within_s: float, what: str) -> None:
        with self._changed:
            if not self._wait_for(so, within_s):
                raise DrillFailed(f"{what} did not come within {within_s:.0f} s")

    def _wait_for(self, so: Callable[[], bool], within_s: float = ANSWER_WITHIN_S) -> bool:
        """Wait for something; notices a process that has ended."""
        until_s = time.monotonic() + within_s
        while not so():
            if any(host.ended for host in self._hosts):
                raise DrillFailed("a process of scanners has ended; see scanners.log")
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return False
            self._changed.wait(min(1.0, left_s))
        return True


def read_shown(step: Step, device_id: str, said: dict[str, Any], due_s: float) -> Shown:
    """Return what a scanner said of a code."""
    if "nonce" not in said:
        problem = said.get("problem") or "no verdict"
        return Shown(step.place, device_id, step.code, leaves=step.leaves, problem=problem)
    return Shown(
        place=step.place,
        device_id=device_id,
        code=step.code,
        nonce=said["nonce"],
        outcome=said["outcome"],
        reason=said["reason"],
        people=said["people"],
        at=datetime.fromisoformat(said["at"]),
        offline=said["offline"],
        leaves=step.leaves,
        took_s=said["took_s"],
        late_s=said["ended_s"] - due_s,
    )
