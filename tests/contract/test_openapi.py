"""The OpenAPI document, held against the running server."""

import json

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gate_server.web.nouns import NOUNS
from gate_server.web.openapi import make_document, slugs_of
from gate_server.web.problems import KINDS
from tests.contract.test_who import OPERATIONS
from tests.server import Park, a_running_server

DOCUMENT = json.loads(make_document(NOUNS))
HELD = (
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)


def test_every_call_is_described():
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1').replace('{', '<').replace('}', '>')}"
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    }

    assert described == OPERATIONS.keys()


def test_unknown_fields_are_refused_by_the_document_too():
    bodies = {op.body.__name__ for op in OPERATIONS.values() if op.body is not None}
    schemas = DOCUMENT["components"]["schemas"]

    assert bodies
    assert [name for name in bodies if schemas[name].get("additionalProperties", True)] == []


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_problems_are_known(operation):
    assert set(operation.problems) <= KINDS.keys()
    assert {KINDS[slug].status for slug in slugs_of(operation)} >= {400, 500, 503}


def test_every_call_says_what_it_does():
    assert [op for op in OPERATIONS.values() if not (op.view.__doc__ or "").strip()] == []


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("openapi") / "var")
    park.sell("KNOWN-CODE-1", "KNOWN-CODE-2", order_ref="ORDER-1", buyer_phone="13800001234")
    members = [park.enrol(profile) for profile in ("gate", "marshal", "exchange")]
    members += [park.hire("supervisor"), park.hire("partner")]
    park.close()
    with a_running_server(park.directory) as server:
        for member in members[:2]:
            mode = "admit" if member is members[0] else "arrive"
            server.scan(member, "KNOWN-CODE-1", mode=mode, nonce="known-nonce")
        block = {"platform": "lvtu", "buyer_ref": "b1", "reason": "test"}
        KNOWN["block_id"] = server.post("/blocks", members[3], block).json()["block_id"]
        sent = server.post("/broadcasts", members[3], {"message": {"zh": "通知", "en": "Notice"}})
        KNOWN["broadcast_id"] = sent.json()["broadcast_id"]
        with requests.Session() as server.session:
            yield server, members


@schemathesis.serializer("application/x-ndjson")
def write_line(_, line):
    """A batch of one line."""
    return json.dumps(line).encode() + b"\n"


API = schemathesis.openapi.from_dict(DOCUMENT)
CALLS = [
    (path, method, mode)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    for mode in GenerationMode
    # A stream has no end, and the document itself takes nothing that could be wrong.
    if not path.endswith(("/events", "/openapi.json"))
]
KNOWN = {"deal_id": "DAY", "gate_id": "G1", "nonce": "known-nonce", "device_id": "D1"}


def name_what_is_there(case):
    """Put in the ids of what the venue has, which chance would never find."""
    for values in (case.path_parameters, case.body):
        if isinstance(values, dict):
            values.update({name: KNOWN[name] for name in KNOWN.keys() & values.keys()})


@pytest.mark.parametrize(("path", "method", "mode"), CALLS)
def test_server_answers_as_it_says(venue, path, method, mode):
    server, members = venue
    strategy = API[path][method.upper()].as_strategy(generation_mode=mode)

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, member=st.sampled_from(members), known=st.booleans())
    def hold(case, member, known):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {member.token}"}
        if known:
            name_what_is_there(case)
        case.call_and_validate(base_url=server.url, checks=HELD, session=server.session)

    hold()
