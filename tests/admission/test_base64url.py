"""Bytes as text for URLs: every byte comes back, and nothing else is taken for bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission import base64url


@given(st.binary(max_size=40))
def test_bytes_come_back_from_text_that_a_url_may_hold(data):
    text = base64url.write(data)

    assert base64url.read(text) == data
    assert text.isascii()
    assert not set(text) & set("+/= ")


@pytest.mark.parametrize("text", ["A", "AA=", "AA==", "A A", "A+AA", "A/AA", "票票票票", "AAAA\n"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        base64url.read(text)
