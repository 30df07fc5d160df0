"""Killed at any point and started again, the producer loses nothing and doubles nothing."""

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from producer_world import Handler, Reply, served

import musicrec

SCRIPT = Path(__file__).with_name("killed_evening.py")
FAILURES = 0.1
LOST_ANSWERS = 0.1


@dataclass
class Unreliable:
    """An ingestion API that now and then fails before, and now and then after it took a batch."""

    rng: random.Random = field(default_factory=lambda: random.Random(3))
    arrived: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, _request: Handler, raw: bytes) -> Reply | None:
        """Take a batch, whole, if its sender lived long enough to send it."""
        try:
            batch = json.loads(raw)["events"]
        except ValueError:
            return None
        with self.lock:
            chance = self.rng.random()
            if chance < FAILURES:
                return 500, {"message": "failing"}, {}
            self.arrived += [event["event_id"] for event in batch]
            if chance < FAILURES + LOST_ANSWERS:
                return None
        return 200, {"accepted": len(batch), "failed": 0}, {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("evening", "silent_share"), [("lively", 0.0), ("quiet", 0.8)])
def test_the_other_end_has_every_event_once(request, tmp_path, evening, silent_share):
    """After many SIGKILLs every event of an undisturbed evening has arrived, in order, and no other.

    On the quiet evening the kills come while nothing plays. `--kills` says how many; `make
    test-kills` runs 200.
    """
    kills = request.config.getoption("--kills")
    api = Unreliable()
    paths = [str(Path(musicrec.__file__).parents[1]), str(SCRIPT.parent)]
    with served(api) as url:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), f"{url}/v1", str(tmp_path), str(kills), "7", evening],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    first_arrivals = list(dict.fromkeys(api.arrived))
    again = len(api.arrived) - len(first_arrivals)
    print(  # noqa: T201 - the figures of a long run are its result
        f"{kills} kills, {told['silent']} of them in silence, in {told['hours']} simulated hours: "
        f"{len(first_arrivals)} events arrived, {again} of them again under the same id"
    )
    assert first_arrivals == told["expected"]
    assert len(first_arrivals) > kills / 10
    assert told["silent"] >= silent_share * kills
