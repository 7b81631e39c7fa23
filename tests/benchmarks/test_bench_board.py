"""The scans that a benchmark writes by themselves are what a ledger would have recorded."""

from benchmarks.seed import seed
from benchmarks.seed_scans import add_scans
from gate_server.ledger import audit, flow, lanes, peaks, recount
from gate_server.ledger.ledger import OpenDirectory, utc_now
from gate_server.settings import read_settings


def test_made_scans_and_their_counters_agree(tmp_path):
    directory = tmp_path / "var"
    seed(directory, vouchers=120, devices_wanted=1)
    days = add_scans(directory, 500, now=utc_now())
    venue = read_settings(directory).venue
    with OpenDirectory(directory, venue) as ledger:
        counted = ledger.read(lambda db: db.execute("SELECT SUM(scans) FROM counters").fetchone())
        problems = [
            *ledger.read(audit.verify).findings,
            *ledger.read(lambda db: recount.differences(db, venue)),
            *(each for module in (lanes, flow, peaks) for each in ledger.read(module.differences)),
        ]

    assert (days, counted, problems) == (4, (500,), [])
