"""Light the lamp over a lane by the verdict, without the screen: pins of this machine, or HTTP."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, Self

import httpx
from gpiozero import LED, GPIOZeroError, GPIOZeroWarning
from gpiozero.pins import Factory

from admission.errors import InvalidInput
from scanner_client.checkin import Shown
from scanner_client.presenter import Outlook, face_of
from scanner_client.screen_settings import LampSettings

HTTP_TIMEOUT_S = 2.0
AGAIN_S = 1.0
TICK_S = 0.1
UNKNOWN = "unknown"
# A voided deal is amber, as on the screen; what only looks is blue, for nobody passes.
LIGHTS: Mapping[str, str] = MappingProxyType(
    {"green": "green", "red": "red", "yellow": "amber", "blue": "blue", "cyan": "blue"}
)


class LampLost(Exception):
    """The lamp could not be told."""


class Lights(Protocol):
    """A lamp of several colours."""

    def light(self, colour: str | None) -> None:
        """Light one colour and no other; None: none. Raises LampLost."""

    def close(self) -> None:
        """Let go of it, dark."""


class PinLights:
    """Lamps at the pins of this machine, one a colour."""

    def __init__(self, pins: Mapping[str, int], factory: Factory | None = None) -> None:
        """Raises InvalidInput: this machine has no such pins, or somebody has them."""
        try:
            with warnings.catch_warnings():
                # It warns of each way to the pins that it tries before the one that works.
                warnings.simplefilter("ignore", GPIOZeroWarning)
                self._leds = {name: LED(pin, pin_factory=factory) for name, pin in pins.items()}
        except (GPIOZeroError, OSError, ImportError) as error:
            raise InvalidInput("lamp.kind", f"no pins for the lamp: {error}") from error

    def light(self, colour: str | None) -> None:
        """Light one colour and no other."""
        for name, led in self._leds.items():
            led.value = name == colour

    def close(self) -> None:
        """Let go of the pins, dark."""
        for led in self._leds.values():
            led.close()


class HttpLights:
    """A lamp that is told its colour over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(timeout=HTTP_TIMEOUT_S)

    def light(self, colour: str | None) -> None:
        """Tell it the colour. Raises LampLost: it does not answer, or says no."""
        try:
            self._http.post(self._url, json={"colour": colour}).raise_for_status()
        except httpx.HTTPError as error:
            # Not the error's own words: they hold the address, which may hold a password.
            raise LampLost(type(error).__name__) from error

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def open_lights(settings: LampSettings) -> Lights:
    """Return the lamp that the settings name. Raises InvalidInput: there is no such lamp."""
    return HttpLights(settings.url) if settings.kind == "http" else PinLights(settings.pins())


class Lamp:
    """An output that lights a lamp for some seconds; of what came meanwhile, the newest counts.

    A thread of its own: a lamp that hangs holds up no verdict. `with` runs it.
    """

    def __init__(self, lights: Lights, say: Callable[[str], None], *, on_s: float) -> None:
        self._lights = lights
        self._say = say
        self._on_s = on_s
        self._changed = threading.Condition()
        self._colour: str | None = None
        self._until_s = 0.0
        self._over = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="lamp")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * HTTP_TIMEOUT_S)

    def reading(self) -> None:
        """Go dark: the colour of the last visitor is not that of the next."""
        self._turn(None)

    def show(self, shown: Shown) -> None:
        """Light the colour of a verdict; in practice none, for nobody may pass."""
        self._turn(None if shown.practice else LIGHTS.get(face_of(shown).colour))

    def show_link(self, outlook: Outlook) -> None:
        """Show nothing: the lamp is for verdicts."""

    def report(self, line: str) -> None:
        """Show nothing."""

    def _turn(self, colour: str | None) -> None:
        with self._changed:
            self._colour, self._until_s = colour, time.monotonic() + self._on_s
            self._changed.notify_all()

    def _run(self) -> None:
        lit: str | None = UNKNOWN
        while not self._over.is_set():
            wanted = self._next(lit)
            if wanted != lit:
                lit = wanted if self._light(wanted) else UNKNOWN
        self._light(None)
        self._lights.close()

    def _next(self, lit: str | None) -> str | None:
        """Return what it should be, at once where that is another than `lit`, else soon."""
        with self._changed:
            if self._wanted == lit:
                # In ticks: the end of its time tells nobody of itself.
                self._changed.wait(TICK_S)
            return self._wanted

    @property
    def _wanted(self) -> str | None:
        return self._colour if time.monotonic() < self._until_s else None

    def _light(self, colour: str | None) -> bool:
        """Say whether it was told; once that it is lost, and once that it is back."""
        try:
            self._lights.light(colour)
        except LampLost as error:
            if not self._lost:
                self._say(f"the lamp does not answer ({error}); going on without it")
            self._lost = True
            self._over.wait(AGAIN_S)
            return False
        if self._lost:
            self._say("the lamp is back")
        self._lost = False
        return True
