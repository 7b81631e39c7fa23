"""`scanner-client operator`, `count` and `practice`: who stands there, and how staff learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from admission import wire
from admission.scans import Direction
from scanner_client.cli_options import Options, open_named, options
from scanner_client.counting import CountedHere
from scanner_client.venue_time import tell_clock


@click.group()
def operator() -> None:
    """Say who stands at this scanner; a running one follows at once."""


@operator.command("in")
@click.argument("number", required=False)
@options
@click.pass_obj
def operator_in(obj: Options, number: str | None) -> None:
    """Sign in by number and PIN; without NUMBER a badge is asked for."""
    badge = None if number is not None else click.prompt("工牌 badge", hide_input=True, err=True)
    pin = "" if number is None else click.prompt("密码 PIN", hide_input=True, err=True)
    with open_named(obj) as scanner:
        desk = scanner.desk
        text = desk.sign_in(number, pin) if number is not None else desk.present(str(badge))
        _show(obj, desk.find_here() is not None, text)


@operator.command("out")
@options
@click.pass_obj
def operator_out(obj: Options) -> None:
    """Sign out whoever stands here."""
    with open_named(obj) as scanner:
        here = scanner.desk.sign_out()
    line = "-" if here is None else here.line
    _show(obj, False, wire.Text(zh=f"已退出：{line}", en=f"Signed out: {line}"))


@operator.command("who")
@options
@click.pass_obj
def operator_who(obj: Options) -> None:
    """Say who stands here."""
    with open_named(obj) as scanner:
        here, zone = scanner.desk.find_here(), scanner.zone
    if obj.as_json:
        click.echo(msgspec.json.encode(here))
    elif here is None:
        click.echo("无人上岗 nobody has signed in", err=True)
    else:
        unsure = "" if here.verified else "  未核实 unverified"
        click.echo(f"{here.line}  {tell_clock(here.since, zone)}{unsure}", err=True)


def _show(obj: Options, here: bool, text: wire.Text) -> None:
    if obj.as_json:
        told = msgspec.to_builtins(text)
        click.echo(msgspec.json.encode({"signed_in": here, "message": told}))
    else:
        click.echo(f"{text.zh}  {text.en}", err=True)


@click.command("help")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options
@click.pass_obj
def call_help(obj: Options, yes: bool) -> None:
    """Call security to this lane; without the server it is sent first when that is back."""
    if not yes:
        click.confirm("呼叫现场支援？Call for help?", abort=True, err=True)
    with open_named(obj) as scanner:
        line = scanner.help_calls.call()
    if obj.as_json:
        click.echo(msgspec.json.encode(line))
    else:
        click.echo(f"{line.zh}  {line.en}", err=True)


@click.command()
@click.argument("kind", type=click.Choice(get_args(wire.CountKind)))
@click.argument("people", type=click.IntRange(1, 10_000))
@click.option("--exit", "leaving", is_flag=True, help="They went out.")
@options
@click.pass_obj
def count(obj: Options, kind: Any, people: int, leaving: bool) -> None:
    """Count PEOPLE without a voucher; `annul NONCE` takes them back."""
    direction = Direction.EXIT if leaving else Direction.ENTRY
    with open_named(obj) as scanner:
        counted = scanner.counting().count(kind, people, direction)
    tell_counted(obj, counted)


def tell_counted(obj: Options, counted: CountedHere) -> None:
    """Say what was counted, or what is left of it."""
    if obj.as_json:
        click.echo(msgspec.json.encode(counted))
        return
    later = "  离线，稍后上报 offline; the gate server is told later" if counted.offline else ""
    click.echo(f"清点 counted: {counted.people}  {counted.nonce}{later}", err=True)


@click.command("practice")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A directory for the pictures, and one PDF to print.",
)
@options
@click.pass_obj
def practice_codes(obj: Options, out: Path) -> None:
    """Write practice codes, one for each reason; read them with `read --practice`."""
    # Here, for what makes the paper takes longer to load than all the rest.
    from scanner_client.practice_codes import write_practice_codes

    made = write_practice_codes(out)
    if obj.as_json:
        click.echo(msgspec.json.encode({"files": [str(path) for path in made]}))
    else:
        click.echo(f"written: {len(made)} files in {out}", err=True)
