"""The replica over HTTP: whole, what changed since, refused as it should be, and beside scans."""

import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from admission.replica_columns import read_line
from admission.wire_outage import NDJSON, CompleteLine, StateLine
from gate_server.web.replica import accepts_gzip
from tests.replica_copy import Copy, should_be
from tests.server import API, Park, Site, a_running_server, slug_of


@pytest.fixture
def member(park):
    return park.enrol()


def fetch(site, member, since=0, epoch=None, **headers):
    query = f"?since={since}" + (f"&epoch={epoch}" if epoch is not None else "")
    answer = site.get(f"/replica{query}", member, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == NDJSON
    return answer


def expected(park):
    key = park.keys.code_key(park.ledger.clock())
    return park.ledger.read(lambda db: should_be(db, park.ledger.catalogue, key))


def codes(count, start=0):
    return [f"CODE-{number:05}" for number in range(start, start + count)]


# --- one call -------------------------------------------------------------------------------------


def test_replica_holds_what_the_ledger_holds(site, park, member):
    park.sell(*codes(30), order_ref="ORDER-1", buyer_ref="b1", price_paid_minor="19900")
    site.scan(member, "CODE-00003")
    copy = Copy().take(fetch(site, member).content)

    assert copy.content == expected(park)
    assert (copy.revision, copy.complete) == (park.ledger.revision, park.ledger.epoch)


def test_state_says_what_holds_for_the_venue(site, park, member):
    park.sell("CODE-1")
    site.scan(member, "CODE-1")
    site.post("/venue/emergency", park.hire(), {"on": True, "reason": "drill"})
    state = Copy().take(fetch(site, member).content).state

    assert (state.inside, state.emergency, state.limit) == (1, True, None)
    assert (state.zone, state.stale_after_s) == ("Asia/Shanghai", 300.0)
    assert state.code_keys.startswith("1.")
    assert [key.key_id for key in state.token_keys] == [1]
    assert (state.feeds_ms, state.feed_silent) == (None, False)


def test_last_line_is_exactly_the_complete_line(site, park, member):
    *_, state, last = fetch(site, member).content.splitlines()
    epoch = park.ledger.epoch

    assert isinstance(read_line(state), StateLine)
    assert read_line(last) == CompleteLine(park.ledger.revision, epoch, True)
    assert last == b'{"revision":%d,"epoch":"%s","complete":true}' % (
        park.ledger.revision,
        epoch.encode(),
    )


def test_delta_holds_what_changed(site, park, member):
    park.sell(*codes(20))
    copy = Copy().take(fetch(site, member).content)
    park.sell(*codes(5, 18), status="cancelled")
    site.scan(member, "CODE-00001")
    answer = fetch(site, member, copy.revision, copy.complete)
    lines = answer.content.splitlines()
    copy.take(answer.content)

    assert len(lines) == 4  # vouchers, scan, state, complete
    assert copy.content == expected(park)


def test_nothing_new_is_a_state_and_the_end(site, member):
    copy = Copy().take(fetch(site, member).content)
    again = fetch(site, member, copy.revision, copy.complete)

    assert len(again.content.splitlines()) == 2


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("?since=5", 400, "invalid"),
        ("?since=-1", 400, "invalid"),
        ("?since=x", 400, "invalid"),
        ("?since=99999999999999999999", 400, "invalid"),
        ("?sicne=0", 400, "invalid"),
        ("?since=0&epoch=another", 409, "epoch-changed"),
        ("?since=1&epoch=another", 409, "epoch-changed"),
        ("?since=1000000&epoch={epoch}", 409, "epoch-changed"),
    ],
)
def test_what_cannot_be_told_is_refused(site, park, member, query, status, slug):
    answer = site.get("/replica" + query.format(epoch=park.ledger.epoch), member)

    assert (answer.status_code, slug_of(answer)) == (status, slug)


def test_only_devices_may_have_it(site, park):
    assert site.get("/replica", park.hire()).status_code == 403
    assert site.get("/replica").status_code == 401


@pytest.mark.parametrize(
    ("encodings", "zipped"),
    [
        ("gzip", True),
        ("GZIP, deflate", True),
        ("deflate;q=1, gzip;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("br", False),
    ],
)
def test_gzip_goes_to_who_takes_it(site, member, encodings, zipped):
    answer = fetch(site, member, **{"Accept-Encoding": encodings})

    assert accepts_gzip(encodings) is zipped
    assert (answer.headers.get("content-encoding") == "gzip") is zipped
    assert answer.headers["vary"] == "Accept-Encoding"
    assert Copy().take(answer.content).complete


# --- a real server --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A running server with many vouchers and some devices."""
    park = Park(tmp_path_factory.mktemp("replica") / "var")
    for start in range(0, 20_000, 5000):
        park.sell(*codes(5000, start), price_paid_minor="19900")
    members = [park.enrol() for _ in range(20)]
    park.close()
    with a_running_server(park.directory) as server:
        yield server, members


def figure(server, name):
    text = server.http.get("/metrics").text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name)))


def ask_and_read_nothing(server, member):
    """Ask for everything with a window of a few bytes, and leave the answer where it is."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", server.port))
    head = f"GET {API}/replica HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {member.token}\r\n"
    client.sendall(head.encode() + b"\r\n")
    assert client.recv(1)  # it has begun
    return client


def test_places_of_clients_that_are_gone_are_free_at_once(crowd):
    server, members = crowd
    clients = [ask_and_read_nothing(server, member) for member in members[:16]]
    for client in clients:
        client.close()
    until = time.monotonic() + 2
    while figure(server, "gatehouse_downloads ") and time.monotonic() < until:
        time.sleep(0.05)

    assert figure(server, "gatehouse_downloads ") == 0
    assert Copy().take(fetch(server, members[0]).content).complete


def test_whole_is_downloaded_by_many_while_others_scan(crowd):
    server, members = crowd
    revisions, scanned = [], []

    def load(member):
        with a_client(server) as site:
            revisions.append(Copy().take(fetch(site, member).content).revision)

    def scan():
        with a_client(server) as site:
            codes_now = codes(50, 1000)
            scanned.extend(site.scan(members[-1], code)["reason"] for code in codes_now)

    threads = [threading.Thread(target=load, args=(member,)) for member in members[:8]]
    threads.append(threading.Thread(target=scan))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(revisions) == 8
    assert scanned == ["admitted"] * 50


@contextmanager
def a_client(server):
    """Call the same server from another thread."""
    with httpx.Client(base_url=server.url, timeout=20.0) as http:
        yield Site(http)
