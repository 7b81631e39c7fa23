"""Report redemptions to an OCTO server that has the capability `octo/redemption`.

It redeems whole bookings or tickets by their code, and has no key that makes a call happen once:
after a lost answer the code is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date
from typing import Any, Final

import msgspec

from admission.errors import FeedRejected, FeedUnavailable
from gate_server.feeds.contract import Deed, Fate, Offer, Redeemed, Redemption, Reported
from gate_server.feeds.http import Answer
from gate_server.feeds.redemption_http import Calls, check, is_good, read_json

CAPABILITY: Final = "octo/redemption"
AT_ONCE: Final = 8
_REFUSED: Final = frozenset({400, 404, 409, 410, 422})
_NOT_THERE: Final = frozenset({404, 405, 501})


class OctoRedeemer:
    """One OCTO server's redemptions.

    Args:
        url: of its API, `https://api.example.com/octo`.
    """

    def __init__(self, url: str, token: str) -> None:
        self._calls = Calls(url, token, headers={"octo-capabilities": CAPABILITY})

    @property
    def offers(self) -> frozenset[Offer]:
        """What the server can do: it has the call, or answers 404 to it."""
        answer = self._look_up("")
        if answer.status in _NOT_THERE and not _is_octo(answer):
            return frozenset()
        if not is_good(answer) and answer.status not in _REFUSED:
            check(answer)
        return frozenset({Offer.REDEEM, Offer.ASK})

    def report(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Redeem or undo, some at once; one whose answer was lost is left out."""
        return self._each(deeds, self._report)

    def ask(self, deeds: Sequence[Redemption]) -> Sequence[Redeemed]:
        """Look up whether the codes are redeemed, which tells what became of the deeds."""
        return self._each(deeds, self._ask)

    def redeemed(self, day: date) -> Iterator[Reported]:
        """OCTO lists bookings by the day of sale or visit, and never by that of redemption."""
        raise FeedRejected("", f"OCTO cannot list what was redeemed on {day}; give --file")

    def close(self) -> None:
        """Let go of the connections."""
        self._calls.close()

    def _each(self, deeds: Sequence[Redemption], work: Any) -> list[Redeemed]:
        with ThreadPoolExecutor(min(AT_ONCE, len(deeds))) as pool:
            futures = [pool.submit(work, deed) for deed in deeds]
        found, failures = [], []
        for future in futures:
            error = future.exception()
            if error is None:
                found.append(future.result())
            elif isinstance(error, FeedUnavailable):
                failures.append(error)
            else:
                raise error
        if failures and not found:
            # Where one of them may have been carried out, all are asked about.
            raise next((each for each in failures if each.sent), failures[0])
        return found

    def _report(self, deed: Redemption) -> Redeemed:
        method = "POST" if deed.deed is Deed.REDEEM else "DELETE"
        body = {
            "redemptionCode": deed.code,
            "timestamp": deed.at.astimezone(UTC).isoformat(timespec="seconds"),
            "notes": f"gate {deed.gate_id}, {deed.key}",
        }
        answer = self._calls.call(method, "/redemption/redeem", body=msgspec.json.encode(body))
        if answer.status in _REFUSED:
            return Redeemed(deed.key, Fate.REFUSED, _problem(answer))
        if check(answer).body:
            read_json(answer)  # a whole document, or the answer was lost
        return Redeemed(deed.key, Fate.DONE)

    def _ask(self, deed: Redemption) -> Redeemed:
        answer = self._look_up(deed.code or "")
        if answer.status in _REFUSED:
            return Redeemed(deed.key, Fate.REFUSED, _problem(answer))
        redeemed = _is_redeemed(read_json(check(answer)), deed.code)
        done = redeemed is (deed.deed is Deed.REDEEM)
        return Redeemed(deed.key, Fate.DONE if done else Fate.UNKNOWN)

    def _look_up(self, code: str) -> Answer:
        # OCTO asks for the code in the address; it goes to the platform that made it, and httpx
        # is kept from logging addresses.
        return self._calls.call("GET", "/redemption/lookup", query={"redemptionCode": code})


def _is_redeemed(document: Any, code: str | None) -> bool:
    """Say whether a code is redeemed: by its ticket where it is one's, else by its booking."""
    bookings = _dicts(document if isinstance(document, list) else [document])
    if not bookings and document != []:
        raise FeedUnavailable("the platform's answer is no booking")
    units = [unit for booking in bookings for unit in _dicts(booking.get("unitItems"))]
    own = [unit for unit in units if _has_code(unit.get("ticket"), code)]
    return any(_says_redeemed(each) for each in own or bookings)


def _has_code(ticket: Any, code: str | None) -> bool:
    options = _dicts(ticket.get("deliveryOptions")) if isinstance(ticket, dict) else []
    return any(option.get("deliveryValue") == code for option in options)


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _says_redeemed(of: dict[str, Any]) -> bool:
    return of.get("status") == "REDEEMED" or bool(of.get("utcRedeemedAt"))


def _is_octo(answer: Answer) -> bool:
    """Say whether an error is the API's own: a server without the call has another 404."""
    try:
        document = read_json(answer)
    except FeedUnavailable:
        return False
    error = document.get("error") if isinstance(document, dict) else None
    return isinstance(error, str) and error.startswith("INVALID_")


def _problem(answer: Answer) -> str:
    try:
        document = read_json(answer)
    except FeedUnavailable:
        document = {}
    said = document.get("errorMessage") if isinstance(document, dict) else None
    return said if isinstance(said, str) else f"the platform answered {answer.status}"
