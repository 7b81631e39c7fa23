"""A park with a board, and people who have logged in to it."""

import httpx
import pytest

from tests.server import Park, Site, an_app

PASSWORD = "a password of its own"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def app(park):
    with an_app(park) as (app, _):
        yield app


@pytest.fixture
def seat(park, app):
    """Log in as somebody of a role, each at a browser of their own."""
    browsers = []

    def log_in(role="supervisor", **options):
        transport = httpx.WSGITransport(app=app, remote_addr="127.0.0.1")
        browser = Site(httpx.Client(transport=transport, base_url="http://127.0.0.1"))
        browsers.append(browser)
        member = park.hire(role, password=PASSWORD, **options)
        assert browser.log_in(member.name, PASSWORD).status_code == 303
        browser.name = member.name
        return browser

    yield log_in
    for browser in browsers:
        browser.http.close()
