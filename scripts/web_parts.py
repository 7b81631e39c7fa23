"""Bring what pages need from npm, as pinned in package-lock.json, into the package: never a CDN."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TARGET = Path("gate_server/web/static/npm")
STAMP = "from.txt"

# A file of an npm package, and its name beside our own scripts. The licence goes with the code.
PARTS = {
    "zxing-wasm/dist/iife/reader/index.js": "zxing_reader.js",
    "zxing-wasm/dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
    "zxing-wasm/LICENSE": "zxing_reader.LICENSE.txt",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "idiomorph/dist/idiomorph.min.js": "idiomorph.js",
    "idiomorph/LICENSE": "idiomorph.LICENSE.txt",
}
# What only tests use, of devDependencies: it is never copied, so never shipped.
CHECKS = "axe-core/axe.min.js"
LOST = (
    "without npm the board loses the focus at each change, and the hand scanner's camera works only"
    " in browsers that read codes by themselves"
)


def main(arguments: list[str]) -> int:
    """Bring them unless they are here; say what goes without where that fails. No failure ends it.

    Args:
        arguments: `test`: what tests use, too.

    Returns:
        0 always: the pages work without, plainer.
    """
    lock = os.open(ROOT, os.O_RDONLY)  # `make run` beside `make test`: one installs at a time
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tests = "test" in arguments
        here = are_current(ROOT) and (not tests or (ROOT / "node_modules" / CHECKS).exists())
        problem = None if here else bring(ROOT, tests=tests)
    finally:
        os.close(lock)
    if problem is not None:
        print(f"setup: {problem}", file=sys.stderr, flush=True)
    return 0


def digest(root: Path) -> str:
    """Return what the copied files depend on."""
    text = (root / "package-lock.json").read_bytes() + repr(sorted(PARTS.items())).encode()
    return hashlib.sha256(text).hexdigest()


def are_current(root: Path) -> bool:
    """Tell whether every file was copied as package-lock.json has it now."""
    target = root / TARGET
    stamp = target / STAMP
    whole = stamp.exists() and all((target / name).exists() for name in PARTS.values())
    return whole and stamp.read_text("ascii").strip() == digest(root)


def bring(root: Path, *, tests: bool = False) -> str | None:
    """Install from npm and copy; return why not, where this machine cannot.

    Args:
        tests: install what only tests use, too.
    """
    npm = shutil.which("npm")
    if npm is None:
        return f"{LOST}: sudo apt-get install npm"
    # One try: a machine without the network should not wait for minutes at each start.
    quick = ("--fetch-retries=1", "--no-audit", "--no-fund", "--no-update-notifier")
    command = [npm, "ci", *([] if tests else ["--omit=dev"]), "--ignore-scripts", *quick]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr.strip() or "npm ci failed").splitlines()
        return f"{LOST}; npm said: {lines[-1]}"
    _copy(root)
    return None


def _copy(root: Path) -> None:
    target = root / TARGET
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source, name in PARTS.items():
        shutil.copyfile(root / "node_modules" / source, target / name)
    (target / STAMP).write_text(f"{digest(root)}\n", "ascii")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
