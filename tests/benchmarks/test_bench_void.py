"""Terms reach every scanner that listens, of a real server; the benchmark asks 200 how soon."""

from benchmarks.bench_replica import head
from benchmarks.bench_void import measure_terms
from benchmarks.listeners import Crowd
from tests.server import Park, a_running_server


def test_ten_scanners_know_of_each_change_at_once(tmp_path, capsys):
    park = Park(tmp_path / "var")
    park.offer("BENCH")
    park.sell("VOUCHER-1", deal_id="BENCH")
    scanners, boss = [park.enrol() for _ in range(10)], park.hire("supervisor")
    park.close()
    with a_running_server(tmp_path / "var") as running:
        start = head(running.port, scanners[0].token)
        tokens = [each.token for each in scanners]
        with Crowd(running.port, tokens, start, processes=1) as crowd:
            measure_terms(running.port, boss.token, crowd, "test")
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines()]
    last_s = {row[1].split(",")[0].strip(): float(row[2].split("/")[1]) for row in rows}

    assert last_s.keys() == {"void", "other terms", "restore", "closure"}
    # They would ask by themselves after a minute; the bench holds the one second.
    assert max(last_s.values()) < 5
