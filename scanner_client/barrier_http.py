"""A barrier with a web interface: one URL opens it, another says who passed."""

from __future__ import annotations

from contextlib import suppress

import httpx
import msgspec

from admission.errors import InvalidInput
from scanner_client.barrier_driver import BarrierLost, Counter, Signal
from scanner_client.barrier_settings import BarrierSettings

WITHIN_S = 1.0
_MOST = 2**53


class _Standing(msgspec.Struct, frozen=True):
    """What `passage_url` answers."""

    turned: int = 0
    active: bool = False
    fault: str = ""


class HttpBarrier:
    """POSTs `{"open": true}` to `address`; `passage_url` tells `{"turned", "active", "fault"}`."""

    def __init__(self, settings: BarrierSettings) -> None:
        self._settings = settings
        for name in ("address", "passage_url"):
            url = getattr(settings, name)
            if url and not url.startswith(("http://", "https://")):
                raise InvalidInput(f"barrier.{name}", "give a URL, http:// or https://")
        self._http: httpx.Client | None = None
        self._counter = Counter(most=_MOST)

    @property
    def watches(self) -> bool:
        """Whether there is a URL that says who passes."""
        return bool(self._settings.passage_url)

    def connect(self) -> None:
        """Begin anew."""
        self.close()
        self._http = httpx.Client(timeout=WITHIN_S, trust_env=False)

    def set(self, *, on: bool) -> None:
        """Tell it to open, or to close behind whoever passed."""
        self._ask("POST", self._settings.address, {"open": on})

    def sense(self) -> Signal:
        """Ask how many have passed."""
        if not self.watches:
            return Signal()
        body = self._ask("GET", self._settings.passage_url)
        try:
            standing = msgspec.json.decode(body, type=_Standing)
        except msgspec.DecodeError as error:
            raise self._lost("its answer is no JSON of turned, active, fault") from error
        self._counter.look(standing.turned)
        return Signal(self._counter.turns, standing.active, standing.fault[:80])

    def _ask(self, method: str, url: str, body: dict[str, bool] | None = None) -> bytes:
        if self._http is None:
            raise self._lost("it is not connected")
        try:
            answer = self._http.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise self._lost(f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise self._lost(f"it answered {answer.status_code}")
        return answer.content

    def _lost(self, cause: object) -> BarrierLost:
        # Only the host: a URL may carry a password.
        host = httpx.URL(self._settings.address).host
        return BarrierLost(f"the barrier at {host}: {cause}")

    def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            with suppress(httpx.HTTPError):
                self._http.close()
        self._http = None
