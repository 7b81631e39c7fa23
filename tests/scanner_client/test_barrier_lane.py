"""Which verdicts open the lane's turnstile, and who tells it of an evacuation."""

from __future__ import annotations

import io
from contextlib import contextmanager

import pytest

from admission import wire
from admission.scans import GateState, Mode
from admission.verdicts import Reason
from scanner_client.barrier_lane import gatekeeper
from scanner_client.barrier_state import ALL_WELL, BarrierState
from scanner_client.checkin import Shown
from scanner_client.outputs import Outputs
from scanner_client.scanner import open_scanner
from tests.fakes import ENROLMENT_CODE, FakeGate, an_answer
from tests.scanner_client.barriers import HandBarrier, wait_for
from tests.scanner_client.scanners import a_park, feed
from tests.scanner_client.test_cli import scanner


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    state = tmp_path_factory.mktemp("lane") / "state"
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state)
    return state


class Screen:
    """An output that can show how the turnstile stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[BarrierState] = []

    def reading(self) -> None:
        pass

    def show(self, shown) -> None:
        pass

    def show_link(self, outlook) -> None:
        pass

    def report(self, line: str) -> None:
        self.lines.append(line)

    def barrier_state(self, state: BarrierState) -> None:
        self.states.append(state)


@contextmanager
def a_lane(state):
    barrier, screen = HandBarrier(), Screen()
    with open_scanner(state, io.StringIO(), io.StringIO()) as opened:
        output = Outputs([opened.presenter, screen])
        with gatekeeper(opened, output, barrier) as keeper:
            wait_for(lambda: barrier.outputs)
            yield opened, keeper, barrier, screen


def a_verdict(nonce, reason=Reason.ADMITTED, mode=Mode.ADMIT, **changes):
    answer = an_answer(nonce, reason, **changes)
    return Shown(nonce, answer.outcome, answer.message, answer, mode=mode)


def tell_gate(opened, *, emergency):
    names = {"gate_id": "G1", "name": "South", "area": "park"}
    event = wire.GateEvent(**names, state=GateState.OPEN, emergency=emergency)
    for listener in opened.listeners:
        listener(event)


def test_only_who_may_pass_opens_and_only_once(enrolled):
    with a_lane(enrolled) as (_, keeper, barrier, _):
        for number, (reason, mode) in enumerate(
            [
                (Reason.USED_UP, Mode.ADMIT),
                (Reason.EMERGENCY, Mode.ADMIT),
                (Reason.DEAL_HELD, Mode.REENTRY),
                (Reason.ADMITTED, Mode.CHECK),
                (Reason.ADMITTED, Mode.ARRIVE),
                (Reason.ADMITTED, Mode.EXCHANGE),
            ]
        ):
            keeper.shown(a_verdict(f"closed-{number:04}", reason, mode))
        keeper.shown(a_verdict("open-0001"))
        keeper.shown(a_verdict("open-0001"))
        wait_for(lambda: barrier.held)
        barrier.turn()
        wait_for(lambda: not barrier.held)
        keeper.shown(a_verdict("open-0001", replayed=True))
        keeper.shown(a_verdict("exit-0001", Reason.EXIT_RECORDED))
        wait_for(lambda: barrier.held)
        barrier.turn()
        wait_for(lambda: not barrier.held)

    assert barrier.pulses == 2


def test_scan_that_an_earlier_process_opened_for_is_not_opened_for_again(enrolled):
    with a_lane(enrolled) as (_, keeper, barrier, _):
        keeper.shown(a_verdict("restart-1"))
        wait_for(lambda: barrier.held)
    with a_lane(enrolled) as (_, keeper, barrier, _):
        keeper.shown(a_verdict("restart-1", replayed=True))
        keeper.shown(a_verdict("restart-2"))
        wait_for(lambda: barrier.held)

    assert barrier.pulses == 1


def test_override_from_the_event_stream_opens(enrolled):
    with a_lane(enrolled) as (opened, _, barrier, _):
        for listener in opened.listeners:
            listener(an_answer("refused-01", Reason.OVERRIDDEN, admitted=1))
        wait_for(lambda: barrier.held)


def test_evacuation_told_by_the_stream_opens_until_it_is_over(enrolled):
    with a_lane(enrolled) as (opened, keeper, barrier, screen):
        tell_gate(opened, emergency=True)
        wait_for(lambda: barrier.held)
        watched = keeper.watches()
        tell_gate(opened, emergency=False)
        wait_for(lambda: not barrier.held)

    assert not watched
    assert [state.open for state in screen.states] == [False, True, False]
    assert screen.states[-1] == ALL_WELL
    assert "紧急疏散" in screen.lines[1]


def test_evacuation_that_only_the_replica_knows_opens_too(enrolled):
    with a_lane(enrolled) as (opened, _, barrier, _):
        feed(opened.replica, *a_park("CODE-0001"), emergency=True)
        wait_for(lambda: barrier.held)
        feed(opened.replica, revision=6)
        wait_for(lambda: not barrier.held)


def test_disk_that_takes_no_note_keeps_nobody_out(enrolled):
    with a_lane(enrolled) as (opened, keeper, barrier, _):
        opened.journal.forget()
        keeper.shown(a_verdict("unnoted-1"))
        wait_for(lambda: barrier.held)
