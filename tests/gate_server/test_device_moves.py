"""Devices that are moved or cleared, by command and on the event stream."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from admission.errors import LedgerConflict, NotFound
from gate_server.cli import main
from gate_server.commands import venue
from gate_server.commands.services import Services
from tests.people import an_operator, sign_in
from tests.server import Park, an_app


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def services(park):
    return Services(park.ledger, park.keys, park.settings, park.directory, "test")


def test_moved_device_is_judged_by_its_new_gate_at_once(park, services):
    lane = park.enrol(gate_id="G2")
    park.sell("CODE-0001")
    with an_app(park) as (_, site):
        assert site.scan(lane, "CODE-0001")["reason"] == "wrong_gate"

        venue.move_device(services, venue.MoveDevice(device_id=lane.name, gate_id="G1"))

        assert site.scan(lane, "CODE-0001")["reason"] == "admitted"


def test_who_was_signed_in_has_left_when_the_device_is_moved(park, services):
    lane = park.enrol()
    with an_app(park) as (_, site):
        sign_in(site, lane, an_operator(park))

        venue.move_device(services, venue.MoveDevice(device_id=lane.name, gate_id="G2"))

    assert park.ledger.catalogue.operator_at(lane.name, park.ledger.clock()) is None


def test_move_to_where_it_stands_changes_nothing(park, services):
    lane, before = park.enrol(), park.ledger.revision

    venue.move_device(services, venue.MoveDevice(device_id=lane.name, gate_id="G1"))

    assert park.ledger.revision == before


@pytest.mark.parametrize(("device_id", "gate_id"), [("D99", "G1"), ("D1", "G99")])
def test_what_is_not_there_cannot_be_moved(park, services, device_id, gate_id):
    park.enrol()

    with pytest.raises(NotFound):
        venue.move_device(services, venue.MoveDevice(device_id=device_id, gate_id=gate_id))


def test_device_that_was_not_suspended_cannot_be_cleared(park, services):
    lane = park.enrol()

    with pytest.raises(LedgerConflict, match="not suspended"):
        venue.clear_device(services, venue.ClearDevice(device_id=lane.name, reason="seen"))


def test_commands_move_a_device_and_refuse_to_clear_one_that_works(tmp_path):
    park = Park(tmp_path / "var")
    device_id = park.enrol(gate_id="G1").name
    park.close()
    base = ["--data", str(park.directory), "device"]

    moved = CliRunner().invoke(main, [*base, "move", device_id, "--gate", "G2", "--json"])
    refused = CliRunner().invoke(main, [*base, "clear", device_id, "--reason", "seen"])

    assert json.loads(moved.stdout) == {"device_id": device_id, "gate_id": "G2"}
    assert (refused.exit_code, "not suspended" in refused.output) == (1, True)
