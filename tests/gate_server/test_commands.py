"""The table of commands: each is found by its name, whatever module it stands in."""

from importlib import import_module
from pkgutil import iter_modules

from gate_server import commands
from gate_server.commands.table import PLACES, find_command

MODULES = [
    import_module(f"gate_server.commands.{each.name}") for each in iter_modules(commands.__path__)
]


def test_each_command_is_found_by_its_name():
    made = [table.items() for module in MODULES if (table := getattr(module, "COMMANDS", None))]
    lost = [name for table in made for name, command in table if find_command(name) is not command]

    assert len(made) > 20
    assert lost == []


def test_no_place_is_named_in_vain():
    named = {f"gate_server.commands.{place}" for places in PLACES.values() for place in places}

    assert named == {module.__name__ for module in MODULES if hasattr(module, "COMMANDS")}


def test_unknown_command_is_none():
    assert find_command("gate fly") is None
    assert find_command("") is None
