"""What a line of a batch says of its voucher and its verdict."""

from __future__ import annotations

from admission.codes import CodeRead
from admission.replica_columns import key_of
from admission.verdicts import Reason, Verdict
from admission.wire_outage import OfflineScan
from gate_server.ledger.scans import VoucherRow


def verdict_of(line: OfflineScan) -> Verdict:
    """Return the verdict as it was shown."""
    shown = line.verdict
    return Verdict(
        Reason(shown.reason), shown.admitted, line.remaining, void_version=line.void_version
    )


def keys_of(line: OfflineScan, code: CodeRead | None) -> tuple[bytes, ...]:
    """Return what finds the voucher of a line."""
    if code is not None:
        return code.keys
    return () if line.code_key is None else (key_of(line.code_key),)


def pick_one(line: OfflineScan, rows: list[VoucherRow]) -> VoucherRow | None:
    """Return the voucher that a line is about; an order's are told apart by the tail."""
    if len(rows) > 1:
        rows = [row for row in rows if row.voucher.tail == line.tail]
    return rows[0] if len(rows) == 1 else None
