"""What goes wrong outside the producer: clocks, sleep, network, API. Nothing is lost, order is kept."""

import json
import random
from contextlib import closing
from types import SimpleNamespace
from typing import ClassVar

import pytest
import requests
from evening_player import START_S, EveningPlayer
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.producer.auth import UnavailableError
from musicrec.producer.clock import Timeline
from musicrec.producer.ingest import IngestionApi
from musicrec.producer.outbox import Outbox
from musicrec.producer.tracker import Tracker, remembered_since

pytestmark = pytest.mark.slow

MINUTE = 60
HOUR = 3600
STEP = st.tuples(st.floats(0, HOUR), st.floats(-2 * HOUR, 2 * HOUR))
TERMINALS = {"complete", "skip", "stop"}
Window = tuple[float, float]


class Network:
    """A session for `IngestionApi` whose other end is there, away, or failing, by the clock."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.arrived: list[dict] = []
        self.requests: list[float] = []

    def post(self, _url: str, data: bytes, **_: object) -> SimpleNamespace:
        """Answer a request to the ingestion API."""
        world = self._world
        self.requests.append(world.now - START_S)
        if world.within(world.offline):
            raise requests.ConnectionError("no route to host")
        if world.within(world.failing):
            return self._answer(500, {"message": "failing"})
        batch = json.loads(data)["events"]
        self.arrived += batch
        return self._answer(200, {"accepted": len(batch)})

    @staticmethod
    def _answer(status: int, body: dict) -> SimpleNamespace:
        text = json.dumps(body)
        return SimpleNamespace(
            status_code=status, content=text.encode(), text=text, headers={}, reason=""
        )


class World:
    """An evening, a tracker, and what happens to them, in seconds after the start."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.now = float(START_S)
        self.offline: Window = (0, 0)
        self.failing: Window = (0, 0)
        self.asleep: Window = (0, 0)
        self.steps: list[tuple[float, float]] = []
        self.network = Network(self)

    def within(self, window: Window) -> bool:
        """Whether a window is open now."""
        return window[0] <= self.now - START_S < window[1]

    def wall(self) -> float:
        """The clock that people set."""
        return self.now + sum(by for at, by in self.steps if self.now - START_S >= at)

    def monotonic(self) -> float:
        """The clock that stands still while the machine sleeps."""
        began, woke = self.asleep
        return self.now - max(0.0, min(self.now - START_S, woke) - began)

    def run(self, hours: float):
        """Track for so long; returns the last status."""
        until = START_S + hours * HOUR

        def wait(seconds: float) -> bool:
            before, self.now = self.now, self.now + seconds
            if before - START_S < self.asleep[0] <= self.now - START_S:
                self.now = START_S + self.asleep[1]
            return self.now >= until

        with closing(Outbox(self.folder / "outbox.sqlite")) as outbox:
            timeline = Timeline(
                self.monotonic, self.wall, since=remembered_since(outbox.load("acc-1"))
            )
            player = EveningPlayer(lambda: self.now, timeline)
            player.failing = lambda: UnavailableError("away") if self.within(self.offline) else None
            tracker = Tracker(
                user_id="acc-1",
                watched=player,
                outbox=outbox,
                api=IngestionApi("http://api.test/v1", "key", session=self.network, attempts=1),
                timeline=timeline,
                wait=wait,
                rng=random.Random(1),
                report=lambda *_: None,
            )
            tracker.run()
            return tracker.status

    @property
    def heard(self) -> list[tuple[str, str, int | None]]:
        """What arrived, but for when it happened by the listener's clock."""
        return [
            (row["event_type"], row["track"]["name"], row.get("listened_ms"))
            for row in self.network.arrived
        ]

    @property
    def lines(self) -> list[str]:
        """What arrived, one line an event."""
        return [
            f"{row['event_type']} {row['track']['name']} {row['occurred_at']}"
            for row in self.network.arrived
        ]


@pytest.fixture
def world(tmp_path):
    """An evening on which something goes wrong."""
    (tmp_path / "disturbed").mkdir()
    return World(tmp_path / "disturbed")


@pytest.fixture
def undisturbed(tmp_path):
    """What arrives from an evening on which nothing goes wrong."""
    (tmp_path / "calm").mkdir()

    def run(hours: float) -> list[str]:
        calm = World(tmp_path / "calm")
        calm.run(hours)
        return calm.lines

    return run


def assert_whole(world: World, *, ordered: bool = True) -> None:
    """Nothing arrived twice, and each play has its one end before the next begins."""
    arrived = world.network.arrived
    assert len({row["event_id"] for row in arrived}) == len(arrived)
    running = None
    for row in arrived:
        if row["event_type"] == "play":
            assert running is None
            running = row["track_id"]
        else:
            assert row["track_id"] == running
            running = None if row["event_type"] in TERMINALS else running
    times = [row["occurred_at"] for row in arrived]
    assert not ordered or times == sorted(times)


class TestTheApi:
    def test_answers_500_for_ten_minutes(self, world, undisturbed):
        """Afterwards everything arrives, once and in order, as if nothing had happened."""
        world.failing = (1000, 1000 + 10 * MINUTE)
        status = world.run(1)
        assert (status.waiting, status.delivery_problem) == (0, None)
        assert world.lines == undisturbed(1)
        assert_whole(world)

    def test_is_away_until_after_the_tracker_stopped(self, world, undisturbed):
        """A tracker that ends without having delivered leaves its events to the next one."""
        world.failing = (600, 1.5 * HOUR)
        assert world.run(1).waiting > 0
        assert world.run(2).waiting == 0
        assert world.lines == undisturbed(2)

    def test_is_asked_rarely_meanwhile(self, world):
        """Ten minutes of failure are a few dozen requests, and the end is noticed within a minute."""
        world.failing = (1000, 1000 + 10 * MINUTE)
        world.run(1)
        tried = [at for at in world.network.requests if 1000 <= at < 1600]
        assert 5 < len(tried) < 40
        assert min(at for at in world.network.requests if at >= 1600) < 1600 + 75


class TestTheNetwork:
    def test_is_lost_for_an_hour(self, world, undisturbed):
        """What was known before arrives, what follows is tracked, nothing is lost or doubled."""
        away = world.offline = (HOUR, 2 * HOUR)
        status = world.run(4)
        assert (status.waiting, status.delivery_problem) == (0, None)
        assert_whole(world)
        before = [line for line in undisturbed(4) if _second(line) < away[0] - 10]
        assert world.lines[: len(before)] == before
        after = [line for line in undisturbed(4) if _second(line) > away[1] + 15 * MINUTE]
        assert world.lines[-len(after) :] == after
        assert after


class TestTheClock:
    @pytest.mark.parametrize("by", [-HOUR, -5, 4])
    def test_is_set(self, world, undisturbed, by):
        """Set back, or by a few seconds, it shifts later times and changes no event."""
        world.steps = [(1000, by)]
        world.run(1)
        assert_whole(world, ordered=by > 0)
        expected = [
            (line.rsplit(" ", 1)[0], _second(line) + (by if _second(line) > 1010 else 0))
            for line in undisturbed(1)
        ]
        told = [(line.rsplit(" ", 1)[0], _second(line)) for line in world.lines]
        assert [what for what, _ in told] == [what for what, _ in expected]
        assert all(
            abs(one - two) <= abs(by) for (_, one), (_, two) in zip(told, expected, strict=True)
        )

    @given(steps=st.lists(STEP, max_size=8), restarts=st.sampled_from([(), (1500,), (700, 2500)]))
    @settings(deadline=None, max_examples=15, derandomize=True)
    def test_is_set_at_any_time(self, tmp_path_factory, steps, restarts):
        """Set ahead and back, again and again, also between two runs: the same plays, each once."""
        calm = self._evening(tmp_path_factory, restarts)
        world = self._evening(tmp_path_factory, restarts, steps)
        assert world.heard == calm.heard
        assert_whole(world, ordered=not steps)

    _calm: ClassVar[dict[tuple[int, ...], World]] = {}

    def _evening(self, folders, restarts, steps=None) -> World:
        """An evening of which each run but the last ends at a restart; calm ones are kept."""
        if steps is None and restarts in self._calm:
            return self._calm[restarts]
        world = World(folders.mktemp("evening"))
        world.steps = steps or []
        for until in [*restarts, HOUR + 10 * MINUTE]:
            world.run(until / HOUR)
        return world if steps is not None else self._calm.setdefault(restarts, world)

    def test_is_set_ahead_by_an_hour(self, world):
        """Nothing is lost and order is kept, in what the events say of their time too."""
        world.steps = [(1000, HOUR)]
        status = world.run(2)
        assert status.waiting == 0
        assert_whole(world)

    def test_swings(self, world):
        """A clock that is set again and again costs no event its end."""
        world.steps = [(500 + 300 * number, (-1) ** number * 1800) for number in range(12)]
        status = world.run(2)
        assert status.waiting == 0
        assert_whole(world, ordered=False)


class TestSleep:
    def test_of_three_hours(self, world, undisturbed):
        """What played before it ends there, what plays after it begins anew."""
        world.asleep = (HOUR, 4 * HOUR)
        status = world.run(6)
        assert status.waiting == 0
        assert_whole(world)
        late = [line for line in undisturbed(6) if _second(line) > 4 * HOUR + 15 * MINUTE]
        assert world.lines[-len(late) :] == late


def _second(line: str) -> float:
    return int(line.rsplit(" ", 1)[1]) / 1000 - START_S
