"""Run the gate server: a parent that watches, and one worker that answers and holds the lock.

granian's parent starts the worker, starts it again where it was killed, and stops it on a signal.
Two workers would mean two processes on one ledger, which cost a p99 of half a second (FACTS.md).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from admission.errors import AdmissionError, InvalidInput, LedgerRefused
from admission.hosts import is_loopback
from gate_server import control
from gate_server.alarms import AlarmWatch
from gate_server.app import GateApp, create_app
from gate_server.certificates import TlsFiles, renew_server_certificate
from gate_server.commands.services import Services
from gate_server.conduct_watch import ConductWatch
from gate_server.feeder_watch import FeederWatch, is_needed
from gate_server.heads import HeadSigner
from gate_server.keyring import Keyring
from gate_server.ledger.directory import DirectoryLock, check_directory
from gate_server.ledger.ledger import Ledger, utc_now
from gate_server.sales_watch import make_watch
from gate_server.settings import Settings, read_settings
from gate_server.surges import SurgeWatch
from gate_server.web.alarms import alarm_sources
from gate_server.web.scans import tell_override, tell_turned_away

# What a killed server leaves is reaped within this; after it somebody else is there.
LOCK_WAIT_S: Final = 5.0
CLAIM_WAIT_S: Final = 2.0
SWITCH_INTERVAL_S: Final = 0.05
# A worker that cannot end its streams and commit within this is killed.
STOP_WITHIN_S: Final = 5
_LISTENING_WITHIN_S: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})

log = logging.getLogger("gatehouse.serve")


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve, as the parent was told."""

    directory: Path
    host: str
    port: int
    http: bool
    accept_clock: bool

    @property
    def url(self) -> str:
        """Where it serves."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.http else 'https'}://{host}:{self.port}"


def serve(
    directory: Path, host: str, port: int, *, http: bool = False, accept_clock: bool = False
) -> None:
    """Serve until a signal ends it; says on stderr where, once it really listens.

    Args:
        http: plain HTTP, on loopback only.
        accept_clock: start although the clock is behind the ledger's last commit.

    Raises:
        LedgerRefused: the directory is in use, damaged or foreign, or the worker could not start.
        InvalidInput: the address or a setting cannot be used.
    """
    options = Options(directory, host, port, http, accept_clock)
    with _claim_port(port):
        _serve(options)


def _serve(options: Options) -> None:
    settings = check(options)
    problems, send_problem = Pipe(duplex=False)
    server = _make_server(options, settings)
    loader = partial(load_worker, options, os.getpid(), send_problem)
    ended_badly = False
    try:
        server.serve(target_loader=loader, wrap_loader=False)
    except SystemExit as ended:
        ended_badly = bool(ended.code)
    if problems.poll():
        raise LedgerRefused(problems.recv())
    if ended_badly:
        raise LedgerRefused("the worker ended twice within seconds; the log says more")


def check(options: Options) -> Settings:
    """Look at everything that would keep the worker from starting, and renew the certificate.

    Raises:
        LedgerRefused: see `serve`.
        InvalidInput: see `serve`.
    """
    check_directory(options.directory)
    settings = read_settings(options.directory)
    if options.http and not is_loopback(options.host):
        raise InvalidInput("--http", f"only on loopback, as 127.0.0.1, not on {options.host}")
    lock = DirectoryLock(options.directory)
    lock.take(wait_s=LOCK_WAIT_S)
    try:
        Keyring.open(options.directory / "keys")
        if not options.http:
            hosts = [options.host]
            renew_server_certificate(_tls(options.directory).directory, now=utc_now(), hosts=hosts)
        ledger = Ledger.open(options.directory, settings.venue, accept_clock=options.accept_clock)
        ledger.close()
    finally:
        lock.release()
    _check_port(options)
    return settings


@contextmanager
def _claim_port(port: int) -> Iterator[None]:
    """Hold a port against other gate servers of this machine for as long as this one runs.

    Two that start at the same instant would both find it free, and then share it unnoticed: the
    worker binds with SO_REUSEPORT. A name in Linux's abstract namespace ends with its process.
    """
    until = time.monotonic() + CLAIM_WAIT_S
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as claim:
        while True:
            try:
                claim.bind(f"\0gatehouse-port-{port}")
            except OSError as error:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                raise InvalidInput(
                    "--port", f"cannot listen on {port}: Address already in use by a gate server"
                ) from error
            break
        yield


def _check_port(options: Options) -> None:
    # The worker binds with SO_REUSEPORT, which would share a port that another server has.
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            raise InvalidInput(
                "--port", f"cannot listen on {options.host}:{options.port}: {error.strerror}"
            ) from error


def _tls(directory: Path) -> TlsFiles:
    return TlsFiles(directory / "keys" / "tls")


def _make_server(options: Options, settings: Settings) -> MPServer:
    tls = _tls(options.directory)
    return MPServer(
        "gate_server.serve",
        address="127.0.0.1" if options.host == "localhost" else options.host,
        port=options.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=settings.threads,
        # The longest there is: each thread has its own connection to the ledger.
        blocking_threads_idle_timeout=600,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_WITHIN_S,
        ssl_cert=None if options.http else tls.server_pem,
        ssl_key=None if options.http else tls.server_key,
        log_level=LogLevels.error,
        log_dictconfig=_LOGS,
    )


# --- the worker ----------------------------------------------------------------------------------


def load_worker(options: Options, parent: int, problems: Connection) -> GateApp:
    """Open everything in the worker's process and return the application.

    Where that fails, the parent is told why and ends: to try again would only fail again.
    """
    _die_with(parent)
    # The writer gives the interpreter away at each statement anyway; forcing it to give way in
    # between as well costs a twelfth of the scans a second (benchmarks/README.md).
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # A thread that is woken does not push the running one off its core: half the switches, and a
    # twelfth of the processor's time for each scan.
    with suppress(OSError):  # a container may forbid it; then all is as before, a little slower
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        app = _open(options)
    except AdmissionError as error:
        problems.send(str(error))
        os.kill(parent, signal.SIGTERM)
        sys.exit(1)
    # What stands now stays. To look through it for garbage holds up every scan for 42 ms each time
    # that much has come and gone, as with each few pushes; looking through the rest takes 2.
    gc.collect()
    gc.freeze()
    return app


def _die_with(parent: int) -> None:
    """Have the kernel end this process with its parent, which can be killed alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        log.warning("this system cannot end the worker with its parent")
    # It may have gone before the kernel was told.
    if os.getppid() != parent:
        sys.exit(1)


def _for_commands(app: GateApp, directory: Path) -> Services:
    """Return what commands work with beside a running server: lanes hear of what they decide."""
    web = app.services
    return Services(
        web.ledger,
        web.keys,
        web.settings,
        directory,
        overridden=partial(tell_override, web),
        turned_away=partial(tell_turned_away, web),
        lookups=web.read_through.states,
    )


def _open(options: Options) -> GateApp:
    directory = options.directory
    settings = read_settings(directory)
    lock = DirectoryLock(directory)
    lock.take(wait_s=LOCK_WAIT_S)
    keys = Keyring.open(directory / "keys")
    watch = make_watch(settings)
    accept = options.accept_clock
    ledger = Ledger.open(directory, settings.venue, accept_clock=accept, watch=watch)
    ca_pem = b"" if options.http else _tls(directory).ca_pem.read_bytes()
    app = create_app(ledger, keys, settings, ca_pem=ca_pem)
    server = control.ControlServer(directory, _for_commands(app, directory))
    server.start()
    watches = (
        FeederWatch(directory, partial(is_needed, ledger)),
        HeadSigner(ledger, keys),
        ConductWatch(ledger),
        SurgeWatch(ledger, app.services.why, settings),
        AlarmWatch(ledger, settings, alarm_sources(app.services)),
    )
    for each in watches:
        each.start()

    def close() -> None:
        app.close()
        server.stop()
        for each in watches:
            each.stop()
        ledger.close()
        lock.release()

    _end_streams_on_signal(app)
    threading.Thread(target=_tell_when_listening, args=(options,), daemon=True).start()
    # granian's worker has no hook for its end; multiprocessing runs this when its target returns.
    Finalize(None, close, exitpriority=100)
    return app


def _end_streams_on_signal(app: GateApp) -> None:
    """End the event streams as soon as the worker is told to stop: it waits for them else.

    granian puts its own handlers in place later, so the signal is seen by its wake-up byte.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def watch() -> None:
        # `writer` stays open for as long as this thread may still need its byte.
        while writer.fileno() >= 0:
            byte = reader.recv(1)
            if not byte or byte[0] in _SIGNALS:
                app.close()
                return

    threading.Thread(target=watch, name="stop-watch", daemon=True).start()


def _tell_when_listening(options: Options) -> None:
    """Say where, once somebody answers there.

    In the worker, not in the parent: that one forks, and a thread of it that holds a lock at that
    moment would leave the lock taken in the worker for ever.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104
    until = time.monotonic() + _LISTENING_WITHIN_S
    while time.monotonic() < until:
        try:
            socket.create_connection((host, options.port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            sys.stderr.write(f"gate-server listens at {options.url}\n")
            sys.stderr.flush()
            return


_LOGS: Final[dict[str, Any]] = {
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": "ext://sys.stderr",
        },
    },
    "loggers": {
        "_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "granian.access": {"handlers": [], "propagate": False},
        "gatehouse": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
