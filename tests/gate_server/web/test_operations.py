"""What holds for every call: denied unless named, and whatever happens is a problem document."""

import json
from io import BytesIO

import pytest
from msgspec import Struct

from gate_server.web.callers import STEWARDS, Role
from gate_server.web.operations import MOST_BYTES, Noun, Reply, read_body
from gate_server.web.problems import KINDS, Refused, make_problem
from tests.server import an_app, slug_of


class Nothing(Struct):
    """An answer without fields."""


def an_operation(view, **terms):
    noun = Noun("tests")
    noun.operation("GET", "/tests", answer=Nothing, **terms)(view)
    return noun.operations[0]


def ask(park, operation, member=None):
    environ = {"HTTP_AUTHORIZATION": f"Bearer {member.token}"} if member else {}
    with an_app(park) as (app, _):
        return operation.answer(app.services, environ, {})


def say_nothing(_):
    return Nothing()


def fail(_):
    raise RuntimeError("secret detail")


@pytest.mark.parametrize("role", Role)
def test_call_that_names_nobody_is_denied_to_all(park, role):
    reply = ask(park, an_operation(say_nothing), park.hire(role))

    assert reply.status == 403


def test_auditor_may_read_what_staff_may(park):
    operation = an_operation(say_nothing, who=STEWARDS)

    assert ask(park, operation, park.hire("auditor")).status == 200
    assert ask(park, operation, park.hire("partner")).status == 403


def test_defect_is_a_problem_that_gives_nothing_away(park):
    reply = ask(park, an_operation(fail, public=True))
    problem = json.loads(reply.body)

    assert (reply.status, problem["type"]) == (500, "/problems/internal")
    assert b"secret" not in reply.body


def test_ledger_that_cannot_write_leaves_a_scan_undecided(site, park):
    device = park.enrol()
    park.ledger.close()
    answer = site.try_scan(device, "ANY-CODE-1")

    assert (answer.status_code, slug_of(answer)) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-gatehouse-epoch"] == park.ledger.epoch


@pytest.mark.parametrize("slug", KINDS)
def test_problem_says_its_status_and_title(slug):
    problem = make_problem(slug, "why").problem

    assert problem.type == f"/problems/{slug}"
    assert 400 <= problem.status <= 503
    assert problem.title != problem.detail


def test_body_is_read_to_the_limit_whatever_its_length_says():
    whole = {"CONTENT_LENGTH": str(MOST_BYTES), "wsgi.input": BytesIO(b"x" * MOST_BYTES)}
    unsaid = {"wsgi.input": BytesIO(b"x" * (MOST_BYTES + 1))}
    said = {"CONTENT_LENGTH": str(MOST_BYTES + 1), "wsgi.input": BytesIO()}

    assert len(read_body(whole)) == MOST_BYTES
    for environ in (unsaid, said):
        with pytest.raises(Refused) as refused:
            read_body(environ)
        assert refused.value.slug == "too-large"


def test_reply_has_headers_of_its_own():
    one, other = Reply(b""), Reply(b"")
    one.headers.append(("X-One", "1"))

    assert other.headers == []
