"""Make a ledger's tables, or bring them up to this version, by sqlite-utils.

Loaded only where a step is to be taken: the library takes as long to load as half of all that a
command needs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import sqlite_utils
from sqlite_utils.migrations import Migrations

from gate_server.ledger.schema import STEPS


def migrate(connection: sqlite3.Connection, *, stop_before: str | None = None) -> None:
    """Take the steps that a ledger lacks; each is one transaction.

    Args:
        stop_before: leave this step and those after it, as an earlier version would.
    """
    migrations = Migrations("gatehouse")
    for name, script in STEPS.items():
        migrations(name=name)(_step(script))
    migrations.apply(sqlite_utils.Database(connection), stop_before=stop_before)


def _step(script: str) -> Callable[[sqlite_utils.Database], None]:
    def take(db: sqlite_utils.Database) -> None:
        for statement in script.split(";\n"):
            if statement.strip():
                db.execute(statement)

    return take
