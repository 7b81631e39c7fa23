"""Say for people what a closure means, and what it would come to."""

from __future__ import annotations

from typing import Any

from gate_server.cli.edge import counted, local

_COUNTED = (
    *("vouchers", "people", "buyers", "extended", "used_vouchers", "used_people"),
    *("new_rights", "inside"),
)


def closure_text(closure: dict[str, Any]) -> str:
    """Return a closure with its versions as `closure show` shows it."""
    lines = [f"closure {closure['closure_id']}: {closure['status'].replace('_', ' ')}"]
    lines += _terms(closure["terms"])
    lines.append("all versions:")
    lines += [_version(each) for each in closure["versions"]]
    return "\n".join(lines + _warnings(closure))


def counts_text(closure: dict[str, Any]) -> str:
    """Return what a closure would come to, beside what the version in force does."""
    preview = closure["preview"]
    before, after = preview["before"], preview["after"]
    lines = ["nothing was changed", *_terms(closure["terms"]), "it would come to:"]
    for name in _COUNTED:
        line = f"{name.replace('_', ' ')}: {after[name]}"
        lines.append(line if before is None else f"{line} (now {before[name]})")
    paid = ", ".join(f"{sum_ / 100:.2f} {name}" for name, sum_ in after["paid_minor"].items())
    lines.append(f"paid for them: {paid or 'nothing'}")
    return "\n".join(lines + _warnings(closure))


def _terms(terms: dict[str, Any]) -> list[str]:
    lines = [
        f"closed from {local(terms['closed_from'])} to {local(terms['closed_until'])}",
        f"vouchers of that time are good until {local(terms['extend_until'])}",
        f"who was in: {'one new right each' if terms['used_too'] else 'no new right'}",
        f"refunds: {'open to who asks' if terms['refunds_open'] else 'not opened'}",
    ]
    deals = terms["deals"]
    named = ", ".join(deals[:10]) + (", ..." if len(deals) > 10 else "")
    lines.append(f"{counted(len(deals), 'deal')}: {named}")
    if terms["notice"] is not None:
        lines += [f"notice: {terms['notice']['zh']}", f"        {terms['notice']['en']}"]
    return lines


def _version(terms: dict[str, Any]) -> str:
    kind = "restored" if terms["restored"] else f"good until {local(terms['extend_until'])}"
    at = local(terms["committed_at"])
    return f"{terms['version']}  {at}  {kind}; {terms['by']}: {terms['reason']}"


def _warnings(closure: dict[str, Any]) -> list[str]:
    return [f"look again: {each['en']}" for each in closure["warnings"]]
