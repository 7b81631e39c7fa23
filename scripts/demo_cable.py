"""The cable between the demo's scanners and its server: one key pulls it and puts it back."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import termios
import time
import tty
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from demo_processes import Stage
from demo_venue import find_port
from demo_words import caption, note, say

from drill.plug import HOLD, PASS, Plug

KEY = "p"
FIRST_PORT = 8060
LOOK_EVERY_S = 1.0
AFTER_THE_OLD_WORDS = timedelta(seconds=1)


class Keys:
    """Single keys of the terminal that the demo runs in; none where it runs in none."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    @property
    def offered(self) -> bool:
        """Whether somebody can press one."""
        return self._before is not None

    def open(self) -> None:
        """Take keys one by one, without echo; the terminal is given back whatever happens."""
        with contextlib.suppress(OSError, ValueError, termios.error):
            file = sys.stdin.fileno()
            # In the background, a look at the terminal would stop the demo.
            if not sys.stdin.isatty() or os.tcgetpgrp(file) != os.getpgrp():
                return
            self._before = termios.tcgetattr(file)
            atexit.register(self.close)
            tty.setcbreak(file)

    def close(self) -> None:
        """Give the terminal back as it was."""
        before, self._before = self._before, None
        if before is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)


class Cable:
    """Stands between scanners and server, and tells what happens when it is pulled.

    Args:
        stats: asks the server, past the cable, how the venue stands.
        running: names of the scanners that run all the time.
    """

    def __init__(
        self,
        stage: Stage,
        server_port: int,
        stats: Callable[[], dict[str, Any]],
        running: frozenset[str],
    ) -> None:
        # The same port in the next demo, where it can be: the scanners are enrolled with it.
        self._plug = Plug(server_port, port=find_port(FIRST_PORT))
        self._stage = stage
        self._stats = stats
        self._running = running
        self._keys = Keys()
        self._back_at: datetime | None = None
        self._looked_at = 0.0

    @property
    def url(self) -> str:
        """Where scanners find the server."""
        return f"http://127.0.0.1:{self._plug.port}"

    def open(self) -> None:
        """Connect scanners and server."""
        self._plug.__enter__()

    def offer_key(self) -> None:
        """Listen for the key, where there is a terminal to press it at."""
        self._keys.open()
        if self._keys.offered:
            self._stage.listen(sys.stdin.fileno(), self._pressed)
            self._stage.meanwhile = self._watch
            say("cable", f"press {KEY} to pull the scanners' cable, and again to put it back")

    def close(self) -> None:
        """Let go of terminal and port."""
        self._keys.close()
        self._plug.close()

    def _watch(self) -> None:
        """Once it is back: say when nothing waits in the scanners any more."""
        now = time.monotonic()
        if self._back_at is None or now < self._looked_at + LOOK_EVERY_S:
            return
        self._looked_at = now
        stats = self._stats()
        devices = [each for gate in stats["gates"] for each in gate["devices"]]
        # One that only reads a picture now and then has nothing to say in between.
        running = [_Word(each) for each in devices if each["name"] in self._running]
        # What a scanner said while it was cut off may come only now; its next word is true.
        since = self._back_at + AFTER_THE_OLD_WORDS
        if running and all(word.heard_since(since) and not word.waiting for word in running):
            self._back_at = None
            open_now = stats["conflicts_open"]
            note(
                "nothing waits in the scanners any more · 没有待上传记录 · "
                f"conflicts open: {open_now}"
            )

    def _pressed(self, keys: str) -> None:
        for _ in range(keys.count(KEY)):
            if self._plug.way is PASS:
                self._plug.turn(HOLD)
                self._back_at = None
                caption("The cable is pulled: scanners decide alone", "网线已拔出，闸机离线验票")
                note("each scanner knows its replica and its own scans; what it shows waits in it")
            else:
                self._plug.turn(PASS)
                self._back_at = datetime.now(UTC)
                caption("The cable is back: scanners upload what waits", "网线已恢复，正在上传")


class _Word:
    """A scanner's last word, as the server tells it."""

    def __init__(self, device: dict[str, Any]) -> None:
        at = device["last_seen_at"]
        self._at = None if at is None else datetime.fromisoformat(at)
        self.waiting = device["outbox_depth"] or 0

    def heard_since(self, instant: datetime) -> bool:
        return self._at is not None and self._at >= instant
