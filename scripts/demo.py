"""A demo venue on this machine: a real server, real scanners, phones, and every kind of verdict."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import shlex
import shutil
import sys
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from string import Template
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from demo_cable import Cable
from demo_crowd import Crowd
from demo_pictures import draw_frame, save_frame
from demo_processes import Child, Failed, Stage, Stopped
from demo_story import Phone, Step, Story, read_story, read_text
from demo_venue import FIRST_PORT, SUPERVISOR, Access, Sold, Venue, find_port
from demo_words import caption, note, say

from admission.verdicts import OUTCOMES, Outcome, Reason

ROOT = Path(__file__).resolve().parent.parent
VENUE_ZONE = ZoneInfo("Asia/Shanghai")
READY_WITHIN_S = 30.0
SHOWN_WITHIN_S = 15.0
# How far ahead the cut-off lies, how long a verdict stands alone, and how often visitors come.
CUTOFF_S, READING_S, TRICKLE_S = 120.0, 3.0, 3.0
CUTOFF_ONCE_S, READING_ONCE_S = 8.0, 0.0
STOCK = 24
KEPT_PICTURES = 40
MARSHAL = "marshal"
# Pictures that no scanner watches: each is read by a command of its own.
ASIDE = "aside"


class Demo:
    """One run of the demo.

    Attributes:
        seen: verdicts shown so far, by reason.
        unexpected: what came instead of what the story says.
    """

    def __init__(self, stage: Stage, venue: Venue, story: Story, *, once: bool) -> None:
        self.stage = stage
        self.venue = venue
        self.story = story
        self.once = once
        self.seen: Counter[Reason] = Counter()
        self.unexpected: list[str] = []
        self.url = ""
        self._cable: Cable | None = None
        self._crowd: Crowd | None = None
        self._chance = random.Random()  # noqa: S311 - tilts and light, no secret
        self._scanners: dict[str, Child] = {}
        self._bearer: dict[str, str] = {}
        self._sold: dict[str, Sold] = {}
        self._pictures: deque[Path] = deque()
        self._numbers = itertools.count(1)
        self._cutoff = datetime.max.replace(tzinfo=UTC)
        self._words: dict[str, str] = {}

    # --- before the gates open -----------------------------------------------------------------

    def open(self) -> None:
        """Make or find the venue, start the server and the scanners, sell fresh vouchers."""
        say("venue", f"{self.venue.directory}")
        self.venue.claim()
        shutil.rmtree(self._folder(""), ignore_errors=True)
        for place in (*self._at_gates(), MARSHAL, ASIDE):
            self._folder(place).mkdir(parents=True)
        port = self._serve()
        running = frozenset(f"demo {gate_id}" for gate_id in self._at_gates())
        stats = partial(self._ask, "GET", "/api/v1/stats")
        self._cable = Cable(self.stage, port, stats, running)
        self._cable.open()
        access = self._prepare(self._cable.url)
        self._tell(access)
        self._cable.offer_key()
        # A story that is told once is over before anybody could miss the marshal.
        for place in (*self._at_gates(), *(() if self.once else (MARSHAL,))):
            self._start_scanner(place)
        scanners = self._scanners.values()
        # Each says that it has found the server.
        self.stage.wait(
            SHOWN_WITHIN_S, lambda: all(scanner.tail for scanner in scanners), "a scanner"
        )

    def close(self) -> None:
        """Stop everything."""
        if self._cable is not None:
            self._cable.close()
        self.stage.stop()

    def _serve(self) -> int:
        """Start the server at the first port that is free, and still is when the server is up."""
        log = self.venue.own / "server.log"
        port = find_port(FIRST_PORT)
        while True:
            self.url = f"http://127.0.0.1:{port}"
            serve = [*self.venue.command, "serve", "--http", "--port", str(port)]
            child = self.stage.start_logged("the gate server", serve, log)
            try:
                self.stage.wait(READY_WITHIN_S, lambda: self._is_ready(log), "the gate server")
                break
            except Failed:
                if "Address already in use" not in log.read_text("utf-8", "replace"):
                    raise
            self.stage.children.remove(child)
            port = find_port(port + 1)
        if port != FIRST_PORT:
            say("port", f"{FIRST_PORT} is taken, so the server takes {port}")
        return port

    def _is_ready(self, log: Path) -> bool:
        # Another program may answer at this address: ours says so when it is the one.
        if "listens at" not in log.read_text("utf-8", "replace"):
            return False
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2).is_success
        except httpx.TransportError:
            return False

    def _prepare(self, url: str) -> Access:
        """Bring the venue up to date, enrol the scanners, sell the vouchers of the story.

        Args:
            url: where scanners find the server.
        """
        venue, gates = self.venue, self.story.gates
        today = datetime.now(VENUE_ZONE).date()
        accounts: dict[str, Access] = {}
        self.stage.at_once(
            lambda: venue.put_gates(gates),
            lambda: venue.put_deals(read_text("deals.csv"), today),
            lambda: accounts.update(venue.get_access(self.url)),
        )
        scanners = [(gate_id, gate_id, "gate") for gate_id in self._at_gates()]
        scanners.append((MARSHAL, gates[0].id, MARSHAL))
        self.stage.at_once(
            self._sell_story,
            *(partial(venue.put_scanner, name, url, *at) for name, *at in scanners),
        )
        access = accounts[SUPERVISOR]
        self._bearer = {"Authorization": f"Bearer {access.api_token}"}
        self._release()
        exits = [gate.id for gate in gates if not gate.scanner]
        self._crowd = Crowd(self._ask, exits, sorted({gate.area for gate in gates}), self._chance)
        self._crowd.begin()
        return access

    def _at_gates(self) -> list[str]:
        return [gate.id for gate in self.story.gates if gate.scanner]

    def _sell_story(self) -> None:
        self._words = {"buyer": f"buyer-{self._chance.getrandbits(40):x}"}
        self._sold = self._sell(self.story.phones)

    def _start_scanner(self, place: str) -> None:
        folder = self._folder(place)
        run = [*self.venue.scanner(place), "run", "--source", "folder", str(folder)]
        self._scanners[place] = self.stage.start_shown(f"the scanner at {place}", run)

    def _release(self) -> None:
        """End the hold that an interrupted demo left."""
        for deal in self._ask("GET", "/api/v1/deals")["deals"]:
            if deal["status"] == "held":
                body = {"reason": "the demo begins"}
                self._ask("POST", f"/api/v1/deals/{deal['deal_id']}/release", body)

    def _folder(self, place: str) -> Path:
        return self.venue.own / "pictures" / place

    def _sell(self, phones: dict[str, Phone]) -> dict[str, Sold]:
        return self.venue.sell(phones, self._words, datetime.now(UTC))

    def _tell(self, access: Access) -> None:
        say("board", f"{self.url}/")
        first = self._at_gates()[0]
        say("lane screen", f"{self.venue.put_screen(first)}  what visitors see at {first}")
        say("on a phone", f"{self.url}/scan  a browser that scans: docs/hand-scanner.md")
        say("log in as", f"{access.name}  {access.password}")
        say("API token", access.api_token)
        say("others", "demo-admin, demo-partner and demo-steward, with their passwords, are")
        say("kept in", f"{self.venue.own / 'access.json'} (0600), for you alone")
        say("pictures", f"{self._folder('*')} are what the scanners' cameras see")
        say("end", "Ctrl-C")

    # --- the story -----------------------------------------------------------------------------

    def play(self) -> None:
        """Play every step of the story."""
        for step in self.story.steps:
            if step.after_cut_off:
                self._await_cutoff()
            if step.cut_off:
                self._set_cutoff()
            caption(self._fill(step.say), self._fill(step.zh))
            if step.command:
                self._command(step)
            if step.post:
                self._post(step)
            if step.show:
                self._expect(step, self._show(step))
            self.stage.wait(READING_ONCE_S if self.once else READING_S)

    def _set_cutoff(self) -> None:
        now = datetime.now(UTC)
        self._cutoff = now + timedelta(seconds=CUTOFF_ONCE_S if self.once else CUTOFF_S)
        self._words |= {
            # Given, for the default is the first instant of the cut-off's day: it may be to come.
            "now": (now - timedelta(minutes=1)).isoformat(),
            "cutoff": self._cutoff.isoformat(),
            "clock": self._cutoff.astimezone(VENUE_ZONE).strftime("%H:%M:%S"),
        }

    def _fill(self, value: Any) -> Any:
        """Return a text of the story, or a table of them, with its $words filled in."""
        if isinstance(value, dict):
            return {key: self._fill(inner) for key, inner in value.items()}
        return Template(value).safe_substitute(self._words) if isinstance(value, str) else value

    def _command(self, step: Step) -> None:
        note(f"$ gate-server {shlex.join(step.command)}")
        self.venue.gate_server(*step.command)

    def _post(self, step: Step) -> None:
        note(f"POST {step.post}")
        self._ask("POST", step.post, self._fill(step.body))

    def _show(self, step: Step) -> Reason:
        """Hold a phone before a camera; return the reason of the verdict that staff see."""
        sold = self._sold[step.show]
        picture = draw_frame(sold.code, sold.title, self._chance)
        path = self._next_picture(step.at)
        if step.at not in self._scanners or step.party is not None:
            path = self._next_picture(ASIDE)
            save_frame(path, picture)
            child = self._read(step, path)
            before = 0
        else:
            child = self._scanners[step.at]
            before = len(child.verdicts)
            save_frame(path, picture)
            shown = f"the verdict of {child.name}"
            self.stage.wait(SHOWN_WITHIN_S, lambda: len(child.verdicts) > before, shown)
        if len(child.verdicts) == before:
            raise Failed(f"{child.name} showed no verdict:\n{child.last_words}")
        reason = Reason(child.verdicts[-1])
        self.seen[reason] += 1
        return reason

    def _next_picture(self, place: str) -> Path:
        """Return where the next picture goes; the oldest makes room."""
        number = next(self._numbers)
        path = self._folder(place) / f"{number:05d}.jpg"
        self._pictures.append(path)
        if len(self._pictures) > KEPT_PICTURES:
            self._pictures.popleft().unlink(missing_ok=True)
        return path

    def _read(self, step: Step, path: Path) -> Child:
        """Let a scanner read one picture; staff type how many people there are."""
        party = [] if step.party is None else ["--party", str(step.party)]
        command = [*self.venue.scanner(step.at), "read", *party, str(path)]
        return self.stage.run_shown(f"the scanner of {step.at}", command, SHOWN_WITHIN_S)

    def _expect(self, step: Step, reason: Reason) -> None:
        if step.expect is not None and reason is not step.expect:
            self.unexpected.append(f"{step.say}: {reason}, not {step.expect}")
            note(f"(the story expects {step.expect} here)")

    def _await_cutoff(self) -> None:
        """Let time pass until the cut-off; an ordinary day's visitors come meanwhile."""
        if self.once:
            left = self._cutoff - datetime.now(UTC)
            self.stage.wait(max(0.0, left.total_seconds()) + 0.1)
            return
        for step in self._visitors():
            self._visit(step)
            if datetime.now(UTC) > self._cutoff:
                return

    # --- the rest of the day -------------------------------------------------------------------

    def go_on(self) -> None:
        """Let visitors come until somebody stops the demo."""
        for step in self._visitors():
            self._visit(step)

    def _visit(self, step: Step) -> None:
        caption(step.say, step.zh)
        self._show(step)
        if self._crowd is not None:
            self._crowd.move()
        self.stage.wait(TRICKLE_S)

    def _visitors(self) -> Iterator[Step]:
        """Give visitors without end: mostly good tickets, now and then something else."""
        while True:
            phones = {name: self.story.phones[name] for name in ("both", "child", "group")}
            stock = {f"{number}": phones["both"] for number in range(STOCK)}
            stock |= {"c1": phones["child"], "c2": phones["child"], "g": phones["group"]}
            self._sold |= self._sell(stock | {"stranger": Phone()})
            names = list(stock)
            self._chance.shuffle(names)
            for name in names:
                visitor = _visitor(name, stock[name], self._chance)
                yield visitor
                if self._chance.random() < 0.15:
                    again = "A phone for the second time", "再次出示"
                    yield Step(*again, show=name, at=visitor.at)
                if self._chance.random() < 0.05:
                    yield Step("A code that nobody sold", "无售出记录", show="stranger", at="V1")
            self._counts()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Make a supervisor's call of the public API; return its answer."""
        answer = httpx.request(
            method, f"{self.url}{path}", json=body, headers=self._bearer, trust_env=False
        )
        if not answer.is_success:
            raise Failed(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def _counts(self) -> None:
        stats = self._ask("GET", "/api/v1/stats")
        note(
            f"inside {stats['inside']} · people today {stats['people_today']} · "
            f"scans today {stats['scans_today']} · {self.url}/"
        )


def _visitor(name: str, phone: Phone, chance: random.Random) -> Step:
    if phone.deal == "DEMO-CHILD":
        return Step("A child", "儿童", show=name, at="V1")
    if phone.deal == "DEMO-GROUP":
        return Step("A group", "团体", show=name, at="C1")
    return Step("A visitor", "游客", show=name, at=chance.choice(("C1", "V1")))


def check(demo: Demo) -> None:
    """Check that the story was told as it stands, with all four outcomes.

    Raises:
        Failed: says what was missing.
    """
    outcomes = Counter(dict.fromkeys(Outcome, 0))
    for reason, times in demo.seen.items():
        outcomes[OUTCOMES[reason]] += times
    say("seen", ", ".join(f"{outcome} {times}" for outcome, times in outcomes.items()))
    if demo.unexpected:
        raise Failed("\n".join(demo.unexpected))
    if not all(outcomes.values()):
        raise Failed("not every outcome was seen")


def main(arguments: list[str]) -> int:
    """Run the demo; return the exit status: 0 done or stopped, 1 failed."""
    parser = argparse.ArgumentParser(prog="scripts/demo.py", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var"), help="default ./var")
    parser.add_argument("--once", action="store_true", help="play the story once, check it, end")
    given = parser.parse_args(arguments)
    stage = Stage()
    stage.listen_to_signals()
    demo = Demo(stage, Venue(given.data), read_story(), once=given.once)
    try:
        with contextlib.closing(demo):
            demo.open()
            demo.play()
            if given.once:
                check(demo)
            else:
                demo.go_on()
    except Stopped:
        print("\nstopped", flush=True)
    except Failed as error:
        print(f"\ndemo: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
