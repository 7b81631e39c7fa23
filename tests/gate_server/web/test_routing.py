"""Rules that are ready to be matched at once, and to be written when asked."""

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.routing import BuildError, IntegerConverter, Map

from gate_server.web.routing import MatchedRule


@pytest.fixture
def places():
    rules = [
        MatchedRule("/gates/<gate_id>/state", endpoint="state", methods=["POST"]),
        MatchedRule("/gates", endpoint="gates"),
    ]
    return Map(rules).bind("gate.example")


def test_address_is_matched_and_its_parts_are_told(places):
    assert places.match("/gates/G1/state", "POST") == ("state", {"gate_id": "G1"})
    with pytest.raises(NotFound):
        places.match("/gates/G1/doors", "POST")


def test_address_is_written_the_first_time_and_again(places):
    written = [places.build("state", {"gate_id": gate_id}) for gate_id in ("G1", "G 2")]

    assert written == ["/gates/G1/state", "/gates/G%202/state"]
    assert places.build("gates", {"area": "park"}) == "/gates?area=park"
    with pytest.raises(BuildError):
        places.build("state", {})


def test_rules_of_one_text_lead_each_to_its_own_end():
    maps = [Map([MatchedRule("/gates/<gate_id>", endpoint=name)]) for name in ("one", "other")]

    met = [places.bind("gate.example").match("/gates/G1") for places in maps]

    assert met == [("one", {"gate_id": "G1"}), ("other", {"gate_id": "G1"})]


def test_map_that_reads_otherwise_shares_nothing():
    rules = [MatchedRule("/gates/<gate_id>", endpoint="gate")]
    places = Map(rules, converters={"default": IntegerConverter}).bind("gate.example")

    assert places.match("/gates/7") == ("gate", {"gate_id": 7})
    with pytest.raises(NotFound):
        places.match("/gates/G1")
