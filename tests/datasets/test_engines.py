"""The two engines on the same lake: equal curated rows, equal CSV rows, equal evidence."""

import io
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aws_world import known_tracks, listening

from musicrec import catalog, deployment, events
from musicrec.datasets import daily, engines
from musicrec.local.deployer import deploy
from musicrec.local.running import environment
from musicrec.local.server import EmbeddedAws
from musicrec.personalize.clients import connect
from musicrec.processor import lake
from musicrec.processor.curated_store import CuratedStore


class TestChoose:
    def test_small_work_stays_here(self):
        """Up to the limit this process does it, beyond Athena."""
        assert engines.choose("auto", 10, 10) == "lambda"
        assert engines.choose("auto", 11, 10) == "athena"

    @pytest.mark.parametrize("choice", ["lambda", "athena"])
    def test_who_asks_decides(self, choice):
        """A choice that was made is not made again."""
        assert engines.choose(choice, 11, 10) == choice
        assert engines.choose(choice, 10, 10) == choice


def odd_rows(play):
    """Rows that one rule or another concerns."""
    good = events.to_mapping(play)

    def row(number, **changes):
        return good | {"event_id": events.new_event_id("odd", number)} | changes

    ended = {"event_type": "complete"}
    changes = [
        *({"user_id": user} for user in ("a,b", 'say "hi"', "back\\slash", " blank", "VALUE")),
        *({"user_id": user} for user in ("line\nbreak", "Björk", "宇多田ヒカル", "x" * 257, "")),
        *({name: None} for name in ("session_id", "track", "source", "schema_version")),
        *({"listened_ms": value} for value in (-1, 86_400_001)),
        *({"track": track} for track in ({"artists": ["x"]}, {"name": "x" * 1001}, {"name": ""})),
        {"track": {"name": "x", "artists": ["y"] * 51}},
        {"track": {"name": "x", "artists": ["y", "z" * 1001]}},
        {"track": {"name": "x", "album": "z" * 1001}},
        {"context_uri": "c" * 257},
        {"event_type": "pause"},
        {"event_type": "like"},
        {"event_id": "no uuid"},
        ended | {"listened_ms": 5, "duration_ms": 0},
        ended | {"listened_ms": None, "duration_ms": 5},
        ended | {"listened_ms": 9, "duration_ms": 5},
        *(ended | {"listened_ms": n, "duration_ms": 20_000} for n in range(1, 40, 2)),
        *(ended | {"listened_ms": n, "duration_ms": 32} for n in range(33)),
        {},
        {},
    ]
    return [row(number, **change) for number, change in enumerate(changes)]


class World:
    """Two stacks of one embedded AWS, with the same in their lakes."""

    def __init__(self, server):
        self.clients = connect()
        self.stacks = {}
        for name in ("arrow", "trino"):
            deploy(server.aws, name)
            self.stacks[name] = deployment.load(name, self.clients.ssm)

    def publish(self, directory):
        path = directory / "c.sqlite"
        catalog.write(known_tracks(), path)
        for stack in self.stacks.values():
            self.clients.s3.upload_file(str(path), stack.bucket, "catalog/catalog.sqlite")

    def deliver(self, number, rows):
        days = {}
        for row in rows:
            days.setdefault(row["occurred_at"] // events.DAY_MS, []).append(row)
        for of_day in days.values():
            body = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(of_day, schema=lake.SCHEMA), body)
            day = pa.scalar(of_day[0]["occurred_at"], pa.timestamp("ms")).as_py().date()
            for stack in self.stacks.values():
                key = f"raw/dt={day}/{number}.parquet"
                self.clients.s3.put_object(Bucket=stack.bucket, Key=key, Body=body.getvalue())

    def write(self, run_date):
        """Both builds of a date."""
        return [
            daily.write(self.clients, stack, run_date, engine=engine)
            for stack, engine in zip(self.stacks.values(), ("lambda", "athena"), strict=True)
        ]

    def curated(self, name):
        """All curated rows of a stack, by event."""
        store = CuratedStore(self.clients.s3, self.stacks[name].bucket)
        rows = [row for one in store.standing().values() for row in store.table(one).to_pylist()]
        return sorted(rows, key=lambda row: row["event_id"])

    def lines(self, name, run_date):
        """The CSV of a stack's interactions, sorted below its header."""
        key = f"datasets/{run_date}/interactions.csv"
        bucket = self.stacks[name].bucket
        body = self.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        first, *rest = body.decode().split("\n")
        return [first, *sorted(rest)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two stacks, one for each engine, and what both builds made of the same deliveries."""
    with EmbeddedAws() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.endpoint_url, server.aws.region).items():
            patch.setitem(os.environ, name, value)
        made = World(server)
        made.publish(tmp_path_factory.mktemp("catalog"))
        happened = listening(users=12, plays=15)
        rows = [events.to_mapping(event) for event in happened]
        made.deliver(1, [*rows[:300], *rows[:40], *odd_rows(happened[0])])
        made.first = made.write("2026-03-02")
        made.deliver(2, rows[250:])
        made.second = made.write("2026-03-03")
        yield made


@pytest.mark.slow
class TestEngines:
    def test_curated_rows_are_the_same(self, world):
        """Every column of every row, generations and rounded values included."""
        assert world.curated("arrow") == world.curated("trino")
        assert len(world.curated("arrow")) > 300

    @pytest.mark.parametrize("run_date", ["2026-03-02", "2026-03-03"])
    def test_csv_rows_are_the_same(self, world, run_date):
        """The same lines, quotes and digits included."""
        assert world.lines("arrow", run_date) == world.lines("trino", run_date)

    def test_manifests_say_the_same(self, world):
        """What was dropped and why, days, types, listeners, coverage, findings."""
        for arrow, trino in (world.first, world.second):
            assert (arrow.engine, trino.engine) == ("lambda", "athena")
            here, there = (made.datasets["interactions"] for made in (arrow, trino))
            for name in ("rows", "size", "dropped", "plan"):
                assert getattr(here, name) == getattr(there, name)
            for name in ("days", "generations", "event_types", "listeners", "tracks_played"):
                assert getattr(arrow, name) == getattr(trino, name)
            assert arrow.datasets["items"].sha256 == trino.datasets["items"].sha256
            assert arrow.findings == trino.findings

    def test_what_is_popular_is_the_same(self, world):
        """Each engine counts the same listeners of the same tracks."""
        arrow, trino = (
            world.clients.s3.get_object(Bucket=stack.bucket, Key="catalog/popular.json")[
                "Body"
            ].read()
            for stack in world.stacks.values()
        )
        assert arrow == trino
        assert b'"heard":' in arrow

    def test_second_run_on_athena_changes_nothing(self, world):
        """The file was made of the same rows, so it stays, and the manifest with it."""
        stack = world.stacks["trino"]

        def standing():
            rows = world.clients.s3.list_objects_v2(Bucket=stack.bucket, Prefix="datasets/")
            return [(row["Key"], row["ETag"], row["LastModified"]) for row in rows["Contents"]]

        before = standing()
        again = daily.write(world.clients, stack, "2026-03-03", engine="athena")
        assert again == world.second[1]
        assert standing() == before
