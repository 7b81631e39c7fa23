"""Every scenario that applies online, through the real ledger; then its records are looked at."""

from __future__ import annotations

from collections import defaultdict

import pytest

from admission.history import fold
from gate_server.ledger import audit, lanes, tickets
from gate_server.ledger.scans import find_voucher, records_of, records_of_code, terms_of
from tests.admission.test_vectors import scenarios, wrong
from tests.ledger_player import Player

ONLINE = [pytest.param(*each.values[:2], id=each.id) for each in scenarios() if each.values[2]]


@pytest.mark.parametrize(("scenario", "steps"), ONLINE)
def test_scenario_through_the_ledger(tmp_path, scenario, steps):
    player = Player(tmp_path, scenario)
    try:
        for step in steps:
            answer = player.play(step)

            assert wrong(step, answer) == {}, step
        check_records(player)
    finally:
        player.close()


def check_records(player):
    """The chain holds, and the counters are what the records fold to."""
    assert player.ledger.read(audit.verify).findings == ()
    assert player.ledger.read(lanes.differences) == []
    assert player.ledger.read(tickets.differences) == []
    recorded = player.ledger.write(lambda tx: [*histories(tx)])
    day = player.venue.day_of(player.ledger.clock())
    counted = player.ledger.tallies.today
    by_hand = player.ledger.read(
        lambda db: db.execute(
            "SELECT COALESCE(SUM(inside), 0), COALESCE(SUM(persons), 0) FROM counters"
            " WHERE reason LIKE 'counted:%' AND minute BETWEEN ? AND ?",
            (counted.first_ms // 60_000, counted.last_ms // 60_000),
        ).fetchone()
    )
    assert counted.inside - by_hand[0] == sum(each.inside_venue(day) for each in recorded)
    per_day = player.ledger.read(lambda db: db.execute("SELECT SUM(persons) FROM counters"))
    persons = sum(share.persons for each in recorded for share in each.shares.values())
    all_by_hand = player.ledger.read(
        lambda db: db.execute(
            "SELECT COALESCE(SUM(persons), 0) FROM counters WHERE reason LIKE 'counted:%'"
        ).fetchone()[0]
    )
    assert (per_day.fetchone()[0] or 0) - all_by_hand == persons


def histories(tx):
    """Yield the history of every voucher, and of every code that finds none."""
    vouchers = [row[0] for row in tx.db.execute("SELECT voucher_id FROM vouchers").fetchall()]
    seen = defaultdict(int)
    for voucher_id in vouchers:
        row = find_voucher(tx, voucher_id)
        records = [record for record, _ in records_of(tx, row)]
        for record in records:
            seen[record.device_id, record.nonce] += 1
        yield fold(records, terms_of(row), tx.venue)
    keys = tx.db.execute("SELECT DISTINCT credential_key FROM scans").fetchall()
    for (key,) in keys:
        if key is not None:
            records = [record for record, _ in records_of_code(tx, key)]
            rest = [record for record in records if not seen[record.device_id, record.nonce]]
            yield fold(rest, terms_of(None), tx.venue)
