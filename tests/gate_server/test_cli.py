"""The commands as people type them: what they print, where, and how they end."""

import json
import os
import re
import stat

import click
import pytest
import zxingcpp
from click.testing import CliRunner
from PIL import Image

from gate_server.cli import main
from scanner_client.enrolment import read_invitation
from tests.server import Park, a_running_server, an_app

DEALS = (
    "deal_id,platform,title,face_price_minor,currency,valid_from,valid_until,rights\n"
    "FAMILY,lvtu,两园联票,26000,CNY,2015-01-01,2099-12-31,park:1\n"
)


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    return tmp_path / "var"


def run(directory, *arguments, status=0):
    """Run a command in this process; it must end with `status` and without a traceback."""
    done = CliRunner().invoke(main, ["--data", str(directory), *map(str, arguments)])
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def answer(directory, *arguments, status=0):
    return json.loads(run(directory, *arguments, "--json", status=status).stdout)


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def all_commands(group=main, path=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))


@pytest.mark.parametrize("path", list(all_commands()), ids=" ".join)
def test_every_command_says_what_it_does(path):
    done = CliRunner().invoke(main, [*path, "--help"])

    assert done.exit_code == 0
    for word in ("--data DIR", "--json"):
        assert word in done.stdout
    said = done.stdout.split("\n\n")[1].strip()
    assert said.endswith(".") or "." in said


# --- import --------------------------------------------------------------------------------------


def test_wrong_rows_are_named_by_line_and_column_and_the_others_go_in(venue, tmp_path):
    file = write(
        tmp_path / "v.csv",
        "code,deal_id,admits\nAAAA-0001,DAY,1\nAAAA-0002,DAY,0\nAAAA-0003,NONE,1\nshort,DAY,1\n",
    )

    done = run(venue, "import", "vouchers", file, status=1)

    lines = done.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{file}:3 admits",
        f"{file}:4 deal_id",
        f"{file}:5 code",
    ]
    assert done.stdout.startswith("1 added")


def test_fifty_wrong_rows_are_shown_and_all_are_in_the_json(venue, tmp_path):
    file = write(tmp_path / "v.csv", "code,deal_id\n" + "short,DAY\n" * 70)

    told = run(venue, "import", "vouchers", file, status=1).stderr
    made = answer(venue, "import", "vouchers", file, status=1)

    assert told.count(" code: ") == 50
    assert "20 more" in told
    assert len(made["rejected"]) == 70
    assert made["rejected"][0].keys() == {"line", "field", "problem"}


def test_an_unknown_column_lets_nothing_in(venue, tmp_path):
    file = write(tmp_path / "v.csv", "code,deal_id,colour\nAAAA-0001,DAY,red\n")

    done = run(venue, "import", "vouchers", file, status=1)

    assert "colour" in done.stderr
    assert answer(venue, "deal", "list")[0]["vouchers"] == 0


def test_deals_and_vouchers_come_from_ndjson_too(venue, tmp_path):
    deals = write(tmp_path / "deals.csv", DEALS)
    rows = [{"code": f"VOUCHER-{n}", "deal_id": "FAMILY", "admits": 2} for n in range(5000)]
    file = write(tmp_path / "v.ndjson", "\n".join(map(json.dumps, rows)))

    assert answer(venue, "import", "deals", deals)["added"] == 1
    assert answer(venue, "import", "vouchers", file)["added"] == 5000
    assert answer(venue, "import", "vouchers", file)["unchanged"] == 5000
    deal = next(each for each in answer(venue, "deal", "list") if each["deal_id"] == "FAMILY")
    assert (deal["vouchers"], deal["people_sold"]) == (5000, 10_000)


def test_a_file_that_is_not_there_is_refused(venue, tmp_path):
    assert "none.csv" in run(venue, "import", "deals", tmp_path / "none.csv", status=1).stderr


# --- devices and users ---------------------------------------------------------------------------


def test_an_enrolment_url_is_one_that_scanners_read(venue, tmp_path):
    png = tmp_path / "lane.png"
    arguments = ("device", "enrol", "--gate", "G1", "--name", "Lane 1", "--profile", "kiosk")
    made = answer(venue, *arguments, "--host", "10.0.0.7", "--png", png)

    assert made.keys() == {"code", "url", "expires_at"}
    invitation = read_invitation(made["url"])
    assert (invitation.origin, invitation.code) == ("https://10.0.0.7:8443", made["code"])
    assert len(invitation.fingerprint) == 43
    assert zxingcpp.read_barcodes(Image.open(png))[0].text == made["url"]
    assert stat.S_IMODE(png.stat().st_mode) == 0o600


def test_the_enrolment_qr_is_drawn_in_the_terminal(venue):
    done = run(venue, "device", "enrol", "--gate", "G1", "--name", "Lane 1")

    assert "█" in done.stdout
    assert "scanner-client enrol 'https://127.0.0.1:8443/enrol#" in done.stdout
    assert re.search(r"good once, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n", done.stdout)


def test_a_users_secrets_are_told_once_and_in_the_contracts_words(venue):
    made = answer(venue, "user", "add", "boss", "--role", "admin")
    again = answer(venue, "user", "reset", "boss")

    assert made.keys() == again.keys() == {"name", "role", "password", "api_token"}
    assert made["api_token"] != again["api_token"]
    assert made["password"] not in run(venue, "user", "list").stdout
    answer(venue, "user", "add", "other", "--role", "admin")
    run(venue, "user", "disable", "boss")
    assert answer(venue, "user", "list")[0]["state"] == "disabled"
    last = run(venue, "user", "disable", "other", status=1)
    assert "user add NAME --role admin" in last.stderr
    run(venue, "user", "add", "pat", "--role", "partner", status=1)
    run(venue, "user", "add", "pat", "--role", "owner", status=2)


# --- deals ---------------------------------------------------------------------------------------

VOID = ("deal", "void", "DAY", "--reason", "limit failed", "--cost-bearer", "platform")


def test_a_previewed_void_changes_nothing(venue):
    made = answer(venue, *VOID, "--nobody", "--preview")

    assert made["void_version"] is None
    assert made["preview"]["vouchers"] == 0
    assert answer(venue, "deal", "list")[0]["status"] == "active"


def test_a_void_takes_every_term_of_the_contract(venue):
    run(
        venue, *VOID, "--arrived-by", "2026-02-12 17:00", "--arrived-from", "2026-02-12",
        "--admit-until", "2026-02-12", "--max-people", 500, "--settlement-unit", 26000,
        "--statuses-since", "2026-02-12T08:00:00+08:00", "--notice-zh", "活动取消", "--notice-en",
        "called off", "--refund", "price_paid", "--compensation", 1000,
    )  # fmt: skip

    park = Park(venue)
    void = park.ledger.catalogue.voids[1]
    park.close()
    assert void.honour.arrived_by.isoformat() == "2026-02-12T09:00:00+00:00"
    assert void.honour.arrived_from.isoformat() == "2026-02-11T16:00:00+00:00"
    assert void.honour.admit_until.isoformat() == "2026-02-12T15:59:59.999000+00:00"
    assert (void.honour.max_people, void.settlement_unit_minor) == (500, 26000)
    assert void.notice == ("活动取消", "called off")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 2),
        (("--nobody", "--arrived-by", "2026-02-12"), 2),
        (("--nobody", "--max-people", 5), 2),
        (("--nobody", "--notice-zh", "一"), 2),
        (("--arrived-by", "soon"), 1),
        (("--arrived-by", "2026-02-12", "--arrived-from", "2026-02-13"), 1),
    ],
)
def test_a_void_whose_terms_say_nothing_sensible_is_refused(venue, options, status):
    run(venue, *VOID, *options, status=status)

    assert answer(venue, "deal", "list")[0]["status"] == "active"


def test_a_void_says_how_it_was_understood(venue):
    park = Park(venue)
    park.sell("CAME-01", "CAME-02", "STAYED-HOME-1")
    marshal = park.enrol("marshal")
    with an_app(park) as (_, site):
        for code in ("CAME-01", "CAME-02"):
            site.scan(marshal, code, mode="arrive")
    today = park.ledger.clock().astimezone(park.settings.venue.zone).date()
    park.close()
    counted = "vouchers still let in: 2 (arrivals so far), refused: 1"

    preview = run(venue, *VOID, "--arrived-by", "23:59", "--preview").stdout
    told = run(venue, *VOID, "--arrived-by", "23:59").stdout
    made = answer(venue, *VOID, "--nobody")

    for text in (preview, told):
        assert counted in text
        assert f"from {today} 00:00:00 to {today} 23:59:00" in text
        assert "paid by: platform, 260.00 CNY a person honoured" in text
    assert (made["honour"], made["would_admit"], made["would_refuse"]) == (None, 0, 3)
    assert "nobody" in run(venue, *VOID, "--nobody", "--preview").stdout


def test_a_deal_is_shown_with_its_hold_and_all_versions_of_its_void(venue):
    run(venue, "deal", "hold", "DAY", "--reason", "price 0.01", "--price-at-most", 100)
    held = run(venue, "deal", "show", "DAY").stdout
    run(venue, *VOID, "--arrived-by", "17:00")
    run(venue, "deal", "restore", "DAY", "--reason", "by mistake")
    run(venue, *VOID, "--nobody")
    shown = answer(venue, "deal", "show", "DAY")
    told = run(venue, "deal", "show", "DAY").stdout

    assert "only at most 1.00 a person" in held
    assert shown["hold"] is None
    assert (shown["status"], shown["void"]["void_version"]) == ("voided", 3)
    assert [each["restored"] for each in shown["void_versions"]] == [False, True, False]
    assert told.count("limit failed") == 2
    assert "by mistake" in told
    assert "NONE" in run(venue, "deal", "show", "NONE", status=1).stderr


def test_a_wrong_time_is_answered_with_one_of_these_days(venue):
    told = run(venue, *VOID, "--arrived-by", "5 pm", status=1).stderr

    assert "17:00" in told
    assert "2015" not in told


# --- vouchers of ours ----------------------------------------------------------------------------


def test_issued_vouchers_can_be_read_and_imported_again(venue, tmp_path):
    out = tmp_path / "issued"
    made = answer(venue, "voucher", "issue", "DAY", "--count", 3, "--admits", 2, "--out", out)

    codes = [zxingcpp.read_barcodes(Image.open(out / each["file"]))[0] for each in made]
    assert [code.text for code in codes] == [each["code"] for each in made]
    assert answer(venue, "import", "vouchers", out / "vouchers.csv")["unchanged"] == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    run(venue, "voucher", "issue", "DAY", "--out", out, status=1)


# --- the chain -----------------------------------------------------------------------------------


def test_a_head_seen_elsewhere_must_be_in_the_chain(venue, tmp_path):
    run(venue, "gate", "add", "G8", "--name", "Eight")
    told = answer(venue, "audit", "verify")
    line, other = f"{told['revision']} {told['audit_head']}\n", f"{told['revision']} {'00' * 32}\n"
    heartbeat = json.dumps({"ledger_revision": told["revision"], "audit_head": told["audit_head"]})

    run(venue, "audit", "verify", "--heads", write(tmp_path / "good", line))
    run(venue, "audit", "verify", "--heads", write(tmp_path / "beats", heartbeat + "\n" + line))
    run(venue, "audit", "verify", "--heads", write(tmp_path / "bad", other), status=1)
    run(venue, "audit", "verify", "--heads", write(tmp_path / "none", "hello\n"), status=1)
    cut = write(tmp_path / "cut", f"{told['revision'] + 9} {told['audit_head']}\n")
    assert "not in the chain" in run(venue, "audit", "verify", "--heads", cut, status=1).stderr


# --- how commands fail ---------------------------------------------------------------------------


def test_a_directory_without_a_venue_says_how_to_make_one(tmp_path):
    assert "init" in run(tmp_path / "none", "gate", "list", status=1).stderr


def test_init_goes_on_where_it_was_interrupted_and_refuses_what_is_not_its_own(tmp_path):
    half = tmp_path / "half"
    run(half, "init")
    (half / "ledger.db").unlink()
    keys = {path: path.read_bytes() for path in (half / "keys").rglob("*") if path.is_file()}
    run(half, "init")

    assert {path: path.read_bytes() for path in keys} == keys
    assert stat.S_IMODE(half.stat().st_mode) == 0o700
    photos = tmp_path / "photos"
    photos.mkdir()
    write(photos / "holiday.txt", "mine")
    assert "holiday.txt" in run(photos, "init", status=1).stderr
    assert os.listdir(photos) == ["holiday.txt"]


def test_a_path_that_cannot_be_written_is_named(venue, tmp_path):
    (tmp_path / "file").touch()
    picture = tmp_path / "file" / "lane.png"

    done = run(venue, "device", "enrol", "--gate", "G1", "--name", "n", "--png", picture, status=1)

    assert "lane.png" in done.stderr


# --- beside a server -----------------------------------------------------------------------------


def test_commands_beside_a_server_are_seen_by_it_at_once(venue, tmp_path):
    file = write(tmp_path / "v.csv", "code,deal_id\nAAAA-0001,DAY\n")
    with a_running_server(venue) as server:
        made = answer(venue, "device", "enrol", "--gate", "G1", "--name", "Lane 1")
        assert made["url"] == f"http://127.0.0.1:{server.port}"
        enrolled = server.post("/devices/enrol", None, {"code": made["code"]}).json()
        headers = {"Authorization": f"Bearer {enrolled['token']}"}

        def scan(number):
            body = {"code": "AAAA-0001", "nonce": f"nonce-{number:04}", "mode": "admit"}
            return server.post("/scans", None, body, headers=headers).json()

        before = scan(1)["reason"]
        assert answer(venue, "import", "vouchers", file)["added"] == 1
        run(venue, *VOID, "--nobody")
        voided = scan(2)["reason"]
        run(venue, "deal", "restore", "DAY", "--reason", "sorted out")
        run(venue, "gate", "state", "G1", "paused", "--reason", "queue")
        closed = scan(3)["reason"]
        run(venue, "gate", "state", "G1", "open")
        admitted = scan(4)["reason"]
        run(venue, "backup", tmp_path / "live.tar")
        assert "in use" in run(venue, "restore", tmp_path / "live.tar", status=1).stderr
        run(venue, "audit", "verify")
        run(venue, "doctor")
        run(venue, "device", "revoke", enrolled["device_id"])
        revoked = server.get("/devices/self", headers=headers)

    reasons = before, voided, closed, admitted
    assert reasons == ("unknown_code", "deal_voided", "gate_closed", "admitted")
    assert revoked.status_code == 403


def test_conflicts_are_listed_and_closed(venue):
    park = Park(venue)
    park.sell("USED-TWICE-1")
    devices = [park.enrol(), park.enrol()]
    park.close()
    line = {
        "code": "USED-TWICE-1",
        "scanned_at": "2026-01-01T00:00:00Z",
        "verdict": {"outcome": "admit", "reason": "admitted", "admitted": 1},
    }
    with a_running_server(venue) as server:
        for device in devices:
            body = json.dumps(line | {"nonce": "offline-1"}).encode()
            assert server.post("/scans/batch", device, body).status_code == 200
        (found,) = answer(venue, "conflict", "list")

        assert (found["kind"], found["status"], len(found["scans"])) == ("double_use", "open", 2)
        assert "double_use" in run(venue, "conflict", "list").stdout
        run(venue, "conflict", "resolve", found["conflict_id"], "--note", "a copied screenshot")

    (closed,) = answer(venue, "conflict", "list")
    assert (closed["status"], closed["note"]) == ("resolved", "a copied screenshot")
    again = run(venue, "conflict", "resolve", found["conflict_id"], "--note", "x", status=1)
    assert "resolved before" in again.stderr


def test_a_lane_can_be_made_to_ask_for_the_number_of_people(venue):
    park = Park(venue)
    device = park.enrol()
    park.close()
    with a_running_server(venue) as server:
        run(venue, "device", "party", device.name, "ask")

        assert server.get("/devices/self", device).json()["party_default"] == "ask"

    assert "no device D99" in run(venue, "device", "party", "D99", "one", status=1).stderr
