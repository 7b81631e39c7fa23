"""Put signed heads into messages to platforms, and keep what came of them.

The feeder carries them with the calls of the duty list; each goes to the address that the platform
of a push has told, signed with that feed's secret.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from admission.duty import STOP_SALE_AFTER, retry_at
from admission.errors import LedgerRefused
from gate_server.duty_forms import Message, Told
from gate_server.evidence_words import read_evidence_words
from gate_server.heads import answer_head
from gate_server.keyring import Keyring
from gate_server.ledger.duty import Form
from gate_server.ledger.head_sends import (
    Delivered,
    HeadSend,
    begin_send,
    drop_send,
    due_heads,
    end_send,
    list_delivered,
    takes_heads,
)
from gate_server.ledger.heads import Head, heads_since
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import NOTIFY


class SentHead(msgspec.Struct, frozen=True):
    """How far a platform has the signed heads, for people.

    Attributes:
        revision: of the newest head that it took, at `taken_at`; None: none yet.
        waiting: the revision of the one on its way; `problem` of its last try.
    """

    platform: str
    feed_id: int
    revision: int | None
    taken_at: datetime | None
    waiting: int | None
    problem: str | None


def list_sent(ledger: Ledger) -> list[SentHead]:
    """Return, for each feed whose platform has told where, which head it has."""
    found = ledger.read(list_delivered)
    return [
        _sent(feed.platform, found.get(feed.feed_id) or Delivered(feed.feed_id))
        for feed in ledger.catalogue.feeds.values()
        if takes_heads(feed)
    ]


def _sent(platform: str, done: Delivered) -> SentHead:
    rest = (done.revision, done.taken_at, done.waiting, done.problem)
    return SentHead(platform, done.feed_id, *rest)


def begin_heads(
    tx: Session,
    keys: Keyring,
    venue_name: str,
    sender: str,
    *,
    secret_of: Callable[[int], str],
    until: datetime,
    now: datetime,
) -> list[Message]:
    """Return the heads that are to be sent now, each noted as begun.

    Args:
        secret_of: what messages to the platform of a feed are signed with; LedgerRefused: nothing.
    """
    messages = []
    for send in due_heads(tx.db, now, sender):
        feed = tx.catalogue.feeds.get(send.feed_id)
        if feed is None or not takes_heads(feed):
            drop_send(tx, send.message_id)
            continue
        begin_send(tx, send.message_id, sender, until=until)
        (head,) = heads_since(tx.db, send.revision - 1, most=1)
        try:
            secret = secret_of(send.feed_id)
        except LedgerRefused as error:
            settle_head(tx, send, str(error), now=now)
            continue
        url = str(feed.config[NOTIFY])
        told = _told(head, keys, venue_name)
        message = Message(
            message_id=send.message_id, form=Form.STANDARD, url=url, secret=secret, told=told
        )
        messages.append(message)
    return messages


def _told(head: Head, keys: Keyring, venue_name: str) -> Told:
    words = read_evidence_words()
    said = {"day": head.day.isoformat(), "revision": head.revision}
    title, text = words.text("head_sent_title", **said), words.text("head_sent", **said)
    data = msgspec.to_builtins(answer_head(head, keys))
    return Told(
        type="audit.head",
        at=head.signed_at,
        title_zh=f"{venue_name}：{title.zh}",
        title_en=f"{venue_name}: {title.en}",
        zh=text.zh,
        en=text.en,
        data={"venue": venue_name, "head": data},
    )


def settle_head(
    tx: Session,
    send: HeadSend,
    problem: str | None,
    *,
    after: timedelta | None = None,
    now: datetime,
) -> None:
    """Keep what came of a head that was sent; one that was not taken is sent again.

    Args:
        after: how long the platform asks to be left alone.
    """
    tries = max(1, min(send.tries, len(STOP_SALE_AFTER)))
    next_at = None if problem is None else retry_at(tries, now, STOP_SALE_AFTER, after=after)
    end_send(tx, send.message_id, problem, next_at=next_at, now=now)
