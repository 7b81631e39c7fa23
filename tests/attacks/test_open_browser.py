"""Attacks from a browser that a supervisor left open: the calls behind what asks for a password."""

from __future__ import annotations

import re

import pytest

from gate_server.web.nouns import NOUNS
from tests.boards import be_seated
from tests.server import Park, an_app, slug_of

OPERATIONS = [each for noun in NOUNS for each in noun.operations if each.password]
BODY = {"reason": "nobody looks"}


@pytest.fixture(scope="module")
def park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("open") / "var")
    yield park
    park.close()


@pytest.fixture(scope="module")
def left_open(park):
    """A site whose client has the session and, in a header, its form token."""
    with an_app(park) as (_, site):
        be_seated(site, park, "supervisor", "left-open")
        page = site.http.get("/account").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        site.http.headers["X-CSRF-Token"] = token
        yield site


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("query", ["", "?preview=true"])
def test_session_alone_does_nothing_that_asks_for_the_password(park, left_open, operation, query):
    path = re.sub(r"<[a-z_]+>", "DAY", operation.rule)
    before = park.ledger.revision
    answer = left_open.call(operation.method, path + query, None, BODY)

    assert answer.status_code == 403
    assert slug_of(answer) == "password-needed"
    assert "bearer token" in answer.json()["detail"]
    assert park.ledger.revision == before


def test_bearer_token_does_what_a_session_may_not(park, left_open):
    boss = park.hire("supervisor")
    held = left_open.post("/deals/DAY/hold", None, BODY)
    refused = left_open.post("/deals/DAY/release", None, BODY)
    still_held = left_open.get("/deals/DAY").json()["status"]
    released = left_open.post("/deals/DAY/release", boss, BODY)

    assert held.json()["status"] == "held"
    assert slug_of(refused) == "password-needed"
    assert still_held == "held"
    assert released.json()["status"] == "active"
