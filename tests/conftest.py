"""What every test may ask for: the system's Chromium, without a download and without a network."""

from __future__ import annotations

import ctypes.util
import shutil

import pytest

# Root needs --no-sandbox; the rest keeps it from looking for servers that no test has.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One process draws all pages, and none is kept ready for a page that never comes.
    "--renderer-process-limit=1",
    "--disable-features=IsolateOrigins,site-per-process,SpareRendererForSitePerProcess",
)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Start the browser that Debian ships; a test asks for `page` or `new_context`."""
    chromium = shutil.which("chromium")
    if chromium is None or ctypes.util.find_library("atomic") is None:
        pytest.skip("no browser to drive on this machine: apt-get install chromium libatomic1")
    return {"executable_path": chromium, "args": [*QUIET], "headless": True}
