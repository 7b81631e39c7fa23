"""The audit chain: what `audit verify` has to find."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from admission.scans import Mode
from gate_server.ledger import audit, corrections
from tests.ledgers import a_venue, tamper


@pytest.fixture
def recorded(tmp_path):
    """A closed ledger with six scans, an annulment, an override and a struck stamp."""
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(6)])
        for number in range(6):
            venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")
        venue.scan("CODE-0000", "nonce-used")
        venue.scan("CODE-0001", "nonce-stamp", mode=Mode.ARRIVE)
        who, now = corrections.Actor("anne", supervisor=True), venue.clock()
        venue.change(
            lambda tx: corrections.annul_scan(
                tx, "D1", "nonce-002", people=None, reason="stuck", by=who, now=now
            )
        )
        venue.change(
            lambda tx: corrections.override_scan(
                tx,
                "D1",
                "nonce-used",
                party=1,
                reason="lost child",
                cost_bearer=corrections.CostBearer.VENUE,
                by=who,
                now=now,
            )
        )
        venue.change(
            lambda tx: corrections.strike_scan(
                tx, "D1", "nonce-stamp", reason="stamped twice", by=who, now=now
            )
        )
    return tmp_path


def verify(directory, heads=None):
    db = sqlite3.connect(f"file:{directory}/ledger.db?mode=ro", uri=True)
    try:
        return audit.verify(db, heads)
    finally:
        db.close()


def test_an_untouched_chain_verifies(recorded):
    result = verify(recorded)

    assert result.findings == ()
    assert result.rows >= 11


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE scans SET people = 9 WHERE nonce = 'nonce-003'",
        "UPDATE scans SET reason = 'honoured' WHERE nonce = 'nonce-003'",
        "UPDATE scans SET scan_at = scan_at - 1 WHERE nonce = 'nonce-003'",
        "UPDATE scans SET tail = 'XXXX' WHERE nonce = 'nonce-003'",
        "UPDATE scans SET credential_key = x'00' WHERE nonce = 'nonce-003'",
        "UPDATE scans SET operator = 'somebody' WHERE nonce = 'nonce-003'",
        "UPDATE scans SET detail = '{}' WHERE nonce = 'nonce-003'",
        "UPDATE scans SET annulled = 0, annuls = 0 WHERE nonce = 'nonce-002'",
        "UPDATE scans SET annulled = 1, annuls = 1 WHERE nonce = 'nonce-003'",
        "UPDATE scans SET overridden = 5 WHERE nonce = 'nonce-used'",
        "UPDATE scans SET overridden = 1, overridden_at = 1 WHERE nonce = 'nonce-003'",
        "UPDATE scans SET struck_at = NULL WHERE nonce = 'nonce-stamp'",
        "UPDATE audit SET body = replace(body, 'anne', 'bert') WHERE kind = 'override'",
        "UPDATE audit SET kind = 'restore' WHERE kind = 'override'",
        "UPDATE audit SET hash = x'00' WHERE kind = 'override'",
        "DELETE FROM scans WHERE nonce = 'nonce-003'",
        "DELETE FROM audit WHERE kind = 'override'",
        "DELETE FROM audit WHERE revision = (SELECT scan_id FROM scans WHERE nonce = 'nonce-003')",
        "INSERT INTO audit VALUES (3000, 'void', '{}', x'00')",
        "DELETE FROM audit WHERE revision = (SELECT MAX(revision) FROM audit)",
    ],
)
def test_one_changed_removed_or_inserted_row_is_found(recorded, change):
    tamper(recorded, change)

    assert verify(recorded).findings


def test_an_inserted_scan_is_found(recorded):
    with closing(sqlite3.connect(recorded / "ledger.db")) as db:
        table = db.execute("PRAGMA table_info(scans)").fetchall()
    columns = ", ".join(column[1] for column in table)  # without those that follow from others
    tamper(
        recorded,
        f"CREATE TEMP TABLE copy AS SELECT {columns} FROM scans WHERE nonce = 'nonce-003'",
        "UPDATE copy SET scan_id = 9000, nonce = 'nonce-forged'",
        f"INSERT INTO scans ({columns}) SELECT * FROM copy",
    )

    assert [finding.revision for finding in verify(recorded).findings] == [9000]


def test_two_rows_in_the_other_order_are_found(recorded):
    tamper(
        recorded,
        "UPDATE audit SET revision = -1 WHERE kind = 'override'",
        "UPDATE audit SET revision = (SELECT MAX(revision) + 1 FROM audit) WHERE kind = 'annul'",
        "UPDATE audit SET revision = 500 WHERE revision = -1",
    )

    assert verify(recorded).findings


def test_a_cut_tail_is_found_with_a_head_seen_elsewhere_even_if_the_rest_was_repaired(recorded):
    seen = verify(recorded)
    tamper(
        recorded,
        "DELETE FROM audit WHERE revision = (SELECT MAX(revision) FROM audit)",
        "UPDATE scans SET struck_at = NULL",
        "UPDATE venue SET audit_head = (SELECT hash FROM audit ORDER BY revision DESC LIMIT 1)",
    )

    assert verify(recorded).findings == ()
    findings = verify(recorded, {seen.revision: seen.head}).findings
    assert [finding.revision for finding in findings] == [seen.revision]


def test_a_rewritten_chain_is_found_with_a_head_seen_elsewhere(recorded):
    seen = verify(recorded)
    other = {seen.revision: bytes(32)}

    assert verify(recorded, {seen.revision: seen.head}).findings == ()
    assert verify(recorded, other).findings


def test_erasing_personal_fields_with_their_salt_keeps_the_chain_valid(recorded):
    db = sqlite3.connect(recorded / "ledger.db", isolation_level=None)
    for scan_id, salt, *values in db.execute(
        "SELECT scan_id, salt, credential_key, tail, operator FROM scans"
    ).fetchall():
        db.execute(
            "UPDATE scans SET personal = ?, salt = NULL, credential_key = NULL, tail = NULL,"
            " operator = NULL WHERE scan_id = ?",
            (audit.personal_digest(salt, *values), scan_id),
        )
    db.close()

    assert verify(recorded).findings == ()
