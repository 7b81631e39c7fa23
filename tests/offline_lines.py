"""What scanners of the tests send after an outage, and what is looked at afterwards."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

from admission.journal_chain import first_head, next_head
from admission.wire_outage import NDJSON
from gate_server.ledger import audit, lanes, recount
from gate_server.ledger.ledger import utc_now
from gate_server.web.batches import read_line

CODE = "9K3F-22AX-8K2F"
ADMITTED = {"outcome": "admit", "reason": "admitted", "admitted": 1}
REFUSED = {"outcome": "refuse", "reason": "used_up", "admitted": 0}
_numbers = itertools.count(1)


def a_line(code=CODE, *, ago_s=60.0, **fields):
    """An admission that a scanner made by itself some seconds ago."""
    return {
        "nonce": f"off-{next(_numbers):06}",
        "code": code,
        "scanned_at": (utc_now() - timedelta(seconds=ago_s)).isoformat(),
        "verdict": ADMITTED,
    } | fields


def send(site, device, *lines):
    """Send lines and return the answers to them."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    answer = site.post("/scans/batch", device, b"".join(text + b"\n" for text in texts))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(NDJSON)
    return [json.loads(line) for line in answer.content.splitlines()]


def beat(site, device, **fields):
    word = {"epoch": "e", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 0}
    answer = site.post("/devices/self/heartbeat", device, word | fields)
    assert answer.status_code == 200, answer.text


def conflicts(site, park, *, status="open"):
    found = site.get("/conflicts", park.hire("supervisor")).json()["conflicts"]
    return [each for each in found if each["status"] == status]


def check(park):
    """The chain holds, and the counters are what the records add up to."""
    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []
    assert park.ledger.read(lanes.differences) == []


def stored(park, device, nonce):
    columns = "reason, people, offline, scan_at, received_at, shown_reason, voucher_id"
    return park.ledger.read(
        lambda db: db.execute(
            f"SELECT {columns} FROM scans WHERE device_id = ? AND nonce = ?", (device.name, nonce)
        ).fetchone()
    )


def chained(device, lines, boot="boot-1"):
    """Give lines their places in the device's own record."""
    head, done = first_head(device.name), []
    for seq, line in enumerate(lines, 1):
        placed = line | {"seq": seq, "boot_id": boot}
        head = next_head(head, read_line(json.dumps(placed).encode()))
        done.append(placed | {"head": head})
    return done
