"""The replica follows a real gate server."""

import time
from pathlib import Path

import pytest

from admission.keys import code_hash
from drill.plug import PASS, PORTAL_WAY, End, Plug, Way
from scanner_client.answers import NoAnswer
from scanner_client.download import Pace
from scanner_client.replica_files import REPLICA_FILE
from tests import nursery
from tests.scanner_client.downloads import keeping, soon
from tests.server import Park, a_running_server

CODES = [f"CODE-{number:05}" for number in range(3000)]


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(*CODES, order_ref="ORDER-1")
    yield park
    park.close()


@pytest.fixture
def members(park):
    found = park.enrol(), park.hire("supervisor")
    park.close()
    return found


def held(kept, code):
    with kept.replica.view() as view:
        keys = [code_hash(code, key) for key in view.reader.code_keys]
        return view.find(keys, code[-4:])


def void(site, by):
    answer = site.post(
        "/deals/DAY/void", by, {"reason": "limit", "honour": None, "cost_bearer": "platform"}
    )
    assert answer.status_code == 200, answer.text


def test_first_download_holds_everything_and_events_bring_the_rest(tmp_path, members):
    device, supervisor = members
    state = tmp_path / "scanner"
    state.mkdir()
    slow = Pace(poll_s=60, calm_s=60)
    with (
        a_running_server(tmp_path / "var") as site,
        keeping(
            state, site.url, token=device.token, device_id=device.name, pace=slow, run=True
        ) as kept,
    ):
        soon(lambda: kept.replica.revision > 0, 10)
        soon(lambda: kept.download.progress.listening, 10)
        assert all(len(held(kept, code)) == 1 for code in CODES)
        assert len(held(kept, "ORDER-1")) == 40
        with kept.replica.view() as view:
            assert view.gate("G1").area == "park"
            assert view.state.limit is None

        answer = site.scan(device, CODES[0])
        assert answer["reason"] == "admitted"
        soon(lambda: recorded(kept, CODES[0]) == [answer["nonce"]], 3)

        took_s = []
        for change, wanted in ((void, True), (restore, False)) * 3:
            time.sleep(0.2)
            change(site, supervisor)
            took_s.append(soon(lambda wanted=wanted: voided(kept) is wanted, 3))
        assert max(took_s) < 1.0


def restore(site, by):
    assert site.post("/deals/DAY/restore", by, {"reason": "again"}).status_code == 200


def recorded(kept, code):
    (found,) = held(kept, code)
    with kept.replica.view() as view:
        return [record.nonce for record, _ in view.records_of(found)]


def voided(kept):
    with kept.replica.view() as view:
        return view.void_of(1) is not None


def test_cut_connections_cost_no_more_than_what_was_under_way(tmp_path, members):
    device, _ = members
    state = tmp_path / "scanner"
    state.mkdir()
    quick = Pace(silence_s=0.3)
    with (
        a_running_server(tmp_path / "var") as site,
        Plug(site.port) as plug,
        keeping(state, f"http://127.0.0.1:{plug.port}", token=device.token, pace=quick) as kept,
    ):
        for size, end in (
            (0, End.RESET),
            (700, End.CLOSE),
            (20_000, End.SILENT),
            (10_000, End.RESET),
        ):
            plug.turn(Way(down_bytes=size, end=end))
            with pytest.raises(NoAnswer):
                kept.download._sync(wait_s=0)
            assert kept.replica.revision == 0
        plug.turn(PORTAL_WAY)
        with pytest.raises(NoAnswer):
            kept.download._sync(wait_s=0)
        came = kept.download._came
        plug.turn(PASS)

        kept.download.sync_now(10)

        assert came > 0
        assert all(len(held(kept, code)) == 1 for code in CODES)


def test_restored_server_is_downloaded_afresh(tmp_path, members):
    device, supervisor = members
    data, state, kept_file = tmp_path / "var", tmp_path / "scanner", tmp_path / "backup"
    state.mkdir()
    gate_server("--data", data, "backup", kept_file)
    slow = Pace(poll_s=0.2, calm_s=0.2)
    with a_running_server(data) as site:
        void(site, supervisor)
        with keeping(state, site.url, token=device.token, device_id=device.name, pace=slow) as kept:
            kept.download.sync_now(10)
            before = kept.replica.epoch, kept.replica.revision
            assert voided(kept)
    gate_server("--data", data, "restore", kept_file)
    with (
        a_running_server(data) as site,
        keeping(
            state, site.url, token=device.token, device_id=device.name, pace=slow, run=True
        ) as kept,
    ):
        soon(lambda: kept.replica.epoch != before[0], 10)
        assert not voided(kept)
        assert kept.told.epochs[-1] == kept.replica.epoch
        assert len(held(kept, CODES[-1])) == 1

        kept.replica.close()
        (state / REPLICA_FILE).write_bytes(b"\0" * 50_000)
        soon(lambda: kept.replica.revision and held(kept, CODES[-1]), 10)
        assert kept.told.revoked == []


def gate_server(*words):
    done = nursery.run("gate-server", *words)
    assert done.returncode == 0, done.stderr
    assert Path(words[1]).exists()
