"""Which gates let people in, by their state and by who is there; what the others need."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from admission.crowd_queues import lets_in
from admission.scans import Device, PartyDefault, Profile
from tests.admission.test_crowd import NOON, a_count, a_crowd, a_gate, closed


def unmanned(gate_id):
    return a_gate(gate_id, rate=0, manned=False)


def test_gate_where_nobody_lets_people_in_is_to_be_manned_and_is_not_called_open():
    view = a_crowd(a_count(150), gates=(a_gate("G1"), unmanned("G2")))
    (advice,) = view.advice

    assert (advice.kind, advice.gates, advice.unmanned) == ("man_gates", (), ("gate G2",))
    assert (advice.wait_min, advice.after_min) == (15, pytest.approx(7.5))
    assert [gate.open for gate in view.gates] == [True, False]


def test_closed_gate_is_to_be_opened_and_an_unmanned_one_to_be_manned():
    gates = a_gate("G1"), closed("G2"), unmanned("G3")
    (advice,) = a_crowd(a_count(300), gates=gates).advice

    assert (advice.kind, advice.gate_ids) == ("open_and_man", ("G2", "G3"))
    assert (advice.gates, advice.unmanned) == (("gate G2",), ("gate G3",))


def test_gate_that_let_people_in_lately_is_manned_whatever_is_heard_of_devices():
    counted = replace(unmanned("G1"), admitted=(0,) * 55 + (4, 0, 0, 0, 0))
    before = replace(counted, admitted=(0,) * 54 + (4, 0, 0, 0, 0, 0))

    assert (counted.open, before.open, replace(counted, opened=False).open) == (True, False, False)


@pytest.mark.parametrize(
    ("fields", "heard_min", "lets"),
    [
        ({}, 3, True),
        ({}, 3.1, False),
        ({}, None, False),
        ({"profile": Profile.KIOSK}, 0, True),
        ({"profile": Profile.MARSHAL}, 0, False),
        ({"profile": Profile.EXCHANGE}, 0, False),
        ({"suspended": True}, 0, False),
        ({"revoked": True}, 0, False),
    ],
)
def test_device_lets_in_by_its_profile_its_state_and_its_last_word(fields, heard_min, lets):
    device = replace(Device("D1", "lane", "G1", Profile.GATE, PartyDefault.ALL), **fields)
    heard_at = None if heard_min is None else NOON - timedelta(minutes=heard_min)

    assert lets_in(device, heard_at, NOON) is lets


def test_people_counted_before_a_gate_that_nobody_attends_wait_all_the_same():
    counts = a_count(100, gate_id="G1"), a_count(40, gate_id="G2")
    found = a_crowd(*counts, gates=(a_gate("G1"), unmanned("G2"))).areas[0].found

    assert found.waiting.value == 140
