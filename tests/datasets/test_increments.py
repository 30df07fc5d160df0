"""FULL or INCREMENTAL: the rule, and that increments add up to the same as one FULL import."""

from random import Random

import msgspec
import pyarrow as pa
import pytest
from aws_world import BUCKET, DEPLOYMENT, known_tracks, listening
from hypothesis import given
from hypothesis import strategies as st

from musicrec.datasets import csvfile, daily, manifest, plans, schemas
from musicrec.datasets.changes import Comparison
from musicrec.datasets.manifest import BuiltDataset, Manifest, Plan
from musicrec.datasets.plans import Base
from musicrec.personalize import exports, foundation, imports


def base_of(run_date="2026-03-02", full_on="2026-03-01", generations=None):
    """A build whose import stands."""
    plan = Plan(mode="FULL", why="first", base=None, full_on=full_on)
    built = BuiltDataset(uri="s3://b/x", rows=1, size=1, sha256="0" * 64, dropped={}, plan=plan)
    made = Manifest(
        stack="musicrec",
        run_date=run_date,
        datasets={"interactions": built},
        days={},
        generations=generations or {"2026-03-01": 2},
        event_types={},
        listeners=0,
        tracks_played=0,
        tracks_added=0,
        coverage={},
        findings=[],
    )
    return Base(manifest=made, built=built)


class TestPlanOfInteractions:
    def plan(self, base, new=5000, now=None, run_date="2026-03-03"):
        return plans.of_interactions(base, now or {"2026-03-01": 3}, new, run_date)

    def test_without_a_base_it_is_full(self):
        """The first import into a dataset has to be FULL."""
        assert self.plan(None).mode == "FULL"

    def test_news_on_a_base_are_an_increment(self):
        """It names what it stands on, and the FULL import below."""
        plan = self.plan(base_of())
        assert (plan.mode, plan.base, plan.full_on) == ("INCREMENTAL", "2026-03-02", "2026-03-01")

    def test_nothing_new_is_no_import(self):
        """Not even when a week has passed."""
        assert self.plan(base_of(), new=0, run_date="2026-06-01").mode == "NONE"

    def test_a_week_after_the_last_it_is_full(self):
        """Seven days after the FULL import, not after the newest increment."""
        modes = [
            self.plan(base_of(run_date="2026-03-07"), run_date=day).mode
            for day in ("2026-03-07", "2026-03-08")
        ]
        assert modes == ["INCREMENTAL", "FULL"]

    @pytest.mark.parametrize("now", [{}, {"2026-03-01": 1}])
    def test_a_curated_table_made_anew_is_full(self, now):
        """Generations that went back say nothing about what was imported."""
        base = base_of()
        assert plans.of_interactions(base, now, 5000, "2026-03-03").mode == "FULL"

    def test_too_much_for_an_increment_is_full(self):
        """An INCREMENTAL import takes one gigabyte."""
        assert self.plan(base_of(), new=plans.MAX_INCREMENTAL_ROWS + 1).mode == "FULL"

    def test_too_few_wait(self):
        """An import takes a thousand interactions at least."""
        plan = self.plan(base_of())
        assert plans.waiting(plan, 1000) == plan
        assert plans.waiting(plan, 999).mode == "NONE"
        assert "999 new interactions wait" in plans.waiting(plan, 999).why


class TestPlanOfRecords:
    @pytest.mark.parametrize(
        ("changed", "gone", "run_date", "mode"),
        [
            (0, 0, "2026-03-03", "NONE"),
            (3, 0, "2026-03-03", "INCREMENTAL"),
            (3, 1, "2026-03-03", "FULL"),
            (3, 0, "2026-03-08", "FULL"),
            (0, 0, "2026-03-08", "NONE"),
        ],
    )
    def test_follows_what_changed(self, changed, gone, run_date, mode):
        """Changed rows are an increment, vanished ones need a FULL import."""
        assert plans.of_records(base_of(), changed, gone, run_date).mode == mode


rows = st.dictionaries(st.text('ab,"\\é', min_size=1, max_size=3), st.integers(0, 3), max_size=8)


def lines_of(records):
    """Records as lines of a CSV, by id."""
    ids = sorted(records)
    table = pa.table(
        {"ID": pa.array(ids, pa.string()), "V": pa.array([records[one] for one in ids], pa.int64())}
    )
    return csvfile.lines(table)


class TestComparison:
    @given(rows, rows, st.integers(1, 5))
    def test_news_are_what_a_dictionary_would_say(self, before, after, size):
        """Changed and new rows come out, vanished ones are counted, in pieces of any size."""
        comparison = Comparison(lines_of(before).splitlines())
        ids = sorted(after)
        pieces = [ids[at : at + size] for at in range(0, len(ids), size)]
        news = b"".join(
            comparison.news(lines_of({one: after[one] for one in piece})) for piece in pieces
        )
        comparison.finish()
        other = {one: value for one, value in after.items() if before.get(one) != value}
        assert news == lines_of(other)
        assert comparison.changed == len(other)
        assert comparison.gone == len(before.keys() - after.keys())


def held(aws, name):
    """Every bulk interaction that Personalize holds."""
    ground = foundation.load(aws.clients, DEPLOYMENT)
    prefix = f"exports/{name}/"
    exports.export(
        aws.clients,
        ground.dataset_arns["interactions"],
        name=name,
        uri=f"s3://{BUCKET}/{prefix}",
        role_arn=DEPLOYMENT.personalize_role_arn,
        ingestion_mode="BULK",
    )
    found = aws.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    files = [aws.read(row["Key"]) for row in found if row["Key"].endswith(".csv")]
    return sorted(line for file in files for line in file.splitlines()[1:])


def built(aws, run_date, **more):
    """A build whose jobs have finished."""
    made = daily.build(aws.clients, "musicrec", run_date, **more)
    for arn in made.import_jobs.values():
        imports.wait(aws.clients, arn)
    return made


def modes(made):
    """How each dataset was imported."""
    return {kind: one.plan.mode for kind, one in made.datasets.items()}


@pytest.fixture(scope="module")
def happened():
    """Some weeks of 40 listeners, in no order."""
    made = listening(users=40, plays=100)
    Random(3).shuffle(made)
    return made


@pytest.mark.slow
class TestIncrements:
    def test_day_after_day_is_the_same_as_one_full_import(self, aws, happened, tmp_path):
        """Late and doubled deliveries included, increments leave what one FULL import leaves."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_profiles(happened, known_tracks())
        parts = [happened[:4000], happened[3900:5900], happened[5900:6500], happened[6500:]]
        interactions = []
        for number, part in enumerate(parts):
            aws.put_in_lake(part)
            made = built(aws, f"2026-03-{17 + number}")
            interactions.append(modes(made)["interactions"])
            assert sum(made.days.values()) >= made.datasets["interactions"].rows
        assert interactions == ["FULL", "INCREMENTAL", "NONE", "INCREMENTAL"]
        added_up = held(aws, "increments")
        whole = daily.write(aws.clients, DEPLOYMENT, "2026-03-21", full=True)
        daily.start_imports(
            aws.clients, DEPLOYMENT, foundation.load(aws.clients, DEPLOYMENT), whole
        )
        assert held(aws, "whole") == added_up
        assert whole.days == made.days
        assert sum(whole.days.values()) == len(added_up) == whole.datasets["interactions"].rows

    def test_every_raw_row_is_kept_or_counted(self, aws, happened, tmp_path):
        """In an increment as in a FULL build, rows and drops add up to what was delivered."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_profiles(happened, known_tracks())
        for run_date, part in (("2026-03-17", happened[:4000]), ("2026-03-18", happened[3000:])):
            aws.put_in_lake(part)
            interactions = built(aws, run_date).datasets["interactions"]
            assert interactions.rows + sum(interactions.dropped.values()) == len(part)

    def test_second_run_of_an_increment_changes_nothing(self, aws, happened, tmp_path):
        """The date's build decides the same again, writes nothing and starts nothing."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_profiles(happened, known_tracks())
        for run_date, part in (("2026-03-17", happened[:4000]), ("2026-03-18", happened[4000:])):
            aws.put_in_lake(part)
            first = built(aws, run_date)
        started = aws.calls.count("CreateDatasetImportJob")
        before = aws.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        assert built(aws, "2026-03-18") == first
        assert aws.clients.s3.list_objects_v2(Bucket=BUCKET)["Contents"] == before
        assert aws.calls.count("CreateDatasetImportJob") == started

    def test_users_and_items_bring_what_changed(self, aws, happened, tmp_path):
        """New listeners and newly seen tracks are increments; what stayed is not imported again."""
        aws.hear(happened, tmp_path)
        built(aws, "2026-03-17")
        more = listening(users=41, tracks=31, plays=60, start="2026-03-20", seed=5)
        aws.put_in_lake(more)
        aws.put_in_profiles(more, known_tracks())
        made = built(aws, "2026-03-18")
        assert modes(made) == dict.fromkeys(schemas.KINDS, "INCREMENTAL")
        items = made.datasets["items"]
        assert (items.rows, items.uri.rsplit("/", 1)[1]) == (1, "items-changed.csv")
        assert built(aws, "2026-03-19").datasets["items"].plan.mode == "NONE"

    def test_after_a_week_it_is_full(self, aws, happened, tmp_path):
        """Seven days after the last FULL import everything is imported anew."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_profiles(happened, known_tracks())
        for run_date, part in (("2026-03-17", happened[:4000]), ("2026-03-24", happened[4000:])):
            aws.put_in_lake(part)
            made = built(aws, run_date)
        assert modes(made)["interactions"] == "FULL"
        assert len(held(aws, "all")) == made.datasets["interactions"].rows

    def test_stands_on_what_the_dataset_holds_now(self, aws, happened, tmp_path):
        """When somebody imports an older build again, the next increment begins there."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_profiles(happened, known_tracks())
        aws.put_in_lake(happened[:3000])
        first = built(aws, "2026-03-17")
        aws.put_in_lake(happened[3000:6000])
        assert modes(built(aws, "2026-03-18"))["interactions"] == "INCREMENTAL"
        ground = foundation.load(aws.clients, DEPLOYMENT)
        daily.start_imports(aws.clients, DEPLOYMENT, ground, first)
        aws.put_in_lake(happened[6000:])
        made = built(aws, "2026-03-19")
        assert made.datasets["interactions"].plan.base == "2026-03-17"
        assert len(held(aws, "all")) == sum(made.days.values())

    def test_builds_of_an_earlier_version_are_no_base(self, aws, happened, tmp_path):
        """A manifest that tells nothing of curated days leads to a FULL import."""
        aws.hear(happened[:4000], tmp_path)
        made = built(aws, "2026-03-17")
        old = msgspec.structs.replace(made, version=1)
        manifest.save(old, aws.clients.s3, BUCKET)
        aws.put_in_lake(happened[4000:])
        assert modes(built(aws, "2026-03-18"))["interactions"] == "FULL"
