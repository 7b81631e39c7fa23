"""What the calls of the API work with, joined once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gate_server.bills import Bills
from gate_server.checkin import CheckIn
from gate_server.crowd import CrowdBook
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.reports import DealBook
from gate_server.pushes import Pushes
from gate_server.readthrough import ReadThrough
from gate_server.segments import Segments
from gate_server.settings import Settings
from gate_server.web.answers import Answers
from gate_server.web.attempts import Attempts
from gate_server.web.calls import Calls
from gate_server.web.clocks import ClockWatch
from gate_server.web.downloads import Downloads
from gate_server.web.hub import Hub
from gate_server.web.signers import Signers
from gate_server.web.timings import Timings
from gate_server.why import WhyBook


@dataclass(frozen=True, slots=True)
class Services:
    """One running server's parts.

    Attributes:
        openapi: makes the document of all calls, JSON, when it is first asked for.
        command: runs a command of `gate-server` by its name, with what it is given, for an account.
        ca_pem: the venue's authority, for scanners and browsers; b"" over plain HTTP.
    """

    ledger: Ledger
    keys: Keyring
    settings: Settings
    check_in: CheckIn
    answers: Answers
    attempts: Attempts
    calls: Calls
    timings: Timings
    hub: Hub
    clocks: ClockWatch
    segments: Segments
    downloads: Downloads
    deal_book: DealBook
    bills: Bills
    why: WhyBook
    crowd: CrowdBook
    signers: Signers
    pushes: Pushes
    read_through: ReadThrough
    ca_pem: bytes
    openapi: Callable[[], bytes]
    command: Callable[[str, Mapping[str, Any], str], Any]
