"""Start the server processes that a benchmark compares, each on one core of its own choice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
LISTENS_WITHIN_S = 120.0


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running server process and its children, stopped at the end of a `with`."""

    def __init__(self, command: list[str], port: int, *, tls: bool = False) -> None:
        self.port = port
        self._process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tls = tls
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + LISTENS_WITHIN_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise SystemExit(f"the server ended with {self._process.returncode}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the server did not listen within {LISTENS_WITHIN_S:.0f} s")

    def rss_mib(self) -> float:
        """Return the resident memory of the process group, MiB."""
        pids = subprocess.run(
            ["pgrep", "-g", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
        return pages * os.sysconf("SC_PAGESIZE") / 2**20

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)


def gate_server(directory: Path, *, tls: bool = False, commit_alone: bool = False) -> Server:
    """Start the real server on a directory; `commit_alone`: without group commit."""
    port = free_port()
    command = [sys.executable, str(ROOT / "benchmarks" / "commit_alone.py")]
    if not commit_alone:
        command = [str(Path(sys.executable).with_name("gate-server"))]
    command += ["--data", str(directory), "serve"]
    command += ["--port", str(port)] + ([] if tls else ["--http"])
    return Server(command, port, tls=tls)


def noop_server(threads: int) -> Server:
    """Start the yardstick on the same server with the same settings."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--blocking-threads",
        str(threads),
        "--http",
        "1",
        "--no-ws",
        "benchmarks.noop:create_app",
    ]
    return Server(command, port)


def get(port: int, path: str) -> bytes:
    """Fetch a path over plain HTTP."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body
