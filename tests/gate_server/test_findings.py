"""Findings where people meet them: the command line, the interface, a running server."""

import csv
import json
from datetime import timedelta

import httpx
import pytest
from click.testing import CliRunner

from admission.calendar import to_ms
from admission.findings import Finding, FindingKind, Policy
from gate_server.cli import main
from gate_server.ledger import audit, findings, sales, schema
from tests.gate_server.ledger.test_schema import make_old
from tests.sales import T0
from tests.server import Park, a_running_server, an_app

DEALS = (
    "deal_id,platform,title,face_price_minor,sale_price_minor,currency,valid_from,valid_until\n"
    "FLASH,lvtu,联票,26000,23800,CNY,2015-01-01,2099-12-31\n"
)


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def run(directory, *arguments):
    done = CliRunner().invoke(main, ["--data", str(directory), *map(str, arguments)])
    return done.exit_code, done.output


def answer(directory, *arguments):
    done = CliRunner().invoke(main, ["--data", str(directory), *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def vouchers(path, count, price, *, first=0):
    """Write vouchers of one price, sold second by second."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("code", "deal_id", "price_paid_minor", "sold_at"))
        for number in range(first, first + count):
            at = T0 + timedelta(seconds=number)
            rows.writerow((f"C{number * 7919 % 999_983:06}-{number:06}-QX", "FLASH", price,
                           at.isoformat()))  # fmt: skip
    return path


def find(park, deal_id="DAY", kind=FindingKind.PRICE_LOW, policy=Policy.WARN, size=30):
    finding = Finding(kind=kind, vouchers=size, people=size, since=T0, measure={"quota": 3})
    number, now = park.ledger.catalogue.deal_nos[deal_id], park.ledger.clock()
    return park.change(
        lambda tx: findings.record_finding(tx, number, finding, policy, rehold_factor=2.0, now=now)
    ).recorded.finding_id


def test_import_beside_a_running_server_is_held_before_the_command_ends(tmp_path):
    Park(tmp_path / "var", furnish=False).close()
    directory, deals = tmp_path / "var", tmp_path / "deals.csv"
    deals.write_text(DEALS, "utf-8")
    with a_running_server(directory) as running:
        answer(directory, "import", "deals", deals)
        answer(directory, "import", "vouchers", vouchers(tmp_path / "a.csv", 80, 23800))
        quiet = answer(directory, "finding", "list")
        answer(directory, "import", "vouchers", vouchers(tmp_path / "b.csv", 120, 1, first=80))
        (found,) = answer(directory, "finding", "list")
        shown = run(directory, "finding", "show", found["finding_id"])
        user = answer(directory, "user", "add", "ann", "--role", "steward")
        url = f"http://127.0.0.1:{running.port}/api/v1/findings"
        told = httpx.get(url, headers={"Authorization": f"Bearer {user['api_token']}"})

    assert quiet == []
    assert (found["kind"], found["vouchers"], found["holds"]) == ("price_low", 120, True)
    assert '120 vouchers of "联票"' in shown[1]
    assert "release or void deal FLASH" in shown[1]
    assert told.json() == {"findings": [found]}


def test_import_without_a_server_is_looked_at_as_well(tmp_path):
    Park(tmp_path / "var", furnish=False).close()
    directory, deals = tmp_path / "var", tmp_path / "deals.csv"
    deals.write_text(DEALS, "utf-8")
    answer(directory, "import", "deals", deals)

    answer(directory, "import", "vouchers", vouchers(tmp_path / "a.csv", 30, 1))

    (deal,) = answer(directory, "deal", "list")
    assert deal["status"] == "held"
    assert answer(directory, "deal", "release", "FLASH", "--reason", "a gift")["status"] == "active"
    (found,) = answer(directory, "finding", "list")
    assert (found["state"], found["holds"]) == ("released", False)


def test_own_settings_decide_what_is_looked_at(tmp_path):
    settings = '[anomalies]\npolicy_price_low = "off"\npolicy_over_quota = "warn"\n'
    Park(tmp_path / "var", settings=settings, furnish=False).close()
    directory, deals = tmp_path / "var", tmp_path / "deals.csv"
    deals.write_text(DEALS.replace("currency", "quota,currency").replace("CNY", "10,CNY"), "utf-8")
    answer(directory, "import", "deals", deals)

    answer(directory, "import", "vouchers", vouchers(tmp_path / "a.csv", 30, 1))

    (found,) = answer(directory, "finding", "list")
    assert (found["kind"], found["policy"]) == ("over_quota", "warn")
    assert answer(directory, "deal", "list")[0]["status"] == "active"


def test_partner_sees_findings_of_its_own_platform_only(park):
    park.offer("ZOU", platform="zouba")
    own, other = find(park), find(park, "ZOU")
    with an_app(park) as (_, site):
        partner, steward = park.hire("partner"), park.hire("steward")
        seen = [each["finding_id"] for each in site.get("/findings", partner).json()["findings"]]
        every = [each["finding_id"] for each in site.get("/findings", steward).json()["findings"]]
        answers = [site.get(f"/findings/{number}", partner).status_code for number in (own, other)]
        unknown = [
            site.get(f"/findings/{text}", steward).status_code for text in ("999", "x", "-1")
        ]

    assert (seen, every) == ([own], [other, own])
    assert answers == [200, 404]
    assert unknown == [404, 404, 404]


def test_supervisor_closes_a_warning_once_and_it_comes_up_again_when_it_doubles(park):
    number = find(park)
    with an_app(park) as (_, site):
        boss = park.hire()
        done = site.post(f"/findings/{number}/close", boss, {"note": "a promotion"})
        again = site.post(f"/findings/{number}/close", boss, {"note": "again"})
        find(park, size=59)
        between = site.get(f"/findings/{number}", boss).json()["state"]
        find(park, size=60)
        after = site.get(f"/findings/{number}", boss).json()

    assert (done.json()["state"], done.json()["decided_by"]) == ("closed", boss.name)
    assert again.json()["type"].endswith("/closed-already")
    assert (between, after["state"], after["vouchers"]) == ("closed", "open", 60)
    assert park.ledger.read(audit.verify).findings == ()


def test_note_of_a_closed_finding_is_personal_and_leaves_the_chain_whole(park):
    number = find(park)
    run_note = "ask Li Ming"
    now = park.ledger.clock()
    park.change(lambda tx: findings.close_finding(tx, number, note=run_note, by="ann", now=now))

    bodies = park.ledger.read(lambda db: db.execute("SELECT body FROM audit").fetchall())

    assert not any(run_note in (body or "") for (body,) in bodies)
    assert park.ledger.read(audit.verify).findings == ()


def test_ledger_without_counters_of_sales_is_filled_from_its_vouchers(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("PAID-CODE-1", "PAID-CODE-2", price_paid_minor="23800", sold_at=T0.isoformat())
    park.sell("GROUP-CODE-1", admits="3", buyer_ref="ann", valid_from="2099-01-02")
    park.sell("GONE-CODE-1", status="refunded")
    before = park.ledger.read(tables)
    park.close()
    make_old(park.directory / "ledger.db", before="008_sales")

    park = Park(park.directory)

    assert park.ledger.read(tables) == before
    assert park.ledger.read(sales.differences) == []
    assert park.ledger.read(schema.pending) == []
    assert (1, 23800, 1, 2, to_ms(T0), to_ms(T0)) in before["sale_prices"]
    park.close()


def tables(db):
    return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in sales.RECOUNTS}


def test_doctor_notices_counters_that_are_not_what_was_sold(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("PAID-CODE-1", price_paid_minor="23800")
    park.change(lambda tx: tx.db.execute("UPDATE sale_prices SET vouchers = 7"))
    wrong = park.ledger.read(sales.differences)
    park.close()

    code, output = run(park.directory, "doctor")

    assert len(wrong) == 2
    assert code == 1
    assert "sale_prices of deal 1" in output
