"""An empty replica in a directory of its own, and what it says to staff; a page with a screen."""

from collections.abc import Iterator

import pytest

from scanner_client.replica import Replica
from scanner_client.seal import load_seal
from tests.scanner_client.screens import a_served_screen


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def replica(tmp_path, said) -> Iterator[Replica]:
    replica = Replica(tmp_path, load_seal(tmp_path, said.append), said.append)
    yield replica
    replica.close()


@pytest.fixture(scope="module")
def tab(browser):
    """One page for most of these tests: a new one takes a second."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def lane(tab):
    """A lane screen, and a page that shows it."""
    with a_served_screen() as (screen, url):
        tab.goto(url)
        tab.wait_for_selector("body[data-scene=waiting]")
        yield screen, tab
