"""Name a process so that another one can tell later whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Return a name that no other process of this machine has, not even one of the same number."""
    return f"{os.getpid()}.{_started(os.getpid())}"


def alive(name: str) -> bool:
    """Tell whether the process of a name still runs."""
    pid, _, started = name.partition(".")
    return pid.isdigit() and _started(int(pid)) == started


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; "" where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    # After the name, which may hold anything, even a bracket (proc_pid_stat(5), field 22).
    return stat.rpartition(")")[2].split()[19]
