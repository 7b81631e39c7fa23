"""Two languages for the board: texts by Flask-Babel, numbers, dates and money as each writes them.

The texts stand in English where they are used and in Chinese in `translations/zh/*.po`, which are
read as they are: nothing has to be compiled, and a wheel carries the same files that people edit.
Everything else of the board takes `gettext` and its kind from here, where they have types.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final, Protocol, cast

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_currency_precision
from babel.support import NullTranslations, Translations
from flask import Flask, request, session
from flask_babel import Babel, get_locale

from admission.calendar import Venue
from admission.messages import Sentence

LANGUAGES: Final = {"zh": "中文", "en": "English"}
LOCALES: Final = {"zh": "zh_Hans_CN", "en": "en"}


class Lazy(Protocol):
    """A text that is in whatever language the request is that shows it."""

    def __str__(self) -> str: ...

    def __html__(self) -> str: ...


class Texts(flask_babel.Domain):  # type: ignore[misc]
    """The board's texts, read from the package."""

    def get_translations(self) -> NullTranslations | Translations:
        """Return those of the request's language."""
        return _read(language())


def install(app: Flask, venue: Venue) -> None:
    """Give an application both languages."""
    babel = Babel(
        app,
        locale_selector=lambda: LOCALES[_wanted()],
        timezone_selector=lambda: venue.zone.key,
    )
    babel.domain_instance = Texts()


def gettext(text: str, /, **values: object) -> str:
    """Return a text in the language of this request."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, more: str, number: int, /, **values: object) -> str:
    """Return a text about so many, `%(num)d`, in the language of this request."""
    return str(flask_babel.ngettext(one, more, number, **values))


def lazy_gettext(text: str) -> Lazy:
    """Return a text that finds its language when it is shown: for what is declared once."""
    return cast("Lazy", flask_babel.lazy_gettext(text))


def language() -> str:
    """Return the language of this request: `zh` or `en`."""
    locale = get_locale()
    return "zh" if locale is None or locale.language == "zh" else "en"


def say(sentence: Sentence) -> str:
    """Return a sentence in the language of this request."""
    return sentence.zh if language() == "zh" else sentence.en


def choose(wanted: str) -> None:
    """Keep a language for this browser's session; another word changes nothing."""
    if wanted in LANGUAGES:
        session["language"] = wanted


def clock(at: datetime | None, venue: Venue, now: datetime, *, exact: bool = False) -> str:
    """Return an instant in venue time; without the date where it is today's.

    Args:
        exact: with its seconds, as of a cut-off that visitors read; not of a whole minute, nor of
            the last instant of one.
    """
    if at is None:
        return "–"
    local = at.astimezone(venue.zone)
    hands = "HH:mm:ss" if exact and 0 < local.second + local.microsecond / 1e6 < 59.99 else "HH:mm"
    form = hands if venue.same_day(at, now) else f"yyyy-MM-dd {hands}"
    return str(flask_babel.format_datetime(local, form, rebase=False))


def money(minor: int, currency: str) -> str:
    """Return an amount as the language writes it."""
    amount = Decimal(minor).scaleb(-decimals_of(currency))
    return str(flask_babel.format_currency(amount, currency))


def decimals_of(currency: str) -> int:
    """Return how many digits a currency has behind the point: 2 of CNY, 0 of JPY, 3 of KWD."""
    return int(get_currency_precision(currency))


def _wanted() -> str:
    """Return what was chosen, else what the browser asks for, else Chinese."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), "zh") or "zh"


@cache
def _read(wanted: str) -> NullTranslations | Translations:
    if wanted == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_texts(wanted))
    compiled.seek(0)
    return Translations(compiled)


def read_texts(wanted: str) -> Catalog:
    """Read the texts of a language: a file for each part of the board."""
    whole = Catalog(locale=LOCALES[wanted])
    folder = files("gate_server.web").joinpath("translations", wanted)
    for part in sorted(folder.iterdir(), key=lambda part: part.name):
        for text in read_po(BytesIO(part.read_bytes()), locale=LOCALES[wanted]):
            if text.id:
                whole.add(text.id, text.string)
    return whole
