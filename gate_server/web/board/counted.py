"""Say how many of something, as each language counts it: 1 voucher, 2 vouchers."""

from __future__ import annotations

from gate_server.web.board.languages import ngettext


def vouchers(number: int) -> str:
    """Say how many vouchers."""
    return ngettext("%(count)s voucher", "%(count)s vouchers", number, count=f"{number:,}")


def people(number: int) -> str:
    """Say how many people."""
    return ngettext("%(count)s person", "%(count)s people", number, count=f"{number:,}")


def buyers(number: int) -> str:
    """Say how many buyers."""
    return ngettext("%(count)s buyer", "%(count)s buyers", number, count=f"{number:,}")


def deals(number: int) -> str:
    """Say how many deals."""
    return ngettext("%(count)s deal", "%(count)s deals", number, count=f"{number:,}")


def days(number: int) -> str:
    """Say how many days."""
    return ngettext("%(count)s day", "%(count)s days", number, count=f"{number:,}")
