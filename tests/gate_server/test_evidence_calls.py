"""Replays, conduct and exports by call and by command."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from gate_server.cli import main
from gate_server.ledger.ledger import utc_now
from gate_server.verify_bundle import main as verify
from tests.server import Park, an_app, slug_of


def run(directory, *words, fails=False):
    done = CliRunner().invoke(main, [*map(str, words), "--data", str(directory)])
    assert (done.exit_code == 1) is fails, done.output
    return done


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def busy_hour(park, site, acts):
    """Let one supervisor override so many refused scans; return their answers."""
    device, boss = park.enrol(), park.hire(name="anne")
    made = []
    for number in range(acts):
        nonce = f"nonce-{number:03}"
        made.append(site.scan(device, f"UNKNOWN-{number:03}", nonce=nonce))
        asked = {"reason": "receipt", "device_id": device.name}
        assert site.post(f"/scans/{nonce}/override", boss, asked).status_code == 200
    return made


def test_hour_of_many_overrides_is_told_to_admins_and_auditors_in_both_languages(park):
    park.now = utc_now().replace(minute=10)
    park.now += timedelta(hours=1)
    with an_app(park) as (_, site):
        busy_hour(park, site, 17)
        told = site.get("/conduct", park.hire("auditor")).json()
        other = site.get("/conduct?day=2015-02-12", park.hire("admin")).json()
        bad = site.get("/conduct?day=today", park.hire("admin"))

    assert sum(hour["acts"] for hour in told["hours"]) == 17
    assert [(each["act"], each["who"], each["kind"]) for each in told["alarms"]] == [
        ("override", "anne", "account")
    ]
    assert "anne" in told["alarms"][0]["message"]["zh"]
    assert "17 scans" in told["alarms"][0]["message"]["en"]
    assert other == {"day": "2015-02-12", "alarms": [], "hours": []}
    assert slug_of(bad) == "invalid"


def test_annulments_are_the_operators_and_strikes_the_accounts(park):
    park.sell("OWN-CODE-0001")
    with an_app(park) as (_, site):
        device, boss = park.enrol(), park.hire(name="anne")
        site.scan(device, "OWN-CODE-0001", nonce="nonce-001", operator="4711")
        site.post("/scans/nonce-001/annul", device, {"reason": "stuck", "operator": "4711"})
        marshal = park.enrol("marshal")
        site.scan(marshal, "OWN-CODE-0001", nonce="nonce-002", mode="arrive")
        asked = {"reason": "twice", "device_id": marshal.name}
        site.post("/scans/nonce-002/strike", boss, asked)
        told = site.get("/conduct", park.hire("admin")).json()["hours"]

    assert {(hour["act"], hour["kind"], hour["who"]) for hour in told} == {
        ("annul", "operator", "4711"),
        ("strike", "account", "anne"),
    }


def test_replay_is_asked_for_by_the_number_of_the_answer(park):
    park.sell("OWN-CODE-0001")
    with an_app(park) as (_, site):
        scan_id = site.scan(park.enrol(), "OWN-CODE-0001")["scan_id"]
        boss = park.hire()
        told = site.get(f"/scans/{scan_id}/replay", boss).json()
        unknown = site.get("/scans/999999/replay", boss)
        word = site.get("/scans/nonce-001/replay", boss)

    assert told["agreement"] == "agrees"
    assert told["answered"] == told["again"]
    assert told["again"]["reason"] == "admitted"
    assert {slug_of(unknown), slug_of(word)} == {"not-found"}


def test_commands_replay_conduct_heads_and_export(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("OWN-CODE-0001")
    with an_app(park) as (_, site):
        scan_id = site.scan(park.enrol(), "OWN-CODE-0001")["scan_id"]
        busy_hour(park, site, 2)
    park.close()
    directory, heads, out = park.directory, tmp_path / "heads.ndjson", tmp_path / "bundle"

    assert "agrees" in run(directory, "replay", scan_id).output
    run(directory, "replay", "999999", fails=True)
    assert "anne" in run(directory, "conduct").output
    assert "nobody" in run(directory, "conduct", "--day", "2015-02-12").output
    said = run(directory, "audit", "heads", "--sign", "--out", heads).output
    assert "unbroken" in run(directory, "audit", "verify", "--heads", heads).output
    made = json.loads(
        run(directory, "audit", "export", "--deal", "DAY", "--out", out, "--json").stdout
    )
    assert verify([str(out), "--key", made["public_keys"][0]]) == 0
    assert f"public key 1: {made['public_keys'][0]}" in said
    run(directory, "audit", "export", "--deal", "DAY", "--out", out, fails=True)
    run(directory, "audit", "export", "--deal", "NONE", "--out", tmp_path / "no", fails=True)
    assert "unbroken" in run(directory, "audit", "verify").output


def test_replay_of_an_altered_answer_exits_1(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("OWN-CODE-0001")
    with an_app(park) as (_, site):
        scan_id = site.scan(park.enrol(), "OWN-CODE-0001")["scan_id"]
    park.ledger.write(lambda tx: tx.db.execute("UPDATE scans SET remaining = 7"))
    park.close()

    assert "differs" in run(park.directory, "replay", scan_id, fails=True).output
