"""docs/threat-model.md names every attack that is tried, by the test that tries it."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT, read

PAGE = read(ROOT / "docs/threat-model.md")
TABLE = PAGE.partition("## Attacks that are tried")[2].partition("\n## ")[0]
OF_THE_TESTS_THEMSELVES = {
    "partners_have_calls_of_both_kinds",
    "the_platforms_own_partner_is_answered",
}


def tried() -> set[str]:
    """Return the names of all tests in tests/attacks."""
    trees = (ast.parse(read(path)) for path in (ROOT / "tests/attacks").glob("test_*.py"))
    names = (node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return {name.removeprefix("test_") for name in names if name.startswith("test_")}


def test_every_attack_is_named_and_every_name_is_a_test():
    rows = re.findall(r"^\| .* \| .* \| (.*) \|$", TABLE, re.MULTILINE)
    named = {name for row in rows[1:] for name in re.findall(r"`(\w+)`", row)}

    assert named == tried() - OF_THE_TESTS_THEMSELVES
