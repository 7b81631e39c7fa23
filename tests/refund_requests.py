"""What a platform's requests for refunds are in the tests, at the ledger itself."""

from __future__ import annotations

from admission.codes import read_code
from gate_server.ledger.refunds import Asked, decide_request, withdraw_request


def request(park, code=None, *, ref=None, people=None, name="r1", platform="lvtu", content=b"-"):
    """Ask a park's ledger, and return its answer."""
    asked = Asked(
        platform=platform,
        request_id=name,
        content=content,
        people=people,
        voucher_ref=ref,
        keys=() if code is None else read_code(code, park.keys.reader).keys,
    )
    now = park.ledger.clock()
    return park.ledger.write(lambda tx: decide_request(tx, asked, now=now))


def withdraw(park, name="r1", platform="lvtu"):
    """Take a request back, and return its answer."""
    now = park.ledger.clock()
    return park.ledger.write(lambda tx: withdraw_request(tx, platform, name, now=now))
