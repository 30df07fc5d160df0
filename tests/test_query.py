"""`musicrec query` on a stack with events in its lake."""

import io
import json
import os

import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from musicrec import query
from musicrec.cli import app
from musicrec.local.deployer import deploy
from musicrec.local.running import environment
from musicrec.local.server import EmbeddedAws
from musicrec.processor import lake

ANSWER = 'def lambda_handler(event, context):\n    return {"statusCode": 200}\n'
DAY = "2026-03-01"


class TestDollars:
    @pytest.mark.parametrize(
        ("scanned", "dollars"),
        [(0, 0), (1, 5e-5), (10**7, 5e-5), (10**12, 5.0), (2 * 10**12, 10.0)],
    )
    def test_ten_megabytes_at_least(self, scanned, dollars):
        """Five dollars a terabyte, and no query that reads is billed less than ten megabytes."""
        assert query.dollars(scanned) == pytest.approx(dollars)

    def test_says_it_in_a_line(self):
        """People read megabytes, seconds and dollars."""
        answer = query.Answer(frame=pd.DataFrame(), scanned=25 * 10**6, milliseconds=420)
        assert str(answer) == "25.0 MB scanned in 0.4 s, about $0.00013 on AWS"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A stack whose lake has two events of one day."""
    root = tmp_path_factory.mktemp("lambdas")
    for name in ("hot_path", "profile_builder", "dataset_builder", "recommendations"):
        (root / name).mkdir()
        (root / name / "handler.py").write_text(ANSWER)
    with EmbeddedAws() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.endpoint_url, server.aws.region).items():
            patch.setitem(os.environ, name, value)
        made = deploy(server.aws, "tunes", lambdas=root)
        rows = [
            {"event_id": "a", "user_id": "[bold]u[/bold]", "event_type": "play", "track": {"name": "x, y"}},
            {"event_id": "b", "user_id": "v", "event_type": "skip"},
        ]  # fmt: skip
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, lake.SCHEMA), buffer)
        server.aws.client("s3").put_object(
            Bucket=made.bucket, Key=f"raw/dt={DAY}/part.parquet", Body=buffer.getvalue()
        )
        yield made


@pytest.fixture
def ask(deployed):
    def run(*arguments):
        return CliRunner().invoke(app, ["query", *arguments, "--stack", deployed.name])

    return run


@pytest.mark.slow
class TestCommand:
    def test_prints_rows_and_cost(self, ask):
        """Rows go to standard output, the cost to standard error."""
        done = ask("SELECT user_id, track.name FROM listening_events ORDER BY 1", "--format", "csv")
        assert done.exit_code == 0, done.output
        assert done.stdout == 'user_id,name\n[bold]u[/bold],"x, y"\nv,\n'
        assert "scanned in" in done.stderr
        assert "$0.00005 on AWS" in done.stderr

    def test_prints_json(self, ask):
        """One array of objects, for programs."""
        sql = "SELECT event_type, count(*) AS n FROM listening_events GROUP BY 1 ORDER BY 1"
        done = ask(sql, "--format", "json")
        assert json.loads(done.stdout) == [
            {"event_type": "play", "n": 1},
            {"event_type": "skip", "n": 1},
        ]

    def test_prints_a_table(self, ask):
        """Text that looks like markup is text."""
        done = ask("SELECT user_id FROM listening_events ORDER BY 1")
        assert "[bold]u[/bold]" in done.stdout

    def test_shows_the_catalogue(self, ask):
        """Statements that are no queries have answers too, and cost nothing."""
        done = ask("DESCRIBE listening_events", "--format", "csv")
        assert done.stdout.splitlines()[1].startswith("event_id,string")
        assert "$0.00000" in done.stderr

    def test_says_what_is_wrong_and_what_next(self, ask):
        """The reason and the next step, with an exit code of 1."""
        done = ask("SELECT nope FROM listening_events")
        assert done.exit_code == 1
        assert "COLUMN_NOT_FOUND: line 1:8" in done.stderr
        assert "musicrec query 'DESCRIBE listening_events'" in done.stderr
        assert "mismatched input" in ask("SELEC 1").stderr

    def test_unknown_formats_and_stacks_are_refused(self, ask, deployed):
        """What is not there is named."""
        assert "table, csv, json" in ask("SELECT 1", "--format", "xml").stderr
        done = CliRunner().invoke(app, ["query", "SELECT 1", "--stack", "nowhere"])
        assert (done.exit_code, "/nowhere/deployment" in done.stderr) == (1, True)
        assert deployed.workgroup == "tunes-lake"

    def test_estimates_the_most(self, deployed):
        """The estimate counts the days that are asked for."""
        session = boto3.Session()
        assert query.dollars_at_most(deployed, session, (DAY, DAY), 3) == pytest.approx(15e-5)
        assert query.dollars_at_most(deployed, session, ("2026-03-02", "2026-03-09"), 3) == 0
