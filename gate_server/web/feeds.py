"""Feeds over HTTP: what platforms push, and how each feed fares."""

from __future__ import annotations

from admission.wire_feeds import FeedList, PushAnswer, PushRequest
from gate_server.feed_reports import report_feeds
from gate_server.web.callers import STEWARDS
from gate_server.web.operations import Call, Noun, Reply

feeds = Noun("feeds")


@feeds.operation(
    "POST",
    "/feeds/native/<platform>",
    signed=True,
    body=PushRequest,
    answer=PushAnswer,
    problems=("push-reused",),
)
def take_push(call: Call) -> Reply:
    """Take a platform's deals or vouchers; a row that cannot be taken keeps no other back.

    Columns are those of the files; a row's own problem is listed by its number from 1, and the row
    is set aside to be tried again. `data` may be empty: all is as before, and the feed is up to
    date. The same `webhook-id` again gets the first answer, for 30 days. 503: send the same again,
    which changes nothing that is in already.
    """
    signer = call.signer
    return Reply(call.services.pushes.take(signer.feed, signer.webhook_id, call.body))


@feeds.operation("GET", "/feeds", who=STEWARDS, answer=FeedList)
def list_feeds(call: Call) -> FeedList:
    """Tell how each feed fares: its age, its errors, the rows that are set aside."""
    return FeedList(feeds=report_feeds(call.services.ledger, call.services.settings))
