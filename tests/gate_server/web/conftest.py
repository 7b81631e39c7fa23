"""A furnished park and a site to call it, new for each test."""

from collections.abc import Iterator

import pytest

from tests.offline_lines import CODE
from tests.server import Member, Park, Site, an_app


@pytest.fixture
def park(tmp_path) -> Iterator[Park]:
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def site(park) -> Iterator[Site]:
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def device(park) -> Member:
    """A device of a park that has sold one voucher, `offline_lines.CODE`."""
    park.sell(CODE)
    return park.enrol()


@pytest.fixture
def other(park) -> Member:
    """Another device at the same gate."""
    return park.enrol()
