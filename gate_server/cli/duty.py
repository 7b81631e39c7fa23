"""`gate-server duty`: who is called when something happens."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from admission.errors import InvalidInput
from gate_server.cli.edge import Group, listing, options, show
from gate_server.commands.duty import AddContact, Tried
from gate_server.commands.venue import Named
from gate_server.control import call
from gate_server.duty import send
from gate_server.duty_forms import Message
from gate_server.ledger.duty import Form

_NAME = click.argument("name")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("duty", cls=Group)
def duty() -> None:
    """Who is called when something happens, until somebody acknowledges it."""


@duty.command("add")
@_NAME
@click.option("--url", help="Where messages go; - reads it from the terminal, unseen.")
@click.option("--url-file", type=_FILE, help="The same, in a file.")
@click.option(
    "--form",
    type=click.Choice([each.value for each in Form]),
    default=Form.STANDARD.value,
    show_default=True,
    help="A signed webhook, or a group's robot in 企业微信 or 钉钉.",
)
@click.option("--secret-file", type=_FILE, help="What messages are signed with.")
def duty_add(
    name: str, *, url: str | None, url_file: Path | None, form: str, secret_file: Path | None
) -> None:
    """Put somebody, or a group's robot, on the list."""
    contact = AddContact(
        name=name,
        form=Form(form),
        url=_url(url, url_file),
        secret=None if secret_file is None else _first_line(secret_file),
    )
    made = call(options().data, "duty add", contact)
    show(
        made, f"{made['name']} is called at {made['address']}; try it: gate-server duty test {name}"
    )


@duty.command("list")
def duty_list() -> None:
    """List who is called, and whether they took the last message."""
    found = call(options().data, "duty list")
    columns = ("name", "form", "address", "answered_at", "failed_at", "failures", "problem")
    show(found, listing(found, columns))


@duty.command("remove")
@_NAME
def duty_remove(name: str) -> None:
    """Take somebody off the list."""
    show(call(options().data, "duty remove", Named(name=name)), f"{name} is not called any more")


@duty.command("test")
@_NAME
def duty_test(name: str) -> None:
    """Send a message that says it is a test, now, from this process."""
    message = msgspec.convert(call(options().data, "duty test", Named(name=name)), Message)
    problem = send(message).problem
    call(options().data, "duty tried", Tried(name=name, problem=problem))
    if problem is not None:
        raise click.ClickException(f"{name} did not take it: {problem}")
    show({"name": name, "taken": True}, f"{name} has taken it; is it to be seen there?")


def _url(url: str | None, file: Path | None) -> str:
    if (url is None) == (file is None):
        raise click.UsageError("give --url or --url-file")
    if file is not None:
        return _first_line(file)
    if url == "-":
        prompted: str = click.prompt("address", hide_input=True)
        return prompted.strip()
    return (url or "").strip()


def _first_line(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except UnicodeDecodeError as error:
        raise InvalidInput(str(file), "is not text") from error
