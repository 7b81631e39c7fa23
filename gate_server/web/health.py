"""For machines that watch: whether the server lives, can commit, and how it fares."""

from __future__ import annotations

import ipaddress
import os
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from flask import Blueprint, Response, request

from admission.errors import Forbidden, LedgerUnavailable
from admission.wire import Ready
from gate_server.ledger.reports import prove_commit
from gate_server.ledger.session import RESERVE_BYTES
from gate_server.web.callers import STEWARDS, Environ, Role, identify
from gate_server.web.metrics import Exposition
from gate_server.web.operations import Reply
from gate_server.web.replies import answer_page, respond, write_json
from gate_server.web.services import Services

PROOF_HOLDS_S = 1.0


def health(services: Services) -> Blueprint:
    """Make the blueprint of `/healthz`, `/readyz` and `/metrics`."""
    watch = Blueprint("health", __name__)
    readiness, exposition = Readiness(services), Exposition(services)

    @watch.get("/healthz")
    def live() -> Response:
        return respond(Reply(b"alive\n", content_type="text/plain"))

    @watch.get("/readyz")
    def ready() -> Response:
        return respond(answer_page(lambda: write_json(readiness.check())))

    @watch.get("/metrics")
    def metrics() -> Response:
        return respond(answer_page(lambda: _expose(services, exposition, request.environ)))

    return watch


def _expose(services: Services, exposition: Exposition, environ: Environ) -> Reply:
    if not is_loopback(environ):
        caller = identify(environ, services.ledger.catalogue)
        if caller.kind not in STEWARDS | {Role.AUDITOR}:
            raise Forbidden("metrics are for staff")
    return Reply(exposition.text(), content_type=exposition.content_type)


def is_loopback(environ: Environ) -> bool:
    """Say whether a request came from this machine."""
    try:
        address = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


@dataclass(slots=True)
class Readiness:
    """Proves by a real commit that the ledger can write; a proof holds for a second."""

    services: Services
    _lock: Any = field(default_factory=Lock)
    _proven_at: float = float("-inf")

    def check(self) -> Ready:
        """Return how the server stands.

        Raises:
            LedgerUnavailable: it cannot commit.
        """
        ledger = self.services.ledger
        with self._lock:
            if time.monotonic() - self._proven_at > PROOF_HOLDS_S:
                ledger.write(prove_commit)
                self._proven_at = time.monotonic()
        return Ready(
            ready=True,
            epoch=ledger.epoch,
            ledger_revision=ledger.revision,
            degraded=degraded(self.services),
        )


def degraded(services: Services) -> list[str]:
    """Return what is not as it should be, by stable names."""
    ledger = services.ledger
    now, catalogue = ledger.clock(), ledger.catalogue
    facts = {
        "clock": services.clocks.alarmed(catalogue, now),
        "feed_stale": catalogue.stale(now, services.settings.stale_after_s),
        "feed_failing": any(
            feed.failures >= services.settings.feeds.failing_after
            for feed in catalogue.feeds.values()
        ),
        "disk_low": disk_free_bytes(services) < 5 * RESERVE_BYTES,
        "reserve_missing": not (ledger.directory / "reserve").exists(),
        "streams_full": services.hub.listening >= services.settings.streams,
        "emergency": catalogue.emergency,
        "duty_failing": catalogue.duty.failing > 0,
    }
    return [name for name, true in facts.items() if true]


def disk_free_bytes(services: Services) -> int:
    """Return the bytes that the ledger's disk has left.

    Raises:
        LedgerUnavailable: the directory is gone.
    """
    directory = services.ledger.directory
    try:
        disk = os.statvfs(directory)
    except OSError as error:
        raise LedgerUnavailable(f"cannot look at {directory}: {error.strerror}") from error
    return disk.f_bavail * disk.f_frsize
