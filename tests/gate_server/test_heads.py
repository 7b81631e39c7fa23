"""Signed heads: one a venue day, at each start and stop, and what they prove."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate_server.heads import HeadSigner, sign_head
from gate_server.keyring import verify_head
from gate_server.ledger.heads import heads_since
from gate_server.ledger.inspection import verify_chain
from gate_server.ledger.ledger import utc_now
from tests.server import Park, a_running_server, an_app


def heads_of(park: Park):
    return park.ledger.read(lambda db: heads_since(db, 0))


def test_a_head_is_signed_once_a_venue_day(tmp_path):
    park = Park(tmp_path / "var")
    park.now = utc_now()
    first = sign_head(park.ledger, park.keys)
    park.add_gate("G3", "East", "park")
    second = sign_head(park.ledger, park.keys)
    park.now += timedelta(days=1)
    next_day = sign_head(park.ledger, park.keys)
    park.now += timedelta(days=1)
    nothing_new = sign_head(park.ledger, park.keys)

    assert (first, second, next_day, nothing_new) == (True, False, True, False)
    heads = heads_of(park)
    assert [head.day for head in heads] == [
        park.settings.venue.day_of(park.now - timedelta(days=ago)) for ago in (2, 1)
    ]
    assert all(verify_head(h.statement, h.signed, park.keys.audit_keys()) for h in heads)
    park.close()


def test_stop_signs_what_came_since_so_that_a_day_without_a_server_is_no_gap(tmp_path):
    park = Park(tmp_path / "var")
    signer = HeadSigner(park.ledger, park.keys)
    signer.start()
    park.add_gate("G3", "East", "park")
    signer.stop()

    assert heads_of(park)[-1].audit_head == park.ledger.audit_head
    park.close()


def test_running_server_signs_when_it_starts_and_when_it_stops(tmp_path):
    park = Park(tmp_path / "var")
    device = park.enrol()
    park.close()
    with a_running_server(park.directory) as server:
        server.scan(device, "NOBODY-KNOWS")
        server.stop()
    park = Park(park.directory)

    heads = heads_of(park)
    assert len(heads) == 2
    assert heads[-1].audit_head == park.ledger.audit_head
    park.close()


def test_repaired_chain_is_found_by_the_heads_that_were_signed(tmp_path):
    park = Park(tmp_path / "var")
    park.add_gate("G3", "East", "park")
    sign_head(park.ledger, park.keys)
    park.close()
    path = park.directory / "ledger.db"
    assert verify_chain(path, {}).findings == ()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("DELETE FROM audit WHERE revision = (SELECT MAX(revision) FROM audit)")
    newest = "(SELECT hash FROM audit ORDER BY revision DESC LIMIT 1)"
    db.execute(f"UPDATE venue SET audit_head = {newest}")
    db.close()

    assert [finding.problem for finding in verify_chain(path, {}).findings] == [
        "a head seen elsewhere is not in the chain"
    ]


def test_partner_gets_heads_that_anybody_can_verify(tmp_path):
    park = Park(tmp_path / "var")
    sign_head(park.ledger, park.keys)
    with an_app(park) as (_, site):
        partner = park.hire("partner")
        sign_head(park.ledger, park.keys, again=True)
        heads = site.get("/audit/heads", partner).json()["heads"]
        later = site.get(f"/audit/heads?since={heads[0]['revision']}", partner).json()["heads"]

    assert len(heads) == 2
    assert later == heads[1:]
    for head in heads:
        said = "\0".join(str(head[name]) for name in ("epoch", "revision", "day", "signed_at_ms"))
        message = b"gatehouse audit head v1\0" + said.encode() + b"\0"
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head["public_key"]))
        key.verify(bytes.fromhex(head["signature"]), message + bytes.fromhex(head["audit_head"]))
    park.close()
