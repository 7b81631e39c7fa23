"""What a hold would be about is counted as the gates would decide it."""

from datetime import datetime

import pytest

from admission.deals import HoldScope
from gate_server.ledger.scopes import InScope, count_scope
from tests.server import Park

NIGHT = datetime.fromisoformat("2015-02-11T22:00:00+08:00")


@pytest.fixture(scope="module")
def park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("scopes") / "var")
    at = {"sold_at": NIGHT.isoformat()}
    park.sell("CHEAP-01", "CHEAP-02", price_paid_minor="1", **at)
    park.sell("PAIR-001", price_paid_minor="2", admits="2", **at)
    park.sell("DEAR-001", price_paid_minor="26000", **at)
    park.sell("EARLY-01", price_paid_minor="1", sold_at="2015-02-10T10:00:00+08:00")
    park.sell("UNKNOWN1")
    park.sell("GONE-001", price_paid_minor="1", status="refunded", **at)
    yield park
    park.close()


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (HoldScope(), InScope(6, 7)),
        (HoldScope(price_at_most_minor=1), InScope(5, 6)),
        (HoldScope(sold_from=NIGHT), InScope(5, 6)),
        (HoldScope(sold_from=NIGHT, price_at_most_minor=1), InScope(4, 5)),
        (HoldScope(sold_until=NIGHT, price_at_most_minor=0), InScope(1, 1)),
        (HoldScope(price_at_most_minor=0, any_price_from=NIGHT), InScope(5, 6)),
    ],
)
def test_scope_counts_what_it_covers(park, scope, found):
    assert count_scope(park.ledger, 1, scope, pause=lambda: None) == found


def test_counting_goes_page_by_page_and_pauses_on_the_way(park):
    paused = []
    found = count_scope(park.ledger, 1, HoldScope(), pause=lambda: paused.append(1), page_rows=2)

    assert found == InScope(6, 7)
    assert len(paused) >= 5
