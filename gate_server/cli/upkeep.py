"""`gate-server audit`, `backup`, `restore`, `doctor`."""

from __future__ import annotations

import re
from pathlib import Path

import click
import msgspec

from admission.errors import InvalidInput
from gate_server import __version__
from gate_server.cli.edge import Command, Group, counted, options, show, tell
from gate_server.control import answers, who
from gate_server.ledger.backup import write_backup
from gate_server.ledger.directory import check_directory
from gate_server.ledger.doctor import Patient, examine
from gate_server.ledger.inspection import verify_chain
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.restore import finish_restore, restore_backup

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_HEAD = re.compile(r"([0-9]{1,18})[\s,:]+([0-9a-f]{64})")


@click.group("audit", cls=Group)
def audit() -> None:
    """The chain over everything that was recorded."""


@audit.command("verify")
@click.option(
    "--heads",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Heads seen elsewhere: lines of REVISION HEAD, or the JSON of heartbeat answers.",
)
def audit_verify(heads: Path | None) -> None:
    """Walk the chain: find what was changed, removed, inserted or reordered.

    With heads that scanners and platforms have seen, a cut-off end is found too.
    """
    directory = options().data
    finish_restore(directory)
    seen = {} if heads is None else read_heads(heads)
    found = verify_chain(check_directory(directory), seen)
    for finding in found.findings:
        tell(f"revision {finding.revision}: {finding.problem}")
    text = f"{counted(found.rows, 'row')} up to revision {found.revision}, head {found.head.hex()}"
    value = {
        "rows": found.rows,
        "revision": found.revision,
        "audit_head": found.head.hex(),
        "findings": [{"revision": f.revision, "problem": f.problem} for f in found.findings],
    }
    show(value, f"{text}: {'BROKEN' if found.findings else 'unbroken'}")
    if found.findings:
        raise click.exceptions.Exit(1)


@click.command("backup", cls=Command)
@_FILE
def backup(file: Path) -> None:
    """Back up ledger, keys and settings into a new FILE; the server goes on meanwhile.

    FILE holds every secret of the venue: keep it as safe as the directory itself.
    """
    directory = options().data
    finish_restore(directory)
    made = write_backup(directory, file, version=__version__, now=utc_now())
    show(
        {
            "file": str(file),
            "epoch": made.epoch,
            "revision": made.revision,
            "audit_head": made.audit_head,
        },
        f"{file}: verified, revision {made.revision}, audit head {made.audit_head}",
    )


@click.command("restore", cls=Command)
@_FILE
def restore(file: Path) -> None:
    """Put a backup in the venue's place; the server must be stopped.

    What was there is kept beside it. Scanners notice the new epoch by themselves and send again
    what the backup does not hold.
    """
    done = restore_backup(options().data, file, by=who(), now=utc_now(), clock=utc_now)
    kept = "" if done.kept is None else f"; the old files are in {done.kept}"
    show(
        {
            "epoch": done.epoch,
            "revision": done.manifest.revision,
            "kept": None if done.kept is None else str(done.kept),
        },
        f"restored the backup of {done.manifest.created_at:%Y-%m-%d %H:%M:%S} UTC{kept}",
    )


@click.command("doctor", cls=Command)
def doctor() -> None:
    """Look at everything; say what is wrong and what to do about it. Changes nothing."""
    directory = options().data
    patient = Patient(directory, utc_now(), answers(directory))
    findings = []
    for finding in examine(patient):
        findings.append(finding)
        if not options().as_json:
            click.echo(finding.line)
    show([msgspec.to_builtins(finding) for finding in findings], "")
    if any(finding.problem is not None for finding in findings):
        raise click.exceptions.Exit(1)


def read_heads(path: Path) -> dict[int, bytes]:
    """Read heads seen elsewhere: revision to 32 bytes.

    Raises:
        InvalidInput: names the line that is neither.
    """
    heads: dict[int, bytes] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("--heads", f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            revision, head = _read_head(path, number, line.strip())
            if heads.setdefault(revision, head) != head:
                raise InvalidInput("--heads", f"{path}:{number}: revision {revision} twice")
    return heads


def _read_head(path: Path, number: int, line: str) -> tuple[int, bytes]:
    match = _HEAD.fullmatch(line)
    if match is not None:
        return int(match[1]), bytes.fromhex(match[2])
    try:
        told = msgspec.json.decode(line, type=dict[str, object])
        revision = told.get("ledger_revision", told.get("revision"))
        head = bytes.fromhex(str(told["audit_head"]))
        if type(revision) is int and len(head) == 32:
            return revision, head
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise InvalidInput("--heads", f"{path}:{number}: {error}") from error
    raise InvalidInput("--heads", f"{path}:{number}: give REVISION and HEAD, 64 hex digits")
