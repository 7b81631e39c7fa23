"""Files that are put into a folder: when they are taken, where they go, what is never taken."""

import os
from contextlib import closing

import pytest

from admission.errors import FeedUnavailable
from gate_server.feeds.folder import FolderSource
from tests.platforms import a_deal_row, a_voucher_row
from tests.server import Park
from tests.sides import NOW, FolderSide, books

CODE = "CODE-0001"


@pytest.fixture
def side(tmp_path):
    park = Park(tmp_path / "var")
    side = FolderSide(park)
    side.put("deals.csv", [a_deal_row()])
    yield side
    park.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_taken_files_are_moved_away(side):
    side.put("vouchers-1.csv", [a_voucher_row(CODE)])
    side.put("vouchers-2.ndjson", [a_voucher_row("CODE-0002")])
    side.round()

    assert names(side.path) == []
    assert names(side.path / "done") == ["deals.csv", "vouchers-1.csv", "vouchers-2.ndjson"]


def test_vouchers_that_were_put_there_before_their_deal_go_in_after_it(side):
    (side.path / "deals.csv").unlink()
    side.put("vouchers.csv", [a_voucher_row(CODE)], age_s=900)
    side.put("deals-new.csv", [a_deal_row()], age_s=5)
    tally = side.round()

    assert (tally.added, tally.set_aside) == (2, 0)


def test_file_that_cannot_be_read_stops_none_of_the_others(side):
    (side.path / "vouchers-0.csv").write_bytes(b"\xff\xfec\x00o\x00d\x00e\x00")
    side.put("vouchers-1.csv", [{**a_voucher_row(CODE), "colour": "red"}])
    os.utime(side.path / "vouchers-0.csv", (NOW.timestamp() - 60,) * 2)
    side.put("vouchers-2.csv", [a_voucher_row(CODE)])
    side.round()

    assert names(side.path / "failed") == ["vouchers-0.csv", "vouchers-1.csv"]
    assert books(side.park, CODE) == {CODE: "valid"}
    assert sorted(row["place"] for row in side.rejects()) == ["vouchers-0.csv", "vouchers-1.csv"]


def test_wrong_row_is_named_by_file_and_line(side):
    rows = [a_voucher_row(CODE), a_voucher_row("bad"), a_voucher_row("CODE-0003")]
    side.put("vouchers.csv", rows)
    tally = side.round()
    (reject,) = side.rejects()

    assert (tally.added, reject["place"], reject["field"]) == (3, "vouchers.csv:3", "code")
    assert names(side.path / "done") == ["deals.csv", "vouchers.csv"]


@pytest.mark.parametrize(
    "name",
    ["vouchers.csv.part", ".vouchers.csv", "report.csv", "vouchers.txt", "vouchers\n.csv"],
)
def test_other_files_are_let_be(side, name):
    side.put(name, [a_voucher_row(CODE)])
    side.round()

    assert names(side.path) == [name]


def test_file_that_was_just_written_is_left_until_it_stands_still(side):
    side.put("vouchers.csv", [a_voucher_row(CODE)], age_s=1.0)
    side.round()
    waiting = names(side.path)
    os.utime(side.path / "vouchers.csv", (NOW.timestamp() - 3,) * 2)
    side.round()

    assert (waiting, names(side.path)) == (["vouchers.csv"], [])


def test_file_of_a_clock_that_is_ahead_is_taken_too(side):
    side.put("vouchers.csv", [a_voucher_row(CODE)], age_s=-86_400)
    side.round()

    assert books(side.park, CODE) == {CODE: "valid"}


def test_file_that_somebody_still_writes_is_left_however_old_it_looks(side):
    side.put("vouchers.csv", [a_voucher_row(CODE)])
    with (side.path / "vouchers.csv").open("a"):
        side.round()
        waiting = names(side.path)
    side.round()

    assert (waiting, names(side.path)) == (["vouchers.csv"], [])


def test_file_that_grows_while_it_is_read_is_taken_again(side):
    side.put("vouchers.csv", [a_voucher_row(CODE)])
    turn, source = side.turn(), Growing(side)
    with closing(source):
        turn.run(side.feed(), source)
    waiting = names(side.path)
    os.utime(side.path / "vouchers.csv", (NOW.timestamp() - 3,) * 2)
    side.round()

    assert waiting == ["vouchers.csv"]
    assert books(side.park, CODE, "CODE-0002") == {CODE: "valid", "CODE-0002": "valid"}


class Growing(FolderSource):
    """A folder in which a file gets a row more as soon as its rows have been given."""

    def __init__(self, side):
        super().__init__(side.path, now=lambda: NOW)
        self._side = side

    def changes(self, cursor):
        for part in super().changes(cursor):
            yield part
            path = self._side.path / "vouchers.csv"
            if part.kind == "vouchers" and part.rows and path.exists():
                self._side.put(path.name, [a_voucher_row(CODE), a_voucher_row("CODE-0002")])


def test_same_content_again_is_nothing_even_where_its_rows_have_no_time(side):
    plain = {"code": CODE, "deal_id": "EAST"}
    side.put("vouchers-1.csv", [plain])
    side.round()
    side.put("vouchers-2.csv", [{**plain, "status": "cancelled"}])
    side.round()
    side.put("vouchers-3.csv", [plain])
    side.round()

    assert books(side.park, CODE) == {CODE: "cancelled"}
    assert names(side.path / "done")[-1] == "vouchers-3.csv"


def test_name_that_comes_again_gets_a_number(side):
    for code in (CODE, "CODE-0002"):
        side.put("vouchers.csv", [a_voucher_row(code)])
        side.round()

    assert names(side.path / "done")[1:] == ["vouchers.2.csv", "vouchers.csv"]


def test_links_and_pipes_are_no_files_of_the_platform(side, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("private,columns\n1,2\n")
    (side.path / "vouchers-1.csv").symlink_to(secret)
    os.mkfifo(side.path / "vouchers-2.csv")
    (side.path / "vouchers-3.csv").mkdir()
    side.round()

    assert side.rejects() == []
    assert secret.exists()


def test_folder_where_nothing_can_be_moved_is_taken_once(side):
    for name in ("done", "failed"):
        (side.path / name).write_text("in the way")
    side.round()
    cursor = side.feed().cursor
    tally = side.round()

    assert "deals.csv" in names(side.path)
    assert tally.rows == 0
    assert side.feed().cursor == cursor


def test_folder_that_is_gone_is_a_platform_that_is_down(side):
    side.path.rename(side.path.with_name("elsewhere"))
    with pytest.raises(FeedUnavailable, match="No such file"):
        side.round()
    side.path.with_name("elsewhere").rename(side.path)

    assert side.round().added == 1


def test_kill_between_the_rows_and_the_move_moves_the_file_later(side):
    source = FolderSource(side.path, now=lambda: NOW)
    parts = source.changes(None)
    turn, feed = side.turn(), side.feed()
    for part in parts:
        turn.run(feed, One(part))
        if part.cursor is not None:
            break
    parts.close()
    tally = side.round()

    assert (tally.rows, names(side.path / "done")) == (0, ["deals.csv"])


class One:
    """A source of one part."""

    def __init__(self, part):
        self._part = part

    def changes(self, _):
        yield self._part
