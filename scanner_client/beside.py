"""What stands beside a lane's terminal, where it is switched on: the lane screen, the lamp."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from scanner_client.askers import Asker, Together
from scanner_client.capture import Source
from scanner_client.capture_camera import Camera
from scanner_client.capture_network import NetworkCamera
from scanner_client.checkin import Terms
from scanner_client.help_keys import HelpKeys
from scanner_client.lamp import Lamp, open_lights
from scanner_client.outputs import Output, Outputs
from scanner_client.practice import Practice
from scanner_client.scanner import Scanner
from scanner_client.screen import Screen
from scanner_client.screen_pictures import LanePicture, Trouble
from scanner_client.screen_server import ScreenServer
from scanner_client.screen_watch import Bulletin, Lookout, Sight


class Beside:
    """The outputs beside the terminal; `with` runs them.

    Attributes:
        screen: None where it is off; `lamp` likewise.
    """

    def __init__(
        self,
        scanner: Scanner,
        terms: Terms,
        stop: threading.Event,
        *,
        bulletin: Bulletin | None = None,
    ) -> None:
        settings = scanner.settings
        self._scanner = scanner
        self._bulletin = bulletin
        self._lookout = Lookout(scanner, bulletin=bulletin)
        self._over = threading.Event()
        self._stack = ExitStack()
        self._readers = 0
        self.screen: Screen | None = None
        self.lamp: Lamp | None = None
        if settings.screen.port:
            own = settings.screen
            lane = LanePicture(own.lane, "", terms.direction, terms.mode, own.way, own.reader)
            self.screen = Screen(lane, verdict_s=own.verdict_s, ask_s=settings.ask_s, stop=stop)
        if settings.lamp.kind != "none":
            self.lamp = Lamp(
                open_lights(settings.lamp), scanner.presenter.report, on_s=settings.lamp.on_s
            )

    def __enter__(self) -> Self:
        screen, port = self.screen, self._scanner.settings.screen.port
        if self.lamp is not None:
            self._stack.enter_context(self.lamp)
        if screen is not None:
            screen.take(self._lookout.look())
            self._stack.enter_context(
                ScreenServer(screen, port, self._bulletin, call_help=self._call_help)
            )
            work = threading.Thread(
                target=self._lookout.run, args=(screen.take, self._over), daemon=True, name="look"
            )
            work.start()
            self._stack.callback(work.join)
            self._stack.callback(self._over.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _call_help(self) -> None:
        """Call for help, and tell staff at the terminal, too; the screen looks by itself."""
        scanner = self._scanner
        HelpKeys(scanner.help_calls.call, scanner.presenter.report).confirm()

    def outputs(self, terminal: Output) -> Output:
        """Return the terminal and what stands beside it as one output."""
        every = (terminal, *self._each)
        return Outputs(every) if len(every) > 1 else terminal

    def asker(self, terminal: Asker | None) -> Asker | None:
        """Return who asks: the terminal, the screen, both, or nobody."""
        askers = [asker for asker in (terminal, self.screen) if asker is not None]
        return Together(askers) if len(askers) > 1 else next(iter(askers), None)

    def practises(self, practice: Practice) -> Practice:
        """Mark the screen for as long as staff are learning at this lane."""
        self._lookout.practising = lambda: practice.on
        return practice

    def readers_lost(self, lost: int) -> None:
        """Show a lane none of whose readers works; with one that does, staff alone are told."""
        if self.screen is not None:
            none_left = 0 < self._readers <= lost
            self.screen.note_fault("readers", Trouble.READER if none_left else None)

    def watch(self, sources: Sequence[Source]) -> list[Source]:
        """Return the sources with those watched that always have a picture."""
        self._readers = len(sources)
        return [self._watched(source) for source in sources]

    def _watched(self, source: Source) -> Source:
        if self.screen is None or not isinstance(source, Camera | NetworkCamera):
            return source
        sight = Sight(source)
        self._lookout.sights.append(sight)
        return sight

    @property
    def _each(self) -> list[Output]:
        return [output for output in (self.screen, self.lamp) if output is not None]
