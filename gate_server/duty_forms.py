"""Write a message in the form that its receiver understands, and read what the receiver answers.

`standard` is Standard Webhooks 1.0; `wecom` and `dingtalk` are the group robots of 企业微信 and
钉钉, which answer 200 to everything and say in `errcode` what they think.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import msgspec
from msgspec import Struct
from standardwebhooks import Webhook

from admission.calendar import to_ms
from admission.errors import InvalidInput
from admission.hosts import is_loopback
from gate_server.ledger.duty import Form

WECOM_BYTES: Final = 4096
DINGTALK_BYTES: Final = 16_000  # of 20,000 for the whole body, where a line break takes two
PAUSE_S: Final = {45009: 60.0, 130101: 600.0}
"""How long to leave a robot alone that says it was sent too much."""
_MEANS: Final = {
    45009: "too many messages in a minute",
    130101: "too many messages in a minute",
    93000: "there is no such robot",
    93008: "the robot is not in a group",
    40058: "it does not accept the message's form",
    300001: "there is no such robot",
    300005: "there is no such robot",
    310000: "it does not accept signature, keyword or address: look at its safety settings",
}
_SHOWN_CHARACTERS: Final = 4
_LONG_ENOUGH: Final = 24
_DONE: Final = range(200, 300)
_BUSY: Final = frozenset({408, 425, 429})
# Markup of both robots, replaced by what looks alike: text from a platform stays text.
_PLAIN: Final = str.maketrans("<>[]()*_`#|~@!", "＜＞［］（）＊＿｀＃｜～＠！")


class Told(Struct, frozen=True, kw_only=True):
    """What a message tells; the same in every try, so that a receiver knows it again.

    Attributes:
        type: what it is about, for machines: `incident.opened`.
        at: when it was first told, aware UTC.
        title_zh, title_en: one line each; `zh` and `en` the lines below.
        data: the same for machines.
    """

    type: str
    at: datetime
    title_zh: str
    title_en: str
    zh: str
    en: str
    data: dict[str, Any]


class Message(Struct, frozen=True, kw_only=True):
    """One message to one receiver.

    Attributes:
        message_id: the same however often it is sent.
        url, secret: secrets, never shown; for `standard` one `whsec_...`, or several with a space
            between; for `dingtalk` a `SEC...`.
    """

    message_id: str
    form: Form
    url: str
    secret: str | None
    told: Told

    def __repr__(self) -> str:
        return f"Message({self.message_id!r}, {self.form.value!r}, {self.told.type!r})"


@dataclass(frozen=True, slots=True)
class Posting:
    """What goes over the network."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a message.

    Attributes:
        problem: why it was not taken, in our own words; None: it was.
        retry_after_s: how long the receiver asks to be left alone.
    """

    message_id: str
    problem: str | None = None
    retry_after_s: float | None = None


def check_address(form: Form, url: str, secret: str | None) -> str:
    """Return what of an address may be shown: its host, and its end where that is a small part.

    Raises:
        InvalidInput: it is no address that may be called, or its secret has the wrong form.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput("url", "is not an address") from error
    if (
        host is None
        or parts.scheme not in {"https", "http"}
        or not (url.isascii() and url.isprintable())
    ):
        raise InvalidInput("url", "give https://HOST/...")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("url", "has a user or a fragment; give https://HOST/...")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInput("url", "must be https: plain http only to this machine itself")
    _check_secret(form, secret)
    rest = url.partition(parts.netloc)[2]
    return f"{host} …{rest[-_SHOWN_CHARACTERS:]}" if len(rest) >= _LONG_ENOUGH else host


def check_notify_url(url: str) -> str:
    """Return where a platform takes requests; it is no secret, so it must hold none.

    Raises:
        InvalidInput: it cannot be called, or has a query, where secrets stand.
    """
    if "?" in url:
        raise InvalidInput("--notify-url", "has a query; requests are signed and need none")
    try:
        check_address(Form.STANDARD, url, "whsec_" + "A" * 32)
    except InvalidInput as error:
        raise InvalidInput("--notify-url", error.problem) from error
    return url


def _check_secret(form: Form, secret: str | None) -> None:
    if form is Form.WECOM:
        if secret is not None:
            raise InvalidInput("secret", "a wecom robot has none; its address is the secret")
    elif form is Form.STANDARD:
        if secret is None:
            raise InvalidInput("secret", "a standard webhook is signed: give --secret-file")
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError as error:
            raise InvalidInput("secret", "is not whsec_ and base64") from error
        if not 24 <= len(key) <= 64:
            raise InvalidInput("secret", "has not 24 to 64 bytes")
    elif secret is not None and not (secret.isascii() and secret.isprintable()):
        raise InvalidInput("secret", "is not the SEC... that the robot's safety settings show")


def write_posting(message: Message, now: datetime) -> Posting:
    """Put a message into its receiver's form."""
    if message.form is Form.STANDARD:
        return _write_standard(message, now)
    if message.form is Form.WECOM:
        return _write_wecom(message)
    return _write_dingtalk(message, now)


def _write_standard(message: Message, now: datetime) -> Posting:
    told = message.told
    texts = {
        "title": {"zh": told.title_zh, "en": told.title_en},
        "text": {"zh": told.zh, "en": told.en},
    }
    # Without the time of this try: the same id comes with the same bytes.
    event = {"type": told.type, "timestamp": told.at, "data": told.data | texts}
    body = msgspec.json.encode(event)
    # Several while a secret is being replaced: whoever has one of them finds its own.
    signatures = (
        Webhook(secret).sign(message.message_id, now, body.decode())
        for secret in (message.secret or "").split()
    )
    headers = {
        "content-type": "application/json",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(to_ms(now) // 1000),
        "webhook-signature": " ".join(signatures),
    }
    return Posting(message.url, headers, body)


def _write_wecom(message: Message) -> Posting:
    content = _markdown(message.told, "\n", WECOM_BYTES)
    body = msgspec.json.encode({"msgtype": "markdown", "markdown": {"content": content}})
    return Posting(message.url, {"content-type": "application/json"}, body)


def _write_dingtalk(message: Message, now: datetime) -> Posting:
    # One line break alone is a space there. The title is what its list of chats shows.
    text = _markdown(message.told, "\n\n", DINGTALK_BYTES)
    title = _cut(message.told.title_zh.translate(_PLAIN), 200)
    body = msgspec.json.encode({"msgtype": "markdown", "markdown": {"title": title, "text": text}})
    url = message.url
    if message.secret is not None:
        stamp = str(to_ms(now))
        signed = f"{stamp}\n{message.secret}".encode()
        digest = hmac.new(message.secret.encode(), signed, hashlib.sha256).digest()
        sign = quote_plus(base64.b64encode(digest))
        url += f"{'&' if '?' in url else '?'}timestamp={stamp}&sign={sign}"
    return Posting(url, {"content-type": "application/json"}, body)


def _markdown(told: Told, newline: str, most_bytes: int) -> str:
    """Return title and lines, Chinese before English; what is too long is cut in both alike."""
    # "Gatehouse" always stands there: it is the keyword for a robot that asks for one.
    room = (most_bytes - 100) // 2
    parts = []
    for title, lines in ((told.title_zh, told.zh), (told.title_en, told.en)):
        shown = [f"**{title.translate(_PLAIN)}**", *lines.translate(_PLAIN).splitlines()]
        parts.append(_cut(newline.join(shown), room))
    return f"Gatehouse{newline}{parts[0]}{newline}{newline}{parts[1]}"


def _cut(text: str, most_bytes: int) -> str:
    encoded = text.encode()
    if len(encoded) <= most_bytes:
        return text
    return encoded[: most_bytes - 3].decode(errors="ignore") + "…"


def read_answer(
    message_id: str, form: Form, status: int, headers: Mapping[str, str], body: bytes
) -> Outcome:
    """Return what a receiver's answer means; nothing of its own words is kept."""
    if status not in _DONE:
        asked = (
            _seconds(headers.get("retry-after", "")) if status in _BUSY or status == 503 else None
        )
        return Outcome(
            message_id=message_id, problem=f"it answered HTTP {status}", retry_after_s=asked
        )
    if form is Form.STANDARD:
        return Outcome(message_id=message_id)
    return _read_robot(message_id, body)


def _read_robot(message_id: str, body: bytes) -> Outcome:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        told = None
    code = told.get("errcode") if isinstance(told, dict) else None
    if type(code) is not int:
        return Outcome(message_id=message_id, problem="its answer is not a robot's; check --url")
    if code == 0:
        return Outcome(message_id=message_id)
    means = _MEANS.get(code)
    problem = f"it answered errcode {code}" + (f": {means}" if means else "")
    return Outcome(message_id=message_id, problem=problem, retry_after_s=PAUSE_S.get(code))


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
