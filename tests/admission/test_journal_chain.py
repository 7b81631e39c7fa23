"""A scanner's own chain: golden heads, and that every line and its place is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from admission.journal_chain import first_head, next_head
from admission.wire_outage import OfflineScan, OfflineVerdict

SCAN = OfflineScan(
    nonce="nonce-0001",
    scanned_at=datetime(2015, 2, 12, 9, 0, tzinfo=UTC),
    verdict=OfflineVerdict(outcome="admit", reason="admitted", admitted=2),
    code_key="AQEBAQEB",
    seq=1,
)


def test_heads_never_change_for_the_same_lines():
    head = next_head(first_head("D1"), SCAN)

    assert first_head("D1").startswith("96977c1ba6d667aa")
    assert head.startswith("51439aa1edfd7cc7")


def test_head_covers_every_field_and_the_head_before():
    head = next_head(first_head("D1"), SCAN)
    others = [
        next_head(first_head("D2"), SCAN),
        next_head(first_head("D1"), replace(SCAN, nonce="nonce-0002")),
        next_head(first_head("D1"), replace(SCAN, seq=2)),
        next_head(
            first_head("D1"), replace(SCAN, scanned_at=SCAN.scanned_at + timedelta(seconds=1))
        ),
    ]

    assert head not in others
    assert len(set(others)) == len(others)


def test_a_line_has_the_same_head_with_its_own_head_in_it():
    head = next_head(first_head("D1"), SCAN)

    assert next_head(first_head("D1"), replace(SCAN, head=head)) == head
