"""What `make lint` runs, so that whatever holds the tests holds style, types and arrows too."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.prefix, "bin")
TOOLS = (
    "ruff check .",
    "ruff format --check .",
    "mypy",
    "lint-imports",
)


@pytest.mark.parametrize("command", TOOLS)
def test_lint_finds_nothing(command):
    program, *arguments = command.split()

    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
