"""Scanners that only follow the ledger: an event stream each, and the delta after each event."""

from __future__ import annotations

import asyncio
import gzip
import json
import multiprocessing
import os
import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from admission.replica_columns import read_line, unpack
from admission.wire_outage import CompleteLine, DealLine, VouchersLine

CLIENT_CORE = 1


@dataclass(slots=True)
class Follower:
    """One light scanner.

    Attributes:
        voided_at: monotonic time at which it had read that its deal is void.
        terms: the void's version and the closures' that it read last, with that time.
    """

    port: int
    token: str
    revision: int
    epoch: str
    voided_at: float = 0.0
    terms: tuple[str, float] = ("", 0.0)
    fetched: int = 0
    refused: int = 0
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Hold an event stream; ask to fetch at once, or within a second."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(_request("/api/v1/events", self.token))
        try:
            while line := await reader.readline():
                if not line.startswith(b'data: {"epoch"'):
                    continue
                event = json.loads(line[6:])
                if event["revision"] <= self.revision:
                    continue
                wait_s = 0.0 if event.get("urgent") else random.random()
                asyncio.get_running_loop().call_later(wait_s, self._due.set)
        finally:
            writer.close()

    async def follow(self) -> None:
        """Fetch and read a delta whenever one is due."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                path = f"/api/v1/replica?since={self.revision}&epoch={self.epoch}"
                writer.write(_request(path, self.token))
                status, body = await _answer(reader)
                if status != 200:
                    self.refused += 1
                    asyncio.get_running_loop().call_later(1.0, self._due.set)
                    continue
                self._take(gzip.decompress(body))
        finally:
            writer.close()

    def _take(self, data: bytes) -> None:
        for text in data.splitlines():
            line = read_line(text)
            if isinstance(line, VouchersLine):
                unpack(line)
            elif isinstance(line, DealLine):
                self._take_terms(line)
            elif isinstance(line, CompleteLine):
                self.revision = line.revision
        self.fetched += 1

    def _take_terms(self, line: DealLine) -> None:
        now = time.monotonic()
        if line.void is not None and not self.voided_at:
            self.voided_at = now
        void = "" if line.void is None else f"void {line.void.version}"
        closures = [f"closure {each.closure_id}.{each.version}" for each in line.deal.closures]
        self.terms = " ".join([void, *closures]).strip(), now


class Crowd:
    """Followers in a few processes of their own; they follow until the end of a `with`."""

    def __init__(self, port: int, tokens: list[str], start: tuple[int, str], processes: int = 4):
        spawn = multiprocessing.get_context("spawn")
        self._links: list[Connection] = []
        self._processes = []
        for index in range(processes):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=_run, args=(port, tokens[index::processes], start, theirs), daemon=True
            )
            process.start()
            self._links.append(ours)
            self._processes.append(process)
        for link in self._links:
            link.recv()

    def voided_at(self, within_s: float) -> list[float]:
        """Return when each had read of the void; 0 where one has not in time."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            told = [each[0] for each in self._ask()]
            if all(told):
                break
            time.sleep(0.2)
        return told

    def terms_at(self, terms: str, within_s: float) -> list[float]:
        """Return when each had read the terms, as `void 2` or `closure 9.1`; 0: not in time."""
        until = time.monotonic() + within_s
        while True:
            told = [each[3] for each in self._ask()]
            if all(name == terms for name, _ in told) or time.monotonic() > until:
                return [at if name == terms else 0.0 for name, at in told]
            time.sleep(0.1)

    def fetched(self) -> tuple[int, int]:
        """Return the deltas that all have read, and how often one was refused."""
        told = self._ask()
        return sum(each[1] for each in told), sum(each[2] for each in told)

    def _ask(self) -> list[tuple[float, int, int, tuple[str, float]]]:
        for link in self._links:
            link.send("tell")
        return [each for link in self._links for each in link.recv()]

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def _run(port: int, tokens: list[str], start: tuple[int, str], link: Connection) -> None:
    os.sched_setaffinity(0, {CLIENT_CORE})
    asyncio.run(_follow(port, tokens, start, link))


async def _follow(port: int, tokens: list[str], start: tuple[int, str], link: Connection) -> None:
    followers = [Follower(port, token, *start) for token in tokens]
    tasks = []
    for follower in followers:
        tasks += [asyncio.create_task(follower.listen()), asyncio.create_task(follower.follow())]
    link.send("ready")
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(link.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        # The loop may have seen the same question twice.
        if not link.poll():
            continue
        link.recv()
        link.send([(each.voided_at, each.fetched, each.refused, each.terms) for each in followers])
        for task in tasks:
            if task.done():
                task.result()


def _request(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {token}\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return status, body
    at = lower.index(b"content-length: ") + 16
    return status, await reader.readexactly(int(lower[at : lower.index(b"\r", at)]))
