"""The replica follows the ledger: by events, by polling, over broken connections, from afresh."""

import gzip
import threading
import time

import msgspec
import pytest

from admission import wire
from admission.replica_columns import pack
from admission.wire_outage import NDJSON, DealLine
from scanner_client.answers import Conflict, NoAnswer, NotAllowed, NotRecognised
from scanner_client.download import Pace
from scanner_client.replica import Replica
from scanner_client.replica_files import REPLICA_FILE
from scanner_client.replica_intake import Untaken
from tests import fakes
from tests.fakes import EPOCH, FakeGate, an_answer
from tests.scanner_client.downloads import Told, an_event, encoded, keeping, soon
from tests.scanner_client.scanners import a_lasting_deal, a_park, a_row, a_state


@pytest.fixture
def gate():
    with FakeGate() as gate:
        gate.lines = encoded(*a_park("CODE-1"), a_state(7))
        yield gate


def told_more(gate, revision, *lines):
    """Have the ledger go on."""
    gate.lines = [line for line in gate.lines if b'"state"' not in line]
    gate.lines += encoded(*lines, a_state(revision))
    gate.revision = revision


def replica_calls(gate):
    return [call.path.partition("?")[2] for call in gate.calls if "/replica" in call.path]


# --- one download ---------------------------------------------------------------------------------


def test_first_download_and_delta(gate, tmp_path):
    with keeping(tmp_path, gate.url) as kept:
        kept.download.sync_now(5)
        assert (kept.replica.revision, kept.replica.epoch) == (7, EPOCH)
        told_more(gate, 8, pack(8, 1, [a_row("CODE-2")]))
        kept.download.sync_now(5)

        assert kept.held("CODE-1") == kept.held("CODE-2") == 1
        assert replica_calls(gate) == ["since=0", f"since=7&epoch={EPOCH}"]
        assert kept.told == Told(epochs=[EPOCH])
        assert kept.download.progress.contact_at is not None


def cut_after(size):
    """Send the first bytes of the answer, and break off."""

    def cut(handler):
        status, answer = handler.answer()
        handler.send_response(status)
        handler.send_header("Content-Type", NDJSON)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(answer)))
        handler.send_header("X-Gatehouse-Epoch", handler.server.epoch)
        handler.end_headers()
        handler.wfile.write(answer[:size])
        handler.wfile.flush()
        # An orderly end: what was sent arrives, the rest never does.
        handler.close_connection = True

    return cut


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999])
def test_download_goes_on_after_a_break_at_any_byte(gate, tmp_path, share):
    rows = [a_row(f"CODE-{number}") for number in range(4000)]
    gate.lines = encoded(
        *a_park(), *(pack(4 + start, 1, rows[start : start + 100]) for start in range(0, 4000, 100))
    )
    told_more(gate, 5000)
    size = len(gzip.compress(b"\n".join(gate.lines)))
    gate.troubles = [cut_after(int(size * share)), cut_after(10)]

    with keeping(tmp_path, gate.url) as kept:
        for _ in range(2):
            with pytest.raises(NoAnswer, match="broke off"):
                kept.download._sync(wait_s=0)
        assert kept.replica.revision == 0
        kept.download.sync_now(5)

        assert all(kept.held(f"CODE-{number}") for number in range(4000))
    asked = [int(call.partition("&")[0].removeprefix("since=")) for call in replica_calls(gate)]
    assert asked[0] == 0
    assert asked == sorted(asked)
    if share >= 0.4:
        assert asked[1] > 4


def test_delta_goes_on_too_and_takes_effect_as_one(gate, tmp_path):
    with keeping(tmp_path, gate.url) as kept:
        kept.download.sync_now(5)
        told_more(
            gate, 40, *(pack(number, 1, [a_row(f"CODE-{number}")]) for number in range(10, 40))
        )
        half = len(gate_answer(gate, since=7)) // 2
        gate.troubles = [cut_after(half)]
        with pytest.raises(NoAnswer):
            kept.download._sync(wait_s=0)
        assert kept.replica.revision == 7
        assert kept.held("CODE-10") == 0

        kept.download.sync_now(5)

        assert kept.replica.revision == 40
        assert all(kept.held(f"CODE-{number}") for number in range(10, 40))
    assert 7 < int(replica_calls(gate)[-1].partition("&")[0].removeprefix("since=")) < 40


def gate_answer(gate, since):
    told = [line for line in gate.lines if msgspec.json.decode(line)["revision"] > since]
    return gzip.compress(b"\n".join(told))


def test_sync_now_goes_on_by_itself(gate, tmp_path):
    rows = [a_row(f"CODE-{number}") for number in range(2000)]
    gate.lines = encoded(
        *a_park(), *(pack(4 + start, 1, rows[start : start + 50]) for start in range(0, 2000, 50))
    )
    told_more(gate, 5000)
    size = len(gate_answer(gate, since=0))
    gate.troubles = [cut_after(size // 2), cut_after(size // 4)]

    with keeping(tmp_path, gate.url) as kept:
        kept.download.sync_now(5)

        assert kept.replica.revision == 5000


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (fakes.portal, NoAnswer),
        (fakes.redirected, NoAnswer),
        (fakes.resets, NoAnswer),
        (fakes.gives(502, b"<html>", "text/html"), NoAnswer),
        (fakes.problem(503, "downloads-full"), NoAnswer),
        (fakes.problem(401, "device-unknown"), NotRecognised),
        (fakes.problem(403, "forbidden"), NotAllowed),
        (fakes.gives(403, b"<html>", "text/html"), NoAnswer),
        (fakes.problem(409, "another"), Conflict),
        (fakes.gives(200, b"no line\n", NDJSON), Untaken),
        (fakes.gives(200, b'{"kind": "news", "revision": 1}\n', NDJSON), Untaken),
        (fakes.gives(200, b"", NDJSON), NoAnswer),
        (lambda handler: give_gzip(handler, b"\x1f\x8bgarbage"), NoAnswer),
        (lambda handler: give_gzip(handler, gzip.compress(b" " * (5 << 20))), NoAnswer),
    ],
)
def test_what_is_no_download_changes_nothing(gate, tmp_path, trouble, kind):
    with keeping(tmp_path, gate.url) as kept:
        kept.download.sync_now(5)
        gate.troubles = [trouble]
        with pytest.raises(kind):
            kept.download.sync_now(0)

        assert kept.replica.revision == 7
        assert kept.held("CODE-1") == 1
        kept.download.sync_now(5)
        assert kept.told.revoked == []


def give_gzip(handler, body):
    handler.send_response(200)
    handler.send_header("Content-Type", NDJSON)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_another_ledger_is_downloaded_afresh(gate, tmp_path):
    with keeping(tmp_path, gate.url) as kept:
        kept.download.sync_now(5)
        gate.epoch, gate.revision = "epoch-2", 3
        gate.lines = encoded(*a_park("CODE-2"), a_state(3))

        kept.download.sync_now(5)

        assert (kept.replica.epoch, kept.replica.revision) == ("epoch-2", 3)
        assert (kept.held("CODE-1"), kept.held("CODE-2")) == (0, 1)
        assert kept.told.epochs == [EPOCH, "epoch-2"]
        kept.download.sync_now(5)
        assert replica_calls(gate)[-1] == "since=3&epoch=epoch-2"


def test_another_ledger_while_a_download_is_broken_off(gate, tmp_path):
    with keeping(tmp_path, gate.url) as kept:
        gate.troubles = [cut_after(len(gate_answer(gate, since=0)) - 20)]
        with pytest.raises(NoAnswer):
            kept.download._sync(wait_s=0)
        gate.epoch, gate.revision = "epoch-2", 3
        gate.lines = encoded(*a_park("CODE-2"), a_state(3))

        kept.download.sync_now(5)

        assert (kept.held("CODE-1"), kept.held("CODE-2")) == (0, 1)


def test_slow_line_is_waited_for_and_silence_is_not(gate, tmp_path):
    whole = gzip.compress(b"".join(line + b"\n" for line in gate.lines))

    def dawdle(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", NDJSON)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("X-Gatehouse-Epoch", EPOCH)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for start in range(0, len(whole), 40):
            handler.wfile.write(whole[start : start + 40])
            time.sleep(0.05)
        time.sleep(2)

    gate.troubles = [dawdle]
    with keeping(tmp_path, gate.url, pace=Pace(silence_s=0.3)) as kept:
        began_s = time.monotonic()
        with pytest.raises(NoAnswer, match="in time"):
            kept.download._sync(wait_s=0)
        assert time.monotonic() - began_s < 1.9


# --- the threads ----------------------------------------------------------------------------------


def test_polling_goes_on_without_events_and_through_an_outage(gate, tmp_path):
    gate.streams = [b"<html>\n"] * 1000
    with keeping(tmp_path, gate.url, run=True) as kept:
        soon(lambda: kept.replica.revision == 7)
        gate.troubles = [fakes.resets] * 8
        told_more(gate, 8, pack(8, 1, [a_row("CODE-2")]))

        assert soon(lambda: kept.held("CODE-2")) < 3
        assert not kept.download.progress.listening


def test_urgent_event_is_fetched_at_once_and_others_within_the_spread(gate, tmp_path):
    pace = Pace(poll_s=60, calm_s=60, spread_s=0.2, deaf_s=5)
    event = wire.RevisionEvent(epoch=EPOCH, revision=8, urgent=True)
    verdict = an_answer("nonce-0001")

    told = threading.Event()

    def speaks(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(b": alive\n\n")
        told.wait(5)
        handler.wfile.write(an_event("revision", event) + an_event("verdict", verdict))
        time.sleep(1)

    with keeping(tmp_path, gate.url, pace=pace) as kept:
        kept.download.sync_now(5)
        gate.troubles = [speaks]
        stop = threading.Event()
        listener = threading.Thread(target=kept.download.hear, args=(stop,), daemon=True)
        listener.start()
        soon(lambda: kept.download.progress.listening)
        keeper = threading.Thread(target=kept.download.keep, args=(stop,), daemon=True)
        keeper.start()
        time.sleep(0.2)
        told_more(gate, 8, DealLine(revision=8, deal=a_lasting_deal(title="new")))
        told.set()

        assert soon(lambda: kept.replica.revision == 8) < 0.5
        soon(lambda: kept.told.events == [verdict])
        stop.set()
        kept.download.wake()


def test_revocation_is_told_only_where_it_names_this_device(gate, tmp_path):
    gate.revoked = True
    with keeping(tmp_path, gate.url, run=True) as kept:
        soon(lambda: kept.told.revoked)
    with keeping(tmp_path, gate.url, device_id="d-2", run=True) as kept:
        soon(lambda: "device-revoked" in kept.download.progress.problem)
        assert kept.told.revoked == []


def test_damaged_replica_is_rebuilt_by_itself(gate, tmp_path):
    with keeping(tmp_path, gate.url, pace=Pace(poll_s=60, calm_s=60), run=True) as kept:
        soon(lambda: kept.replica.revision == 7)
        kept.replica.close()
        (tmp_path / REPLICA_FILE).write_bytes(b"garbage" * 999)

        soon(lambda: kept.replica.revision == 7 and kept.held("CODE-1"))

        assert ["downloaded afresh" in line for line in kept.told.lines] == [True]


class _Unlucky(Replica):
    """A replica whose file is damaged in the moment in which it is complete."""

    struck = False

    @property
    def standing(self):
        path = self.directory / REPLICA_FILE
        if path.exists() and not self.struck:
            self.struck = True
            path.write_bytes(b"garbage" * 999)
        return super().standing


def test_replica_damaged_as_it_was_completed_is_rebuilt_before_anybody_asks(gate, tmp_path):
    pace = Pace(poll_s=60, calm_s=60)
    with keeping(tmp_path, gate.url, pace=pace, kind=_Unlucky, run=True) as kept:
        soon(lambda: kept.replica.struck and kept.held("CODE-1"))

        assert ["downloaded afresh" in line for line in kept.told.lines] == [True]
