"""What the hot path costs beside one call a record, on simulated listeners."""

import json
import os
import subprocess
import sys
from random import Random

import pytest

from benchmarks import hot_path as benchmark
from benchmarks.start_times import REPOSITORY
from musicrec import records
from musicrec.catalog import read_kaggle
from musicrec.local.listeners import demo_listeners
from musicrec.processor import hot_path
from musicrec.records import PoisonQueue
from musicrec.retry import Retries

CPU = """
import json
from benchmarks import hot_path as benchmark
from musicrec.catalog import read_kaggle
from musicrec.local.listeners import demo_listeners

tracks, _ = read_kaggle(benchmark.SAMPLE)
happened = list(demo_listeners(tracks, listeners=12, days=3).events())
cuts = benchmark.cut(benchmark.demo_pace(happened), shards=1, size=500, window_s=1)
with benchmark.loopback_aws():
    events = benchmark.first_records(cuts)
    print(json.dumps(benchmark.least_cpu_s(benchmark.ours(), events, rounds=2)))
"""


@pytest.fixture(scope="module")
def happened():
    """What a dozen simulated listeners played in three days."""
    tracks, _ = read_kaggle(benchmark.SAMPLE)
    return list(demo_listeners(tracks, listeners=12, days=3).events())


class Personalize:
    def __init__(self):
        self.calls = 0

    def put_events(self, **_):
        self.calls += 1


def sent(cuts):
    """The calls that the hot path really makes for the batches."""
    personalize = Personalize()
    for batch in cuts:
        hot_path.process(
            records.decode(benchmark.kinesis_event(batch)),
            personalize=personalize,
            tracking_id="t",
            queue=PoisonQueue(None, "", ""),
            retries=Retries(remaining_ms=lambda: 60_000, wait=lambda _: None, random=Random(1)),
        )
    return personalize.calls


def test_calls_are_a_fifth_where_a_days_listening_comes_at_once(happened):
    """At the demo's pace the hot path makes at most a fifth of one call a record, as counted."""
    cuts = benchmark.cut(benchmark.demo_pace(happened), shards=4, size=500, window_s=1)
    grouped, single = benchmark.calls(cuts)
    assert sent(cuts) == grouped
    assert grouped <= single / 5


def test_batches_keep_the_mappings_settings(happened):
    """No batch is larger or spans more time than the mapping allows, and none loses a record."""
    cuts = benchmark.cut(benchmark.live_pace(happened), shards=4, size=5, window_s=60)
    assert sum(map(len, cuts)) == len(happened)
    assert max(map(len, cuts)) == 5
    assert all(batch[-1].occurred_at - batch[0].occurred_at <= 60_000 for batch in cuts)


@pytest.mark.slow
def test_cpu_is_less_than_a_third_of_one_call_a_record():
    """A thousand records cost the whole handler at most 0.3 of the CPU of a plain one."""
    done = subprocess.run(
        [sys.executable, "-c", CPU],
        env={"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    mine, theirs = json.loads(done.stdout)
    assert 0 < mine <= 0.3 * theirs, (mine, theirs)
