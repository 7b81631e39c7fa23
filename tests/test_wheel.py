"""The wheel carries everything that the programs need outside the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Folder in the checkout, and its name once installed.
SHIPPED = {
    "admission": "admission",
    "drill": "drill",
    "gate_server": "gate_server",
    "scanner_client": "scanner_client",
    "config": "gatehouse_config",
}
PROGRAMS = ("gate-server", "scanner-client")


def pip(*arguments):
    # Not even a look at an index: what is tested is the wheel, with the libraries that are here.
    command = [sys.executable, "-m", "pip", *arguments, "--no-index", "--no-deps", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build from a copy: setuptools leaves a build folder, and takes what an old one holds."""
    source = tmp_path_factory.mktemp("source")
    for folder in SHIPPED:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-build-isolation", "-w", source / "dist", source)
    return next((source / "dist").glob("gatehouse-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--target", target, wheel)
    return target


def run_outside(installed, *command):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    return subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True)


def test_wheel_holds_every_shipped_file(wheel):
    shipped = {
        f"{name}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, name in SHIPPED.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert held == shipped, "see packages and package_data in setup.cfg"


@pytest.mark.parametrize("package", SHIPPED.values())
def test_package_imports_outside_the_checkout(installed, package):
    done = run_outside(
        installed, sys.executable, "-c", f"import {package}; print({package}.__file__)"
    )

    assert done.stdout.strip() == str(installed / package / "__init__.py"), done.stderr


@pytest.mark.parametrize("name", ["gate.toml", "scanner.toml", "messages/verdicts.toml"])
def test_configuration_is_read_outside_the_checkout(installed, name):
    read = "import sys; from importlib.resources import files; "
    read += "print(files('gatehouse_config').joinpath(sys.argv[1]).read_text('utf-8'), end='')"

    done = run_outside(installed, sys.executable, "-X", "utf8", "-c", read, name)

    assert done.stdout == (ROOT / "config" / name).read_text("utf-8"), done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_starts_outside_the_checkout(installed, program):
    done = run_outside(installed, installed / "bin" / program, "--help")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage:")


def test_editable_install_has_the_same_programs():
    names = {script.name for script in entry_points(group="console_scripts")}

    assert names.issuperset(PROGRAMS)
