"""Make .venv, where everything runs: check the machine first, then install only what changed."""

from __future__ import annotations

import configparser
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {"run": "", "test": "[test]"}
STAMP = "gatehouse-setup.json"
VENV_PACKAGE = f"python3.{sys.version_info.minor}-venv"

# Shared library that a wheel of ours loads, its Debian package, what is lost without it, and what
# it is wanted for.
LIBRARIES = (
    ("libzbar.so.0", "libzbar0", "the second QR reader is left out", "run"),
    ("libGL.so.1", "libgl1", "cameras and video cannot be opened", "run"),
    ("libgthread-2.0.so.0", "libglib2.0-0", "cameras and video cannot be opened", "run"),
    ("libatomic.so.1", "libatomic1", "the tests in a real browser are skipped", "test"),
)
# The same of programs.
PROGRAMS = (
    ("npm", "npm", "the hand scanner's camera needs a browser that reads codes itself", "run"),
    ("chromium", "chromium", "the tests in a real browser are skipped", "test"),
)


class NotReady(Exception):
    """The machine lacks something that only its owner can give; says what, one line each."""


def main(arguments: list[str]) -> int:
    """Set up for `run` (what the programs need) or `test` (and what the tests need).

    Returns:
        The exit status: 0 ready, 1 with the remedy printed, 2 for a wrong argument.
    """
    if len(arguments) != 1 or arguments[0] not in EXTRAS:
        say(f"give one of: {', '.join(EXTRAS)}")
        return 2
    try:
        set_up(ROOT, arguments[0])
    except NotReady as error:
        say(str(error))
    except subprocess.CalledProcessError as error:
        say(f"failed: {' '.join(map(str, error.cmd))}")
        say("if the package index was out of reach, put the network right; run the same again")
    else:
        return 0
    return 1


def set_up(root: Path, purpose: str) -> None:
    """Bring `root/.venv` up to date for `purpose`.

    Raises:
        NotReady: the machine must be put right first.
        subprocess.CalledProcessError: a program that makes the environment failed.
    """
    lock = os.open(root, os.O_RDONLY)  # `make run` beside `make test`: one installs at a time
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(root, purpose):
            report_lost(find_missing(purpose))
            return
        get_system_packages(purpose)
        check(root, purpose)
        make_venv(root)
        install(root, purpose)
    finally:
        os.close(lock)


def digest(root: Path) -> str:
    """Return what an installation depends on; the tools' own sections of setup.cfg do not count."""
    config = configparser.RawConfigParser()
    config.read(root / "setup.cfg", encoding="utf-8")
    wanted = {
        name: dict(config[name]) for name in config.sections() if name.startswith(("meta", "opt"))
    }
    texts = [(root / name).read_text("utf-8") for name in ("constraints.txt", "pyproject.toml")]
    return hashlib.sha256(json.dumps([wanted, *texts]).encode()).hexdigest()


def read_stamp(root: Path) -> dict[str, object]:
    """Return what the last complete set-up wrote down; empty where none was completed."""
    stamp = root / ".venv" / STAMP
    return dict(json.loads(stamp.read_text("utf-8"))) if stamp.exists() else {}


def is_current(root: Path, purpose: str) -> bool:
    """Tell whether nothing has changed since a set-up that included `purpose`."""
    stamp = read_stamp(root)
    return (
        stamp.get("root") == str(root)
        and stamp.get("digest") == digest(root)
        and stamp.get("purpose") in {purpose, "test"}
        and can_import(root, "gatehouse_config")
    )


def can_import(root: Path, module: str) -> bool:
    """Tell whether `root/.venv` runs and has `module`; a newer system Python can break it."""
    python = root / ".venv/bin/python"
    command = (python, "-c", f"import {module}")
    return (
        python.exists() and not subprocess.run(command, capture_output=True, check=False).returncode
    )


def get_system_packages(purpose: str) -> None:
    """Install the missing Debian packages where this is root on a machine with apt-get."""
    missing = [*find_missing(purpose), *([] if has_venv() else [VENV_PACKAGE])]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing system packages: {' '.join(missing)}")
        apt_install(missing)
        importlib.invalidate_caches()


def check(root: Path, purpose: str) -> None:
    """Report everything that is wrong with this machine at once.

    Raises:
        NotReady: no environment can be made here.
    """
    report_lost(find_missing(purpose))
    problems = []
    if not has_venv():
        problems.append(f"Python cannot make environments: sudo apt-get install {VENV_PACKAGE}")
    try:
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        why = error.strerror
        problems.append(
            f"cannot write here ({why}): sudo chown -R $(id -u) {shlex.quote(str(root))}"
        )
    if problems:
        raise NotReady("\nsetup: ".join(problems))


def report_lost(missing: dict[str, str]) -> None:
    """Print what goes without the `missing` Debian packages, and the one line that brings them."""
    if missing:
        losses = "; ".join(dict.fromkeys(missing.values()))
        say(f"without system packages {losses}: sudo apt-get install {' '.join(missing)}")


def find_missing(purpose: str) -> dict[str, str]:
    """Return the Debian packages that are wanted for `purpose` and not here, with what is lost."""
    here = ((LIBRARIES, can_load), (PROGRAMS, shutil.which))
    return {
        package: loss
        for needs, find in here
        for name, package, loss, wanted_for in needs
        if wanted_for in {"run", purpose} and not find(name)
    }


def has_venv() -> bool:
    """Tell whether this Python can make environments; Debian ships that part on its own."""
    return importlib.util.find_spec("ensurepip") is not None


def can_load(library: str) -> bool:
    """Tell whether the dynamic linker finds `library`."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def apt_install(packages: list[str]) -> None:
    """Try to install; the lists are fetched only if they turn out too old. Failing is no error."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    fetch = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages]
    for command in (fetch, ["apt-get", "-qq", "update"], fetch):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0 and command is fetch:
            return
    say(f"apt-get: {(done.stderr.strip() or 'failed').splitlines()[-1]}")


def make_venv(root: Path) -> None:
    """Make `root/.venv`, anew where it came from another folder or its Python is gone."""
    moved = read_stamp(root).get("root", str(root)) != str(root)
    if not moved and can_import(root, "pip"):
        return
    say("making .venv")
    # Not sys.executable: an activated .venv would clear itself away.
    python = Path(sys.base_prefix, f"bin/python3.{sys.version_info.minor}")
    run(python, "-m", "venv", "--clear", root / ".venv")


def install(root: Path, purpose: str) -> None:
    """Install the project and its pinned libraries; the stamp is written only when all is in."""
    say("installing libraries as pinned in constraints.txt (a minute or so, once)")
    (root / ".venv" / STAMP).unlink(missing_ok=True)
    pip = (root / ".venv/bin/python", "-m", "pip", "--disable-pip-version-check", "install")
    pinned = ("-qq", "--constraint", root / "constraints.txt")
    # Without build isolation, so that the build tools too are the pinned ones.
    run(*pip, *pinned, "setuptools", "wheel")
    run(*pip, *pinned, "--no-build-isolation", "--editable", f"{root}{EXTRAS[purpose]}")
    stamp = {"root": str(root), "digest": digest(root), "purpose": purpose}
    written = root / ".venv" / f"{STAMP}.new"
    written.write_text(json.dumps(stamp), "utf-8")
    written.replace(root / ".venv" / STAMP)


def run(*command: str | Path) -> None:
    """Run a program to its end.

    Raises:
        subprocess.CalledProcessError: it failed; it has said why.
    """
    subprocess.run(command, check=True)


def say(text: str) -> None:
    """Print one line of the set-up."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
