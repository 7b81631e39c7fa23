"""Read JSON that a platform sent: what is wrong with it is one error, which quotes none of it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from admission.errors import FeedRejected

T = TypeVar("T")


def read_json(decoder: msgspec.json.Decoder[T], text: bytes | msgspec.Raw) -> T:
    """Return what JSON says.

    Raises:
        FeedRejected: not JSON, too deep, not UTF-8, or not of the decoder's type; says where.
    """
    try:
        return decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise FeedRejected("", f"cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise FeedRejected("", "cannot be read: it is not UTF-8") from error
    except RecursionError as error:
        raise FeedRejected("", "cannot be read: it is nested too deep") from error


def read_place(decoder: msgspec.json.Decoder[T], cursor: str | None) -> T:
    """Return where a source had come to; a cursor that it cannot read means to begin anew.

    Args:
        decoder: of a type whose fields all have defaults.
    """
    try:
        # Without a cursor, or with that of another kind of feed or another version, all is told.
        return read_json(decoder, (cursor or "{}").encode())
    except FeedRejected:
        return decoder.decode(b"{}")
