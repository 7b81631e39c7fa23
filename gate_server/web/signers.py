"""Find out which platform's feed signed a call, before anything of its body is looked at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Final

from admission.errors import LedgerUnavailable
from gate_server.feeds.signatures import SignedHeaders, find_signer, new_secret, well_made
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed, FeedKind, SecretKind, about_secret, list_secrets
from gate_server.ledger.ledger import Ledger
from gate_server.web.callers import Environ
from gate_server.web.problems import Refused

# Anybody may send a body before it is known who signed it: so much memory at once, and no more.
LARGE_BYTES: Final = 1 << 20
MOST_LARGE: Final = 12
_ABOUT_DECOY = "the secret of a platform that there is not"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a call, proven.

    Attributes:
        webhook_id: the platform's own name for the call, the same when it is sent again.
    """

    feed: Feed
    webhook_id: str


class Signers:
    """The feeds of a ledger whose platforms sign what they send."""

    def __init__(self, ledger: Ledger, keys: Keyring) -> None:
        self._ledger = ledger
        self._keys = keys
        now = ledger.clock()
        self._large = BoundedSemaphore(MOST_LARGE)
        self._decoy = keys.seal(new_secret().encode(), about=_ABOUT_DECOY, now=now)

    def identify(
        self, environ: Environ, platform: str, read_body: Callable[[], bytes]
    ) -> tuple[Signer, bytes]:
        """Return who signed a body, and the body.

        A platform that there is not is answered like a wrong signature, and takes as long.

        Raises:
            Refused: 401, nobody's signature, an old one, or none; 413, see `read_body`.
            LedgerUnavailable: many large bodies are being read.
        """
        headers = _sent_headers(environ)
        if not well_made(headers):
            raise _nobody()
        with ExitStack() as stack:
            if _is_large(environ):
                if not self._large.acquire(blocking=False):
                    raise LedgerUnavailable("many large bodies are on their way; send it again")
                stack.callback(self._large.release)
            body, now = read_body(), self._ledger.clock()
            secrets = self._secrets(platform)
            signer = find_signer(headers, body, secrets, now=now)
        feed = None if signer is None else secrets[signer]
        if feed is None:
            raise _nobody()
        return Signer(feed, headers.webhook_id), body

    def _secrets(self, platform: str) -> dict[str, Feed | None]:
        """Return the secrets that count for a platform, each with its feed."""
        found: dict[str, Feed | None] = {self._open(self._decoy, _ABOUT_DECOY): None}
        now = self._ledger.clock()
        for feed in self._ledger.catalogue.feeds.values():
            if feed.platform == platform and feed.kind is FeedKind.NATIVE:
                number = feed.feed_id
                for secret in self._ledger.read(lambda db: list_secrets(db, number, now)):  # noqa: B023
                    if secret.kind is SecretKind.WEBHOOK:
                        about = about_secret(number, secret.number)
                        found[self._open(secret.sealed, about)] = feed
        return found

    def _open(self, sealed: bytes, about: str) -> str:
        return self._keys.unseal(sealed, about=about).decode()


def _nobody() -> Refused:
    problem = "no platform has signed this, here and within the last 5 minutes"
    return Refused("unauthorized", problem)


def _is_large(environ: Environ) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return not length.isdecimal() or int(length) > LARGE_BYTES


def _sent_headers(environ: Environ) -> SignedHeaders:
    names = ("HTTP_WEBHOOK_ID", "HTTP_WEBHOOK_TIMESTAMP", "HTTP_WEBHOOK_SIGNATURE")
    return SignedHeaders(*(environ.get(name, "") for name in names))
