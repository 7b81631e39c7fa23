"""Commands of people about redemptions: what waits, what a human must look at, try it again."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from admission.errors import NotFound
from gate_server.commands.services import Command, Params, Services
from gate_server.ledger.redemption_lists import (
    find_poisoned,
    list_deeds,
    retry_deeds,
    slices,
    states_of,
)


class Which(Params, frozen=True):
    """A platform, and which of its deeds; None: all that are not over."""

    platform: str
    state: (
        Literal["waiting", "sent", "lost", "done", "refused", "exhausted", "dropped", "poison"]
        | None
    ) = None


class Retry(Params, frozen=True):
    """A deed on the poison list by its key; None: all of them."""

    platform: str
    key: str | None


def list_redemptions(services: Services, params: Which) -> list[dict[str, Any]]:
    """List a platform's deeds."""
    check_platform(services, params.platform)
    states = states_of(params.state)
    return services.ledger.read(partial(list_deeds, platform=params.platform, states=states))


def retry_redemptions(services: Services, params: Retry) -> dict[str, Any]:
    """Try deeds on the poison list again."""
    check_platform(services, params.platform)
    ledger, platform = services.ledger, params.platform
    found = ledger.read(partial(find_poisoned, platform=platform, key=params.key))
    done = 0
    for some in slices(found):
        work = partial(retry_deeds, platform=platform, voucher_ids=some, by=services.by)
        done += ledger.write(work, patient=True)
    return {"platform": platform, "retried": done}


def check_platform(services: Services, platform: str) -> None:
    """Refuse a platform that has no feed.

    Raises:
        NotFound: says which there are.
    """
    known = sorted({feed.platform for feed in services.ledger.catalogue.feeds.values()})
    if platform not in known:
        raise NotFound(f"no feed of {platform}; there are {', '.join(known) or 'none'}")


COMMANDS: dict[str, Command[Any]] = {
    "feed redemptions": Command(Which, list_redemptions),
    "feed redemptions retry": Command(Retry, retry_redemptions),
}
