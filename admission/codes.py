"""Read a scanned text: what form of code it is and what finds its voucher. No file, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from admission.errors import BadSignature, MalformedToken, UnknownKey
from admission.keys import CodeKey, KeyList, code_hash
from admission.operators import is_badge
from admission.tokens import PREFIX, Token, credential_key, parse_token

SHORTEST_CODE = 6
LONGEST_CODE = 512
TAIL_CHARACTERS = 4

_CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_SPACES = "".join(char for char in map(chr, range(0x3001)) if char.isspace())
# Byte order marks and zero-width characters: invisible ends that readers and editors leave behind.
_INVISIBLE = "\ufeff\ufffe\u200b\u200c\u200d\u200e\u200f\u2060"
_EDGE = _CONTROLS + _SPACES + _INVISIBLE
# `]Q1` is the symbology identifier and `\000026` the ECI escape that hardware readers put in front
# of a QR code's text (ISO/IEC 15424 and AIM ECI).
_READER_PREFIX = re.compile(rf"(?:[{re.escape(_EDGE)}]|\]Q[0-6]|\\[0-9]{{6}})+")
# U+FFFD: it is in no code that anyone sells, so two codes never become one by replacement.
_REPLACE_CONTROLS = dict.fromkeys(map(ord, _CONTROLS), "\ufffd")
PAYMENT = r"1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}"
"""What a payment code looks like; also for pages, which must keep none of it."""
_PAYMENT = re.compile(PAYMENT)


class CodeForm(StrEnum):
    """What a text looks like, before anything is looked up."""

    OPAQUE = "opaque"
    MALFORMED = "malformed"
    PAYMENT = "payment"
    TOKEN = "token"  # noqa: S105 - a form, no secret


class TokenState(StrEnum):
    """What its signature says about a code."""

    NONE = "none"
    GOOD = "good"
    BAD = "bad"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True)
class CodeReader:
    """The keys that reading a code takes: the server's from its keyring, a scanner's as sent.

    Attributes:
        code_keys: every key that a stored hash may have been made with, newest first.
        key_list: the published keys that verify tokens.
    """

    code_keys: tuple[CodeKey, ...]
    key_list: KeyList


@dataclass(frozen=True, slots=True)
class CodeRead:
    """What a scanned text is. It does not hold the code itself.

    Attributes:
        form: a damaged token is `MALFORMED`.
        keys: credential keys to look up. A good token has one, its identity; any other code has its
            hash under each code key, newest first. A token that is not proven is never keyed by
            what it claims, or a forgery would write into a voucher's history. Malformed: none.
        tail: the last 4 characters; None for a malformed code and for a payment code, of which
            nothing may be stored unless the ledger knows it (its row then has the tail).
        token: what a good token says, else None.
        token_state: `NONE` unless the form is `TOKEN`.
    """

    form: CodeForm
    keys: tuple[bytes, ...] = ()
    tail: str | None = None
    token: Token | None = None
    token_state: TokenState = TokenState.NONE


def normalise(text: str) -> str:
    r"""Return the code in a text as a reader or a file delivers it; never raises.

    From both ends go white space, control characters (a reader's CR, GS or NUL), byte order marks
    and zero-width characters; from the front also symbology identifiers (`]Q1`) and ECI prefixes
    (`\000026`). Control characters inside become U+FFFD. Letters keep their case. Normalising
    twice changes nothing more.
    """
    text = text.rstrip(_EDGE)
    prefix = _READER_PREFIX.match(text)
    if prefix is not None:
        text = text[prefix.end() :]
    return text.translate(_REPLACE_CONTROLS)


def classify(code: str) -> CodeForm:
    """Say what a normalised code looks like.

    A payment code is one by its form only: where the ledger knows it, it is a voucher's code. An
    operator's badge is no code of a visitor's, and nothing of it is kept.
    """
    if is_badge(code):
        return CodeForm.MALFORMED
    if not SHORTEST_CODE <= len(code) <= LONGEST_CODE or not code.isprintable():
        return CodeForm.MALFORMED
    if code.startswith(PREFIX):
        return CodeForm.TOKEN
    if _PAYMENT.fullmatch(code):
        return CodeForm.PAYMENT
    return CodeForm.OPAQUE


def tail(code: str) -> str:
    """Return the last 4 characters of a normalised code, all that people may see of it."""
    return code[-TAIL_CHARACTERS:]


def read_code(text: str, reader: CodeReader) -> CodeRead:
    """Read a text as scanned; whatever it holds is an answer, never an exception."""
    code = normalise(text)
    form = classify(code)
    if form is CodeForm.MALFORMED:
        return CodeRead(form)
    if form is CodeForm.TOKEN:
        return _read_token(code, reader)
    shown = None if form is CodeForm.PAYMENT else tail(code)
    return CodeRead(form, _hashes(code, reader), shown)


def _read_token(code: str, reader: CodeReader) -> CodeRead:
    try:
        token = parse_token(code, reader.key_list)
    except MalformedToken:
        return CodeRead(CodeForm.MALFORMED)
    except BadSignature:
        return _unproven(code, reader, TokenState.BAD)
    except UnknownKey:
        return _unproven(code, reader, TokenState.UNKNOWN_KEY)
    keys = (credential_key(token),)
    return CodeRead(CodeForm.TOKEN, keys, tail(code), token, TokenState.GOOD)


def _unproven(code: str, reader: CodeReader, state: TokenState) -> CodeRead:
    return CodeRead(CodeForm.TOKEN, _hashes(code, reader), tail(code), token_state=state)


def _hashes(code: str, reader: CodeReader) -> tuple[bytes, ...]:
    return tuple(code_hash(code, key) for key in reader.code_keys)
