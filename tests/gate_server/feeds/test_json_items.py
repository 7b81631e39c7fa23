"""A large array is cut into its objects, whatever its strings hold and wherever it is cut."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.errors import FeedRejected, FeedUnavailable
from gate_server.feeds.json_items import DEEPEST, MOST_ITEM_BYTES, cut_items

TEXTS = st.text(alphabet='ab"\\{}[],: \n中', max_size=8)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=6)


def cut(text, sizes=(7,)):
    """Cut a text that comes in pieces of some sizes, in turn."""
    pieces, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        pieces.append(text[at : at + size])
        at, turn = at + size, turn + 1
    return [json.loads(item) for item in cut_items(iter(pieces))]


@settings(max_examples=60)
@given(OBJECTS, st.booleans(), st.lists(st.integers(1, 90_000), min_size=1, max_size=3))
def test_every_object_comes_out_as_it_went_in(objects, ascii_only, sizes):
    text = json.dumps(objects, ensure_ascii=ascii_only).encode()

    assert cut(text, sizes) == objects


def test_objects_that_lie_across_pieces_come_out_too():
    objects = [{"n": n, "filler": '{[\\"' * 3000} for n in range(40)]

    assert cut(json.dumps(objects).encode(), (65_537,)) == objects


def test_white_space_and_a_byte_order_mark_do_no_harm():
    assert cut(b'\xef\xbb\xbf \n[ {"a": 1} ,\r\n\t{"b": 2} ] \n') == [{"a": 1}, {"b": 2}]
    assert cut(b"[]") == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", FeedUnavailable),
        (b"[", FeedUnavailable),
        (b'[{"a": 1}', FeedUnavailable),
        (b'[{"a": 1}, {"b', FeedUnavailable),
        (b'{"error": "no"}', FeedRejected),
        (b"[[1]]", FeedRejected),
        (b"[1, 2, {}]", FeedRejected),
        (b'["text", {}]', FeedRejected),
        (b"null", FeedUnavailable),
        (b"<html><body>[{}]</body></html>", FeedRejected),
        (b"[{}" + b"[" * DEEPEST * 9, FeedRejected),
        (b'[{"a":' + b"[" * DEEPEST * 9, FeedRejected),
        (b'[{"a":"' + b"x" * (MOST_ITEM_BYTES + 100_000), FeedRejected),
        (b"[" + b" " * (MOST_ITEM_BYTES + 100_000) + b'"', FeedRejected),
    ],
)
def test_what_is_no_list_of_objects_is_refused(text, kind):
    with pytest.raises(kind):
        cut(text, (50_000,))


def test_memory_is_flat_in_the_size_of_the_answer():
    one = json.dumps({"filler": "x" * 3900}).encode()

    def pieces(count):
        yield b"[" + one
        for _ in range(count):
            yield b"," + one
        yield b"]"

    peaks = []
    for count in (500, 5000):
        tracemalloc.start()
        assert sum(1 for _ in cut_items(pieces(count))) == count + 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0] < 2 << 20
