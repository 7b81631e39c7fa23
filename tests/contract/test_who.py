"""Every call with every role and profile, and with none: who may do what, as CONTRACT says."""

import pytest

from gate_server.web.callers import Role
from gate_server.web.nouns import NOUNS
from tests.server import Park, an_app, slug_of

DEVICES = "gate marshal exchange kiosk"
STEWARDS = "steward supervisor admin"
SUPERVISORS = "supervisor admin"

# CONTRACT section 1, by hand: a call that is missing here fails.
MAY = {
    "POST /devices/enrol": "anybody",
    "GET /devices/self": DEVICES,
    "POST /devices/self/heartbeat": DEVICES,
    "POST /scans": DEVICES,
    "POST /scans/<nonce>/annul": f"{DEVICES} {SUPERVISORS}",
    "POST /scans/<nonce>/override": SUPERVISORS,
    "POST /scans/<nonce>/strike": SUPERVISORS,
    "POST /scans/<nonce>/passage": DEVICES,
    "POST /devices/self/reports": DEVICES,
    "POST /scans/batch": f"{DEVICES} revoked",
    "GET /conflicts": f"{SUPERVISORS} auditor",
    "POST /conflicts/<conflict_id>/resolve": SUPERVISORS,
    "POST /counts": f"gate {STEWARDS}",
    "GET /crowd": f"{STEWARDS} auditor",
    "POST /queue-counts": f"gate marshal exchange {STEWARDS}",
    "POST /occupancy": SUPERVISORS,
    "GET /scans/<nonce>/tickets": "exchange",
    "POST /scans/<nonce>/slip": "gate marshal exchange",
    "POST /scans/<nonce>/refusal-slip": f"gate marshal exchange {SUPERVISORS}",
    "POST /tickets/<ticket>/reprint": f"exchange {SUPERVISORS}",
    "POST /operators/sign-in": DEVICES,
    "POST /operators/sign-out": DEVICES,
    "POST /operators/shifts": DEVICES,
    "GET /handover": f"{STEWARDS} auditor",
    "GET /deals": f"{STEWARDS} partner auditor",
    "GET /deals/<deal_id>": f"{STEWARDS} partner auditor",
    "POST /deals/<deal_id>/hold": SUPERVISORS,
    "POST /deals/<deal_id>/release": SUPERVISORS,
    "POST /deals/<deal_id>/void": SUPERVISORS,
    "POST /deals/<deal_id>/restore": SUPERVISORS,
    "GET /closures": f"{SUPERVISORS} auditor",
    "POST /closures": SUPERVISORS,
    "GET /closures/<closure_id>": f"{SUPERVISORS} auditor",
    "POST /closures/<closure_id>": SUPERVISORS,
    "POST /closures/<closure_id>/restore": SUPERVISORS,
    "GET /findings": f"{STEWARDS} partner auditor",
    "GET /findings/<finding_id>": f"{STEWARDS} partner auditor",
    "POST /findings/<finding_id>/close": SUPERVISORS,
    "GET /deals/<deal_id>/settlement": f"{SUPERVISORS} partner auditor",
    "GET /deals/<deal_id>/lists": f"{SUPERVISORS} partner auditor",
    "POST /deals/<deal_id>/lists": SUPERVISORS,
    "GET /deals/<deal_id>/lists/<number>": f"{SUPERVISORS} partner auditor",
    "GET /deals/<deal_id>/overrides": f"{SUPERVISORS} partner auditor",
    "POST /deals/<deal_id>/overrides/<scan_id>/confirm": "partner",
    "GET /deals/<deal_id>/statements": f"{SUPERVISORS} partner auditor",
    "POST /deals/<deal_id>/statements": SUPERVISORS,
    "GET /deals/<deal_id>/statements/<version>": f"{SUPERVISORS} partner auditor",
    "GET /deals/<deal_id>/statements/<version>/differences": f"{SUPERVISORS} partner auditor",
    "POST /deals/<deal_id>/statements/<version>/sign": f"{SUPERVISORS} partner",
    "GET /statements/<platform>/<month>": f"{SUPERVISORS} partner auditor",
    "GET /blocks": f"{SUPERVISORS} auditor",
    "POST /blocks": SUPERVISORS,
    "GET /blocks/<block_id>": f"{SUPERVISORS} auditor",
    "POST /blocks/<block_id>/lift": SUPERVISORS,
    "POST /blocks/<block_id>/appeal": SUPERVISORS,
    "POST /blocks/<block_id>/uphold": SUPERVISORS,
    "POST /blocks/<block_id>/accept": SUPERVISORS,
    "POST /blocks/<block_id>/decline": SUPERVISORS,
    "POST /vouchers/lookup": f"gate exchange {STEWARDS}",
    "POST /vouchers/verify": f"gate marshal exchange {STEWARDS}",
    "GET /queues": f"marshal {STEWARDS} auditor",
    "POST /queues": SUPERVISORS,
    "POST /queues/<queue_id>/reopen": SUPERVISORS,
    "GET /slips/handouts": f"{SUPERVISORS} auditor",
    "POST /slips/handouts": f"marshal {SUPERVISORS}",
    "GET /gates": f"{SUPERVISORS} auditor",
    "POST /gates/<gate_id>/state": SUPERVISORS,
    "POST /venue/emergency": SUPERVISORS,
    "GET /lanes": f"{DEVICES} {STEWARDS} auditor",
    "GET /broadcasts": f"{SUPERVISORS} auditor",
    "POST /broadcasts": SUPERVISORS,
    "GET /broadcasts/templates": f"{SUPERVISORS} auditor",
    "GET /broadcasts/<broadcast_id>": f"{SUPERVISORS} auditor",
    "POST /broadcasts/<broadcast_id>/end": SUPERVISORS,
    "POST /broadcasts/<broadcast_id>/seen": DEVICES,
    "GET /devices/self/broadcasts": DEVICES,
    "GET /incidents": f"{SUPERVISORS} auditor",
    "POST /incidents": f"{DEVICES} {SUPERVISORS}",
    "GET /incidents/<incident_id>": f"{SUPERVISORS} auditor",
    "POST /incidents/<incident_id>/notes": SUPERVISORS,
    "POST /incidents/<incident_id>/acknowledge": SUPERVISORS,
    "POST /incidents/<incident_id>/close": SUPERVISORS,
    "GET /alarms": f"{STEWARDS} auditor",
    "POST /alarms/<alarm_id>/acknowledge": SUPERVISORS,
    "GET /why": f"{DEVICES} {STEWARDS} auditor",
    "GET /feeds": f"{STEWARDS} auditor",
    "POST /feeds/native/<platform>": "signed",
    "POST /feeds/native/<platform>/refund-requests": "signed",
    "GET /refund-requests": f"{SUPERVISORS} partner auditor",
    "GET /scans/<scan_id>/replay": f"{SUPERVISORS} auditor",
    "GET /audit/heads": f"{SUPERVISORS} partner auditor",
    "GET /conduct": "admin auditor",
    "GET /stats": f"{STEWARDS} auditor",
    "GET /figures/gates": f"{STEWARDS} auditor",
    "GET /figures/deals": f"{STEWARDS} partner auditor",
    "GET /gates/<gate_id>/day": f"{STEWARDS} auditor",
    "GET /deals/<deal_id>/curve": f"{STEWARDS} partner auditor",
    "GET /audit": "admin auditor",
    "GET /events": f"{DEVICES} {STEWARDS} auditor",
    "GET /replica": DEVICES,
    "GET /openapi.json": "anybody",
}
CALLERS = [*DEVICES.split(), *Role, "nobody", "a stranger", "revoked", "suspended", "disabled"]
OPERATIONS = {f"{each.method} {each.rule}": each for noun in NOUNS for each in noun.operations}
ARGUMENTS = {"<nonce>": "no-such-nonce", "<deal_id>": "NONE", "<block_id>": "0", "<gate_id>": "NO"}
ARGUMENTS |= {"<conflict_id>": "0", "<broadcast_id>": "NONE", "<ticket>": "T1-0"}
ARGUMENTS |= {"<platform>": "lvtu", "<incident_id>": "NONE"}
ARGUMENTS |= {"<finding_id>": "0", "<month>": "2015-05", "<queue_id>": "Q0", "<closure_id>": "0"}
ARGUMENTS |= {"<alarm_id>": "0"}
ARGUMENTS |= {"<number>": "1", "<scan_id>": "1", "<version>": "1"}


def test_every_call_is_in_the_contract():
    assert OPERATIONS.keys() == MAY.keys()


@pytest.fixture(scope="module")
def park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("who") / "var")
    yield park
    park.close()


@pytest.fixture(scope="module")
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture(scope="module")
def members(park):
    members = {profile: park.enrol(profile) for profile in DEVICES.split()}
    members |= {role: park.hire(role) for role in Role}
    members |= {name: park.enrol() for name in ("revoked", "suspended")}
    members["disabled"] = park.hire("admin")
    members["a stranger"] = type(members["gate"])(
        "D99", members["gate"].token.replace("_D1_", "_D99_", 1)
    )
    park.revoke(members["revoked"].name)
    park.change(lambda tx: suspend(tx, members["suspended"].name))
    park.change(lambda tx: disable(tx, members["disabled"].name))
    return members | {"nobody": None}


def suspend(tx, device_id):
    tx.db.execute("UPDATE devices SET suspended_at = 1 WHERE device_id = ?", (device_id,))
    tx.touched.add("devices")


def disable(tx, name):
    tx.db.execute("UPDATE users SET disabled_at = 1 WHERE name = ?", (name,))
    tx.touched.add("users")


def ask(site, operation, member):
    """Make a call with a body that no call can use, so that whoever may call changes nothing."""
    path = operation.rule
    for argument, value in ARGUMENTS.items():
        path = path.replace(argument, value)
    body = b"{}" if operation.body is not None else None
    return site.call(operation.method, path, member, body)


@pytest.mark.parametrize("call", [call for call in MAY if call != "GET /events"])
def test_only_whom_the_contract_names_gets_through(site, members, call):
    for caller in CALLERS:
        answer = ask(site, OPERATIONS[call], members[caller])

        expect(answer, MAY[call].split(), caller)


def expect(answer, may, caller):
    if may == ["anybody"] or caller in may:
        assert answer.status_code in {200, 400, 404}, caller
    elif may == ["signed"]:  # whoever else the caller is
        assert (answer.status_code, slug_of(answer)) == (401, "unauthorized"), caller
    elif caller == "nobody" or caller == "disabled":
        assert (answer.status_code, slug_of(answer)) == (401, "unauthorized"), caller
        assert answer.headers["www-authenticate"].startswith("Bearer"), caller
    elif caller == "a stranger":
        assert (answer.status_code, slug_of(answer)) == (401, "device-unknown"), caller
    elif caller in {"revoked", "suspended"}:
        assert (answer.status_code, slug_of(answer)) == (403, f"device-{caller}"), caller
        assert answer.json()["device_id"], caller
    else:
        assert (answer.status_code, slug_of(answer)) == (403, "forbidden"), caller


@pytest.mark.parametrize("caller", CALLERS)
def test_only_whom_the_contract_names_listens(park, members, caller):
    with an_app(park) as (app, site):
        app.services.hub.stop()  # a stream that ends at once
        answer = ask(site, OPERATIONS["GET /events"], members[caller])

    if answer.status_code == 503:
        assert (caller in MAY["GET /events"].split(), slug_of(answer)) == (True, "streams-full")
    else:
        expect(answer, MAY["GET /events"].split(), caller)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic Z2hkOmdoZA==",
        "Bearer ghd_D1_short",
        "Bearer ghx_D1_" + "A" * 43,
        "Bearer " + "A" * 100_000,
        "Bearer ghu_nobody_" + "A" * 43,
        "Bearer ghd_\x00_" + "A" * 43,
    ],
    ids=range(9),
)
def test_what_is_no_token_is_unauthorized(site, header):
    answer = site.get("/devices/self", headers={"Authorization": header.encode()})

    assert (answer.status_code, slug_of(answer)) == (401, "unauthorized")


def test_revoked_device_learns_that_it_is_meant(site, members):
    answer = site.scan_raw = site.try_scan(members["revoked"], "ANY-CODE-1")

    assert (answer.status_code, slug_of(answer)) == (403, "device-revoked")
    assert answer.json()["device_id"] == members["revoked"].name


def test_auditor_reads_everything_that_staff_may_read(site, members):
    reads = [call for call in MAY if call.startswith("GET") and "<" not in call]
    staff = [call for call in reads if MAY[call] not in {DEVICES, "anybody"}]
    answers = [ask(site, OPERATIONS[call], members["auditor"]) for call in staff[:-1]]

    assert staff[-1] == "GET /events"
    assert {answer.status_code for answer in answers} == {200}
