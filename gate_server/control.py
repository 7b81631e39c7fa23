"""Let commands reach the ledger: through the running server's socket, or alone with the lock.

Only one process writes a directory. Beside a server every command goes through DIR/control.sock
(mode 0600, in a directory of mode 0700); without one it takes the lock itself. Both run the same
functions on the same bytes.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pwd
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, Final

from msgspec import Struct

from admission.errors import AdmissionError, LedgerRefused, LedgerUnavailable
from gate_server.commands import messages
from gate_server.commands.services import Caller, Services
from gate_server.key_files import OWNER_ONLY_FILE
from gate_server.keyring import Keyring
from gate_server.ledger.directory import check_directory, lock_is_free
from gate_server.ledger.ledger import OpenDirectory
from gate_server.ledger.restore import finish_restore
from gate_server.sales_watch import make_watch
from gate_server.settings import read_settings

SOCKET: Final = "control.sock"
MOST_CALLERS: Final = 16
MOST_BYTES: Final = 64 * 1024 * 1024
_LONGEST_PATH: Final = 100  # a socket's address has room for 107 bytes
_LENGTH: Final = struct.Struct(">I")
_CREDENTIALS: Final = struct.Struct("3i")

log = logging.getLogger("gatehouse.control")

__all__ = ["Caller", "ControlServer", "Services", "answers", "call", "connect", "who"]


class ControlServer:
    """Answers commands on a directory's socket; one thread a caller.

    Args:
        services: of the process that holds the directory's lock.
    """

    def __init__(self, directory: Path, services: Services) -> None:
        self._path = directory / SOCKET
        self._services = services
        self._room = BoundedSemaphore(MOST_CALLERS)
        self._lock = Lock()
        self._callers: set[socket.socket] = set()
        self._socket: socket.socket | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to listen; a socket that a killed server left is replaced."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        fresh = self._path.with_name(f".{SOCKET}.new")
        fresh.unlink(missing_ok=True)
        with _address(fresh) as address:
            listener.bind(address)
        fresh.chmod(OWNER_ONLY_FILE)
        listener.listen(MOST_CALLERS)
        fresh.replace(self._path)
        self._socket = listener
        self._thread = Thread(target=self._accept, args=(listener,), name="control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every call's connection and take the socket away."""
        listener, self._socket = self._socket, None
        if listener is None:
            return
        # close() alone leaves a thread that waits in accept() waiting.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            for caller in self._callers:
                with contextlib.suppress(OSError):
                    caller.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()

    def _accept(self, listener: socket.socket) -> None:
        while self._socket is not None:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            self._room.acquire()  # whoever comes now waits for one of the others to end
            with self._lock:
                self._callers.add(caller)
            Thread(target=self._serve, args=(caller,), name="control-caller", daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        by = _who(caller)
        try:
            while (request := _receive(caller)) is not None:
                _send(caller, _answer(self._services, request, by=by))
        except OSError as error:
            log.info("a command's connection ended: %s", error)
        finally:
            with self._lock:
                self._callers.discard(caller)
            caller.close()
            self._room.release()


class _Remote:
    """Commands that the running server carries out."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def call(self, name: str, params: Struct | dict[str, Any] | None = None) -> Any:
        self.send(name, params or {})
        return self.receive()

    def send(self, name: str, params: Struct | dict[str, Any]) -> None:
        try:
            _send(self._connection, messages.write_request(name, params))
        except OSError as error:
            raise _gone() from error

    def receive(self) -> Any:
        try:
            reply = _receive(self._connection)
        except OSError as error:
            raise _gone() from error
        if reply is None:
            raise _gone()
        return messages.read_reply(reply)


class _Local:
    """Commands that this process carries out, holding the lock."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reply = b""

    def call(self, name: str, params: Struct | dict[str, Any] | None = None) -> Any:
        self.send(name, params or {})
        return self.receive()

    def send(self, name: str, params: Struct | dict[str, Any]) -> None:
        self._reply = _answer(self._services, messages.write_request(name, params))

    def receive(self) -> Any:
        return messages.read_reply(self._reply)


@contextlib.contextmanager
def connect(directory: Path, *, wait_s: float = 10.0, apart: bool = False) -> Iterator[Caller]:
    """Reach whoever may write a directory: its server, else this machine's user under the lock.

    Args:
        wait_s: how long to wait for another command, or for a server that is starting.
        apart: without a server, hold the ledger in a process of its own, so that preparing rows
            and writing them have a core each, as beside a server.

    Raises:
        LedgerRefused: there is no ledger, it cannot be opened, or somebody else holds it.
    """
    finish_restore(directory)
    check_directory(directory)
    until = time.monotonic() + wait_s
    with contextlib.ExitStack() as stack:
        while True:
            connection = _connect(directory / SOCKET)
            if connection is not None:
                yield _Remote(stack.enter_context(connection))
                return
            try:
                caller = _hold(directory, stack, apart=apart)
            except LedgerRefused:
                if time.monotonic() > until or lock_is_free(directory):
                    raise
                time.sleep(0.05)
            else:
                yield caller
                return


@contextlib.contextmanager
def reach(directory: Path) -> Iterator[Caller]:
    """Reach the running server, and nobody else: never takes the lock.

    Raises:
        LedgerUnavailable: no server answers.
    """
    connection = _connect(directory / SOCKET)
    if connection is None:
        raise LedgerUnavailable(f"no gate server answers on {directory}")
    with connection:
        yield _Remote(connection)


def _hold(directory: Path, stack: contextlib.ExitStack, *, apart: bool) -> Caller:
    # A process with more threads than this one must not be forked.
    if apart and threading.active_count() == 1:
        return stack.enter_context(_hold_apart(directory))
    return _Local(stack.enter_context(_open(directory)))


@contextlib.contextmanager
def _open(directory: Path) -> Iterator[Services]:
    settings = read_settings(directory)
    with OpenDirectory(directory, settings.venue, watch=make_watch(settings)) as ledger:
        yield Services(ledger, Keyring.open(directory / "keys"), settings, directory, who())


@contextlib.contextmanager
def _hold_apart(directory: Path) -> Iterator[Caller]:
    ours, theirs = socket.socketpair()
    process = multiprocessing.get_context("fork").Process(
        target=_answer_apart, args=(directory, ours, theirs), daemon=True
    )
    with ours, theirs:
        process.start()
        theirs.close()
        caller = _Remote(ours)
        try:
            caller.receive()
            yield caller
        finally:
            ours.close()
            process.join()


def _answer_apart(directory: Path, ours: socket.socket, theirs: socket.socket) -> None:
    """Hold the ledger and answer, until the other end closes or dies."""
    ours.close()
    # Ctrl-C reaches both processes; this one ends when what it has begun is on disk.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with theirs:
        try:
            with _open(directory) as services:
                _send(theirs, messages.write_reply(None))
                while (request := _receive(theirs)) is not None:
                    _send(theirs, _answer(services, request))
        except AdmissionError as error:
            _send(theirs, messages.write_failure(error))
        except OSError:
            log.info("the command that prepared the rows ended")


def _answer(services: Services, request: bytes, *, by: str | None = None) -> bytes:
    # Only who carries commands out needs what all of them load.
    from gate_server.commands import table

    return table.answer(services, request, by=by)


def call(directory: Path, name: str, params: Struct | dict[str, Any] | None = None) -> Any:
    """Run one command; raises its errors, and those of `connect`."""
    with connect(directory) as caller:
        return caller.call(name, params)


def answers(directory: Path) -> bool:
    """Say whether a server answers commands on a directory."""
    connection = _connect(directory / SOCKET)
    if connection is None:
        return False
    connection.close()
    return True


def who() -> str:
    """Return how the audit names whoever runs this process."""
    return _name_of(os.getuid())


def _connect(path: Path) -> socket.socket | None:
    """Return a connection to a running server; None where there is none or it left its socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give a socket's address that fits whatever the length of its path."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(message)) + message)


def _receive(connection: socket.socket) -> bytes | None:
    """Return the next message; None where the other end is done."""
    head = _read(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise OSError(f"a message of {length} bytes; at most {MOST_BYTES}")
    return _read(connection, length)


def _read(connection: socket.socket, length: int) -> bytes | None:
    found = bytearray()
    while len(found) < length:
        part = connection.recv(min(length - len(found), 1 << 20))
        if not part:
            return None
        found += part
    return bytes(found)


def _gone() -> LedgerUnavailable:
    return LedgerUnavailable(
        "the gate server ended before it answered; whether the command was carried out is not"
        " known: look, then give it again"
    )


def _who(caller: socket.socket) -> str:
    credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return _name_of(uid)


def _name_of(uid: int) -> str:
    """Return how the audit names whoever works at the command line."""
    try:
        return f"command line ({pwd.getpwuid(uid).pw_name})"
    except KeyError:
        return f"command line (user {uid})"
