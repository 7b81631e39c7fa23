"""Build a scanner's parts round a server, with a replica made of a few lines."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from admission.codes import normalise
from admission.deals import Deal
from admission.keys import CodeKey, code_hash, write_code_keys
from admission.replica_columns import ReplicaVoucher, pack
from admission.scans import Gate, PartyDefault
from admission.wire_outage import CompleteLine, DealLine, GateLine, StateLine
from scanner_client.alarms import Alarms
from scanner_client.checkin import CheckIn, Terms, Tries
from scanner_client.clock import SteadyClock
from scanner_client.connectivity import Connectivity, Link
from scanner_client.contact import Contact
from scanner_client.journal import Journal
from scanner_client.journal_rows import Owner
from scanner_client.offline import Offline
from scanner_client.relay import Relay, Server
from scanner_client.replica import Held, Replica
from scanner_client.replica_intake import open_intake
from scanner_client.seal import load_seal
from scanner_client.state import Told, boot_id
from scanner_client.upload import Uploader
from tests.builders import a_deal
from tests.fakes import EPOCH, TOKEN

CODE_KEY = CodeKey(1, bytes(32))
TRIES = Tries(timeout_s=0.6, pause_s=0.05)
TOLD = Told("d-1", "G1", "South gate", "park", True, PartyDefault.ALL)


def a_lasting_deal(**changes: Any) -> Deal:
    """A deal for `park` that is good whenever the test runs."""
    window = {"valid_from": datetime(2010, 1, 1, tzinfo=UTC), "deal_no": 1}
    return a_deal(**({**window, "valid_until": datetime(2099, 1, 1, tzinfo=UTC)} | changes))


def key_of(code: str) -> bytes:
    return code_hash(normalise(code), CODE_KEY)


def a_row(code: str, **changes: Any) -> ReplicaVoucher:
    return ReplicaVoucher(key=key_of(code), **changes)


def a_state(revision: int, **changes: Any) -> StateLine:
    values: dict[str, Any] = {
        "server_time": datetime.now(UTC),
        "zone": "Asia/Shanghai",
        "day_starts_at": "00:00",
        "stale_after_s": 300.0,
        "inside": 0,
        "code_keys": write_code_keys([CODE_KEY]),
    }
    return StateLine(revision=revision, **(values | changes))


def feed(replica: Replica, *lines: Any, revision: int = 5, **state: Any) -> None:
    """Have a replica take a download that ends at a revision."""
    intake = open_intake(replica)
    intake.begin(EPOCH)
    end = CompleteLine(revision=revision, epoch=EPOCH, complete=True)
    for line in (*lines, a_state(revision, **state), end):
        done = intake.take(msgspec.json.encode(line))
    assert done


def a_park(*codes: str, deal: Deal | None = None, **voucher: Any) -> list[Any]:
    """Return the lines of a first download: a gate, a deal and vouchers of it."""
    deal = deal or a_lasting_deal()
    gate = Gate("G1", "South gate", "park")
    rows = [a_row(code, **voucher) for code in codes]
    vouchers = [pack(3, deal.deal_no, rows)] if rows else []
    return [GateLine(revision=1, gate=gate), DealLine(revision=2, deal=deal), *vouchers]


@dataclass
class Kit:
    """The parts of one scanner."""

    directory: Path
    relay: Relay
    contact: Contact
    journal: Journal
    replica: Replica
    clock: SteadyClock
    offline: Offline
    links: list[Link]
    said: list[str] = field(default_factory=list)

    def check_in(self, terms: Terms | None = None, **options: Any) -> CheckIn:
        options = {"terms": terms or Terms(), "tries": TRIES} | options
        return CheckIn(self.relay, self.contact, self.offline, self.clock, **options)

    def uploader(self, **options: Any) -> Uploader:
        usual = {"now": self.clock.now, "batch_lines": 200, "keep": timedelta(hours=72)}
        options = usual | options
        return Uploader(self.directory, self.relay, self.journal, self.contact, **options)

    def close(self) -> None:
        self.relay.close()
        self.replica.close()
        self.journal.close()


@contextmanager
def a_scanner(
    directory: Path,
    url: str = "http://127.0.0.1:9",
    *,
    token: str = TOKEN,
    told: Told = TOLD,
    max_age: timedelta = timedelta(hours=12),
    timeout_s: float = TRIES.timeout_s,
) -> Iterator[Kit]:
    """Open the scanner in a directory; without `url` nothing listens where its server should be."""
    links: list[Link] = []
    said: list[str] = []
    directory.mkdir(exist_ok=True)
    seal = load_seal(directory, said.append)
    owner = Owner(told.device_id, EPOCH, boot_id(directory))
    journal = Journal(directory, seal, owner, said.append)
    clock = SteadyClock(journal.find_clock())
    replica = Replica(directory, seal, said.append)
    connectivity = Connectivity(links.append)
    alarms = Alarms(said.append)
    contact = Contact(connectivity, journal, alarms, device_id=told.device_id, now=clock.now)
    code_key = write_code_keys([CODE_KEY])
    offline = Offline(told, replica, journal, code_key=code_key, max_age=max_age)
    trust = ssl.create_default_context() if url.startswith("https") else None
    relay = Relay(Server(url, trust), token=token, timeout_s=timeout_s)
    kit = Kit(directory, relay, contact, journal, replica, clock, offline, links, said)
    try:
        yield kit
    finally:
        kit.close()


def reopened(replica: Replica, said: list[str]) -> Replica:
    """Close a replica and open it as another process would."""
    replica.close()
    return Replica(replica.directory, load_seal(replica.directory, said.append), said.append)


def find(replica: Replica, *codes: str) -> tuple[Held, ...]:
    """Look codes up, whose tail is `tail`."""
    with replica.view() as view:
        return view.find([key_of(code) for code in codes], "tail")
