"""Staff accounts at a browser: passwords that were chosen, log-ins, sessions that end."""

from __future__ import annotations

import sqlite3

from admission.errors import LedgerConflict, NotFound
from gate_server.ledger.session import Session


def find_password_hash(db: sqlite3.Connection, name: str) -> str | None:
    """Return what is kept of an account's password; None without such an account in force."""
    sql = "SELECT password_hash FROM users WHERE name = ? AND disabled_at IS NULL"
    row = db.execute(sql, (name,)).fetchone()
    return None if row is None else str(row[0])


def change_password(tx: Session, name: str, password_hash: str, *, by: str) -> int:
    """Keep a password that its owner has chosen; every session but one begun now ends.

    Returns:
        The number of the sessions from now on.
    """
    return _renew(tx, name, "change_password", by, password_hash)


def end_sessions(tx: Session, name: str, *, by: str) -> int:
    """End every session of an account, wherever it is open."""
    return _renew(tx, name, "end_sessions", by)


def check_admin_stays(tx: Session, name: str) -> None:
    """Allow an account to lose its rights; whatever takes an admin's rights asks this first.

    Of two that go at once the second finds the first gone: changes are one after the other.

    Raises:
        LedgerConflict: `last-admin`: nobody else in force could add or reset an account.
    """
    admins = {
        str(row[0])
        for row in tx.db.execute(
            "SELECT name FROM users WHERE role = 'admin' AND disabled_at IS NULL"
        )
    }
    if admins == {name}:
        detail = f"{name} is the last admin in force; `user add NAME --role admin` another first"
        raise LedgerConflict("last-admin", detail)


def keep_rehashed(tx: Session, name: str, before: str, password_hash: str) -> None:
    """Keep the same password's hash with today's costs, unless it was changed meanwhile."""
    sql = "UPDATE users SET password_hash = ? WHERE name = ? AND password_hash = ?"
    tx.db.execute(sql, (password_hash, name, before))


def note_log_in(tx: Session, name: str) -> None:
    """Put into the audit that somebody has logged in."""
    tx.record_event("log_in", {"name": name})


def note_lock_out(tx: Session, name: str) -> None:
    """Put into the audit that an account takes no password from one place for a while."""
    tx.record_event("lock_out", {"name": name})


def _renew(tx: Session, name: str, event: str, by: str, password_hash: str | None = None) -> int:
    if name not in tx.catalogue.users:
        raise NotFound(f"no user {name}")
    tx.record_event(event, {"name": name, "by": by})
    row = tx.db.execute(
        "UPDATE users SET session_no = session_no + 1,"
        " password_hash = COALESCE(?, password_hash),"
        " must_change = CASE WHEN ? IS NULL THEN must_change ELSE 0 END"
        " WHERE name = ? RETURNING session_no",
        (password_hash, password_hash, name),
    ).fetchone()
    tx.touched.add("users")
    return int(row[0])
