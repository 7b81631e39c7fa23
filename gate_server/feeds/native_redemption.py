"""Report redemptions to a platform that speaks the API of docs/redemptions.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from standardwebhooks.webhooks import Webhook

from admission.errors import FeedRejected
from gate_server.feeds.contract import Deed, Fate, Offer, Redeemed, Redemption, Reported
from gate_server.feeds.redemption_http import Calls, check, read_json

Sign = Callable[[str, str], Mapping[str, str]]
"""Returns the headers that prove who sends a message, of its id and its body."""

_USUAL: Final = frozenset({Offer.PARTIAL, Offer.ASK})
_NOT_THERE: Final = frozenset({404, 405, 501})
_MOST_PAGES: Final = 10_000


class _Said(Struct, frozen=True):
    key: str
    state: Literal["done", "refused", "unknown"]
    problem: str = ""


class _Answer(Struct, frozen=True):
    data: list[_Said]
    offers: list[str] | None = None


class _Counted(Struct, frozen=True):
    people: int
    voucher_ref: str | None = None
    code: str | None = None


class _Page(Struct, frozen=True):
    data: list[_Counted]
    cursor: str | None = None


class NativeRedeemer:
    """One platform's redemption API.

    Args:
        token: sent along where it proves that a message is the venue's.
        sign: signs messages where that proves it.
    """

    def __init__(self, url: str, *, token: str = "", sign: Sign | None = None) -> None:
        self._calls = Calls(url, token)
        self._sign = sign

    @property
    def offers(self) -> frozenset[Offer]:
        """What the platform can do; asked about nothing, it says so."""
        answer = self._post("ask", [])
        if answer.status in _NOT_THERE:
            return frozenset()
        said = read_json(check(answer), _Answer)
        known = {offer.value for offer in Offer}
        named = (
            _USUAL
            if said.offers is None
            else {Offer(each) for each in said.offers if each in known}
        )
        return frozenset({Offer.REDEEM, *named})

    def report(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Report deeds of one kind; the platform does each once, by its key."""
        kind = "redemptions" if deeds[0].deed is Deed.REDEEM else "undo"
        return self._told(kind, deeds)

    def ask(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Ask what became of deeds."""
        return self._told("ask", deeds)

    def redeemed(self, day: date) -> Iterator[Reported]:
        """Yield what the platform counts as redeemed on a venue day, page by page."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            more = {"day": day.isoformat(), "cursor": cursor}
            page = read_json(check(self._post("list", [], more)), _Page)
            yield from (Reported(each.voucher_ref, each.code, each.people) for each in page.data)
            cursor = page.cursor
            if cursor is None:
                return
        raise FeedRejected("cursor", "the platform's list has no end")

    def close(self) -> None:
        """Let go of the connections."""
        self._calls.close()

    def _told(self, kind: str, deeds: Sequence[Redemption]) -> list[Redeemed]:
        answer = read_json(check(self._post(kind, [_row(deed) for deed in deeds])), _Answer)
        return [Redeemed(each.key, Fate(each.state), each.problem) for each in answer.data]

    def _post(self, kind: str, rows: list[dict[str, Any]], more: Mapping[str, Any] = {}) -> Any:
        message = {"type": kind, "timestamp": _text(datetime.now(UTC)), "data": rows, **more}
        body = msgspec.json.encode(message)
        # It names this message; what is done once is done by the key of each deed.
        name = "redemption-" + blake2b(body, digest_size=16).hexdigest()
        headers = self._sign(name, body.decode()) if self._sign else None
        return self._calls.call("POST", headers=headers, body=body)


def signed(secrets: Sequence[str]) -> Sign:
    """Return what signs messages by Standard Webhooks 1.0: with each secret that counts now."""
    webhooks = [Webhook(secret) for secret in secrets]

    def sign(name: str, body: str) -> Mapping[str, str]:
        now = datetime.now(UTC)
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(each.sign(name, now, body) for each in webhooks),
        }

    return sign


def _row(deed: Redemption) -> dict[str, Any]:
    row: dict[str, Any] = {"key": deed.key, "people": deed.people}
    if deed.voucher_ref is not None:
        row["voucher_ref"] = deed.voucher_ref
    if deed.code is not None:
        row["code"] = deed.code
    return row | {"at": _text(deed.at), "gate_id": deed.gate_id}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
