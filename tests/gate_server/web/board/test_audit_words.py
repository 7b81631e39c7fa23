"""What the audit's page says: every field and code has words, and what is empty is left out."""

import ast
from functools import partial
from pathlib import Path

import msgspec
import pytest

from admission.blocks import BlockOrigin
from admission.deals import AtGate, HoldScope
from admission.findings import FindingKind, Policy
from admission.incidents import Figures, IncidentKind
from admission.reconcile import ConflictKind
from admission.remedies import Refund
from admission.scans import Direction, GateState, PartyDefault, Profile
from admission.surges import SurgeCard
from admission.voids import CostBearer, Honour
from admission.wire_passage import ReportKind
from admission.wire_settlement import ListKind
from admission.wire_staff import RemedyWire, VoidRequest
from gate_server.bundle import Exported
from gate_server.ledger import actions
from gate_server.ledger.duty import Form
from gate_server.ledger.feeds import FeedKind
from gate_server.web.board.audit_words import POSITIONS, event_names, field_names, value_names
from gate_server.web.callers import Role
from tests.desk import a_desk

ROOT = Path(__file__).parents[4]
CODES = (
    AtGate, BlockOrigin, ConflictKind, CostBearer, Direction, FeedKind, FindingKind, Form,
    GateState, IncidentKind, ListKind, PartyDefault, Policy, Profile, Refund, ReportKind, Role,
)  # fmt: skip
ELSEWHERE = {"buyers", "ids", "mark", "secret"}
"""Names in the same functions, of a statement's values and of what is told once."""
NESTED = (Exported, Figures, Honour, RemedyWire, SurgeCard, VoidRequest)


def record_calls():
    """Yield each function that audits something, with its calls that do."""
    for path in (ROOT / "gate_server").rglob("*.py"):
        text = path.read_text("utf-8")
        if "record_event(" not in text:
            continue
        for each in ast.walk(ast.parse(text)):
            if isinstance(each, ast.FunctionDef):
                calls = [call for call in ast.walk(each) if is_record(call)]
                if calls:
                    yield each, calls


def is_record(node):
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "record_event"
    )


def keys_in(function):
    """Return every name that a function gives to something in a dictionary."""
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            names = node.keys
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            names = [node.slice]
        else:
            continue
        found = (name.value for name in names if isinstance(name, ast.Constant))
        yield from (name for name in found if isinstance(name, str))


@pytest.fixture(scope="module")
def recorded():
    return list(record_calls())


def test_every_event_that_the_code_records_has_a_name(recorded):
    firsts = [call.args[0] for _, calls in recorded for call in calls]
    events = {first.value for first in firsts if isinstance(first, ast.Constant)}

    assert len(events) > 80, "the code was read"
    assert events - set(event_names()) == set()


def test_every_field_that_the_code_records_has_a_name(recorded):
    fields = {name for function, _ in recorded for name in keys_in(function)}

    assert len(fields) > 80, "the code was read"
    assert fields - ELSEWHERE - set(field_names()) == set()


def test_every_field_within_a_field_has_a_name():
    inner = {each.name for kind in NESTED for each in msgspec.inspect.type_info(kind).fields}
    inner |= {name for names in POSITIONS.values() for name in names}

    assert inner - set(field_names()) == set()


def test_every_stored_code_has_a_name():
    assert {each.value for kind in CODES for each in kind} - set(value_names()) == set()


def test_names_are_in_both_languages():
    names = [*event_names().items(), *field_names().items(), *value_names().items()]

    assert [name for name, said in names if not said.zh or not said.en] == []


def test_hold_says_its_scope_and_nothing_of_what_it_has_not(tmp_path):
    with a_desk(tmp_path / "var", "admin") as desk:
        scope = HoldScope(sold_from=desk.park.ledger.clock())
        hold = partial(actions.hold_deal, deal_id="DAY", reason="odd", scope=scope, by="anne")
        desk.park.change(
            lambda tx: hold(tx, at_gate=AtGate.REFER, now=desk.park.ledger.clock()),
        )
        page = desk.see("/audit?event=hold")

    assert "None" not in page
    assert "sold from" in page
    assert "to a supervisor" in page
    assert "sold until" not in page
