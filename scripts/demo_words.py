"""What the demo itself says, between the words of the programs that it runs."""

from __future__ import annotations

import sys


def say(name: str, text: str) -> None:
    """Print one fact."""
    print(f"{_styled('1', f'{name:>11}')}  {text}", flush=True)


def caption(text: str, zh: str) -> None:
    """Print what is shown next."""
    print(f"\n{_styled('1;36', f'▶ {text}')}\n  {_styled('36', zh)}", flush=True)


def note(text: str) -> None:
    """Print something by the way."""
    print(_styled("2", f"  {text}"), flush=True)


def _styled(style: str, text: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if sys.stdout.isatty() else text
