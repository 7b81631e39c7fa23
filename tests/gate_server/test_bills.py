"""Bills are made anew as often as that is cheap, and never tell old terms of a void."""

import pytest

from gate_server.bills import CHEAP_S, LONGEST_S, REST, Bills
from tests.settlement_story import VOID, a_story


class Clock:
    """Monotonic seconds; each look at it takes `step_s`, so a settlement takes as long."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.now_s = step_s, 1000.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def bills_of(story, took_s):
    clock, ledger = Clock(took_s), story.park.ledger
    deal, bills = ledger.catalogue.deal("DAY"), Bills(ledger, clock=clock)
    return clock, lambda: bills.find(deal)


def confirm(story):
    scan_id = story.get("/overrides").json()["overrides"][0]["scan_id"]
    story.post(f"/overrides/{scan_id}/confirm", None, story.partner)


def test_what_is_cheap_is_made_anew_for_everybody(story):
    _, find = bills_of(story, CHEAP_S / 2)
    before = find()
    confirm(story)

    assert find().amounts_minor.owed_to_venue == before.amounts_minor.owed_to_venue + 26000


def test_what_takes_long_is_told_again_for_a_while(story):
    clock, find = bills_of(story, 2.0)
    before = find()
    confirm(story)
    assert find() is before

    clock.now_s += 2.0 * REST
    assert find().amounts_minor.owed_to_venue == before.amounts_minor.owed_to_venue + 26000


def test_nothing_is_told_for_longer_than_five_minutes(story):
    clock, find = bills_of(story, 60.0)
    before = find()
    clock.now_s += LONGEST_S

    assert find() is not before


def test_new_terms_are_told_at_once(story):
    _, find = bills_of(story, 2.0)
    before = find()
    story.post("/void", VOID | {"remedy": {"refund": "none"}})
    after = find()

    assert (before.void_version, after.void_version) == (1, 2)
    assert (before.amounts_minor.refunds > 0, after.amounts_minor.refunds) == (True, 0)
    story.post("/restore", {"reason": "agreed"})
    assert find().void_version is None
