"""Rows of feeds in any order, in any parts, any number of times: the ledger is the same at the end.

Held for rows that each say all that their platform ever says of a voucher or a deal.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate_server.feeds.contract import Kind
from gate_server.ledger import audit
from tests.gate_server.test_intake import DEAL, NOON, Fed
from tests.server import Park

CODES = ("CODE-ONE-1", "CODE-TWO-2")
VOUCHERS = (
    "SELECT v.credential_key, v.platform, d.deal_id, v.tail, v.admits, v.price_paid_minor,"
    " v.status, v.status_at, v.updated_at, b.buyer, v.order_ref, v.phone_last4, v.filled"
    " FROM vouchers v JOIN deals d USING (deal_no) LEFT JOIN buyers b USING (buyer_no)"
    " ORDER BY v.credential_key, v.platform"
)
DEALS = (
    "SELECT deal_id, platform, title, face_price_minor, updated_at, filled FROM deals ORDER BY 1"
)
LINKS = (
    "SELECT c.key, c.kind, v.credential_key FROM credentials c JOIN vouchers v USING (voucher_id)"
    " ORDER BY 1, 2, 3"
)
ASIDE = (
    "SELECT feed_id, kind, subject, variant, field, updated_at FROM set_aside ORDER BY 1, 2, 3, 4"
)


def at(minute):
    return (NOON + timedelta(minutes=minute)).isoformat()


minutes = st.integers(0, 3)
vouchers = st.builds(
    lambda code, minute, **columns: (
        Kind.VOUCHERS,
        columns | {"code": code, "updated_at": at(minute), "status_at": at(minute)},
    ),
    st.sampled_from(CODES),
    minutes,
    deal_id=st.sampled_from(["DAY", "NEW", "NEVER"]),
    admits=st.sampled_from([1, 2, 0]),
    price_paid_minor=st.sampled_from([1, 26000]),
    status=st.sampled_from(["valid", "cancelled", "refunded"]),
    buyer_ref=st.sampled_from(["b1", "b2"]),
    order_ref=st.sampled_from(["ORDER-1", "ORDER-2"]),
    buyer_phone=st.sampled_from(["13800138000", "13900139000"]),
)
deals = st.builds(
    lambda minute, **columns: (Kind.DEALS, DEAL | columns | {"updated_at": at(minute)}),
    minutes,
    title=st.sampled_from(["Old name", "New name"]),
    face_price_minor=st.sampled_from([100, 200]),
)
told = st.tuples(st.sampled_from(["first", "second"]), st.one_of(vouchers, vouchers, deals))


CLEAN = ("credentials", "set_aside", "vouchers", "buyers")


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("order") / "var")
    yield {"first": Fed(park), "second": Fed(park, secondary=True)}
    park.close()


def empty(tx):
    for table in CLEAN:
        tx.db.execute(f"DELETE FROM {table}")
    tx.db.execute("DELETE FROM deals WHERE deal_id <> 'DAY'")
    tx.touched.add("deals")


def play(fed, rows):
    """Take rows in this order, each from its feed, then try again what was set aside."""
    park = fed["first"].park
    park.change(empty)
    for source, (kind, row) in rows:
        fed[source].take(fed[source].prepared(kind, row))
    for _ in range(2):
        park.now = park.ledger.clock() + timedelta(hours=2)
        for feed in fed.values():
            feed.retry()
    tables = (VOUCHERS, DEALS, LINKS, ASIDE)
    return [park.ledger.read(lambda db, sql=sql: db.execute(sql).fetchall()) for sql in tables]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(rows=st.lists(told, min_size=2, max_size=8), data=st.data())
def test_order_and_repetition_change_nothing(fed, rows, data):
    again = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows)))))

    assert play(fed, rows) == play(fed, again)
    assert fed["first"].park.ledger.read(audit.verify).findings == ()
