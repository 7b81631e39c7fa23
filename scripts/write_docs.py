"""Write the pages of docs/ that are made from the programs: verdicts.md and http-api.md."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from admission.looks import FACES
from admission.messages import TICKETS_MADE, WOULD_ADMIT
from admission.rules import RULES
from admission.verdicts import OUTCOMES, RULES_VERSION, Outcome, Reason
from gate_server.web.nouns import NOUNS
from gate_server.web.openapi import make_document
from gate_server.web.problems import KINDS
from scanner_client.checkin import (
    BARRED,
    DECLINED,
    ONLINE_ONLY,
    PICK_AGAIN,
    UNRECORDED,
    UNSAID,
)

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MADE = "<!-- Made by scripts/write_docs.py; change what it is made from. -->"

Tables = Mapping[str, Any]


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` only say which are out of date.

    Returns:
        The exit status: 1 where `--check` found one.
    """
    pages = {"verdicts.md": write_verdicts(), "http-api.md": write_http_api()}
    old = [name for name, text in pages.items() if read_page(name) != text]
    for name in old:
        if "--check" in arguments:
            print(f"docs/{name} is out of date: run scripts/write_docs.py", file=sys.stderr)
        else:
            (DOCS / name).write_text(pages[name], "utf-8")
            print(f"wrote docs/{name}")
    return int("--check" in arguments and bool(old))


def read_page(name: str) -> str:
    """Return a page as it stands; "" where there is none."""
    path = DOCS / name
    return path.read_text("utf-8") if path.exists() else ""


# --- verdicts.md -------------------------------------------------------------------------------


def write_verdicts() -> str:
    """Return the page on verdicts: every reason with its sentences, and the order of the rules."""
    notes = read_toml(DOCS / "verdicts.toml")
    text = notes["text"]
    sentences = read_toml(ROOT / "config/messages/verdicts.toml")
    parts = [
        MADE,
        "# Verdicts",
        text["intro"].format(version=RULES_VERSION),
        table(("outcome", "staff see", "bell", "what to do"), map(_face_row, Outcome)),
        text["after_outcomes"],
        "## The order of the rules",
        text["order"],
        "\n".join(
            f"{number}. {_links(notes['order'][rule.__name__])}: {_first_line(rule)}"
            for number, rule in enumerate(RULES, 1)
        ),
        "If none of them speaks: " + _links(["provisional", "honoured", "reentered", "admitted"]),
        "## Every reason",
        *(_reason_part(reason, notes["reasons"][reason], sentences) for reason in Reason),
        "## Looking only",
        text["looking"],
        _quote(sentences[WOULD_ADMIT]),
        "## At the exchange desk",
        text["desk"],
        _quote(sentences[TICKETS_MADE]),
        "## No verdict",
        text["no_verdict"],
        table(
            ("when", "staff see", "中文", "English"),
            (
                ("it cannot be recorded", "CALL", UNRECORDED.zh, UNRECORDED.en),
                ("the server said no", "CALL", DECLINED.zh, DECLINED.en),
                ("the server stopped this device", "CALL", BARRED.zh, BARRED.en),
                ("an exchange while offline", "CALL", ONLINE_ONLY.zh, ONLINE_ONLY.en),
                ("the list of vouchers is too old", "CALL", PICK_AGAIN.zh, PICK_AGAIN.en),
                ("nobody typed the number of people", "WAIT", UNSAID.zh, UNSAID.en),
            ),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _face_row(outcome: Outcome) -> tuple[str, ...]:
    face = FACES[outcome]
    return f"`{outcome}`", f"{face.shape} {face.word} {face.zh}", str(face.bells), TO_DO[outcome]


def _reason_part(reason: Reason, note: Tables, sentences: Tables) -> str:
    face = FACES[OUTCOMES[reason]]
    return (
        f"### {reason}\n\n{face.shape} {face.word} {face.zh}\n\n{_quote(sentences[reason])}\n\n"
        f"When: {note['when']}\n\nStaff: {note['staff']}"
    )


def _quote(sentence: Tables) -> str:
    return f"> {sentence['zh']}\n>\n> {sentence['en']}"


def _links(reasons: Iterable[str]) -> str:
    return ", ".join(f"[`{reason}`](#{reason})" for reason in reasons)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").partition("\n")[0]


# --- http-api.md -------------------------------------------------------------------------------


def write_http_api() -> str:
    """Return the page on HTTP, made from the OpenAPI document that the server gives out."""
    document = msgspec.json.decode(make_document(NOUNS))
    text = read_toml(DOCS / "http-api.toml")["text"]
    calls = [
        (noun, f"{method.upper()} {path}", call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
        for noun in call["tags"]
    ]
    parts = [MADE, "# HTTP interface", text["intro"], "## Problems", text["problems"]]
    parts.append(table(("type", "status", "title"), map(_problem_row, KINDS)))
    for noun in dict.fromkeys(noun for noun, _, _ in calls):
        parts.append(f"## {noun.capitalize()}")
        parts += [_call_part(title, call) for of, title, call in calls if of == noun]
    parts += [text["beside"], "## Types", text["types"]]
    parts += [_type_part(name, kind) for name, kind in document["components"]["schemas"].items()]
    return "\n\n".join(parts) + "\n"


def _problem_row(slug: str) -> tuple[str, ...]:
    return f"`/problems/{slug}`", str(KINDS[slug].status), KINDS[slug].title


def _call_part(title: str, call: Tables) -> str:
    description, _, callers = call["description"].rpartition("Callers: ")
    lines = [f"### {title}", f"{call['summary']} {description}".strip()]
    facts = [f"- Callers: {callers.removesuffix('.')}"]
    queries = [each for each in call["parameters"] if each["in"] == "query"]
    facts += [f"- Query: `{each['name']}`, {kind_of(each['schema'])}" for each in queries]
    if "requestBody" in call:
        facts.append(f"- Body: {_content(call['requestBody'])}")
    for status, answer in call["responses"].items():
        if status.startswith("2"):
            facts.append(f"- Answer: {status}, {_content(answer)}")
    facts.append(f"- Problems: {', '.join(_own_problems(call))}")
    return "\n\n".join([*lines, "\n".join(facts)])


def _content(described: Tables) -> str:
    return " or ".join(
        kind_of(content["schema"]) if "schema" in content else f"`{media_type}`"
        for media_type, content in described["content"].items()
    )


def _own_problems(call: Tables) -> list[str]:
    """Return the problems of a call but those that every call has."""
    texts = " ".join(answer["description"] for answer in call["responses"].values())
    slugs = [slug for slug in KINDS if f"`/problems/{slug}`" in texts and slug not in EVERYWHERE]
    return [f"`{slug}`" for slug in slugs] or ["those of every call"]


def _type_part(name: str, schema: Tables) -> str:
    parts = [f"### {name}", schema.get("description", "")]
    if "enum" in schema:
        parts.append(" ".join(f"`{value}`" for value in schema["enum"]))
    if "properties" in schema:
        needed = schema.get("required", [])
        rows = (
            (f"`{field}`", kind_of(kind), _default_of(kind, needed=field in needed))
            for field, kind in schema["properties"].items()
        )
        parts.append(table(("field", "type", "default"), rows))
    return "\n\n".join(part for part in parts if part)


def _default_of(schema: Tables, *, needed: bool) -> str:
    return "required" if needed else f"`{json.dumps(schema.get('default'))}`"


def kind_of(schema: Tables) -> str:
    """Return a JSON schema in a few words, with links to the types of ours."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(kind_of, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}" if schema.get("items") else "list"
    bounds = [f"{name} {schema[key]}" for key, name in BOUNDS.items() if key in schema]
    text = str(schema.get("format") or schema.get("type", "anything"))
    if "pattern" in schema:
        bounds.append(f"`{schema['pattern']}`")
    return f"{text} ({', '.join(bounds)})" if bounds else text


# --- Markdown ----------------------------------------------------------------------------------


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    header = tuple(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def read_toml(path: Path) -> Tables:
    """Return a TOML file as nested tables."""
    return tomllib.loads(path.read_text("utf-8"))


TO_DO = {
    Outcome.ADMIT: "let them in",
    Outcome.REFUSE: "say the sentence, point to where help is",
    Outcome.REFER: "keep the lane moving: call somebody who decides",
    Outcome.WAIT: "hold this lane",
}

BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
}
EVERYWHERE = frozenset(
    {
        *("invalid", "unauthorized", "device-unknown", "forbidden", "device-revoked"),
        *("device-suspended", "too-large", "internal", "unavailable"),
    }
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
