"""`musicrec profiles`: what it says, what it overwrites, and how it goes on."""

import json

import msgspec
import pytest
from aws_world import BUCKET, DEPLOYMENT, known_tracks, listening
from typer.testing import CliRunner

from musicrec import cli
from musicrec.processor import profile_run, profile_spool
from musicrec.processor.profile_rebuild import Rebuilder, RebuildError
from musicrec.processor.profiles import ProfileStore


@pytest.fixture
def happened():
    """Five listeners' events over some days."""
    return listening(users=5, plays=12)


@pytest.fixture
def run(aws, tmp_path, monkeypatch):  # noqa: ARG001 # AWS must be there first
    """The command line, its copy of the lake in a few files in a folder of the test's."""
    monkeypatch.setattr(profile_spool, "BUCKETS", 7)
    monkeypatch.setattr(profile_run, "BUCKETS", 7)

    def invoke(*arguments, answer=None):
        work = ["--work", str(tmp_path / "work")] if arguments[0] == "rebuild" else []
        return CliRunner().invoke(cli.app, ["profiles", *arguments, *work], input=answer)

    return invoke


@pytest.fixture
def _heard(aws, happened, tmp_path):
    """The events are in the lake and in the profiles."""
    aws.hear(happened, tmp_path)


@pytest.fixture
def stored(aws):
    """All profiles of the table, by listener."""

    def read():
        store = ProfileStore(aws.clients.dynamodb, DEPLOYMENT.profile_table)
        return {profile.user_id: profile for profile in store.scan()}

    return read


class TestRebuild:
    def test_an_empty_table_is_filled_from_the_lake(self, aws, run, stored, happened, tmp_path):
        """A lost table comes back as the stream had made it, and nothing is left on the disk."""
        aws.hear(happened, tmp_path)
        before = stored()
        for user in before:
            key = {"user_id": {"S": user}, "part": {"S": "profile"}}
            aws.clients.dynamodb.delete_item(TableName=DEPLOYMENT.profile_table, Key=key)
        done = run("rebuild", "--yes")
        assert (done.exit_code, done.exception) == (0, None)
        assert "5 without a profile: made" in done.stdout
        assert stored() == before
        assert not (tmp_path / "work").exists()

    def test_it_says_what_it_will_do_and_asks(self, aws, run, stored, happened, tmp_path):
        """Before anything is overwritten the table is named; no means no."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_lake(happened)
        done = run("rebuild", answer="n\n")
        assert done.exit_code == 1
        assert f"Profiles in {DEPLOYMENT.profile_table}" in done.stdout
        assert "overwritten" in done.stdout
        assert stored() == {}

    def test_a_dry_run_compares_and_writes_nothing(self, aws, run, stored, happened, tmp_path):
        """Equal and different listeners are counted, and the first field that differs is named."""
        aws.publish_catalog(known_tracks(), tmp_path)
        aws.put_in_lake(happened)
        half = [one for one in happened if one.user_id < "user-003"]
        aws.put_in_profiles(half, known_tracks())
        rest = [one for one in happened if one.user_id == "user-003"]
        aws.put_in_profiles(rest, [])
        before = stored()
        done = run("rebuild", "--dry-run")
        assert done.exit_code == 1
        assert "5 listeners with 120 events" in done.stdout
        assert "3 equal" in done.stdout
        assert "1 differed (e.g. user-003: genres['" in done.stdout
        assert "1 without a profile" in done.stdout
        assert stored() == before

    def test_nothing_different_is_success(self, aws, run, happened, tmp_path):
        """A dry run of what is right exits with 0."""
        aws.hear(happened, tmp_path)
        assert run("rebuild", "--dry-run").exit_code == 0

    @pytest.mark.usefixtures("_heard")
    def test_it_goes_on_where_it_stopped(self, run, stored, monkeypatch):
        """After a failure the same command takes the listeners that were not done, and says so."""
        expected = stored()
        real, seen = Rebuilder.rebuild, []

        def fails_at_the_third(self, listener):
            seen.append(listener.user_id)
            if len(seen) == 3:
                raise RebuildError(listener.user_id, "no")
            return real(self, listener)

        monkeypatch.setattr(profile_run, "PARALLEL_LISTENERS", 1)
        monkeypatch.setattr(Rebuilder, "rebuild", fails_at_the_third)
        stopped = run("rebuild", "--yes")
        assert (stopped.exit_code, "goes on where it stopped" in stopped.output) == (1, True)
        done = run("rebuild", "--yes")
        assert "An unfinished rebuild goes on" in done.stdout
        assert done.exit_code == 0
        assert len(set(seen)) == 5
        assert len(seen) < 3 + 5
        assert "5 listeners with 120 events" in done.stdout
        assert stored() == expected

    def test_an_unfinished_one_of_something_else_is_not_taken_up(
        self, aws, run, happened, tmp_path
    ):
        """Another table's copy is refused by name, unless it is to be forgotten."""
        aws.hear(happened, tmp_path)
        notes = profile_run.Notes(of="another", events=0, buckets=0, tally=profile_run.Tally())
        (tmp_path / "work").mkdir()
        (tmp_path / "work" / "notes.json").write_bytes(msgspec.json.encode(notes))
        refused = run("rebuild", "--yes")
        assert (refused.exit_code, "unfinished rebuild of another" in refused.output) == (1, True)
        assert run("rebuild", "--yes", "--anew").exit_code == 0

    def test_archived_days_are_named(self, aws, run, happened, tmp_path):
        """What S3 has archived cannot be read: the command says so, and can leave it out."""
        aws.hear(happened, tmp_path)
        aws.clients.s3.put_object(
            Bucket=BUCKET, Key="raw/dt=2024-01-01/x.parquet", Body=b"", StorageClass="GLACIER"
        )
        refused = run("rebuild", "--dry-run")
        assert (refused.exit_code, "2024-01-01" in refused.output) == (1, True)
        assert run("rebuild", "--dry-run", "--first-day", "2025-01-01").exit_code == 0

    def test_without_a_stack_it_says_so(self, run):
        """A stack that is not there is named."""
        done = run("rebuild", "--stack", "nowhere", "--yes")
        assert (done.exit_code, "/nowhere/deployment" in done.output) == (1, True)


class TestShow:
    def test_a_profile_is_json(self, aws, run, happened, tmp_path):
        """One listener's counts, favourites and features are printed."""
        aws.hear(happened, tmp_path)
        shown = json.loads(run("show", "user-001").stdout)
        assert shown["events"]["play"] == 12
        assert shown["artists"] == {"Björk": 1.0}
        assert len(shown["hours"]) == 24

    def test_nobody_is_named(self, run):
        """A listener without a profile is an error with the table's name."""
        done = run("show", "nobody")
        assert (done.exit_code, "'nobody'" in done.output) == (1, True)
