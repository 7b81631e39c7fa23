"""`gate-server scan`: a supervisor at the keyboard lets in whom a lane stopped."""

import pytest

from tests.gate_server.test_cli import answer, run, venue  # noqa: F401 - a fixture
from tests.server import Park, a_running_server, an_app

WHY = ("--reason", "has the order")


@pytest.fixture
def stopped(venue):  # noqa: F811
    """Return a directory with a refused and a held voucher, and the device that scanned them."""
    park = Park(venue)
    park.sell("USED-UP-01", admits="2")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "USED-UP-01", nonce="nonce-of-the-entry")
        site.scan(device, "USED-UP-01", nonce="nonce-of-the-refusal", party=1)
    park.close()
    return venue, device


def test_refused_scans_are_listed_to_be_copied_from(stopped):
    directory, device = stopped
    (scan,) = answer(directory, "scan", "list")
    told = run(directory, "scan", "list", "--device", device.name).stdout

    assert (scan["reason"], scan["tail"], scan["gate_id"]) == ("used_up", "P-01", "G1")
    assert scan["nonce"] == "nonce-of-the-refusal"
    assert told.split()[-1] == "-refusal"
    assert len(answer(directory, "scan", "list", "--all")) == 2
    assert answer(directory, "scan", "list", "--device", "D99") == []
    assert "nobody" in run(directory, "scan", "list", "--device", "D99").stdout


def test_an_override_takes_the_end_of_a_nonce(stopped):
    directory, device = stopped
    made = answer(
        directory, "scan", "override", device.name, "refusal", *WHY, "--cost-bearer", "platform"
    )

    assert made["nonce"] == "nonce-of-the-refusal"
    assert (made["reason"], made["admitted"], made["remaining"]) == ("overridden", 1, 0)
    assert made["replayed"] is False
    assert answer(directory, "scan", "list") == []
    again = run(directory, "scan", "override", device.name, "refusal", *WHY, status=1)
    assert "already" in again.stderr


def test_an_override_and_an_annulment_keep_who_did_it_at_the_lane(stopped):
    directory, device = stopped
    boss = ("--operator", "4719")
    answer(directory, "scan", "annul", device.name, "e-entry", *WHY, *boss)
    answer(directory, "scan", "override", device.name, "refusal", *WHY, *boss)
    long = ("--operator", "4" * 41)
    bad = run(directory, "scan", "annul", device.name, "refusal", *WHY, *long, status=1)

    park = Park(directory)
    sql = (
        "SELECT a.kind, p.value FROM audit_personal p JOIN audit a USING (revision)"
        " WHERE p.field = 'operator' ORDER BY revision"
    )
    kept = park.ledger.read(lambda db: db.execute(sql).fetchall())
    park.close()
    assert kept == [("annul", "4719"), ("override", "4719")]
    assert "operator" in bad.stderr


def test_an_annulment_gives_people_back(stopped):
    directory, device = stopped
    part = answer(directory, "scan", "annul", device.name, "e-entry", *WHY, "--people", 1)
    told = run(directory, "scan", "annul", device.name, "e-entry", *WHY, "--people", 1).stdout

    assert (part["admitted"], part["remaining"], part["replayed"]) == (1, 1, False)
    assert "done before" in told


@pytest.mark.parametrize(
    ("nonce", "problem"),
    [("entry", "last 6"), ("no-such", "no scan"), ("nonce-of-the", "no scan")],
)
def test_an_end_must_name_one_scan(stopped, nonce, problem):
    directory, device = stopped

    done = run(directory, "scan", "override", device.name, nonce, *WHY, status=1)
    assert problem in done.stderr


def test_an_end_of_several_nonces_names_none(venue):  # noqa: F811
    park = Park(venue)
    device = park.enrol()
    with an_app(park) as (_, site):
        for start in ("one", "two"):
            site.scan(device, "NO-SUCH-CODE", nonce=f"{start}-same-end")
    park.close()

    done = run(venue, "scan", "override", device.name, "same-end", *WHY, status=1)
    assert "give more of it" in done.stderr
    run(venue, "scan", "override", device.name, "one-same-end", *WHY)


def test_an_override_ends_the_call_on_the_running_servers_board(venue):  # noqa: F811
    park = Park(venue)
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    device, boss = park.enrol(), park.hire()
    park.close()
    with a_running_server(venue) as server:
        server.scan(device, "ORDER-77", nonce="a-referral")
        waiting = server.get("/stats", boss).json()["calls_waiting"]
        run(venue, "scan", "override", device.name, "a-referral", *WHY)

        assert (waiting, server.get("/stats", boss).json()["calls_waiting"]) == (1, 0)


def test_a_call_is_answered_without_letting_anybody_in(venue):  # noqa: F811
    park = Park(venue)
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    device = park.enrol()
    with an_app(park) as (_, site):
        asked = site.scan(device, "ORDER-77", nonce="a-referral")
    park.close()
    made = answer(venue, "scan", "answer", device.name, "referral", *WHY)
    told = run(venue, "scan", "answer", device.name, "referral", *WHY).stdout
    none = run(venue, "scan", "answer", device.name, "no-such-one", *WHY, status=1)

    assert (made["reason"], made["admitted"]) == (asked["reason"], 0)
    assert "nobody let in" in told
    assert "no scan with the nonce" in none.stderr
