"""Annul, override, strike and count: what staff do about a scan, over HTTP."""

from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.server import a_nonce, slug_of

CODE = "9K3F-22AX-8K2F"


@pytest.fixture
def device(park):
    park.sell(CODE, admits="3")
    return park.enrol()


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def annul(site, by, nonce, **fields):
    return site.post(f"/scans/{nonce}/annul", by, {"reason": "did not turn", **fields})


def test_annul_gives_people_back_and_may_be_repeated(site, device):
    site.scan(device, CODE, nonce="an-admission")
    first = annul(site, device, "an-admission")
    again = annul(site, device, "an-admission")

    assert first.status_code == again.status_code == 200
    assert first.json()["nonce"] == "an-admission"
    assert first.json()["admitted"] == again.json()["admitted"] == 0
    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert first.json()["remaining"] == again.json()["remaining"] == 3
    assert site.scan(device, CODE)["admitted"] == 3


def test_part_of_a_party_is_annulled(site, device):
    site.scan(device, CODE, nonce="an-admission")
    answer = annul(site, device, "an-admission", people=1)

    assert answer.json()["admitted"] == 2
    assert site.scan(device, CODE)["admitted"] == 1


def test_more_people_than_went_in_cannot_be_annulled(site, device):
    site.scan(device, CODE, nonce="an-admission")
    answer = annul(site, device, "an-admission", people=4)

    assert answer.json()["errors"][0]["field"] == "people"


def test_refused_scan_has_nothing_to_annul(site, device):
    site.scan(device, "NO-SUCH-CODE", nonce="a-refusal")
    answer = annul(site, device, "a-refusal")

    assert (answer.status_code, slug_of(answer)) == (409, "not-admitted")


def test_device_is_late_after_fifteen_minutes_and_a_supervisor_is_not(site, park, device, boss):
    site.scan(device, CODE, nonce="an-admission")
    park.now = utc_now() + timedelta(minutes=16)
    late = annul(site, device, "an-admission")
    by_boss = annul(site, boss, "an-admission", device_id=device.name)

    assert (late.status_code, slug_of(late)) == (409, "too-late")
    assert by_boss.json()["admitted"] == 0


def test_device_annuls_its_own_scans_only(site, park, device):
    other = park.enrol()
    site.scan(device, CODE, nonce="an-admission")
    named = annul(site, other, "an-admission", device_id=device.name)
    unnamed = annul(site, other, "an-admission")

    assert (named.status_code, slug_of(named)) == (403, "forbidden")
    assert (unnamed.status_code, slug_of(unnamed)) == (404, "not-found")


def override(site, by, device, nonce, **fields):
    body = {"device_id": device.name, "reason": "regular guest", **fields}
    return site.post(f"/scans/{nonce}/override", by, body)


def test_override_lets_in_and_a_retry_says_so(site, device, boss):
    site.scan(device, CODE)
    site.scan(device, CODE, nonce="a-refusal")
    answer = override(site, boss, device, "a-refusal", party=2)
    retried = site.scan(device, CODE, nonce="a-refusal")

    assert answer.status_code == 200
    assert answer.json()["reason"] == retried["reason"] == "overridden"
    assert answer.json()["outcome"] == retried["outcome"] == "admit"
    assert answer.json()["admitted"] == retried["admitted"] == 2
    assert (answer.json()["replayed"], retried["replayed"]) == (False, True)


def test_override_says_what_is_left_after_it(site, park, device, boss):
    park.offer("HELD")
    park.sell("ON-HOLD-1", deal_id="HELD", admits="2")
    assert site.post("/deals/HELD/hold", boss, {"reason": "price 0.01"}).status_code == 200
    referred = site.scan(device, "ON-HOLD-1", nonce="a-referral")
    answer = override(site, boss, device, "a-referral", party=1).json()

    assert (referred["reason"], referred["remaining"]) == ("deal_held", 2)
    assert (answer["admitted"], answer["remaining"]) == (1, 1)
    assert site.scan(device, "ON-HOLD-1", nonce="a-referral")["remaining"] == 1


def test_override_is_once_and_soon(site, park, device, boss):
    site.scan(device, CODE, nonce="an-admission")
    site.scan(device, CODE, nonce="a-refusal")
    admitted = override(site, boss, device, "an-admission")
    park.now = utc_now() + timedelta(minutes=31)
    late = override(site, boss, device, "a-refusal")

    assert (admitted.status_code, slug_of(admitted)) == (409, "admitted-already")
    assert (late.status_code, slug_of(late)) == (409, "too-late")
    assert override(site, boss, device, "no-such-nonce").status_code == 404


@pytest.mark.parametrize("bearer", ["platform", "venue"])
def test_override_names_who_bears_it(site, park, device, boss, bearer):
    site.scan(device, "NO-SUCH-CODE", nonce="a-refusal")
    override(site, boss, device, "a-refusal", cost_bearer=bearer)
    rows = park.ledger.read(
        lambda db: db.execute("SELECT overridden, overridden_by, cost_bearer FROM scans").fetchall()
    )

    assert rows == [(1, boss.name, bearer)]


def test_struck_stamp_counts_for_nothing(site, park, device, boss):
    marshal = park.enrol("marshal")
    site.scan(marshal, CODE, mode="arrive", nonce="a-stamp-1")
    site.scan(device, "NO-SUCH-CODE", nonce="a-refusal")
    body = {"device_id": marshal.name, "reason": "wrong day"}
    struck = site.post("/scans/a-stamp-1/strike", boss, body)
    other = site.post("/scans/a-refusal/strike", boss, body | {"device_id": device.name})

    again = site.post("/scans/a-stamp-1/strike", boss, body)
    assert struck.status_code == again.status_code == 200
    assert (struck.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert (other.status_code, slug_of(other)) == (409, "not-a-stamp")
    assert site.scan(device, CODE)["voucher"]["arrived_at"] is None


def count_body(**fields):
    return {"kind": "free_child", "people": 3, "nonce": a_nonce(), **fields}


def test_count_is_counted_once(site, device, boss):
    body = count_body()
    first = site.post("/counts", device, body)
    again = site.post("/counts", device, body)
    stats = site.get("/stats", boss).json()

    assert first.status_code == again.status_code == 200
    assert again.json() == first.json() | {"replayed": True}
    assert (stats["inside"], stats["people_today"], stats["scans_today"]) == (3, 3, 0)
    assert stats["counted_today"] == {"free_child": 3}


def test_count_under_another_scans_nonce_is_refused(site, device):
    body = count_body()
    site.post("/counts", device, body)
    answer = site.post("/counts", device, body | {"people": 4})

    assert (answer.status_code, slug_of(answer)) == (409, "nonce-reused")


def test_count_is_annulled_by_its_nonce(site, device, boss):
    body = count_body()
    site.post("/counts", device, body)
    answer = annul(site, device, body["nonce"], people=1)

    assert answer.json()["annulled"] == 1
    assert site.get("/stats", boss).json()["inside"] == 2


def test_steward_counts_at_a_named_gate(site, park, boss):
    steward = park.hire("steward")
    nowhere = site.post("/counts", steward, count_body())
    unknown = site.post("/counts", steward, count_body(gate_id="G9"))
    body = count_body(gate_id="G2", direction="exit", kind="manual")
    answer = site.post("/counts", steward, body)

    for wrong in (nowhere, unknown):
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "gate_id")
    assert answer.json()["gate_id"] == "G2"
    assert annul(site, boss, body["nonce"], device_id=steward.name).json()["annulled"] == 3


def test_device_counts_at_its_own_gate(site, device):
    answer = site.post("/counts", device, count_body(gate_id="G2"))

    assert (answer.status_code, slug_of(answer)) == (403, "forbidden")


@pytest.mark.parametrize("kind", ["", "free_child\n", "dog"])
def test_kinds_of_counts_are_few(site, device, kind):
    answer = site.post("/counts", device, count_body(kind=kind))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "kind")
