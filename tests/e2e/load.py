"""Clients that scan as fast as they are answered, and remember every answer."""

import contextlib
import http.client
import itertools
import json
import threading
import uuid
from dataclasses import dataclass, field

CLIENTS = 8


@dataclass
class Load:
    """Scans of one device by several clients, one connection each, until the server is gone.

    Attributes:
        codes: what they present, one after another and around again.
        answered: answer by nonce; `asked`: code by nonce, with those never answered.
        statuses: of answers that were no verdict.
    """

    port: int
    token: str
    codes: itertools.cycle
    answered: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)
    statuses: list = field(default_factory=list)

    def __enter__(self):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def undecided(self):
        """Nonces that were sent and not answered with a verdict."""
        return [nonce for nonce in self.asked if nonce not in self.answered]

    def _client(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        # The server was killed under it: that is what these tests are about.
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not self._stop.is_set():
                self._scan(connection)
        connection.close()

    def _scan(self, connection):
        code, nonce = next(self.codes), str(uuid.uuid4())
        self.asked[nonce] = code
        status, answer = scan(connection, self.token, code=code, nonce=nonce, party=1)
        if status == 200:
            self.answered[nonce] = answer
        else:
            self.statuses.append(status)


def scan(connection, token, **fields):
    """Send one scan over a connection; return status and JSON."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/scans", json.dumps(fields), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())
