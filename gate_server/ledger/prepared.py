"""Rows of a feed, hashed and ready for the ledger: what leaves the process that read the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from admission.calendar import to_ms
from admission.deals import Deal
from admission.errors import BadSignature, FeedRejected, MalformedToken, UnknownKey
from admission.keys import buyer_hash, code_hash, phone_hash
from admission.rows import VoucherFields
from admission.tokens import Purpose, credential_key, parse_token
from gate_server.keyring import Keyring
from gate_server.ledger.kept_codes import about_code


class PreparedVoucher(Struct, frozen=True, array_like=True, gc=False):
    """One voucher's row; None is what the platform did not say. Instants are milliseconds.

    Attributes:
        line: where it came from, for messages.
        key: its code's hash under the key of today; a token's identity.
        other_keys: the hashes that the code may have been known by, or may come to be.
        buyer: keyed hash of platform and account.
        order_keys: hashes of the order's number, the first under the key of today.
    """

    line: int
    key: bytes
    other_keys: tuple[bytes, ...]
    deal_id: str
    tail: str
    updated_at: int
    admits: int | None
    price_paid_minor: int | None
    valid_from: int | None
    valid_until: int | None
    status: str | None
    status_at: int | None
    sold_at: int | None
    buyer: bytes | None
    voucher_ref: str | None
    order_ref: str | None
    order_keys: tuple[bytes, ...]
    phone: bytes | None
    phone_last4: str | None


class PreparedDeal(Struct, frozen=True):
    """One deal's row; the ledger gives it its number."""

    line: int
    deal: Deal


class Rejection(Struct, frozen=True):
    """A row that was not taken, and why."""

    line: int
    field: str
    problem: str


class Imported(Struct):
    """What became of rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: list[Rejection] = msgspec.field(default_factory=list)

    def add(self, other: Imported) -> None:
        """Add what became of further rows."""
        self.added += other.added
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.rejected += other.rejected


class Preparer:
    """Hashes and seals what a ledger does not keep as it is.

    Args:
        platforms: of each deal, by its id.
        now: chooses the key that codes are hashed with today.
        by_code: platforms that redeem by code, so that codes are kept, sealed.
    """

    def __init__(
        self,
        keys: Keyring,
        platforms: Mapping[str, str],
        *,
        now: datetime,
        by_code: frozenset[str] = frozenset(),
    ) -> None:
        self._by_code = by_code
        self._keys = keys
        self._platforms = platforms
        self._now = now
        current = keys.code_key(now)
        others = [key for key in keys.code_keys if key.number != current.number]
        self._code_key, self._other_keys = current, others
        self._buyer_key, self._phone_key = keys.buyer_key(), keys.phone_key()
        self._published = keys.published()

    def voucher(
        self, line: int, fields: VoucherFields, sealed: dict[bytes, bytes]
    ) -> PreparedVoucher:
        """Prepare one voucher.

        Args:
            sealed: gets the sealed account name of a buyer who is not in it yet, and the code,
                by its key, where that is kept.

        Raises:
            FeedRejected: no such deal, or a token that is not ours.
        """
        platform = self._platforms.get(fields.deal_id)
        if platform is None:
            raise FeedRejected("deal_id", f"no deal {fields.deal_id}; import the deals first")
        key, other_keys = self._keys_of(fields)
        if platform in self._by_code:
            code = fields.code.encode()
            for each in (key, *other_keys):
                sealed[each] = self._keys.seal(code, about=about_code(each), now=self._now)
        return PreparedVoucher(
            line,
            key,
            other_keys,
            fields.deal_id,
            fields.tail,
            to_ms(fields.updated_at),
            fields.admits,
            fields.price_paid_minor,
            _ms(fields.valid_from),
            _ms(fields.valid_until),
            None if fields.status is None else fields.status.value,
            _ms(fields.status_at),
            _ms(fields.sold_at),
            self._buyer(platform, fields.buyer_ref, sealed),
            fields.voucher_ref,
            fields.order_ref,
            () if fields.order_code is None else self._hashes(fields.order_code),
            None if fields.phone is None else phone_hash(fields.phone, self._phone_key),
            fields.phone_last4,
        )

    def _keys_of(self, fields: VoucherFields) -> tuple[bytes, tuple[bytes, ...]]:
        if not fields.signed:
            keys = self._hashes(fields.code)
            return keys[0], keys[1:]
        try:
            token = parse_token(fields.code, self._published)
        except (MalformedToken, BadSignature, UnknownKey) as error:
            problem = "begins as a token of ours, GH1:, and was not signed by this server"
            raise FeedRejected("code", problem) from error
        if token.purpose is not Purpose.VOUCHER:
            problem = "is a paper ticket or a slip of this venue, and no platform's voucher"
            raise FeedRejected("code", problem)
        return credential_key(token), ()

    def _hashes(self, code: str) -> tuple[bytes, ...]:
        first = code_hash(code, self._code_key)
        if not self._other_keys:
            return (first,)
        return (first, *(code_hash(code, key) for key in self._other_keys))

    def _buyer(self, platform: str, ref: str | None, sealed: dict[bytes, bytes]) -> bytes | None:
        if ref is None:
            return None
        buyer = buyer_hash(platform, ref, self._buyer_key)
        if buyer not in sealed:
            about = about_buyer(buyer)
            sealed[buyer] = self._keys.seal(ref.encode("utf-8"), about=about, now=self._now)
        return buyer


def about_buyer(buyer: bytes) -> str:
    """Return what a sealed account name is sealed with, so that it cannot be moved."""
    return f"buyer {buyer.hex()}"


def digest(rows: Iterable[PreparedVoucher | PreparedDeal]) -> str:
    """Return the SHA-256 of rows as they stand in the audit chain."""
    return sha256(msgspec.msgpack.encode(list(rows))).hexdigest()


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
