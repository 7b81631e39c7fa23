"""Commands about keys, and the vouchers that are signed with them."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import Any, Final

from admission.calendar import to_ms
from admission.codes import tail
from admission.deals import Deal
from admission.errors import InvalidInput, NotFound
from admission.tokens import Purpose, Token, token_credential_key, write_token
from admission.vouchers import MOST_ADMITS, Status
from gate_server.certificates import renew_server_certificate
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing
from gate_server.key_files import KeyPurpose
from gate_server.keyring import KeyRow
from gate_server.ledger.imports import Batch, import_vouchers
from gate_server.ledger.numbers import take_voucher_numbers
from gate_server.ledger.prepared import PreparedVoucher

TLS = "tls"
MOST_ISSUED: Final = 10_000
_LAST_DAY: Final = date(2149, 6, 6)  # a token's days have 2 bytes
_FIRST_DAY: Final = date(1970, 1, 1)
_rotating = threading.Lock()


class Rotate(Params, frozen=True):
    """The key to be followed by a new one.

    Attributes:
        at_once: it is used now, not only when scanners have had a day to fetch it: for a theft.
    """

    purpose: str
    at_once: bool = False


class Issue(Params, frozen=True):
    """Vouchers to be made."""

    deal_id: str
    count: int
    admits: int = 1


def list_keys(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List every key without its secret."""
    return [_key(row) for row in services.keys.rows(services.ledger.clock())]


def rotate_key(services: Services, params: Rotate) -> dict[str, Any]:
    """Add the next key of a purpose; what the old ones made stays good."""
    ledger, now = services.ledger, services.ledger.clock()
    if params.purpose == TLS:
        directory = services.directory / "keys" / TLS
        renew_server_certificate(directory, now=now, force=True)
        made = {"purpose": TLS, "number": None, "state": "used after the server's next start"}
    else:
        known = [purpose.value for purpose in KeyPurpose]
        if params.purpose not in known:
            raise InvalidInput("PURPOSE", f"is none of {', '.join([*known, TLS])}")
        with _rotating:
            signs_from = now if params.at_once else None
            purpose = KeyPurpose(params.purpose)
            made = _key(services.keys.rotate(purpose, now=now, signs_from=signs_from))
    ledger.write(lambda tx: tx.record_event("key", {**made, "by": services.by}), alone=True)
    return made


def issue_vouchers(services: Services, params: Issue) -> list[dict[str, Any]]:
    """Make vouchers with tokens of ours; they are in the ledger before anybody has the tokens."""
    ledger = services.ledger
    deal = ledger.catalogue.deal(params.deal_id)
    if deal is None:
        raise NotFound(f"no deal {params.deal_id}; import it first")
    if not 1 <= params.count <= MOST_ISSUED:
        raise InvalidInput("count", f"is not from 1 to {MOST_ISSUED}")
    if not 1 <= params.admits <= MOST_ADMITS:
        raise InvalidInput("admits", f"is not from 1 to {MOST_ADMITS}")
    now = ledger.clock()
    first = ledger.write(lambda tx: take_voucher_numbers(tx, params.count), alone=True)
    signing = services.keys.signing_key(now)
    days = _days(services, deal)
    rows, issued = [], []
    for number in range(first, first + params.count):
        token = Token(signing.key_id, number, deal.deal_no, *days, params.admits, Purpose.VOUCHER)
        code, ref = write_token(token, signing.private_key), f"GH-{signing.key_id}-{number}"
        rows.append(_row(token, code, ref, deal, now))
        issued.append({"code": code, "deal_id": deal.deal_id, "voucher_ref": ref,
                       "admits": params.admits})  # fmt: skip
    import_vouchers(ledger, Batch(rows, {}, "issue", services.by), services.keys.code_keys)
    return issued


def _days(services: Services, deal: Deal) -> tuple[date, date]:
    venue = services.ledger.venue
    first = max(_FIRST_DAY, venue.day_of(deal.valid_from - deal.early))
    return min(first, _LAST_DAY), min(venue.day_of(deal.valid_until + deal.late), _LAST_DAY)


def _row(token: Token, code: str, ref: str, deal: Deal, now: datetime) -> PreparedVoucher:
    at = to_ms(now)
    return PreparedVoucher(
        line=token.voucher_number,
        key=token_credential_key(token.key_id, token.voucher_number),
        other_keys=(),
        deal_id=deal.deal_id,
        tail=tail(code),
        updated_at=at,
        admits=token.admits,
        price_paid_minor=None,
        valid_from=None,
        valid_until=None,
        status=Status.VALID.value,
        status_at=at,
        sold_at=at,
        buyer=None,
        voucher_ref=ref,
        order_ref=None,
        order_keys=(),
        phone=None,
        phone_last4=None,
    )


def _key(row: KeyRow) -> dict[str, Any]:
    return {
        "purpose": row.purpose.value,
        "number": row.number,
        "state": row.state.value,
        "created_at": row.created_at.astimezone(UTC).isoformat(),
        "signs_from": row.signs_from.astimezone(UTC).isoformat(),
    }


COMMANDS: dict[str, Command[Any]] = {
    "key list": Command(Nothing, list_keys),
    "key rotate": Command(Rotate, rotate_key),
    "voucher issue": Command(Issue, issue_vouchers),
}
