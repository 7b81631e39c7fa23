"""The commands that scan: `scanner-client read` and `run`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import click

from admission import wire
from admission.scans import Direction, Mode
from scanner_client.capture import Watch
from scanner_client.capture_files import Pictures
from scanner_client.capture_names import join_paths
from scanner_client.checkin import Terms
from scanner_client.cli_options import NOT_ADMITTED, Options, open_named, options, queue_option
from scanner_client.decode import load_stages, read_all
from scanner_client.json_lines import JsonLines
from scanner_client.outputs import Output, Outputs
from scanner_client.preview import Window
from scanner_client.running import run as run_scanner
from scanner_client.scanner import Scanner

SOURCE_HELP = (
    "camera:N, video FILE, folder DIR, stdin, evdev:/dev/input/..., serial:/dev/tty..., "
    "rtsp://... or http://...; several may be given."
)

NO_CODE = 3


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", help="The text of a code instead of pictures.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--direction", type=click.Choice([way.value for way in Direction]), default="entry")
@click.option("--party", type=click.IntRange(1, wire.MOST_PEOPLE))
@queue_option
@click.option("--practice", is_flag=True, help="For learning: nobody is let in, nothing recorded.")
@options
@click.pass_context
def read(
    ctx: click.Context,
    files: tuple[Path, ...],
    code: str | None,
    mode: str | None,
    *,
    direction: str,
    party: int | None,
    queue: str | None,
    practice: bool,
) -> None:
    """Decode pictures or take a text; one verdict a code."""
    if bool(files) is (code is not None):
        raise click.UsageError("give picture files, or --code TEXT")
    obj = ctx.ensure_object(Options)
    with open_named(obj) as scanner:
        terms = Terms(scanner.mode(mode), Direction(direction), party, queue)
        printer = scanner.print_desk()
        check_in = scanner.check_in(terms, printer=printer)
        answer = scanner.practice(terms).check_in if practice else check_in.check_in
        scanner.presenter.watch(scanner.outlook)
        codes, broken = ([code], False) if code is not None else _codes(files)
        output, admitted = Outputs((_output(scanner, obj), printer)), []
        for text in codes:
            shown = answer(text)
            output.show(shown)
            admitted.append(shown.admitted)
            if not shown.practice:
                check_in.seen(shown)
        printer.flush()
    if broken or not all(admitted):
        ctx.exit(NOT_ADMITTED)
    if not codes:
        ctx.exit(NO_CODE)


@click.command()
@click.option("--source", "sources", multiple=True, help=SOURCE_HELP)
@click.argument("paths", nargs=-1)
@click.option("--preview", is_flag=True, help="A window with what the camera sees.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--direction", type=click.Choice([way.value for way in Direction]), default="entry")
@click.option("--party", type=click.IntRange(1, wire.MOST_PEOPLE))
@queue_option
@click.option("--practice", is_flag=True, help="For learning; ends by itself.")
@options
@click.pass_obj
def run(
    obj: Options,
    sources: tuple[str, ...],
    paths: tuple[str, ...],
    *,
    preview: bool,
    mode: str | None,
    direction: str,
    party: int | None,
    queue: str | None,
    practice: bool,
) -> None:
    """Scan until Ctrl-C, or until every source has ended."""
    if preview and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        raise click.UsageError("--preview needs a display")
    with open_named(obj) as scanner:
        settings = scanner.settings
        names = join_paths(sources or (settings.source, *settings.also), paths)
        terms = Terms(scanner.mode(mode), Direction(direction), party, queue)
        run_scanner(
            scanner,
            names,
            terms,
            stop=_stop_on_signal(),
            output=_output(scanner, obj),
            keys=sys.stdin,
            preview=Window() if preview else None,
            practise=practice or scanner.settings.practice.start,
        )


def _codes(files: tuple[Path, ...]) -> tuple[list[str], bool]:
    """Return the codes in pictures, and whether one of the files is no picture."""

    def report(line: str) -> None:
        click.echo(f"scanner-client: {line}", err=True)

    stages = load_stages(report)
    codes: list[str] = []
    readable = 0
    for frame in Pictures(files).sightings(Watch(threading.Event(), report)):
        readable += 1
        found = read_all(frame.image, stages)
        if not found:
            report(f"no code in {frame.origin}")
        codes += [reading.text for reading in found]
    return codes, readable < len(files)


def _output(scanner: Scanner, obj: Options) -> Output:
    return JsonLines(sys.stdout, scanner.presenter) if obj.as_json else scanner.presenter


def _stop_on_signal() -> threading.Event:
    """Return what is set by the first Ctrl-C or SIGTERM; the second ends the process at once."""
    stop = threading.Event()

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop
