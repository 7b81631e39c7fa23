"""What a set-up says on a machine that lacks something, and that it is quick where nothing does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import environment

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose set-up has been completed, without the minute that a real one takes."""
    for name in ("setup.cfg", "constraints.txt", "pyproject.toml", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    stamp(tmp_path, purpose="test")
    return tmp_path


def stamp(checkout, *, purpose="test", root=None):
    written = {
        "root": str(root or checkout),
        "digest": environment.digest(checkout),
        "purpose": purpose,
    }
    (checkout / ".venv" / environment.STAMP).write_text(json.dumps(written))


def set_up(checkout, **variables):
    return subprocess.run(
        ["sh", checkout / "scripts/setup.sh", "run"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def check_where(checkout, lack, folder):
    """Check a machine on which the statement `lack` has been true from the start."""
    code = "import os, sys; sys.path.insert(0, 'scripts'); import environment, pathlib; "
    code += f"{lack}; environment.check(pathlib.Path({str(folder)!r}), 'run')"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True)


def test_finished_set_up_is_not_repeated(checkout):
    done = set_up(checkout)

    assert (done.returncode, done.stdout) == (0, "")
    assert "installing" not in done.stderr


@pytest.mark.parametrize(
    ("done_for", "wanted", "current"),
    [("run", "run", True), ("test", "run", True), ("test", "test", True), ("run", "test", False)],
)
def test_tests_need_more_than_a_run(checkout, done_for, wanted, current):
    stamp(checkout, purpose=done_for)

    assert environment.is_current(checkout, wanted) is current


def test_changed_pin_asks_for_a_new_set_up(checkout):
    with (checkout / "constraints.txt").open("a") as constraints:
        constraints.write("flask==3.1.2\n")

    assert not environment.is_current(checkout, "run")


def test_changed_tool_section_does_not(checkout):
    with (checkout / "setup.cfg").open("a") as config:
        config.write("[mypy-nothing]\nignore_missing_imports = true\n")

    assert environment.is_current(checkout, "run")


def test_moved_checkout_asks_for_a_new_set_up(checkout):
    stamp(checkout, root="/somewhere/else")

    assert not environment.is_current(checkout, "run")


def test_old_python_gets_one_line(checkout):
    done = set_up(checkout, PYTHON="false")

    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert done.stderr.count("\n") == 1


def test_missing_venv_module_gets_one_line(checkout):
    done = check_where(checkout, "sys.modules['ensurepip'] = None", Path("/tmp"))

    assert done.returncode == 1
    assert f"sudo apt-get install {environment.VENV_PACKAGE}" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without the right")
def test_missing_right_gets_one_line(checkout):
    done = check_where(checkout, "os.setuid(65534)", Path("/"))

    assert done.returncode == 1
    assert "cannot write here (Permission denied): sudo chown" in done.stderr


def test_missing_library_is_named_with_its_loss():
    assert not environment.can_load("libnothing.so.0")
    assert environment.can_load("libc.so.6")
