"""Rows of a feed, hashed and ready for the ledger: what leaves the process that read the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from admission.calendar import to_ms
from admission.codes import CodeForm, classify, normalise
from admission.deals import Deal
from admission.errors import BadSignature, FeedRejected, MalformedToken, UnknownKey
from admission.keys import buyer_hash, code_hash, phone_hash
from admission.rows import VoucherFields
from admission.tokens import Purpose, credential_key, parse_token
from gate_server.keyring import Keyring


class PreparedVoucher(Struct, frozen=True, array_like=True, gc=False):
    """One voucher's row; None is what the platform did not say. Instants are milliseconds.

    Attributes:
        line: where it came from, for messages.
        key: its code's hash under the key of today; a token's identity.
        other_keys: the hashes that the code may have been known by, or may come to be.
        buyer: keyed hash of platform and account.
        order_keys: hashes of the order's number, the first under the key of today.
        more: of each further code that finds the voucher, its hashes, today's key's first.
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
    more: tuple[tuple[bytes, ...], ...] = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every hash that its own code may be known by."""
        return self.key, *self.other_keys

    @property
    def every_key(self) -> tuple[bytes, ...]:
        """Every hash that it may be found by, those of its further codes too."""
        if not self.more:
            return self.key, *self.other_keys
        return *self.keys, *(key for hashes in self.more for key in hashes)


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

    def joined(self, other: Imported) -> Imported:
        """Return what became of these rows and of further ones."""
        both = Imported(self.added, self.changed, self.unchanged, list(self.rejected))
        both.add(other)
        return both


class Preparer:
    """Hashes and seals what a ledger does not keep as it is.

    Args:
        platforms: of each deal, by its id.
        now: chooses the key that codes are hashed with today.
        platform: whose deals alone the rows may be of; None: any that is in `platforms`.
    """

    def __init__(
        self,
        keys: Keyring,
        platforms: Mapping[str, str],
        *,
        now: datetime,
        platform: str | None = None,
    ) -> None:
        self._keys = keys
        self._platforms = platforms
        self._now = now
        self.platform = platform
        current = keys.code_key(now)
        others = [key for key in keys.code_keys if key.number != current.number]
        self._code_key, self._other_keys = current, others
        self._buyer_key, self._phone_key = keys.buyer_key(), keys.phone_key()
        self._published = keys.published()

    def voucher(
        self,
        line: int,
        fields: VoucherFields,
        sealed: dict[bytes, bytes],
        *,
        more_codes: Sequence[str] = (),
    ) -> PreparedVoucher:
        """Prepare one voucher.

        Args:
            sealed: gets the sealed account name of a buyer who is not in it yet.
            more_codes: further codes that find it.

        Raises:
            FeedRejected: no such deal, another platform's, or a token that is not ours.
        """
        platform = self._platforms.get(fields.deal_id)
        if platform is None:
            raise FeedRejected("deal_id", f"no deal {fields.deal_id}; import the deals first")
        self.check_platform("deal_id", fields.deal_id, platform)
        key, *other_keys = self.code_keys(fields.code, signed=fields.signed)
        return PreparedVoucher(
            line,
            key,
            tuple(other_keys),
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
            tuple(self._more(code) for code in dict.fromkeys(more_codes)),
        )

    def knows(self, deal_id: str) -> bool:
        """Say whether a deal is there, whosever it is."""
        return deal_id in self._platforms

    def check_platform(self, field: str, deal_id: str, platform: str | None = None) -> None:
        """Refuse a deal of another platform; one that is not there yet is nobody's."""
        whose = platform or self._platforms.get(deal_id)
        if self.platform is not None and whose not in {None, self.platform}:
            raise FeedRejected(field, f"deal {deal_id} is another platform's")

    def seal(self, plain: bytes, about: str) -> bytes:
        """Encrypt what only the server may read again."""
        return self._keys.seal(plain, about=about, now=self._now)

    def code_hash(self, code: str) -> bytes:
        """Return the hash of a text under the key of today."""
        return code_hash(code, self._code_key)

    def code_keys(self, code: str, *, signed: bool) -> tuple[bytes, ...]:
        """Return what a code is known by, the first under the key of today.

        Raises:
            FeedRejected: it begins as a token of ours and is none of a platform's voucher.
        """
        if not signed:
            return self._hashes(code)
        try:
            token = parse_token(code, self._published)
        except (MalformedToken, BadSignature, UnknownKey) as error:
            problem = "begins as a token of ours, GH1:, and was not signed by this server"
            raise FeedRejected("code", problem) from error
        if token.purpose is not Purpose.VOUCHER:
            problem = "is a paper ticket or a slip of this venue, and no platform's voucher"
            raise FeedRejected("code", problem)
        return (credential_key(token),)

    def _more(self, text: str) -> tuple[bytes, ...]:
        code = normalise(text)
        form = classify(code)
        if form is CodeForm.MALFORMED:
            raise FeedRejected("code", "a further code is not 6 to 512 printable characters")
        return self.code_keys(code, signed=form is CodeForm.TOKEN)

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
