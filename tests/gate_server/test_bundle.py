"""An evidence bundle: another party finds whatever was changed in it, with Python alone."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.errors import InvalidInput, LedgerRefused, NotFound
from gate_server.bundle import Exported, write_bundle
from gate_server.commands.evidence import Export, export
from gate_server.commands.services import Services
from gate_server.heads import list_heads, sign_head
from gate_server.ledger import audit
from gate_server.ledger.bundle_rows import ref_hash
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.session import Session
from gate_server.verify_bundle import main, verifies
from tests.chance import without_chance
from tests.server import Park, an_app

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=40)
FEW = settings(FIXED, max_examples=12)
DATA = ("links.txt", "rows.ndjson", "vouchers.ndjson", "heads.ndjson", "export.ndjson",
        "head.ndjson", "statement.json")  # fmt: skip
STATEMENT = json.dumps({"counts": {"sold": 4, "used": 3, "outstanding": 1}}).encode()


def public_keys(park: Park) -> dict[int, bytes]:
    return {key.key_id: key.public for key in park.keys.audit_keys().keys}


def export_from(park: Park, out: Path, **options) -> Exported:
    services = Services(park.ledger, park.keys, park.settings, park.directory, by="test")
    return write_bundle(
        park.directory / LEDGER,
        out,
        "DAY",
        sign=lambda exported: export(services, Export(exported=exported)),
        public_keys=public_keys(park),
        **options,
    )


@pytest.fixture(scope="module")
def park(tmp_path_factory):
    """A park with two deals, scans of both, an annulment, an override and a signed head."""
    park = Park(tmp_path_factory.mktemp("evidence") / "var")
    park.offer("OTHER", platform="elsewhere")
    park.sell("OWN-CODE-0001", "OWN-CODE-0002", "OWN-CODE-0003", voucher_ref="=1", admits="2",
              buyer_phone="13800001234", buyer_ref="secret-buyer")  # fmt: skip
    park.sell("FOREIGN-0001", "FOREIGN-0002", deal_id="OTHER")
    device, boss = park.enrol(), park.hire(name="anne")
    with an_app(park) as (_, site):
        site.scan(device, "LATE-CODE-001", nonce="nonce-late", operator="4711")
        sign_head(park.ledger, park.keys)
        park.sell("LATE-CODE-001")
        for number, code in enumerate(("OWN-CODE-0001", "FOREIGN-0001", "OWN-CODE-0002")):
            site.scan(device, code, nonce=f"nonce-{number:03}", party=1, operator="4711")
        site.post("/scans/nonce-002/annul", device, {"reason": "stuck"})
        asked = {"reason": "lost child", "device_id": device.name}
        site.post("/scans/nonce-late/override", boss, asked)
    yield park
    park.close()


@pytest.fixture(scope="module")
def bundle(park, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "out"
    export_from(park, out, statement=STATEMENT)
    return out


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy")


def test_bundle_is_checked_by_python_alone(bundle, park, tmp_path):
    key = park.keys.audit_keys().keys[0].public.hex()
    command = [sys.executable, "-I", "-S", str(bundle / "verify.py"), "--key", key]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("everything holds\n")
    assert "people_in 2" in done.stdout


def test_bundle_holds_the_deals_rows_and_nothing_of_others_or_of_buyers(bundle):
    text = "".join((bundle / name).read_text() for name in DATA)
    rows = [json.loads(line) for line in (bundle / "rows.ndjson").read_text().splitlines()]
    nonces = [json.loads(row["content"])[0][1] for row in rows if row["kind"] == "scan"]

    assert nonces == ["nonce-late", "nonce-000", "nonce-002"]
    assert {row["kind"] for row in rows} >= {"annul", "override", "feed_batch"}
    told = without_chance(text.replace("nonce-", ""))
    for secret in ("secret-buyer", "13800001234", "1234", "4711", "OWN-CODE", "FOREIGN", "OTHER"):
        assert secret not in told, secret


def test_platform_finds_its_voucher_by_its_own_number(bundle):
    vouchers = [json.loads(line) for line in (bundle / "vouchers.ndjson").read_text().splitlines()]

    assert [each["ref_hash"] for each in vouchers][:3] == [ref_hash("lvtu", "=1")] * 3
    assert [each["tail"] for each in vouchers] == ["0001", "0002", "0003", "-001"]


@pytest.mark.parametrize("name", DATA)
def test_any_flipped_bit_of_any_file_is_found(bundle, tmp_path_factory, name):
    copy = shutil.copytree(bundle, tmp_path_factory.mktemp("flip") / "copy")
    whole = (copy / name).read_bytes()

    @FIXED
    @given(st.integers(0, len(whole) - 1), st.integers(0, 7))
    def check(at, bit):
        changed = bytearray(whole)
        changed[at] ^= 1 << bit
        (copy / name).write_bytes(changed)
        assert main([str(copy)]) == 1

    check()
    (copy / name).write_bytes(whole)
    assert main([str(copy)]) == 0


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("change", ["remove", "repeat", "swap", "empty", "delete", "cut"])
def test_line_removed_repeated_moved_or_cut_is_found(copy, name, change):
    lines = (copy / name).read_bytes().splitlines(keepends=True)
    at = random.Random(name + change).randrange(len(lines))
    changes = {
        "remove": lines[:at] + lines[at + 1 :],
        "repeat": [*lines[: at + 1], lines[at], *lines[at + 1 :]],
        "swap": [*lines[-1:], *lines[1:-1], lines[0]],
        "empty": [],
        "cut": [*lines[:-1], lines[-1][:-1]],
    }
    if change == "delete":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(b"".join(changes[change]))

    assert main([str(copy)]) == 1


def test_row_forged_with_its_own_link_is_found_by_the_signature(copy):
    rows = (copy / "rows.ndjson").read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(rows) if "nonce-000" in line)
    rows[at] = rows[at].replace("nonce-000", "nonce-999")
    (copy / "rows.ndjson").write_text("".join(rows))
    row = json.loads(rows[at])
    links = (copy / "links.txt").read_text().splitlines(keepends=True)
    new = hashlib.sha256(row["content"].encode()).hexdigest()
    lines = [
        f"{row['revision']} {row['kind']} {new}\n"
        if line.startswith(f"{row['revision']} ")
        else line
        for line in links
    ]
    (copy / "links.txt").write_text("".join(lines))

    assert main([str(copy)]) == 1


def test_bundle_of_another_signer_is_found_by_the_key_and_by_heads_that_one_has(
    bundle, park, tmp_path
):
    other = Park(tmp_path / "other")
    other.sell("OWN-CODE-0001")
    sign_head(other.ledger, other.keys)
    theirs = tmp_path / "theirs.ndjson"
    heads = list_heads(other.ledger, other.keys, 0).heads
    lines = [{"audit_head": h.audit_head, "revision": h.revision, "epoch": h.epoch,
              "day": h.day.isoformat(), "signed_at_ms": h.signed_at_ms, "signature": h.signature,
              "public_key": h.public_key} for h in heads]  # fmt: skip
    theirs.write_text("".join(json.dumps(each) + "\n" for each in lines))
    other.close()

    assert main([str(bundle), "--key", "00" * 32]) == 1
    assert main([str(bundle), "--heads", str(theirs)]) == 1


def test_heads_received_earlier_are_found_in_the_chain(bundle, park, tmp_path):
    mine = tmp_path / "mine.ndjson"
    mine.write_bytes((bundle / "heads.ndjson").read_bytes() + (bundle / "head.ndjson").read_bytes())

    assert len(mine.read_text().splitlines()) >= 2
    assert main([str(bundle), "--heads", str(mine)]) == 0


def test_statement_that_does_not_add_up_is_found(park, tmp_path):
    wrong = json.dumps({"counts": {"sold": 4, "used": 3, "outstanding": 2}}).encode()
    export_from(park, tmp_path / "out", statement=wrong)

    assert main([str(tmp_path / "out")]) == 1


def test_zip_holds_the_same_files(park, tmp_path):
    export_from(park, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "unpacked")

    assert main([str(tmp_path / "unpacked")]) == 0
    assert not list(tmp_path.glob(".*"))


def test_nothing_is_overwritten_and_nothing_half_is_left(park, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(InvalidInput):
        export_from(park, tmp_path / "there")

    ledger, keys = park.directory / LEDGER, public_keys(park)

    def fail(_):
        raise LedgerRefused("stopped")

    with pytest.raises(LedgerRefused, match="stopped"):
        write_bundle(ledger, tmp_path / "new", "DAY", sign=fail, public_keys=keys)
    with pytest.raises(NotFound):
        write_bundle(ledger, tmp_path / "new", "NONE", sign=fail, public_keys=keys)
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


@FEW
@given(st.binary(max_size=64), st.integers(0, 64 * 8 + 32 * 8 - 1), st.binary(min_size=32))
def test_slow_ed25519_agrees_with_the_library(message, flipped, seed):
    key = Ed25519PrivateKey.from_private_bytes(seed[:32])
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    both = bytearray(signature + public)
    both[flipped // 8] ^= 1 << flipped % 8

    assert verifies(public, message, signature)
    assert not verifies(bytes(both[64:]), message, bytes(both[:64]))
    assert not verifies(public, message + b"x", signature)


def make_old(park: Park) -> None:
    """Chain all that is there as ledgers did it before bundles."""

    def chain_anew(tx: Session) -> None:
        head = audit.FIRST_HEAD
        for revision, kind, content, _ in list(audit.chained_rows(tx.db)):
            head = audit.first_chain(head, revision, kind, content or b"")
            tx.db.execute("UPDATE audit SET hash = ? WHERE revision = ?", (head, revision))
        tx.db.execute("UPDATE venue SET audit_head = ?", (head,))

    park.ledger.write(chain_anew, alone=True)
    park.close()


def test_older_links_verify_in_the_ledger_and_are_taken_on_trust_elsewhere_only_if_asked(tmp_path):
    old = Park(tmp_path / "old")
    old.sell("OWN-CODE-0001")
    make_old(old)
    old = Park(old.directory)
    old.sell("OWN-CODE-0002")
    export_from(old, tmp_path / "out")

    assert old.ledger.read(audit.verify).findings == ()
    assert main([str(tmp_path / "out")]) == 1
    assert main([str(tmp_path / "out"), "--old-links"]) == 0
    old.ledger.write(lambda tx: tx.db.execute("UPDATE audit SET kind = 'x' WHERE revision = 1"))
    assert old.ledger.read(audit.verify).findings
    old.close()


def test_closure_is_disclosed_unless_it_names_deals_of_others(tmp_path):
    park = Park(tmp_path / "var")
    park.offer("OTHER", platform="elsewhere")
    boss = park.hire(name="anne")
    asked = {"reason": "typhoon", "extend_until": "2030-08-31T23:59:59+08:00", "day": "2030-08-01"}
    with an_app(park) as (_, site):
        for number, deals in enumerate((["DAY"], ["DAY", "OTHER"], ["OTHER"])):
            site.post("/closures", boss, {**asked, "day": f"2030-08-0{number + 1}", "deals": deals})
    export_from(park, tmp_path / "out")
    lines = (tmp_path / "out" / "rows.ndjson").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    closures = [json.loads(row["content"]) for row in rows if row["kind"] == "closure"]
    written = park.ledger.read(
        lambda db: db.execute("SELECT COUNT(*) FROM audit WHERE kind = 'closure'").fetchone()
    )

    assert written == (3,)
    assert [each["deals"] for each in closures] == [["DAY"]]
    assert main([str(tmp_path / "out")]) == 0
    park.close()


def test_broken_chain_is_not_handed_out(tmp_path):
    park = Park(tmp_path / "var")
    park.ledger.write(lambda tx: tx.db.execute("UPDATE audit SET kind = 'x' WHERE revision = 1"))

    with pytest.raises(LedgerRefused, match="audit verify"):
        export_from(park, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    park.close()
