"""`gate-server settle`, `list`, `settlement`, `statement`: on a park after its day."""

import csv
import io
import json
import sqlite3

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from gate_server.cli import main
from gate_server.verify_bundle import main as verify
from tests.server import a_running_server
from tests.settlement_story import a_story, copy_played


@pytest.fixture
def venue(tmp_path):
    copy_played(tmp_path / "var")
    return tmp_path / "var"


@pytest.fixture
def tokens(tmp_path):
    """Token files of those who work at the park."""
    members = copy_played(tmp_path / "other")
    paths = {}
    for member in members:
        paths[member.name] = tmp_path / f"{member.name}.token"
        paths[member.name].write_text(f"{member.token}\n", "utf-8")
    return paths


def run(directory, *arguments, status=0):
    done = CliRunner().invoke(main, ["--data", str(directory), *map(str, arguments)])
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def answer(directory, *arguments, status=0):
    return json.loads(run(directory, *arguments, "--json", status=status).stdout)


AS_OF = ("--as-of", "2015-05-02 09:00")


def test_settle_tells_the_contracts_figures(venue, tmp_path):
    with a_story(tmp_path / "again") as story:
        figures = story.settle()

    assert answer(venue, "settle", "DAY", *AS_OF) == figures
    assert json.loads(run(venue, "settle", "DAY", *AS_OF, "--format", "json").stdout) == figures


def test_settle_is_read_by_people(venue):
    said = run(venue, "settle", "DAY", *AS_OF).stdout

    assert "deal DAY, as of 2015-05-02 09:00:00, void version 1\n" in said
    assert "balanced: yes" in said
    assert "owed to venue: 780.00 CNY" in said
    assert "refunds: 0.70 CNY" in said


def test_replay_tells_an_arrival_in_venue_time(venue):
    table = csv.DictReader(io.StringIO(run(venue, "settle", "DAY", "--format", "csv").stdout))
    scan = next(row["scan_ids"] for row in table if row["voucher_ref"] == "V-2")
    (told,) = [
        line for line in run(venue, "replay", scan).stdout.splitlines() if "arrived at" in line
    ]

    assert told.split("  ")[-1] == "2015-05-01 16:58:00"


def test_tables_are_the_servers_bytes(venue, tmp_path):
    with a_story(tmp_path / "again") as story:
        table, book = (story.get(f"/settlement?format={form}") for form in ("csv", "xlsx"))
    run(venue, "settle", "DAY", "--format", "csv", "--out", tmp_path / "s.csv")
    run(venue, "settle", "DAY", "--format", "xlsx", "--out", tmp_path / "s.xlsx")

    assert (tmp_path / "s.csv").read_bytes() == table.content
    assert (tmp_path / "s.xlsx").read_bytes() == book.content
    assert load_workbook(tmp_path / "s.xlsx").sheetnames == ["settlement", "vouchers"]
    assert run(venue, "settle", "DAY", "--format", "csv").stdout_bytes == table.content
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_workbook_needs_a_file_and_a_settlement_a_deal(venue):
    run(venue, "settle", "DAY", "--format", "xlsx", status=2)

    assert "no deal NONE" in run(venue, "settle", "NONE", status=1).stderr


def test_a_file_that_cannot_be_written_leaves_nothing(venue, tmp_path):
    done = run(
        venue, "settle", "DAY", "--format", "csv", "--out", tmp_path / "no" / "s.csv", status=1
    )

    assert "No such file" in done.stderr


def test_lists_are_made_listed_and_shown(venue, tmp_path):
    made = answer(venue, "list", "make", "DAY", "refunds")
    again = run(venue, "list", "make", "DAY", "refunds", status=1)
    others = run(venue, "list", "make", "DAY", "compensation").stdout
    run(venue, "list", "show", "DAY", 1, "--out", tmp_path / "refunds.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "refunds.csv").read_text("utf-8"))))

    assert (made["entries"], made["amount_minor"], made["made_by"]) == (4, 70, made["made_by"])
    assert "holds already" in again.stderr
    assert others == "list 2 of compensation: 3 buyers\n"
    assert sum(int(row["amount_minor"]) for row in rows) == 70
    assert [each["number"] for each in answer(venue, "list", "list", "DAY")] == [1, 2]
    run(venue, "list", "show", "DAY", 3, status=1)


def test_list_is_not_made_before_the_cut_off(venue):
    terms = ("--reason", "later", "--cost-bearer", "platform", "--arrived-by", "2099-05-01 17:00")
    run(venue, "deal", "void", "DAY", *terms)
    refused = run(venue, "list", "make", "DAY", "refunds", status=1)

    assert "Who arrives by 2099-05-01 17:00 is still received" in refused.stderr
    assert answer(venue, "list", "list", "DAY") == []


def test_compensation_is_written_with_accounts(venue):
    run(venue, "list", "make", "DAY", "compensation")
    rows = list(csv.DictReader(io.StringIO(run(venue, "list", "show", "DAY", 1).stdout)))

    assert [row["buyer_ref"] for row in rows] == ["buyer-3", "buyer-5", "buyer-8"]
    assert answer(venue, "list", "show", "DAY", 1)["list"]["kind"] == "compensation"


def test_two_accounts_sign_each_with_its_own_token(venue, tokens):
    made = answer(venue, "settlement", "make", "DAY")
    named = ("settlement", "sign", "DAY", 1, "--hash", made["hash"], "--token-file")
    first = run(venue, *named, tokens["anne"]).stdout
    second = run(venue, *named, tokens["li"]).stdout
    (listed,) = answer(venue, "settlement", "list", "DAY")

    assert "waits for the other side" in first
    assert "is closed" in second
    assert [each["name"] for each in listed["signatures"]] == ["anne", "li"]
    assert "anne, li" in run(venue, "settlement", "list", "DAY").stdout
    assert run(venue, "settlement", "differences", "DAY", 1).stdout == ""


@pytest.mark.parametrize(
    ("token", "told"),
    [("", "no account has this token"), ("ghu_anne_" + "A" * 43, "no account has this token"),
     ("D1", "no account has this token")],
)  # fmt: skip
def test_nobody_signs_with_a_token_that_is_not_theirs(venue, tokens, tmp_path, token, told):
    file = tokens.get(token) or tmp_path / "token"
    file.write_text(token if token not in tokens else tokens[token].read_text("utf-8"), "utf-8")
    made = answer(venue, "settlement", "make", "DAY")
    done = run(venue, "settlement", "sign", "DAY", 1, "--hash", made["hash"], "--token-file", file,
               status=1)  # fmt: skip

    assert told in done.stderr
    assert answer(venue, "settlement", "list", "DAY")[0]["signatures"] == []


def test_overrides_that_wait_for_the_partner_are_listed(venue):
    (told,) = answer(venue, "settlement", "overrides", "DAY")

    assert (told["reason"], told["overridden_by"], told["confirmed_by"]) == (
        "deal_voided",
        "anne",
        None,
    )


def test_commands_work_beside_a_running_server(venue, tmp_path):
    with a_running_server(venue):
        run(venue, "settle", "DAY", "--format", "xlsx", "--out", tmp_path / "s.xlsx")
        made = answer(venue, "list", "make", "DAY", "refunds")
        month = answer(venue, "statement", "lvtu", "--month", "2015-05")

    assert load_workbook(tmp_path / "s.xlsx")["settlement"]["B6"].value == "=COUNT(vouchers!A2:A10)"
    assert made["entries"] == 4
    assert month["owed_minor"] == {"CNY": 78000}


# --- evidence ------------------------------------------------------------------------------------


def test_bundle_has_the_newest_statement_as_it_is_signed(venue, tmp_path):
    without = run(venue, "audit", "export", "--deal", "DAY", "--out", tmp_path / "a").stderr
    run(venue, "settlement", "make", "DAY")
    told = run(venue, "audit", "export", "--deal", "DAY", "--out", tmp_path / "b").stderr
    made = answer(venue, "settlement", "list", "DAY")[0]["settlement"]

    assert "has no statement" in without
    assert not (tmp_path / "a" / "statement.json").exists()
    assert "with statement 1" in told
    assert json.loads((tmp_path / "b" / "statement.json").read_text("utf-8")) == made
    assert [verify([str(tmp_path / name)]) for name in "ab"] == [0, 0]


def test_statement_that_lacks_vouchers_is_left_out_of_a_bundle(tmp_path):
    with a_story(tmp_path / "var") as story:
        story.post("/statements", None)
        story.sell("LATER-001", price_paid_minor="1")
    told = run(tmp_path / "var", "audit", "export", "--deal", "DAY", "--out", tmp_path / "out")

    assert "has sold more since" in told.stderr
    assert verify([str(tmp_path / "out")]) == 0


# --- months --------------------------------------------------------------------------------------

MAY = ("statement", "lvtu", "--month", "2015-05")


def test_a_month_is_people_times_the_settle_price(venue):
    made = answer(venue, *MAY)
    (deal,) = made["deals"]

    assert deal["people"] == {"used": 1, "honoured": 2, "overridden": 1}
    assert (deal["charged"], deal["price_minor"], deal["owed_minor"]) == (3, 26000, 78000)
    assert (deal["refunded"], deal["refunds_minor"], deal["annulled"]) == (1, 1, 0)
    assert (made["owed_minor"], made["corrections"]) == ({"CNY": 78000}, [])
    assert "owed: 780.00 CNY" in run(venue, *MAY).stdout
    assert answer(venue, "statement", "lvtu", "--month", "2015-04")["deals"] == []


def test_a_closed_month_stays_as_told_and_its_changes_are_corrections(venue):
    closed = answer(venue, *MAY, "--close")
    nonce = first_admission(venue)
    run(venue, "scan", "annul", "D1", nonce, "--reason", "it never turned")
    june = answer(venue, "statement", "lvtu", "--month", "2015-06")
    booked = answer(venue, "statement", "lvtu", "--month", "2015-06", "--close")
    july = answer(venue, "statement", "lvtu", "--month", "2015-07")

    assert answer(venue, *MAY) == closed
    assert june["corrections"] == [
        {"month": "2015-05", "deal_id": "DAY", "people": -1, "owed_minor": -26000}
    ]
    assert booked["owed_minor"] == {"CNY": -26000}
    assert july["corrections"] == []


def first_admission(venue):
    """Return the nonce of the first scan that let somebody in."""
    db = sqlite3.connect(venue / "ledger.db")
    found = db.execute("SELECT nonce FROM scans WHERE people > 0 ORDER BY scan_id").fetchone()[0]
    db.close()
    return found


@pytest.mark.parametrize(
    ("month", "told"),
    [("2015-13", "give a month"), ("May", "give a month"), ("2099-01", "has not ended")],
)
def test_a_month_that_cannot_be_closed(venue, month, told):
    done = run(venue, "statement", "lvtu", "--month", month, "--close", status=1)

    assert told in done.stderr


def test_months_are_closed_once_and_in_order(venue):
    run(venue, *MAY, "--close")

    assert "closed already" in run(venue, *MAY, "--close", status=1).stderr
    april = ("statement", "lvtu", "--month", "2015-04", "--close")
    assert "comes later" in run(venue, *april, status=1).stderr
    assert "no deal is of a platform" in run(venue, "statement", "x", *MAY[2:], status=1).stderr


THEIRS = """deal_id,voucher_ref,people,amount_minor
DAY,V-1,1,26000
DAY,V-2,1,20000
DAY,V-9,2,52000
"""


def test_a_platforms_own_file_is_compared_voucher_by_voucher(venue, tmp_path):
    (tmp_path / "theirs.csv").write_text(THEIRS, "utf-8")
    made = answer(venue, *MAY, "--theirs", tmp_path / "theirs.csv")
    told = {each["ref"]: (each["ours"], each["theirs"]) for each in made["differences"]}

    assert told == {
        "V-2": ({"people": 1, "amount_minor": 26000}, {"people": 1, "amount_minor": 20000}),
        "V-4": ({"people": 1, "amount_minor": 0}, None),
        "V-7": ({"people": 1, "amount_minor": 26000}, None),
        "V-9": (None, {"people": 2, "amount_minor": 52000}),
    }
    said = run(venue, *MAY, "--theirs", tmp_path / "theirs.csv").stdout
    assert "differences: 4" in said
    assert "DAY V-9: ours nothing / theirs 2 people, 520.00" in said


def test_a_file_by_orders_is_compared_order_by_order(venue, tmp_path):
    text = "deal_id,order_ref,people,amount_minor\nDAY,ORDER-1,1,26000\nDAY,ORDER-7,1,26000\n"
    (tmp_path / "theirs.csv").write_text(text, "utf-8")
    made = answer(venue, *MAY, "--theirs", tmp_path / "theirs.csv")

    assert [each["ref"] for each in made["differences"]] == ["ORDER-2", "ORDER-4"]


@pytest.mark.parametrize(
    "text",
    ["deal_id,people\nDAY,1\n", "deal_id,voucher_ref,people,amount_minor\nDAY,V-1,one,1\n", "PK"],
)
def test_a_file_that_cannot_be_read_is_told(venue, tmp_path, text):
    (tmp_path / "theirs.csv").write_text(text, "utf-8")

    assert "theirs.csv" in run(venue, *MAY, "--theirs", tmp_path / "theirs.csv", status=1).stderr
