"""What downloads share: the same however it is cut, bounded, and nobody waits for the slow."""

import gzip
import random
import sqlite3
import time
import zlib
from contextlib import closing

import pytest

from gate_server.gzip_parts import HEADER, Member, compress, expand
from gate_server.segments import Segments
from gate_server.web.downloads import Downloads
from gate_server.web.problems import Refused
from tests.replica_copy import Copy, should_be

SMALL = 8


@pytest.fixture
def member(park):
    return park.enrol()


def fetch(site, member, since, epoch):
    return site.get(f"/replica?since={since}&epoch={epoch}", member).content


def expected(park):
    key = park.keys.code_key(park.ledger.clock())
    return park.ledger.read(lambda db: should_be(db, park.ledger.catalogue, key))


def codes(count, start=0):
    return [f"CODE-{number:05}" for number in range(start, start + count)]


@pytest.fixture
def small(park):
    """Segments of a few revisions, so that little is much."""
    return Segments(park.ledger, park.keys, park.settings, size=SMALL)


def download(park, segments, since=0, *, zipped=True, during=lambda: None):
    """Take a download as a device does, with something happening between its pieces."""
    device = next(iter(park.ledger.catalogue.devices.values()))
    pieces = []
    for piece in Downloads(park.ledger, segments).begin(device, since, zipped=zipped):
        pieces.append(piece)
        during()
    data = b"".join(pieces)
    return gzip.decompress(data) if zipped else data


# --- gzip -----------------------------------------------------------------------------------------


def test_parts_join_into_one_member_for_every_reader():
    chance, member = random.Random(5), Member()
    parts = [chance.randbytes(size) for size in (0, 1, 5, 70_000, 3, 300_000, 0)]
    made = [compress(part) for part in parts]
    data = HEADER + b"".join(map(member.add, made)) + member.end()
    reader = zlib.decompressobj(31)

    assert [expand(part) for part in made] == parts
    assert gzip.decompress(data) == reader.decompress(data) == b"".join(parts)
    assert reader.eof
    assert not reader.unused_data


def test_whole_lines_come_out_of_a_gzip_stream_that_broke(park, member, small):
    park.sell(*codes(100))
    whole = download(park, small)
    device = park.ledger.catalogue.devices[member.name]
    data = b"".join(Downloads(park.ledger, small).begin(device, 0, zipped=True))
    for end in range(0, len(data), 97):
        got = zlib.decompressobj(31).decompress(data[:end])
        copy = Copy().take(got[: got.rfind(b"\n") + 1])
        copy.take(download(park, small, copy.revision))
        assert copy.content == Copy().take(whole).content


# --- segments -------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False])
def test_segments_tell_the_same_as_one_cut(park, member, small, zipped):
    park.sell(*codes(100))
    data = download(park, small, zipped=zipped)

    assert len(data.splitlines()) > park.ledger.revision / SMALL
    assert Copy().take(data).content == expected(park)


def test_rows_that_change_during_a_download_are_in_it(site, park, member, small):
    park.sell(*codes(60))
    chance = random.Random(7)

    def change():
        park.sell(chance.choice(codes(60)), status=chance.choice(["cancelled", "valid"]))
        site.scan(member, chance.choice(codes(60)))

    copy = Copy().take(download(park, small, during=change))

    assert copy.revision <= park.ledger.revision
    copy.take(download(park, small, copy.revision))
    assert copy.content == expected(park)


def test_stale_segments_and_any_since_end_the_same(site, park, member, small):
    park.sell(*codes(60))
    download(park, small)  # cuts the old segments, which stay as they are
    copies = {since: Copy().take(download(park, small)) for since in range(3)}
    park.sell(*codes(30), status="cancelled")
    for number in range(12):
        site.scan(member, f"CODE-{number * 5:05}")
    for copy in copies.values():
        copy.take(download(park, small, copy.revision))
        assert copy.content == expected(park)
    head = copies[0].revision
    for since in range(head):
        whole = Copy().take(download(park, small))
        assert whole.take(download(park, small, since)).content == expected(park)


def test_break_at_any_line_and_going_on_is_as_unbroken(park, member, small):
    park.sell(*codes(50))
    lines = download(park, small).splitlines(keepends=True)
    for broken in range(len(lines)):
        copy = Copy().take(b"".join(lines[:broken]))
        copy.take(download(park, small, copy.revision))
        assert copy.content == expected(park), broken


def test_memory_for_segments_is_bounded(park, member):
    park.sell(*codes(200))
    segments = Segments(park.ledger, park.keys, park.settings, size=SMALL, most_bytes=5000)
    copy = Copy().take(download(park, segments))

    assert copy.content == expected(park)
    assert 0 < segments.held_bytes <= 5000


def test_devices_that_ask_at_the_same_revision_cost_few_queries(site, park, member):
    park.sell(*codes(20))
    copy = Copy().take(fetch(site, member, 0, park.ledger.epoch))
    park.sell("CODE-NEW")
    statements = []
    # The site answers on this thread, so this is the connection that it reads with.
    park.ledger.read(lambda db: db.set_trace_callback(statements.append))
    members = [park.enrol() for _ in range(20)]
    before = park.ledger.revision
    begun = time.monotonic()
    answers = {fetch(site, each, copy.revision, copy.complete) for each in members * 10}

    park.ledger.read(lambda db: db.set_trace_callback(None))
    reads = [each for each in statements if "FROM vouchers WHERE revision" in each]
    assert 1 <= len(reads) <= 2 + (time.monotonic() - begun) / 0.4
    assert len(answers) <= len(reads)
    assert {copy.take(answer).revision for answer in answers} == {before}


def test_busy_ledger_is_not_looked_at_for_each_device_but_a_void_never_waits(park, member, small):
    park.sell(*codes(20))
    for _ in range(25):
        park.ledger.write(lambda tx: tx.record_event("test", {}))
        small.cut()
    park.ledger.write(lambda tx: tx.record_event("test", {}))
    begun = time.monotonic()
    small.cut()
    spaced = time.monotonic() - begun
    park.add_gate("G9", "Late", "park")
    begun = time.monotonic()
    cut = small.cut()

    assert 0.02 < spaced < 0.3
    assert time.monotonic() - begun < 0.04
    assert cut.revision == park.ledger.revision


# --- places ---------------------------------------------------------------------------------------


def test_downloads_are_capped_and_their_places_come_back(park, small):
    downloads = Downloads(park.ledger, small, most=2)
    names = [park.enrol().name for _ in range(3)]
    devices = [park.ledger.catalogue.devices[name] for name in names]
    first, second = (downloads.begin(device, 0, zipped=True) for device in devices[:2])
    with pytest.raises(Refused) as refused:
        downloads.begin(devices[2], 0, zipped=True)
    first.close()
    first.close()
    third = downloads.begin(devices[2], 0, zipped=True)

    assert (refused.value.slug, refused.value.retry_after_s) == ("downloads-full", 1)
    assert downloads.under_way == 2
    assert gzip.decompress(b"".join(second))
    assert gzip.decompress(b"".join(third))
    assert downloads.under_way == 0


def test_newer_download_of_a_device_ends_the_older(park, member, small):
    park.sell(*codes(50))
    downloads = Downloads(park.ledger, small)
    device = park.ledger.catalogue.devices[member.name]
    older = downloads.begin(device, 0, zipped=False)
    next(older)
    newer = downloads.begin(device, 0, zipped=False)

    assert list(older) == []
    assert Copy().take(b"".join(newer)).complete
    assert downloads.under_way == 0


def test_download_of_a_device_that_is_revoked_breaks_off(park, member, small):
    park.sell(*codes(50))
    pieces = Downloads(park.ledger, small).begin(
        park.ledger.catalogue.devices[member.name], 0, zipped=False
    )
    first = next(pieces)
    park.revoke(member.name)

    assert not Copy().take(first + b"".join(pieces)).complete


def test_downloads_end_when_the_server_stops(park, member, small):
    park.sell(*codes(50))
    downloads = Downloads(park.ledger, small)
    device = park.ledger.catalogue.devices[member.name]
    pieces = downloads.begin(device, 0, zipped=False)
    next(pieces)
    downloads.stop()

    assert list(pieces) == []
    with pytest.raises(Refused):
        downloads.begin(device, 0, zipped=False)


def test_download_that_is_not_taken_keeps_no_transaction_open(site, park, member, small):
    park.sell(*codes(200))
    device = park.ledger.catalogue.devices[member.name]
    pieces = Downloads(park.ledger, small).begin(device, 0, zipped=True)
    next(pieces), next(pieces)
    for number in range(200):
        site.scan(member, f"CODE-{number:05}")
    with closing(sqlite3.connect(park.directory / "ledger.db")) as db:
        busy, pages, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    # A reader that stood still would hold back every page written since.
    assert (busy, pages) == (0, moved)
    assert b"".join(pieces)
