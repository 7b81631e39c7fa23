"""The house rules that no tool holds: sizes, words, and where a library may be imported."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGES = ("admission", "drill", "gate_server", "scanner_client")
FOLDERS = (*PACKAGES, "config", "scripts", "benchmarks", "tests")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SHIPPED = [path for path in MODULES if path.relative_to(ROOT).parts[0] in PACKAGES]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40

# The classes of one letter keep this file from finding itself.
FORBIDDEN = re.compile(
    r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|NotImplementedErro[r]"
    r"|unittest[.]moc[k]|MagicMoc[k]|monkeypatch[.]setatt[r]"
)

# An outside library, and the only shipped modules that may import it.
HOMES = {
    "sqlite3": ("gate_server/ledger", "scanner_client/replica", "scanner_client/journal"),
    "sqlite_utils": ("gate_server/ledger", "scanner_client/replica"),
    "flask": ("gate_server/web", "gate_server/app"),
    "httpx": ("scanner_client", "gate_server/feeds"),
    "cv2": ("scanner_client",),
    "zxingcpp": ("scanner_client",),
    "pyzbar": ("scanner_client",),
    "simpy": ("drill/crowd",),
}
CLOCKS = {"now", "utcnow", "today"}


def found(paths, look):
    """Return what a look finds in files, by the file; nothing where it finds nothing."""
    looked = {str(path.relative_to(ROOT)): look(path) for path in paths}
    return {name: odd for name, odd in looked.items() if odd}


class Facts(NamedTuple):
    """What is kept of a module: the trees of all would be a burden for the tests after these."""

    told: bool
    imports: set[str]
    sizes: dict[str, int]


@cache
def facts(path):
    tree = ast.parse(path.read_text("utf-8"))
    imports, sizes = set(), {}
    for node in statements(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = lines_without_docstring(node)
            sizes[node.name] = max(lines, sizes.get(node.name, 0))
    return Facts(bool(ast.get_docstring(tree)), imports, sizes)


def statements(tree):
    """Return the statements of a module; to pass by every expression takes ten times as long."""
    found = [tree]
    for node in found:
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            found += getattr(node, block, ())
    return found


def lines_without_docstring(function):
    """Count from `def` to the last line; decorators, which click piles up, are not logic."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    return lines - (first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0)


def test_the_house_is_looked_at():
    assert len(MODULES) > len(SHIPPED) > 300


def test_files_have_one_job():
    def lines_beyond(path):
        return max(0, len(path.read_text("utf-8").splitlines()) - MAX_FILE_LINES)

    assert found(MODULES, lines_beyond) == {}, "two jobs: split it by subject"


def test_functions_are_short():
    def long_ones(path):
        sizes = facts(path).sizes
        return {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES}

    assert found(MODULES, long_ones) == {}


def test_modules_say_their_job():
    silent = [path for path in MODULES if not facts(path).told]

    assert silent == [], "the first line says the one job of the module"


def test_nothing_is_unfinished_or_mocked():
    assert found(MODULES, lambda path: FORBIDDEN.findall(path.read_text("utf-8"))) == {}


def test_outside_libraries_stay_at_home():
    def strays(path):
        name = path.relative_to(ROOT).as_posix()
        return [
            library
            for library in facts(path).imports
            if library in HOMES and not name.startswith(HOMES[library])
        ]

    assert found(SHIPPED, strays) == {}


def test_rules_read_no_clock():
    def clocks(path):
        tree = ast.parse(path.read_text("utf-8"))
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        return CLOCKS & {call.attr for call in calls if isinstance(call, ast.Attribute)}

    rules = [path for path in SHIPPED if path.is_relative_to(ROOT / "admission")]

    assert found(rules, clocks) == {}, "`now` is an argument"
