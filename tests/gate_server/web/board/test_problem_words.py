"""What went wrong is said in the reader's language: by its slug or its field's fault."""

from __future__ import annotations

import ast
import re
from functools import cache
from html import unescape
from itertools import count
from pathlib import Path

import pytest

import admission
import gate_server
from admission.errors import Fault, InvalidInput, LedgerConflict, LedgerRefused, NotFound
from gate_server.web.board.acts import REGISTRY
from gate_server.web.board.fault_words import FAULTS
from gate_server.web.board.fields import Kind
from gate_server.web.board.problem_words import SENTENCES, tell
from gate_server.web.problems import KINDS
from tests.desk import PASSWORD, a_desk
from tests.server import slug_of

PACKAGES = Path(admission.__file__).parent, Path(gate_server.__file__).parent
# What pages and acts hand on to: whatever these refuse, a person may have asked for.
ASKED_BY_PEOPLE = {
    "admission/broadcasts.py",
    "admission/corrections.py",
    "admission/settlement_months.py",
    "admission/tickets.py",
    "gate_server/audit_search.py",
    "gate_server/blocks.py",
    "gate_server/broadcasts.py",
    "gate_server/closures.py",
    "gate_server/counting.py",
    "gate_server/figures.py",
    "gate_server/handover.py",
    "gate_server/incidents.py",
    "gate_server/ledger/accounts.py",
    "gate_server/ledger/actions.py",
    "gate_server/ledger/broadcasts.py",
    "gate_server/ledger/closures.py",
    "gate_server/ledger/crowd.py",
    "gate_server/ledger/devices.py",
    "gate_server/ledger/people.py",
    "gate_server/ledger/statements.py",
    "gate_server/statements.py",
    "gate_server/web/vouchers.py",
}
ERRORS = "InvalidInput", "LedgerConflict", "Refused"
_names = count(1)


@cache
def made():
    """Return all calls that make an error people may meet, each with its file."""
    found = []
    for path in (path for package in PACKAGES for path in package.rglob("*.py")):
        text, where = path.read_text("utf-8"), path.relative_to(PACKAGES[0].parent).as_posix()
        if any(f"raise {name}(" in text for name in ERRORS):
            found += [(where, node) for node in ast.walk(ast.parse(text)) if name_of(node)]
    return found


def name_of(node):
    """Return which error a call makes, if it makes one."""
    name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
    return name if name in ERRORS else ""


def raised(*names):
    """Return the calls that make errors of these classes, each with its file."""
    return [(where, node) for where, node in made() if name_of(node) in names]


def alert(answer):
    """Return what a page says went wrong."""
    found = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
    assert found is not None, answer.text
    return unescape(found[1])


def english(sentence):
    """Return the English words of a sentence, but for what was typed and a command's name."""
    said = re.sub(r"“[^”]*”|gate-server doctor|PIN", "", sentence)
    return re.findall(r"[A-Za-z]{2,}", said)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("words"), "admin", "boss") as desk:
        desk.site.http.headers["Accept-Language"] = "zh"
        desk.other = desk.beside("supervisor")
        desk.other.site.http.headers["Accept-Language"] = "zh"
        yield desk


# --- nothing is left out -------------------------------------------------------------------------


def test_every_slug_has_its_sentence():
    slugs = {
        each.value
        for _, node in raised("LedgerConflict", "Refused")
        for each in node.args[:1]
        if isinstance(each, ast.Constant)
    }

    assert len(slugs) > 60
    assert (slugs | KINDS.keys()) - SENTENCES.keys() == set()


def test_every_fault_of_a_field_has_its_sentence():
    assert set(Fault) == FAULTS.keys()


def test_what_people_ask_for_is_never_refused_without_its_fault():
    bare = [
        f"{path}:{node.lineno}"
        for path, node in raised("InvalidInput")
        if path in ASKED_BY_PEOPLE and "Fault." not in ast.unparse(node)
    ]

    assert bare == []


# --- what the page says --------------------------------------------------------------------------


def nonsense(kind):
    return {
        Kind.NUMBER: "-5",
        Kind.MONEY: "1.2345",
        Kind.TIME: "soon",
        Kind.CHOICE: "nothing",
        Kind.MANY: "nothing",
    }.get(kind, "x" * 700)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_no_act_refuses_in_another_language(desk, name):
    act = REGISTRY[name]
    seat = desk if "admin" in act.who else desk.other
    subject = dict.fromkeys(act.subject, "nothing")
    fields = {field.name: nonsense(field.kind) for field in act.fields}
    sent = [
        seat.try_to(name, **subject, **given, step="do", password=PASSWORD)
        for given in ({}, fields)
        if fields or not given
    ]

    refused = [answer for answer in sent if answer.status_code >= 400]
    assert all(answer.status_code < 500 for answer in refused)
    assert [english(alert(answer)) for answer in refused] == [[]] * len(refused)


def a_scan(desk, outcome):
    """Return how acts name a scan that was let in, or that called for a human."""
    park, number = desk.park, next(_names)
    device, nonce = park.enrol(), f"words-{number:04}"
    codes = [f"CODE-{number}-{each}" for each in range(1 if outcome == "admit" else 2)]
    park.sell(*codes, order_ref=f"ORDER-{number}")
    code = codes[0] if outcome == "admit" else f"ORDER-{number}"
    assert desk.site.scan(device, code, nonce=nonce)["outcome"] == outcome
    return {"nonce": nonce, "device_id": device.name}


def twice(act, **fields):
    """Have two people do the same: the second is refused."""

    def ask(desk):
        desk.other.do(act, **fields)
        return desk.try_to(act, **fields)

    return ask


def answered(act):
    def ask(desk):
        scan = a_scan(desk, "refer")
        desk.other.do("call-admit", **scan, reason="seen")
        return desk.try_to(act, **scan, reason="seen")

    return ask


def plainly(act, **fields):
    return lambda desk: desk.try_to(act, **fields)


REFUSALS = {
    "call let in by two": (answered("call-admit"), "该次验票已经放行。"),
    "call let in, then not": (answered("call-close"), "该次验票已经放行。"),
    "nobody to take back": (
        lambda desk: desk.try_to(
            "scan-annul",
            **{**a_scan(desk, "refer"), "people": "1"},
            reason="dead",
        ),
        "该次验票未放行，无需撤销。",
    ),
    "more than were let in": (
        lambda desk: desk.try_to(
            "scan-annul", **a_scan(desk, "admit"), people="7", reason="the lane died"
        ),
        "未通过人数一栏：不得大于 1。",
    ),
    "gate that is no more": (
        plainly("gate-state", gate_id="G9", state="paused", reason="rain"),
        "所选内容不存在或已变更，请刷新页面。",
    ),
    "no reason": (
        plainly("gate-state", gate_id="G1", state="paused", reason=" "),
        "原因一栏：请填写。",
    ),
    "reason too long": (
        plainly("emergency", reason="x" * 501),
        "原因一栏：最多 500 个字符。",
    ),
    "gate there already": (
        plainly("gate-add", gate_id="G1", name="South", area="park"),
        "已有此编号的检票口。",
    ),
    "partner of nobody": (
        plainly("user-add", name="part", role="partner", password=PASSWORD),
        "平台（仅平台驻场人员需要）一栏：与其他栏目不一致。",
    ),
    "name with a space": (
        plainly("user-add", name="a b", role="steward", password=PASSWORD),
        "登录名一栏：只能使用字母、数字、-、_，且不宜过长。",
    ),
    "account there already": (
        plainly("user-add", name="boss", role="steward", password=PASSWORD),
        "已有同名账号。",
    ),
    "password of another": (
        plainly("user-disable", user="boss", password="another one"),
        "密码不正确。",
    ),
    "fen of a fen": (
        plainly(
            "deal-hold",
            deal_id="DAY",
            reason="price",
            at_gate="refer",
            **{"scope.price_at_most_minor": "12.345"},
        ),
        "每人实付不高于一栏：小数点后最多 2 位。",
    ),
    "held and released by two": (
        lambda desk: (
            desk.other.do("deal-hold", deal_id="DAY", reason="price", at_gate="refer", step="do"),
            twice("deal-release", deal_id="DAY", reason="checked", password=PASSWORD)(desk),
        )[1],
        "该票种不在暂停验票状态。",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_real_refusal_is_told_in_chinese(desk, name):
    ask, said = REFUSALS[name]
    answer = ask(desk)

    assert answer.status_code in {400, 403, 404, 409}
    assert alert(answer) == said
    assert english(alert(answer)) == []


@pytest.mark.parametrize("address", ["/figures?from=soon", "/audit?from=soon", "/gates/G9"])
def test_page_that_is_not_shown_says_so_in_chinese(desk, address):
    answer = desk.open(address)

    assert answer.status_code in {400, 404}
    assert english(alert(answer)) == []


def test_look_up_without_its_reason_says_so_in_chinese(desk):
    answer = desk.other.site.send("/lookup", "/lookup", how="phone_last4", what="1234")

    assert (answer.status_code, alert(answer)) == (
        400,
        "请填写原因：只凭手机号后4位也会查到他人的电子票。",
    )


def test_address_that_there_is_not_is_a_page_to_people_and_json_to_programs(desk):
    http = desk.other.site.http
    page = http.get("/no-such-page", headers={"Accept": "text/html"})
    call = http.get("/api/v1/no-such-call", headers={"Accept": "text/html"})

    assert (page.status_code, alert(page)) == (404, "没有这个页面。")
    assert 'href="/lookup"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert slug_of(call) == slug_of(http.get("/no-such-page")) == "not-found"


def test_other_language_says_the_same(desk):
    send, english = desk.other.site.http, {"Accept-Language": "en"}
    shown = send.get("/act/gate-state?gate_id=G1", headers=english)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)[1]
    form = {"csrf_token": token, "gate_id": "G1", "state": "paused", "reason": "x" * 501}
    answer = send.post("/act/gate-state", data=form, headers=english)

    assert alert(answer) == "Reason: at most 500 characters."


@pytest.mark.parametrize(
    ("error", "said", "detail"),
    [
        (InvalidInput("mode", "is odd"), "所填内容不可用：所填内容不可用。", "mode: is odd"),
        (NotFound("no feed F7"), "所选内容不存在或已变更，请刷新页面。", "no feed F7"),
        (LedgerRefused("run doctor"), "服务器未能完成此操作，原因见服务器日志。", "run doctor"),
        (LedgerConflict("new-one", "not now"), "当前状态不允许此操作，请刷新页面。", "not now"),
        (LedgerConflict("not-held", "deal D is not on hold"), "该票种不在暂停验票状态。", ""),
    ],
)
def test_what_has_no_words_of_its_own_has_its_detail_behind(app, error, said, detail):
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        told = tell(error)

    assert (told.words, told.detail) == (said, detail)
