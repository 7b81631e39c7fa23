"""Start the real programs quickly: each is forked from a process that has loaded their modules.

To load modules and to take them apart again is most of what a short command costs. A program that
is started here is a process of its own, with its own id, session, directory, environment and files;
it runs the program's own `main` and ends as that ends. How programs come up from nothing is seen
where the demo, the drill, the quick start and an installed wheel are tested.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).parent.parent
BIN: Final = Path(sys.executable).parent
PACKAGES: Final = ("admission", "gate_server", "scanner_client")
PROGRAMS: Final = {"gate-server": "gate_server.cli", "scanner-client": "scanner_client.cli"}
PIPE: Final = subprocess.PIPE
_MOST: Final = 1 << 20


class Program:
    """A program that runs; as much of `subprocess.Popen` as a test needs, texts for pipes."""

    def __init__(self, pid: int, status: int, stdin: Any, stdout: Any, stderr: Any) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[str] | None = stdin
        self.stdout: IO[str] | None = stdout
        self.stderr: IO[str] | None = stderr
        self._status = status

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(f"program {self.pid}", timeout or 0.0)
            told = os.read(self._status, 16)
            os.close(self._status)
            assert told, "the nursery has died"
            self.returncode = os.waitstatus_to_exitcode(int(told))
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to one that may still run."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it has ended; return what its pipes still held."""
        with ThreadPoolExecutor(2) as pool:
            said = [pool.submit(_read_out, pipe) for pipe in (self.stdout, self.stderr)]
            self.wait(timeout)
            out, err = (each.result() for each in said)
        return out, err

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _read_out(pipe: IO[str] | None) -> str:
    if pipe is None:
        return ""
    with pipe:
        return pipe.read()


def start(
    program: str | Path,
    *arguments: object,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    start_new_session: bool = False,
) -> Program:
    """Start `gate-server`, `scanner-client` or a script, as `subprocess.Popen` would.

    Args:
        stdin, stdout, stderr: a file, its descriptor, or PIPE; None: nothing comes, or goes, there.
    """
    ends: list[int] = []
    ours: list[IO[str] | None] = []
    close: list[int] = []
    for place, given in enumerate((stdin, stdout, stderr)):
        if given is PIPE:
            read, write = os.pipe()
            mine, theirs = (write, read) if place == 0 else (read, write)
            ours.append(os.fdopen(mine, "w" if place == 0 else "r", encoding="utf-8"))
            close.append(theirs)
        else:
            ours.append(None)
            theirs = (
                _null() if given is None else given if isinstance(given, int) else given.fileno()
            )
        ends.append(theirs)
    status, tell = os.pipe()
    close.append(tell)
    asked = {
        "program": str(program),
        "arguments": [str(each) for each in arguments],
        "cwd": str(cwd),
        "env": dict(os.environ if env is None else env),
        "session": start_new_session,
    }
    pid = _nursery().ask(asked, [*ends, tell])
    for each in close:
        os.close(each)
    return Program(pid, status, *ours)


def run(
    program: str | Path,
    *arguments: object,
    text: str = "",
    timeout_s: float = 60,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; `text` is what it reads."""
    with contextlib.ExitStack() as files:
        given, out, err = (files.enter_context(_memory(name)) for name in ("in", "out", "err"))
        given.write(text.encode())
        given.seek(0)
        started = start(program, *arguments, stdin=given, stdout=out, stderr=err, cwd=cwd, env=env)
        try:
            status = started.wait(timeout_s)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            raise
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode())
    return subprocess.CompletedProcess([program, *arguments], status, *said)


def _memory(name: str) -> IO[bytes]:
    return os.fdopen(os.memfd_create(name), "w+b")


def _descriptor(given: Any) -> int:
    if given is None:
        return _null()
    return int(given if isinstance(given, int) else given.fileno())


@cache
def _null() -> int:
    return os.open(os.devnull, os.O_RDWR)


class _Nursery:
    """The process that has loaded everything, and the way to ask it for a program."""

    def __init__(self) -> None:
        self._way, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )
        theirs.close()

    def ask(self, asked: dict[str, Any], descriptors: list[int]) -> int:
        """Have a program started and return its process id."""
        socket.send_fds(self._way, [json.dumps(asked).encode()], descriptors)
        told = self._way.recv(16)
        assert told, "the nursery has died"
        return int(told)

    def end(self) -> None:
        """End it; what it started goes on."""
        self._way.close()
        self._process.wait(10)


@cache
def _nursery() -> _Nursery:
    made = _Nursery()
    atexit.register(made.end)
    return made


# --- within the process that starts them ---------------------------------------------------------


def _serve(way: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork what is asked for and tell who has ended; return in the child, with what it becomes."""
    selector = selectors.DefaultSelector()
    selector.register(way, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not way:
                selector.unregister(key.fileobj)
                _tell_end(key)
                continue
            data, descriptors, _, _ = socket.recv_fds(way, _MOST, 4)
            if not data:
                return None
            pid = os.fork()
            if pid == 0:
                _leave(selector)
                return json.loads(data), descriptors
            way.send(str(pid).encode())
            for each in descriptors[:3]:
                os.close(each)
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, descriptors[3]))


def _tell_end(key: selectors.SelectorKey) -> None:
    """Take notice that a child has ended, and tell whoever had it started."""
    pid, tell = key.data
    os.close(key.fd)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # whoever asked does not want to know
        os.write(tell, str(status).encode())
    os.close(tell)


def _leave(selector: selectors.BaseSelector) -> None:
    """Close what is the nursery's own, in a child of it."""
    for key in list(selector.get_map().values()):
        os.close(key.fd)
        if key.data is not None:
            os.close(key.data[1])
    selector.close()


def _become(asked: dict[str, Any], descriptors: list[int]) -> None:
    """Run a program in this process."""
    if asked["session"]:
        os.setsid()
    for place, each in enumerate(descriptors[:3]):
        os.dup2(each, place)
    for each in descriptors:
        os.close(each)
    _open_streams()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    program = asked["program"]
    name = Path(program).name
    sys.argv = [str(BIN / name) if name in PROGRAMS else program, *asked["arguments"]]
    if name in PROGRAMS:
        sys.exit(import_module(PROGRAMS[name]).main())
    runpy.run_path(program, run_name="__main__")


def _open_streams() -> None:
    """Open the standard streams anew: they behave as what is behind them, a pipe or a terminal."""
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _run(asked: dict[str, Any], descriptors: list[int]) -> int:
    """Run a program and end as the interpreter would; return its exit status."""
    code: object = None
    try:
        _become(asked, descriptors)
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code if isinstance(code, int) else int(code is not None)


def _load() -> None:
    """Load all that programs are made of."""
    for name in PACKAGES:
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    # What is loaded stays: to look for garbage in between would find none.
    gc.disable()
    _load()
    gc.collect()
    gc.freeze()
    gc.enable()
    todo = _serve(socket.socket(fileno=int(sys.argv[1])))
    if todo is not None:
        # To take the modules apart again would be most of what a short command costs.
        os._exit(_run(*todo))
