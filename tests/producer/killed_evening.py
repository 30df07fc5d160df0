"""Runs a tracker through an evening and kills it again and again; a program for the kill test.

    killed_evening.py API_URL FOLDER KILLS SEED EVENING

Each life is a process of its own, forked after the imports, with the real tracker, outbox and
sender. SIGKILL comes after a random time, wherever the process is by then. The simulated clock is a
file, so each life goes on where the last one ended. Prints one JSON line: how many kills fell into a
silence, and what an undisturbed tracker reports of the same evening.
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import closing
from pathlib import Path

import requests
from evening_player import START_S, EveningPlayer

from musicrec.producer.clock import Timeline
from musicrec.producer.ingest import IngestionApi, SendResult
from musicrec.producer.outbox import Outbox
from musicrec.producer.tracker import Tracker, remembered_since

USER = "acc-1"
LIFE_S = 0.4
"""Longest life, opening the outbox included."""

TO_THE_END_S = 900
"""How long the last life goes on undisturbed, simulated."""

LONGEST_WAIT_S = 130
"""After so long every tracker has seen what the player shows, whenever it asked."""


class ClockFile:
    """Simulated seconds since the epoch, kept where the next life finds them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = float(path.read_text()) if path.exists() else float(START_S)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        partial = self._path.with_suffix(".partial")
        partial.write_text(repr(self.now))
        partial.replace(self._path)


class Listing:
    """An API without network that takes everything."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def send(self, events) -> SendResult:
        """Take events."""
        self.ids += [event.event_id for event in events]
        return SendResult(len(events))


def live(folder: Path, api, until: float, evening: str) -> Outbox:
    """One life: track until the simulated clock says `until`."""
    clock = ClockFile(folder / "clock")
    outbox = Outbox(folder / "outbox.sqlite")
    timeline = Timeline(
        lambda: clock.now, lambda: clock.now, since=remembered_since(outbox.load(USER))
    )

    def wait(seconds: float) -> bool:
        clock.wait(min(seconds, until - clock.now))
        return clock.now >= until

    Tracker(
        user_id=USER,
        watched=EveningPlayer(lambda: clock.now, timeline, evening),
        outbox=outbox,
        api=api,
        timeline=timeline,
        wait=wait,
        rng=random.Random(1),
        report=lambda *_: None,
    ).run()
    return outbox


def sender(url: str) -> IngestionApi:
    """The real client."""
    return IngestionApi(url, "key", session=requests.Session(), attempts=1)


def forked(folder: Path, url: str, evening: str) -> int:
    """Begin a life that ends only by being killed."""
    pid = os.fork()
    if pid == 0:
        try:
            live(folder, sender(url), float("inf"), evening)
        finally:
            os._exit(1)
    return pid


def killed(folder: Path, url: str, rng: random.Random, evening: str) -> bool:
    """Begin a life and end it, on a quiet evening in a silence; whether it was one."""
    pid = forked(folder, url, evening)
    time.sleep(rng.uniform(0, LIFE_S))
    while evening == "quiet" and not is_silent(folder, evening):
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status):
        raise SystemExit("a life ended by itself")
    return is_silent(folder, evening)


def is_silent(folder: Path, evening: str) -> bool:
    """Whether nothing plays at the tracker's present."""
    return beside(ClockFile(folder / "clock"), evening).is_silent()


def beside(clock: ClockFile, evening: str) -> EveningPlayer:
    """What a tracker of that clock watches."""
    return EveningPlayer(lambda: clock.now, Timeline(time.monotonic, time.time), evening)


def the_end(clock: ClockFile, evening: str) -> float:
    """A moment for the last life to end at which all that happened before has been seen."""
    clock.now += TO_THE_END_S
    player = beside(clock, evening)
    while player.shows_the_same_since() < LONGEST_WAIT_S:
        clock.now += 1
    return clock.now


def main(url: str, folder: Path, kills: int, seed: int, evening: str) -> None:
    """Kill, then run to the end, then run undisturbed."""
    rng = random.Random(seed)
    silent = sum(killed(folder, url, rng, evening) for _ in range(kills))
    until = the_end(ClockFile(folder / "clock"), evening)
    with closing(live(folder, sender(url), until, evening)) as outbox:
        while outbox.waiting():
            outbox.deliver(sender(url))
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    listing = Listing()
    live(undisturbed, listing, until, evening).close()
    told = {
        "expected": listing.ids,
        "hours": round((until - START_S) / 3600, 2),
        "silent": silent,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
