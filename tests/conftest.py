"""What holds for every test: where its files lie, when it runs, which browser it drives."""

from __future__ import annotations

import ctypes.util
import gc
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

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

# Thousands of small ledgers are made and thrown away. In memory each takes half of the time that it
# takes on a disk, whose waiting no test asks about: what a killed process leaves is the same.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 3 << 30


def _keep_files_in_memory() -> None:
    """Let temporary files lie in memory where there is plenty, and none was chosen by hand."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    room, free = os.statvfs(MEMORY), os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if min(room.f_bavail * room.f_frsize, free) < MEMORY_NEEDED:
        return
    place = MEMORY / f"gatehouse-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    # For the workers and every program of theirs, too.
    os.environ["TMPDIR"] = str(place)
    tempfile.tempdir = None


_keep_files_in_memory()

# Directories whose tests wait for processes more than they work.
WAITING = ("e2e", "docs")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait among those that work, from the first on.

    Workers take file after file. Were those that wait to come together, the processors would
    stand idle while they do; were they to come last, one long file would hold up the end.
    """
    files: defaultdict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    waiting = [tests for path, tests in files.items() if path.parent.name in WAITING]
    working = [tests for path, tests in files.items() if path.parent.name not in WAITING]
    # All have begun by the time two thirds of the others have.
    step = max(1, 2 * len(working) // (3 * max(1, len(waiting))))
    order = []
    for place in range(0, max(len(working), step * len(waiting)), step):
        order += waiting[place // step : place // step + 1]
        order += working[place : place + step]
    items[:] = [item for tests in order for item in tests]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector of garbage rest while tests are collected, and come less often after that.

    Modules and thousands of tests stay to the end. To look through them again and again for what
    may be thrown away was a tenth to a quarter of the work of a run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Start the browser that Debian ships; a test asks for `page` or `new_context`."""
    chromium = shutil.which("chromium")
    if chromium is None or ctypes.util.find_library("atomic") is None:
        pytest.skip("no browser to drive on this machine: apt-get install chromium libatomic1")
    return {"executable_path": chromium, "args": [*QUIET], "headless": True}
