"""A platform's month as people read it."""

from __future__ import annotations

from typing import Any

from gate_server.cli.edge import listing
from gate_server.cli.settlements import money


def month_text(made: dict[str, Any]) -> str:
    """Return a month's statement for people."""
    state = "open" if made["closed_at"] is None else f"closed by {made['closed_by']}"
    rows = [_row(deal) for deal in made["deals"]]
    columns = ("deal_id", "people", "charged", "price", "owed", "disputed", "refunded", "refunds",
               "annulled")  # fmt: skip
    lines = [f"platform {made['platform']}, {made['month']} ({state})"]
    lines.append(listing(rows, columns) or "nobody came")
    for each in made["corrections"]:
        change = f"{each['people']:+} people, {money(each['owed_minor'])}"
        lines.append(f"correction of {each['month']}, deal {each['deal_id']}: {change}")
    lines += [f"owed: {money(minor, name)}" for name, minor in made["owed_minor"].items()]
    return "\n".join(lines)


def _row(deal: dict[str, Any]) -> dict[str, Any]:
    return {
        "deal_id": deal["deal_id"],
        "people": sum(deal["people"].values()),
        "charged": deal["charged"],
        "price": money(deal["price_minor"]),
        "owed": money(deal["owed_minor"], deal["currency"]),
        "disputed": money(deal["disputed_minor"]),
        "refunded": deal["refunded"],
        "refunds": money(deal["refunds_minor"]),
        "annulled": deal["annulled"],
    }
