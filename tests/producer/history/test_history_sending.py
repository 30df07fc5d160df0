"""An import on its way: to the API, to the lake, and by the command."""

import json
import stat

import pytest
from aws_world import DEPLOYMENT, world
from history_rows import PERSONAL, extended, short, write
from typer.testing import CliRunner

from musicrec.cli import app
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import ProfileStore
from musicrec.producer.history.sending import ImportStoppedError, send
from musicrec.producer.ingest import IngestionApi

KEY = "secret-key"
ROWS = [extended(f"2021-03-{day:02}T05:06:07Z") for day in range(1, 29)] * 2


@pytest.fixture
def happened(take, tmp_path):
    """The events of 400 plays."""
    rows = [extended(f"2021-03-04T05:{n // 60:02}:{n % 60:02}Z", ms_played=900) for n in range(400)]
    return take(write(tmp_path / "a.json", rows))[0]


@pytest.fixture
def client(api):
    return IngestionApi(api.url, KEY, attempts=3, sleep=lambda _: None)


class TestSending:
    def test_fills_requests_in_order(self, happened, api, client):
        """Everything arrives once, in order, in as few requests as may be."""
        told = []
        assert send(happened, client, told.append).accepted == 800
        arrived = [row["event_id"] for body in api.bodies for row in body]
        assert arrived == [event.event_id for event in happened]
        assert (len(api.bodies), sum(told)) == (2, 800)

    def test_a_bad_event_costs_itself(self, happened, api, client):
        """An event that the API rejects for good is told with the reason, the others arrive."""
        api.poison = happened[5].event_id
        sent = send(happened, client)
        assert sent.accepted == 799
        assert "poison" in sent.rejected[happened[5].event_id]

    def test_an_api_that_stays_down_ends_it(self, happened, api, client):
        """The import says how far it came and that it may be repeated."""
        for _ in range(9):
            api.answer(500, {"message": "down"})
        with pytest.raises(ImportStoppedError, match="run the same command again"):
            send(happened, client)

    def test_an_outage_is_sat_out(self, happened, api, client):
        """What fails twice and then works loses nothing."""
        for _ in range(2):
            api.answer(500, {"message": "down"})
        assert send(happened, client).accepted == 800


@pytest.fixture
def run(api, monkeypatch, tmp_path):
    """`musicrec import-history` of a listener who has a home of its own."""
    for name in ("MUSICREC_API_URL", "MUSICREC_API_KEY", "MUSICREC_HOME"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments, key=KEY):
        home = ["--home", str(tmp_path / "home"), "--api-url", api.url, "--user-id", "acc-1"]
        words = ["import-history", *map(str, arguments), *home]
        return CliRunner().invoke(app, words, env={"MUSICREC_API_KEY": key})

    return invoke


class TestCommand:
    def test_takes_a_file_and_tells_the_account(self, run, api, tmp_path):
        """Rows, plays, what was dropped and why, and where the events are."""
        result = run(write(tmp_path / "a.json", ROWS))
        assert result.exit_code == 0, result.output
        assert "56 rows in 1 file\n" in result.output
        assert "28 dropped: the same play in another row" in result.output
        assert f"56 events are at {api.url}" in result.output
        assert sum(map(len, api.bodies)) == 56

    def test_again_adds_nothing(self, run, api, tmp_path):
        """The second time the same ids go out, and no other."""
        path = write(tmp_path / "a.json", ROWS)
        run(path)
        first = set(api.ids(0))
        run(path)
        assert set(api.ids(1)) == first

    def test_the_short_format_does_not_follow_the_extended_one(self, run, api, tmp_path):
        """Also in a later run the extended history's period is not imported from the short one."""
        run(write(tmp_path / "a.json", ROWS))
        catalog = ("--catalog", "notebooks/data/spotify_tracks_sample.csv.gz")
        result = run(write(tmp_path / "b.json", [short("2021-03-07 08:00")]), *catalog)
        assert "in the period of the extended history" in result.output
        assert len(api.bodies) == 1

    def test_a_broken_file_is_told_and_fails(self, run, api, tmp_path):
        """What could be read is sent; the exit code says that something is missing."""
        path = tmp_path / "a.json"
        path.write_text(json.dumps(ROWS)[:-30])
        result = run(path)
        assert result.exit_code == 1
        assert "what came before was read" in result.output
        assert api.bodies

    def test_a_refused_key_is_told_without_it(self, run, api, tmp_path):
        """Even when the API repeats the key, no line shows it."""
        api.answer(403, {"message": f"Forbidden: {KEY}"})
        result = run(write(tmp_path / "a.json", ROWS))
        assert result.exit_code == 1
        assert "Forbidden" in result.output
        assert KEY not in result.output

    def test_personal_fields_reach_neither_output_nor_disk(self, run, api, tmp_path):
        """Neither what is printed, sent, nor kept in the listener's home holds them."""
        result = run(write(tmp_path / "a.json", [*ROWS, {"ts": 1, "ms_played": PERSONAL[0]}]))
        kept = [path.read_bytes() for path in (tmp_path / "home").iterdir()]
        everything = result.output.encode() + json.dumps(api.bodies).encode() + b"".join(kept)
        for value in (*PERSONAL, KEY):
            assert value.encode() not in everything

    def test_its_files_are_private(self, run, tmp_path):
        """What a listener has played is nobody else's to read."""
        run(write(tmp_path / "a.json", ROWS))
        for path in (tmp_path / "home").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path

    def test_without_a_listener_says_what_to_do(self, tmp_path):
        """Nobody logged in and no user id: the message names both ways."""
        words = ["import-history", str(write(tmp_path / "a.json", ROWS)), "--home", str(tmp_path)]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 1
        assert "--user-id" in result.output

    def test_without_a_target_says_what_to_give(self, monkeypatch, tmp_path):
        """No address and no stack: the message names both."""
        monkeypatch.delenv("MUSICREC_API_URL", raising=False)
        path = write(tmp_path / "a.json", ROWS)
        words = ["import-history", str(path), "--home", str(tmp_path / "h"), "--user-id", "a"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 1
        assert "--to-lake" in result.output

    def test_a_file_without_history_is_told(self, run, tmp_path):
        """Another file of the package is named with what is missing."""
        result = run(write(tmp_path / "a.json", {"playlists": []}))
        assert result.exit_code == 1
        assert "Extended streaming history" in result.output


@pytest.mark.slow
def test_straight_to_the_lake(monkeypatch, sample_tracks, tmp_path):
    """With --to-lake the events stand in the stack's lake and profile, each at its own time."""
    with world(monkeypatch) as aws:
        aws.publish_catalog(sample_tracks[:50], tmp_path)
        path = write(tmp_path / "a.json", ROWS)
        words = ["import-history", str(path), "--home", str(tmp_path / "home"), "--user-id", "ana"]
        result = CliRunner().invoke(app, [*words, "--to-lake", "musicrec"])
        assert result.exit_code == 0, result.output
        lake = Lake.of(DEPLOYMENT, aws.clients.session)
        assert lake.days() == [f"2021-03-{day:02}" for day in range(1, 29)]
        assert lake.event_count() == 56
        profile = ProfileStore(aws.clients.dynamodb, DEPLOYMENT.profile_table).get("ana")
        assert profile.event_count == 56
