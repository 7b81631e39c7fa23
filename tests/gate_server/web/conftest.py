"""A furnished park and a site to call it, new for each test."""

from collections.abc import Iterator

import pytest

from tests.server import Park, Site, an_app


@pytest.fixture
def park(tmp_path) -> Iterator[Park]:
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def site(park) -> Iterator[Site]:
    with an_app(park) as (_, site):
        yield site
