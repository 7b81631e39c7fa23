"""Add to an answer how far the voucher's order has come in; only for a scan that wants it."""

from __future__ import annotations

from msgspec.structs import replace

from admission.codes import normalise
from admission.keys import code_hash
from admission.wire import OrderAnswer, ScanAnswer
from gate_server.decisions import Decision
from gate_server.ledger.orders import find_progress
from gate_server.web.services import Services


def with_order(services: Services, decision: Decision, answer: ScanAnswer) -> ScanAnswer:
    """Return an answer that says it too; read beside the writer, so that no other scan waits."""
    row, ledger = decision.row, services.ledger
    if row is None or answer.voucher is None:
        return answer
    voucher_id, venue = row.voucher.voucher_id, ledger.venue

    def order_keys(order_ref: str) -> tuple[bytes, ...]:
        code = normalise(order_ref)
        return tuple(code_hash(code, key) for key in services.keys.code_keys)

    progress = ledger.read(
        lambda db: find_progress(
            db,
            voucher_id,
            deals=ledger.catalogue.deals,
            venue=venue,
            order_keys=order_keys,
            area=decision.area,
            day=venue.day_of(decision.decided_at),
        )
    )
    if progress is None:
        return answer
    order = OrderAnswer(admitted=progress.admitted, admits=progress.admits)
    return replace(answer, voucher=replace(answer.voucher, order=order))
