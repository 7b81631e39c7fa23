"""The feeder: a process beside the server that talks to the outside, so that the server never does.

The server's worker starts it (`feeder_watch`) as `python -m gate_server.feeder DIR`, and it ends
with that: its standard input is a pipe that nobody writes to. It reaches the ledger over the
control socket, never by its file. A kill at any moment loses nothing: places move with their rows.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from admission.errors import AdmissionError
from gate_server.feed_rounds import FeedTask
from gate_server.feed_sources import list_fetched
from gate_server.feeder_tasks import (
    MAKERS,
    MOST_CALLS,
    Link,
    Runner,
    Surroundings,
    Task,
    tell_defect,
)
from gate_server.keyring import Keyring
from gate_server.redeeming import RedemptionTask
from gate_server.settings import read_settings

LOOK_S: Final = 2.0
# Scans go first where there are fewer cores than work.
_NICE: Final = 5
_WORDS: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

log = logging.getLogger("gatehouse.feeder")


def main() -> None:
    """Run until the server's worker is gone."""
    (directory,) = sys.argv[1:]
    _settle()
    run(Path(directory))


def run(directory: Path) -> None:
    """Keep the tasks going that the server's feeds need; never returns."""
    surroundings = Surroundings(
        directory, read_settings(directory), Keyring.open(directory / "keys")
    )
    room = threading.BoundedSemaphore(MOST_CALLS)
    link, runner = Link(directory, room), Runner(lambda: Link(directory, room))
    made = (make(surroundings) for make in (*MAKERS, RedemptionTask))
    always: dict[str, Task] = {task.name: task for task in made}
    feeds: dict[str, FeedTask] = {}
    while True:
        try:
            found = list_fetched(link.call("feed list"))
        except AdmissionError as error:
            log.warning("the server does not say which feeds there are: %s", error)
        else:
            feeds = {
                feed.name: feeds.get(feed.name) or FeedTask(feed, surroundings) for feed in found
            }
            for feed in found:
                feeds[feed.name].heed(feed)
            runner.keep(always | feeds)
        time.sleep(LOOK_S)


def _settle() -> None:
    """Be a quiet child: end with the parent, on its signals, and after the scans."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches the whole group; the worker ends this process when it ends itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.nice(_NICE)
    logging.basicConfig(format=_WORDS, level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("gatehouse").setLevel(logging.INFO)
    threading.excepthook = tell_defect
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
