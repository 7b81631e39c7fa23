"""Reading codes: our reader beside zxing-cpp fast, zxing-cpp full and pyzbar, in one run.

    python benchmarks/bench_decode.py [--frames 20] [--approaches 24] [--seed N]

On photographs (../shared/qr_photos, where at hand), on generated turnstile frames of a seed
that was not used for tuning, on live streams without a code, and on approaches to the lens. The
engines take turns on each frame, so that noise of the machine hits all alike. Each is given the
same BGR picture and makes it grey itself, as a scanner would have to, in its own time.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engines import Engine, Image, Score, engines, timed
from benchmarks.turnstile_approach import an_approach
from benchmarks.turnstile_frames import SCORING_SEED, Kind, Shot, a_shot
from scanner_client.decode import LiveReader, load_stages
from scanner_client.pictures import read_picture
from scanner_client.rescue import Stage

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "qr_photos"
STREAM = 120
# Each engine looks so many times at a picture: other work on the machine seldom hits all of them.
LOOKS = 4


def main(arguments: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20, help="generated frames of each kind")
    parser.add_argument("--approaches", type=int, default=24)
    parser.add_argument("--seed", type=int, default=SCORING_SEED)
    given = parser.parse_args(arguments)
    stages = load_stages(lambda line: print(line, file=sys.stderr))
    compared = engines(stages)
    photos(compared)
    generated(compared, given.seed, given.frames)
    streams(stages, given.seed)
    approaches(compared, stages, given.seed, given.approaches)


def photos(compared: dict[str, Engine]) -> None:
    """Score the photographs, those with a code and those without."""
    if not PHOTOS.exists():
        print(f"no photographs: {PHOTOS} is not there\n")
        return
    with (PHOTOS / "manifest.csv").open(encoding="utf-8") as file:
        rows = [(row["file"], lines(row["expected_text"])) for row in csv.DictReader(file)]
    scores = {name: {"coded": Score(), "empty": Score()} for name in compared}
    for turn, (name, text) in enumerate(rows):
        image = read_picture(PHOTOS / name)
        for engine, (answer, time_ms) in compare(compared, image, turn).items():
            found = None if answer is None else lines(answer)
            scores[engine]["coded" if text else "empty"].note(found, text or None, time_ms)
    print("| photographs | read | misread | false reads, empty | median ms | p95 ms | of fast |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    fast = float(np.median(scores["fast"]["coded"].times_ms))
    for engine, score in scores.items():
        coded, empty = score["coded"], score["empty"]
        print(
            f"| {engine} | {coded.read} of {coded.frames} | {coded.misread} "
            f"| {empty.misread} of {empty.frames} | {spread(coded.times_ms)} "
            f"| {float(np.median(coded.times_ms)) / fast:.2f} |"
        )
    print(flush=True)


def lines(text: str) -> str:
    """Return a text without what the manifest of the photographs does not keep."""
    return "\n".join(text.splitlines()).strip()


def generated(compared: dict[str, Engine], seed: int, count: int) -> None:
    """Score generated frames by their kind."""
    scores = {name: {kind: Score() for kind in Kind} for name in compared}
    for turn, (number, kind) in enumerate(itertools.product(range(count), Kind)):
        shot = a_shot(seed, kind, number)
        for engine, (answer, time_ms) in compare(compared, shot.image, turn).items():
            scores[engine][kind].note(answer, next(iter(shot.texts), None), time_ms)
    print(f"| read % of {count} frames each, seed {seed} |", " | ".join(compared), "|")
    print("| --- |", " | ".join("---" for _ in compared), "|")
    for kind in Kind:
        print(f"| {kind} |", " | ".join(f"{scores[e][kind].percent:.0f}" for e in compared), "|")
    total = {
        name: added(s for kind, s in of.items() if kind != Kind.NONE) for name, of in scores.items()
    }
    print(
        "| **all with a code** |", " | ".join(f"**{t.percent:.1f}**" for t in total.values()), "|"
    )
    wrong = (sum(score.misread for score in of.values()) for of in scores.values())
    print("| misreads |", " | ".join(str(count) for count in wrong), "|")
    print("| median ms, p95 |", " | ".join(spread(t.times_ms, ", ") for t in total.values()), "|")
    fast = float(np.median(total["fast"].times_ms))
    ratios = (f"{float(np.median(t.times_ms)) / fast:.2f}" for t in total.values())
    print("| median, of fast |", " | ".join(ratios), "|")
    pairs = (np.array(t.times_ms) / np.array(total["fast"].times_ms) for t in total.values())
    ratios = (f"{float(np.median(pair)):.2f}" for pair in pairs)
    print("| median of the ratio, frame by frame |", " | ".join(ratios), "|\n", flush=True)


def streams(stages: tuple[Stage, ...], seed: int) -> None:
    """Time live streams: scenes that move and stand still without a code, and a code held still."""
    print("| live stream, mean ms | ours | fast | ratio |")
    print("| --- | --- | --- | --- |")
    for name, images, skip in (
        ("empty, the scene moves", moving(seed), 0),
        ("empty, the scene stands still", still(a_shot(seed, Kind.NONE, 0).image, seed), 12),
        ("a code held still", still(a_shot(seed, Kind.CLEAN, 0).image, seed), 12),
    ):
        reader = LiveReader(stages)
        ours, fast = Score(), Score()
        for image in images:
            for score, engine in ((ours, live(reader)), (fast, engines(stages)["fast"])):
                answer, time_ms = timed(engine, image)
                score.note(answer, None, time_ms)
        means = [float(np.mean(score.times_ms[skip:])) for score in (ours, fast)]
        print(f"| {name} | {means[0]:.2f} | {means[1]:.2f} | **{means[0] / means[1]:.2f}** |")
    print(flush=True)


def live(reader: LiveReader) -> Engine:
    """Return a live reader as an engine."""

    def read(image: Image) -> str | None:
        reading = reader.read(image)
        return None if reading is None else reading.text

    return read


def moving(seed: int) -> Iterator[Image]:
    """Give frames of people who walk past without a code."""
    random = np.random.default_rng(seed)
    scenes = [a_shot(seed, Kind.NONE, number).image for number in range(6)]
    for step in range(STREAM):
        image = np.roll(scenes[step * len(scenes) // STREAM], 23 * step, axis=1)
        yield noisy(image, random)


def still(image: Image, seed: int) -> Iterator[Image]:
    """Give frames of one scene that differ by the noise of the camera only."""
    random = np.random.default_rng(seed)
    for _ in range(STREAM):
        yield noisy(image, random)


def noisy(image: Image, random: np.random.Generator) -> Image:
    """Return a frame with fresh noise."""
    noise = random.normal(0, 3, image.shape[:2])[:, :, None]
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def approaches(
    compared: dict[str, Engine], stages: tuple[Stage, ...], seed: int, count: int
) -> None:
    """Score codes that are brought to the lens: read at all before the sequence ends?"""
    if not count:
        return
    names = ("ours, live", "fast", "full")
    scores = {name: Score() for name in names}
    delays: dict[str, list[int]] = {name: [] for name in names}
    for number in range(count):
        reader = LiveReader(stages)
        taking = dict(zip(names, (live(reader), compared["fast"], compared["full"]), strict=True))
        shots = list(an_approach(seed, number))
        for engine in in_turn(taking, number):
            text, delay = play(taking[engine], shots, scores[engine])
            scores[engine].read += text
            if text:
                delays[engine].append(delay)
    print("| approaches | read | wrong frames | frames until read, median | mean ms a frame |")
    print("| --- | --- | --- | --- | --- |")
    for name, score in scores.items():
        wait = np.median(delays[name]) if delays[name] else float("nan")
        mean = np.mean(score.times_ms)
        print(f"| {name} | {score.read} of {count} | {score.misread} | {wait:.0f} | {mean:.1f} |")
    print(flush=True)


def play(engine: Engine, shots: list[Shot], score: Score) -> tuple[bool, int]:
    """Show an engine one approach.

    Returns: whether the code was read, and after how many frames in which it is whole.
    """
    whole = 0
    delay = -1
    [text] = {shot.texts[0] for shot in shots if shot.texts}
    for shot in shots:
        answer, time_ms = timed(engine, shot.image)
        score.times_ms.append(time_ms)
        score.misread += answer not in {None, text}
        if answer == text and delay < 0:
            delay = whole
        whole += bool(shot.texts)
    return delay >= 0, delay


def in_turn(compared: dict[str, Engine], turn: int) -> Sequence[str]:
    """Return the engines in each order once, one order a turn.

    In one order going round, ours would always come after pyzbar, which leaves the processor's
    caches full of its own, and fast after ours.
    """
    orders = list(itertools.permutations(compared))
    return orders[turn % len(orders)]


def compare(
    compared: dict[str, Engine], image: Image, turn: int
) -> dict[str, tuple[str | None, float]]:
    """Return what each engine makes of a picture, and in what time: the shortest of `LOOKS`."""
    answers: dict[str, str | None] = {}
    times: dict[str, list[float]] = {name: [] for name in compared}
    for again in range(LOOKS):
        for engine in in_turn(compared, LOOKS * turn + again):
            answers[engine], time_ms = timed(compared[engine], image)
            times[engine].append(time_ms)
    return {engine: (answers[engine], min(times[engine])) for engine in compared}


def added(scores: Iterable[Score]) -> Score:
    """Return several scores as one."""
    total = Score()
    for score in scores:
        total.frames += score.frames
        total.read += score.read
        total.misread += score.misread
        total.times_ms += score.times_ms
    return total


def spread(times_ms: list[float], between: str = " | ") -> str:
    """Return the median and the 95th percentile as they stand in a table."""
    return f"{np.median(times_ms):.2f}{between}{np.percentile(times_ms, 95):.1f}"


if __name__ == "__main__":
    main(sys.argv[1:])
