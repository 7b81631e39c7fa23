"""What a batch proves: times held between contacts, chains, and devices that are two or stolen."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from admission.journal_chain import first_head
from gate_server.ledger.evidence import MOST_EVIDENCE
from gate_server.ledger.ledger import utc_now
from tests.offline_lines import (
    CODE,
    a_line,
    beat,
    chained,
    check,
    conflicts,
    send,
    stored,
)
from tests.server import slug_of


def test_a_time_outside_the_contacts_is_held_between_them_and_told(site, park, device):
    beat(site, device, boot_id="boot-1", outbox_seq=0, outbox_head=first_head(device.name))
    contact = park.ledger.clock()
    years_ago = {"scanned_at": "2015-02-12T10:00:00Z"}
    (line,) = chained(device, [a_line() | years_ago])

    assert send(site, device, line)[0]["conflicts"] == ["clock_skew"]

    scan_at, received_at = stored(park, device, line["nonce"])[3:5]
    assert contact.timestamp() * 1000 - 500 <= scan_at <= received_at
    check(park)


def test_what_was_answered_in_another_epoch_keeps_its_time(site, park, device):
    beat(site, device, boot_id="boot-1", outbox_depth=0)
    line = a_line(ago_s=3600, online=True)

    assert send(site, device, line)[0]["conflicts"] == []
    assert utc_now().timestamp() * 1000 - stored(park, device, line["nonce"])[3] > 3_500_000


def test_a_device_clock_that_the_server_has_measured_is_corrected(site, park, device):
    off = timedelta(hours=5)
    beat(site, device, boot_id="boot-1", device_time=(utc_now() + off).isoformat())
    real = utc_now()
    line = a_line() | {"scanned_at": (real + off).isoformat()}

    assert send(site, device, line)[0]["conflicts"] == []

    scan_at = stored(park, device, line["nonce"])[3]
    assert abs(scan_at - real.timestamp() * 1000) < 2000


def test_a_head_that_was_seen_before_bounds_the_lines_under_it(site, park, device):
    lines = chained(device, [a_line(f"CODE-000{n}") for n in range(4)])
    beat(site, device, boot_id="boot-1", outbox_seq=2, outbox_head=lines[1]["head"], outbox_depth=2)

    send(site, device, *lines)

    rows = park.ledger.read(
        lambda db: db.execute(
            "SELECT seq, proven, bounded_at IS NOT NULL FROM offline_scans ORDER BY seq"
        ).fetchall()
    )
    assert rows == [(1, 1, 1), (2, 1, 1), (3, 1, 0), (4, 1, 0)]


def test_a_head_bounds_the_lines_of_earlier_batches_too(site, park, device):
    lines = chained(device, [a_line(f"CODE-000{n}") for n in range(4)])
    beat(site, device, boot_id="boot-1", outbox_seq=4, outbox_head=lines[3]["head"], outbox_depth=4)

    for line in lines:
        send(site, device, line)

    sql = "SELECT COUNT(*) FROM offline_scans WHERE bounded_at IS NOT NULL"
    assert park.ledger.read(lambda db: db.execute(sql).fetchone()) == (4,)


def test_a_changed_line_proves_nothing(site, park, device):
    lines = chained(device, [a_line(f"CODE-000{n}") for n in range(3)])
    beat(site, device, boot_id="boot-1", outbox_seq=3, outbox_head=lines[2]["head"], outbox_depth=3)
    lines[1]["scanned_at"] = datetime(2026, 1, 1).astimezone().isoformat()

    send(site, device, *lines)

    rows = park.ledger.read(
        lambda db: db.execute(
            "SELECT seq, proven, bounded_at IS NOT NULL FROM offline_scans ORDER BY seq"
        ).fetchall()
    )
    assert rows == [(1, 1, 0), (2, 0, 0), (3, 1, 1)]


# --- theft and copies ----------------------------------------------------------------------------


def test_a_revoked_device_hands_over_evidence_that_counts_for_nothing(site, park, device, other):
    park.revoke(device.name)
    line = a_line()

    answers = send(site, device, line, b"garbage")

    assert [each["status"] for each in answers] == ["accepted"] * 2
    assert "untrusted" in answers[0]["problem"]
    assert stored(park, device, line["nonce"]) is None
    assert site.scan(other, CODE)["outcome"] == "admit"
    kept = park.ledger.read(lambda db: db.execute("SELECT line FROM evidence").fetchall())
    assert [json.loads(row[0])["nonce"] for row in kept if row[0] != "garbage"] == [line["nonce"]]
    send(site, device, line, b"garbage")
    assert park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM evidence").fetchone()) == (
        2,
    )
    check(park)


def test_a_scan_and_its_annulment_are_both_evidence(site, park, device):
    park.revoke(device.name)
    line = a_line()
    annul = {"annul": line["nonce"], "scanned_at": line["scanned_at"], "reason": "did not turn"}

    send(site, device, line, annul)
    revision = park.ledger.revision
    send(site, device, line, annul)

    kept = park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM evidence").fetchone())
    assert kept == (2,)
    assert park.ledger.revision == revision


def test_a_stolen_device_cannot_fill_the_disk(site, park, device):
    park.revoke(device.name)
    much = "INSERT INTO evidence (device_id, nonce, received_at, line) VALUES (?, '', 0, ?)"
    park.change(lambda tx: tx.db.execute(much, (device.name, "x" * (MOST_EVIDENCE + 1))))

    assert slug_of(site.post("/scans/batch", device, b"{}\n")) == "evidence-full"


def test_a_number_that_stands_twice_is_a_cloned_device(site, park, device):
    send(site, device, *chained(device, [a_line("CODE-0001"), a_line("CODE-0002")]))
    send(site, device, *chained(device, [a_line("CODE-0003")], boot="boot-2"))

    assert "device_cloned" in {each["kind"] for each in conflicts(site, park)}


def test_two_starts_that_alternate_are_a_cloned_device(site, park, device):
    word = {"outbox_seq": 0, "outbox_head": first_head(device.name)}
    for boot in ("boot-1", "boot-2"):
        beat(site, device, boot_id=boot, **word)
    assert conflicts(site, park) == []

    beat(site, device, boot_id="boot-1", **word)

    (found,) = conflicts(site, park)
    assert (found["kind"], found["device_id"]) == ("device_cloned", device.name)
