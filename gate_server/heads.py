"""Sign the audit chain's head once a venue day, and whenever the server starts or stops."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import Final

from admission.calendar import to_ms
from admission.errors import LedgerUnavailable
from admission.wire_evidence import HeadsAnswer, SignedHead
from gate_server.keyring import Keyring
from gate_server.ledger.heads import Head, heads_since, record_head
from gate_server.ledger.ledger import Ledger

# The first minute of a new venue day is soon enough.
LOOK_EVERY_S: Final = 60.0

log = logging.getLogger("gatehouse.heads")


def sign_head(ledger: Ledger, keys: Keyring, *, again: bool = False) -> bool:
    """Sign the newest head, unless that was done today; say whether it was.

    Args:
        again: sign although there is one of today.
    """
    now = ledger.clock()
    return ledger.write(lambda tx: record_head(tx, keys, now=now, again=again), alone=True)


class HeadSigner:
    """Signs each venue day's head while a server runs."""

    def __init__(self, ledger: Ledger, keys: Keyring) -> None:
        self._ledger, self._keys = ledger, keys
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="head-signer", daemon=True)

    def start(self) -> None:
        """Sign what a day without a server left unsigned, then go on by the calendar."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and sign what came since the last head: a next start may be far."""
        self._stopped.set()
        self._thread.join()
        self._sign(again=True)

    def _watch(self) -> None:
        while True:
            self._sign(again=False)
            if self._stopped.wait(LOOK_EVERY_S):
                return

    def _sign(self, *, again: bool) -> None:
        try:
            sign_head(self._ledger, self._keys, again=again)
        except LedgerUnavailable as error:
            # A full disk, for one: the next look, or the next start, makes up for it.
            log.warning("the audit head was not signed: %s", error)


def list_heads(ledger: Ledger, keys: Keyring, since: int) -> HeadsAnswer:
    """Return the signed heads after a revision, each with the key that verifies it."""
    heads = ledger.read(lambda db: heads_since(db, since))
    return HeadsAnswer(heads=[answer_head(head, keys) for head in heads])


def answer_head(head: Head, keys: Keyring) -> SignedHead:
    """Return a signed head as others get it, with the key that verifies it."""
    public = {key.key_id: key.public for key in keys.audit_keys().keys}
    return SignedHead(
        revision=head.revision,
        audit_head=head.audit_head.hex(),
        epoch=head.epoch,
        day=head.day,
        signed_at=head.signed_at,
        signed_at_ms=to_ms(head.signed_at),
        key_id=head.signed.key_id,
        signature=head.signed.signature.hex(),
        public_key=public.get(head.signed.key_id, b"").hex(),
    )
