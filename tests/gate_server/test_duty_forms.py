"""Messages in the three forms, sent to robots that check what the real ones check."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from admission.errors import InvalidInput
from gate_server.duty import send
from gate_server.duty_forms import Message, Told, check_address, write_posting
from gate_server.feeds.http import Limits
from gate_server.ledger.duty import Form
from tests.robots import KEY, SEC, SECRET, TOKEN, answer, endless, reset, robots, says, silent

AT = datetime(2015, 2, 11, 14, 12, tzinfo=UTC)
SECRETS = {"standard": SECRET, "wecom": None, "dingtalk": SEC}


@pytest.fixture
def server():
    with robots() as server:
        yield server


def a_message(server, form="standard", **changes):
    told = {
        "type": "incident.opened",
        "at": AT,
        "title_zh": "锦绣园：“联票”售价异常",
        "title_en": "Park: Combined ticket, absurd price",
        "zh": "发现：每人0.01元\n请决定：release 或 void",
        "en": "Found: 0.01 a person\nPlease decide: release or void",
        "data": {"incident_id": "I1"},
    }
    given = {"message_id": "msg_1", "form": Form(form), "url": getattr(server, form)}
    given |= {"secret": SECRETS[form]}
    given |= {name: changes.pop(name) for name in ("url", "secret") if name in changes}
    return Message(**given, told=Told(**(told | changes)))


@pytest.mark.parametrize("form", Form)
def test_message_is_taken_in_each_form(server, form):
    outcome = send(a_message(server, form))

    assert outcome.problem is None
    assert len(server.of(form)) == 1


def test_standard_message_is_for_machines_and_for_people(server):
    send(a_message(server))

    (told,) = server.of("standard")
    assert told["type"] == "incident.opened"
    assert told["timestamp"] == "2015-02-11T14:12:00Z"
    assert told["data"]["incident_id"] == "I1"
    assert told["data"]["title"]["zh"].startswith("锦绣园")
    assert told["data"]["text"]["en"].endswith("release or void")
    assert server.ids() == ["msg_1"]


def test_standard_message_has_the_same_bytes_in_every_try(server):
    first, second = (
        write_posting(a_message(server), datetime(2015, 2, 11, hour, tzinfo=UTC))
        for hour in (15, 16)
    )

    assert first.body == second.body
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("form", ["wecom", "dingtalk"])
def test_robots_are_told_chinese_first_and_the_keyword(server, form):
    send(a_message(server, form))

    markdown = server.of(form)[0]["markdown"]
    text = markdown.get("content") or markdown["text"]
    assert text.startswith("Gatehouse")
    assert 0 < text.index("每人0.01元") < text.index("0.01 a person")


@pytest.mark.parametrize("form", ["wecom", "dingtalk"])
def test_text_from_a_platform_is_no_markup(server, form):
    title = "<@all> [click](http://bad.example) **x** # `y` <font color='red'>"
    send(a_message(server, form, title_zh=title, zh=title))

    markdown = server.of(form)[0]["markdown"]
    text = (markdown.get("content") or markdown["text"]).replace("**", "", 4)
    assert not set("<>[]()*`#@") & set(text)


@pytest.mark.parametrize("length", [10, 2000, 20_000])
def test_long_message_is_cut_to_what_a_robot_takes(server, length):
    long = {"zh": "售" * length, "en": "sold " * length}
    outcomes = [send(a_message(server, form, **long)).problem for form in ("wecom", "dingtalk")]

    assert outcomes == [None, None]
    content = server.of("wecom")[0]["markdown"]["content"]
    assert "售" in content
    assert "sold" in content


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("standard", {"secret": "whsec_" + "A" * 40}),
        ("dingtalk", {"secret": "SECwrong"}),
        ("dingtalk", {"secret": None}),
    ],
)
def test_wrong_secret_is_found_out(server, form, changes):
    outcome = send(a_message(server, form, **changes))

    assert outcome.problem is not None
    assert server.taken == []


@pytest.mark.parametrize(
    ("form", "trouble", "problem", "retry_after_s"),
    [
        ("standard", answer(503, retry_after="120"), "it answered HTTP 503", 120.0),
        ("standard", answer(429), "it answered HTTP 429", None),
        ("standard", answer(404), "it answered HTTP 404", None),
        ("standard", answer(302, location="http://127.0.0.1/"), "it answered HTTP 302", None),
        ("standard", reset, "broke off", None),
        ("standard", endless, "larger than", None),
        ("wecom", says(45009), "errcode 45009: too many", 60.0),
        ("wecom", says(93000, f"invalid webhook {KEY}"), "errcode 93000: there is no", None),
        ("wecom", says(1), "errcode 1", None),
        ("wecom", answer(200, b"<html>"), "not a robot's", None),
        ("wecom", answer(200, b'{"errcode": "0"}'), "not a robot's", None),
        ("wecom", answer(200, b"[" * 50_000), "not a robot's", None),
        ("dingtalk", says(130101), "errcode 130101: too many", 600.0),
        ("dingtalk", says(310000, "keywords not in content"), "safety settings", None),
    ],
)
def test_what_is_not_taken_is_told_in_our_own_words(server, form, trouble, problem, retry_after_s):
    server.troubles[form].append(trouble)

    outcome = send(a_message(server, form))
    assert problem in outcome.problem
    assert outcome.retry_after_s == retry_after_s
    assert not any(secret in outcome.problem for secret in (KEY, TOKEN, server.base))


def test_nobody_there_is_an_outcome():
    with robots() as gone:
        message = a_message(gone)

    assert send(message).problem.startswith("no answer from it: ")


def test_silent_receiver_is_given_up_in_time(server):
    limits = Limits(1.0, 5.0, 0.3, 1 << 16)
    server.troubles["standard"].append(silent(1.0))

    assert send(a_message(server), limits=limits).problem == "it took longer than 0.3 s"


@pytest.mark.parametrize("form", Form)
def test_no_secret_is_in_a_log_or_a_repr(server, form, caplog):
    caplog.set_level(logging.DEBUG)
    message = a_message(server, form)
    send(message)
    server.always[form] = answer(500)
    send(message)

    told = caplog.text + repr(message) + repr(write_posting(message, AT))
    assert not any(secret in told for secret in (KEY, TOKEN, SEC, SECRET))


@pytest.mark.parametrize(
    ("form", "url", "secret", "field"),
    [
        ("wecom", "ftp://example.org/", None, "url"),
        ("wecom", "http://example.org/hook", None, "url"),
        ("wecom", "https://user:pw@example.org/hook", None, "url"),
        ("wecom", "https://example.org/hook#part", None, "url"),
        ("wecom", "https://[half", None, "url"),
        ("wecom", "https:///send", None, "url"),
        ("wecom", "https://example.org:99999/", None, "url"),
        ("wecom", "https://例.org/a b", None, "url"),
        ("wecom", "", None, "url"),
        ("wecom", "https://example.org/hook", "SEC", "secret"),
        ("standard", "https://example.org/hook", None, "secret"),
        ("standard", "https://example.org/hook", "whsec_short", "secret"),
        ("standard", "https://example.org/hook", "whsec_" + "A" * 20, "secret"),
        ("dingtalk", "https://example.org/hook", "SEC\n2", "secret"),
    ],
)
def test_address_that_cannot_be_called_is_refused(form, url, secret, field):
    with pytest.raises(InvalidInput) as refused:
        check_address(Form(form), url, secret)

    assert refused.value.field == field
    assert "user:pw" not in str(refused.value)


def test_only_a_small_part_of_an_address_is_shown():
    robot = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"

    assert check_address(Form.WECOM, robot, None) == f"qyapi.weixin.qq.com …{KEY[-4:]}"
    assert check_address(Form.DINGTALK, "https://d.example/k=secret", SEC) == "d.example"
