"""The house rules that no tool holds: sizes, words, and where a library may be imported."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("admission", "gate_server", "scanner_client")
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
}
CLOCKS = {"now", "utcnow", "today"}


def found(paths, look):
    """Return what a look finds in files, by the file; nothing where it finds nothing."""
    looked = {str(path.relative_to(ROOT)): look(path) for path in paths}
    return {name: odd for name, odd in looked.items() if odd}


@cache
def parse(path):
    return ast.parse(path.read_text("utf-8"))


def functions(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return (node for node in ast.walk(parse(path)) if isinstance(node, kinds))


def lines_without_docstring(function):
    """Count from `def` to the last line; decorators, which click piles up, are not logic."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    return lines - (first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0)


def imported(path):
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_house_is_looked_at():
    assert len(MODULES) > len(SHIPPED) > 300


def test_files_have_one_job():
    def lines_beyond(path):
        return max(0, len(path.read_text("utf-8").splitlines()) - MAX_FILE_LINES)

    assert found(MODULES, lines_beyond) == {}, "two jobs: split it by subject"


def test_functions_are_short():
    def long_ones(path):
        sizes = {each.name: lines_without_docstring(each) for each in functions(path)}
        return {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES}

    assert found(MODULES, long_ones) == {}


def test_modules_say_their_job():
    silent = [path for path in MODULES if not ast.get_docstring(parse(path))]

    assert silent == [], "the first line says the one job of the module"


def test_nothing_is_unfinished_or_mocked():
    assert found(MODULES, lambda path: FORBIDDEN.findall(path.read_text("utf-8"))) == {}


def test_outside_libraries_stay_at_home():
    def strays(path):
        name = path.relative_to(ROOT).as_posix()
        return [
            library
            for library in imported(path)
            if library in HOMES and not name.startswith(HOMES[library])
        ]

    assert found(SHIPPED, strays) == {}


def test_rules_read_no_clock():
    def clocks(path):
        calls = (node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
        return CLOCKS & {call.attr for call in calls if isinstance(call, ast.Attribute)}

    rules = [path for path in SHIPPED if path.is_relative_to(ROOT / "admission")]

    assert found(rules, clocks) == {}, "`now` is an argument"
