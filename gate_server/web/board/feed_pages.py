"""Pages about feeds: how each platform fares, rows that wait, what it has not been told."""

from __future__ import annotations

from typing import Any, Final

from admission.errors import NotFound
from admission.wire_feeds import FeedAnswer
from gate_server.feed_reports import report_feeds
from gate_server.ledger.aside import list_rejects
from gate_server.ledger.redemption_lists import list_deeds, states_of
from gate_server.web.board.acts import Act, Body, Subject, declare
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.pages import LEADERS, READERS, STAFF, Section, Shown, Visit, show
from gate_server.web.callers import Role

feeds: Final = Section("feeds")

STATES: Final = {
    "well": (lazy_gettext("in step"), "good"),
    "waiting": (lazy_gettext("never heard"), "warn"),
    "stale": (lazy_gettext("old: unknown codes are referred"), "bad"),
    "failing": (lazy_gettext("failing"), "bad"),
}
LOOKUPS: Final = {
    "closed": lazy_gettext("asked for unknown codes"),
    "half_open": lazy_gettext("asked for unknown codes: one question tries again"),
    "open": lazy_gettext("left alone for a while: it does not answer questions about codes"),
}
MOST_SHOWN: Final = 200
_WORST: Final = ("failing", "stale", "waiting", "well")


@feeds.page("/feeds", who=STAFF | {Role.AUDITOR}, title=lazy_gettext("Feeds"), seldom=True)
def show_feeds(visit: Visit) -> Shown:
    """List the feeds, those that need somebody first."""
    found = sorted(_feeds(visit), key=lambda feed: _WORST.index(feed.state))
    return show(
        "feeds.html",
        found=found,
        states=STATES,
        lookups=LOOKUPS,
        may=visit.may(LEADERS),
        reads=visit.may(READERS),
        stale_after_s=int(visit.services.settings.stale_after_s),
    )


@feeds.page("/feeds/<feed_id>", who=READERS)
def show_one_feed(visit: Visit) -> Shown:
    """Show a feed: its rows that cannot be taken yet, and what its platform has not been told."""
    feed = _feed(visit, visit.args["feed_id"])
    ledger, number = visit.services.ledger, feed.feed_id
    poison = states_of("poison")
    return show(
        "feed.html",
        feed=feed,
        states=STATES,
        lookups=LOOKUPS,
        rejects=ledger.read(lambda db: list_rejects(db, number, MOST_SHOWN)),
        more=max(0, feed.set_aside - MOST_SHOWN),
        poison=ledger.read(lambda db: list_deeds(db, feed.platform, poison)),
        may=visit.may(LEADERS),
        is_admin=visit.account.role is Role.ADMIN,
    )


def _feeds(visit: Visit) -> list[FeedAnswer]:
    services = visit.services
    return report_feeds(services.ledger, services.settings, services.read_through.states())


def _feed(visit: Visit, feed_id: str) -> FeedAnswer:
    found = next((each for each in _feeds(visit) if str(each.feed_id) == feed_id), None)
    if found is None:
        raise NotFound(f"no feed {feed_id[:20]}")
    return found


def _ask(visit: Visit, subject: Subject, _body: Body) -> Any:
    return _command(visit, subject, "feed ask")


def _drop(visit: Visit, subject: Subject, _body: Body) -> Any:
    return _command(visit, subject, "feed drop")


def _command(visit: Visit, subject: Subject, name: str) -> Any:
    feed = _feed(visit, subject["feed_id"])
    given = {"platform": feed.platform, "feed_id": feed.feed_id}
    return visit.services.command(name, given, visit.account.name)


def _retry(visit: Visit, subject: Subject, _body: Body) -> Any:
    given = {"platform": _feed(visit, subject["feed_id"]).platform, "key": None}
    return visit.services.command("feed redemptions retry", given, visit.account.name)


def _tell_drop(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    number = _feed(visit, subject["feed_id"]).set_aside
    return [
        ngettext(
            "%(num)d row is let go for good; what it would bring in is not in.",
            "%(num)d rows are let go for good; what they would bring in is not in.",
            number,
        )
    ]


def _tell_retry(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    told = _feed(visit, subject["feed_id"]).redemptions
    number = 0 if told is None else told.poison
    return [
        ngettext(
            "%(num)d message to the platform is sent again.",
            "%(num)d messages to the platform are sent again.",
            number,
        )
    ]


def _asked(_visit: Visit, _subject: Subject, _result: Any) -> str:
    return gettext("The platform is asked within three seconds.")


declare(
    Act(
        "feed-ask",
        lazy_gettext("Ask the platform at once"),
        LEADERS,
        _ask,
        subject=("feed_id",),
        said=_asked,
    ),
    Act(
        "feed-drop",
        lazy_gettext("Let go of the rows set aside"),
        frozenset({Role.ADMIN}),
        _drop,
        subject=("feed_id",),
        tells=_tell_drop,
        password=True,
        grave=True,
    ),
    Act(
        "feed-retry",
        lazy_gettext("Tell the platform again"),
        LEADERS,
        _retry,
        subject=("feed_id",),
        tells=_tell_retry,
    ),
)
