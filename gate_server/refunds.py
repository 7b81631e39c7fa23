"""Answer a platform's request for a refund: read it, decide it once, keep the answer."""

from __future__ import annotations

import json
from hashlib import blake2b, sha256
from typing import Final

from admission import wire_base
from admission.codes import read_code
from admission.errors import InvalidInput, LedgerConflict
from admission.wire_refunds import RefundRequest
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.pushes import KeptPush, find_push, keep_push
from gate_server.ledger.refunds import Asked, decide_request, withdraw_request
from gate_server.ledger.session import Session

MOST_BYTES: Final = 16 << 10
_PURPOSE: Final = b"refund asked"


def answer_request(
    ledger: Ledger, keys: Keyring, feed: Feed, webhook_id: str, body: bytes
) -> bytes:
    """Decide a request whose signature was verified, and return its answer as JSON.

    Raises:
        InvalidInput: it cannot be read.
        LedgerConflict: `push-reused`: another body came under this webhook id; `request-reused`.
        LedgerUnavailable: nothing was decided; the platform must ask again.
    """
    if len(body) > MOST_BYTES:
        raise InvalidInput("", f"a request has at most {MOST_BYTES} bytes")
    request = wire_base.read(RefundRequest, body)
    asked, digest = _asked(request, feed.platform, keys), sha256(body).digest()

    def decide(tx: Session) -> bytes:
        now = tx.clock()
        first = find_push(tx.db, feed.feed_id, webhook_id, now=now)
        if first is not None:
            return _same(first, digest)
        if request.withdraw:
            answer = withdraw_request(tx, feed.platform, request.id, now=now)
        else:
            answer = decide_request(tx, asked, now=now)
        text = wire_base.write(answer)
        keep_push(tx, feed.feed_id, webhook_id, KeptPush(digest, text.decode()), now=now)
        return text

    # Silence approves: on a full disk a refusal must still go in, as voids do.
    return ledger.write(decide, urgent=True)


def _asked(request: RefundRequest, platform: str, keys: Keyring) -> Asked:
    named = (request.voucher_ref is not None) + (request.code is not None)
    if request.withdraw and (named or request.people is not None):
        raise InvalidInput("withdraw", "names a request by its id alone")
    if named != 1 and not request.withdraw:
        raise InvalidInput("voucher_ref", "send either voucher_ref or code")
    return Asked(
        platform=platform,
        request_id=request.id,
        content=_content(request, keys),
        people=request.people,
        voucher_ref=request.voucher_ref,
        keys=() if request.code is None else read_code(request.code, keys.reader).keys,
    )


def _content(request: RefundRequest, keys: Keyring) -> bytes:
    """Return a keyed hash of what is asked: a code must not be found out by trying them all."""
    text = json.dumps([request.voucher_ref, request.code, request.people])
    secret = keys.buyer_key().secret
    return blake2b(text.encode(), digest_size=16, key=secret, person=_PURPOSE).digest()


def _same(first: KeptPush, digest: bytes) -> bytes:
    if first.body_hash != digest:
        problem = "another body came under this webhook-id before; give each request its own"
        raise LedgerConflict("push-reused", problem)
    return first.answer.encode()
