"""A load of keep-alive HTTP clients on loopback, light enough not to be what is measured."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What one run measured.

    Attributes:
        latencies_s: seconds from sending a request to the last byte of its answer.
        statuses: answers by HTTP status; 0: the connection broke.
    """

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    last_body: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return a latency that `share` of the answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def request(
    method: str,
    path: str,
    *,
    token: str = "",
    body: bytes = b"",
    content_type: str = "application/json",
) -> bytes:
    """Return one HTTP/1.1 request as bytes."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def run(
    port: int,
    requests: Iterator[bytes],
    *,
    clients: int = 32,
    tls: ssl.SSLContext | None = None,
) -> Load:
    """Send all requests over `clients` connections, one at a time on each."""
    return asyncio.run(_run(port, requests, clients, tls))


async def _run(
    port: int, requests: Iterator[bytes], clients: int, tls: ssl.SSLContext | None
) -> Load:
    load = Load()
    connections = [
        await asyncio.open_connection("127.0.0.1", port, ssl=tls) for _ in range(clients)
    ]
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for reader, writer in connections:
            group.create_task(_client(reader, writer, requests, load))
    load.seconds = time.perf_counter() - start
    for _, writer in connections:
        writer.close()
    return load


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    requests: Iterator[bytes],
    load: Load,
) -> None:
    for each in requests:
        await exchange(reader, writer, each, load)


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, each: bytes, load: Load
) -> None:
    """Send one request, read its whole answer and count it."""
    begun = time.perf_counter()
    writer.write(each)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length)
    load.latencies_s.append(time.perf_counter() - begun)
    load.statuses[int(head[9:12])] += 1
    load.last_body = body
