"""The whole path on a running stack: what is refused, what arrives, what is answered."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import requests
from local_helpers import records_held
from typer.testing import CliRunner

from musicrec import events
from musicrec.cli import SAMPLE, app
from musicrec.local.demo import filling, stations
from musicrec.local.running import RunningStack, running
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import ProfileStore

pytestmark = pytest.mark.slow

TRACK_ID = "5SuOikwiRyPMVoIQDJUgSV"


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A deployed stack with the shipped catalogue and no events."""
    with running() as stack:
        stack.prepare(SAMPLE)
        yield stack


def event(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "event_id": events.new_event_id("end-to-end", str(changes)),
        "schema_version": 1,
        "user_id": "björk",
        "session_id": "s-1",
        "track_id": TRACK_ID,
        "event_type": "complete",
        "occurred_at": 1_767_600_000_123,
        "source": "live",
        "listened_ms": 200_000,
        "duration_ms": 210_000,
        "track": {"name": 'It\'s "Oh" So \\ Quiet', "artists": ["宇多田ヒカル", "Björk"]},
    }
    return {name: value for name, value in (values | changes).items() if value is not ...}


def post(stack: RunningStack, body: Any, **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    given = {"x-api-key": stack.api_key, "content-type": "application/json"} | headers
    url = f"{stack.deployment.api_url}/events"
    return requests.post(url, data=data, headers=given, timeout=30)


def on_stream(stack: RunningStack) -> int:
    return records_held(stack.server, stack.deployment.stream)


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "named"),
        [
            ({"events": [event(user_id=...)]}, 400, "user_id"),
            ({"events": [event(event_type="listen")]}, 400, "event_type"),
            ({"events": [event(user_id="u" * 300)]}, 400, "user_id"),
            ({"events": [event(), event(track_id="x")]}, 400, "track_id"),
            ({"events": [event(ip="10.0.0.1")]}, 400, "ip"),
            ({"events": []}, 400, "events"),
            ({"events": [event(session_id=f"s-{n}") for n in range(501)]}, 400, "events"),
            ({}, 400, "events"),
            (b'{"events": [', 400, "body"),
            (b"\xff\xfe\x00", 400, "body"),
            (b"", 400, "body"),
            (b" " * (10 * 1024 * 1024 + 1), 413, "body"),
        ],
        ids=[
            "no user", "unknown type", "long id", "second event", "unknown field", "empty batch",
            "501 events", "no events", "broken JSON", "no UTF-8", "no body", "over 10 MB",
        ],
    )  # fmt: skip
    def test_bad_events_are_refused_by_name(
        self, stack: RunningStack, body: Any, status: int, named: str
    ):
        """A bad body gets a 4xx whose JSON names the field, and nothing reaches the stream."""
        before = on_stream(stack)
        answer = post(stack, body)
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "message", "detail"}
        assert named in f"{answer.json()['message']} {answer.json()['detail']}".lower()
        assert on_stream(stack) == before

    @pytest.mark.parametrize("key", ["", "wrong"])
    def test_a_key_is_needed(self, stack: RunningStack, key: str):
        """Without the stack's API key nothing is taken."""
        before = on_stream(stack)
        answer = post(stack, {"events": [event()]}, **{"x-api-key": key})
        assert answer.status_code == 403
        assert "x-api-key" in answer.json()["detail"]
        assert on_stream(stack) == before

    @pytest.mark.parametrize(
        ("query", "named"),
        [
            ({}, "user_id"),
            ({"user_id": ""}, "user_id"),
            ({"user_id": "u" * 300}, "user_id"),
            ({"user_id": "u", "num_results": "many"}, "num_results"),
            ({"user_id": "u", "num_results": "0"}, "num_results"),
        ],
    )
    def test_bad_questions_are_refused_by_name(
        self, stack: RunningStack, query: dict[str, str], named: str
    ):
        """A bad question to the recommendations gets a 400 whose JSON names the parameter."""
        url = f"{stack.deployment.api_url}/recommendations"
        answer = requests.get(url, params=query, timeout=30)
        assert answer.status_code == 400
        assert set(answer.json()) == {"error", "message", "detail"}
        assert named in answer.json()["detail"]


class TestPath:
    def test_names_arrive_as_they_were_sent(self, stack: RunningStack):
        """Quotes, backslashes and any script survive the gateway's template, to the lake."""
        sent = event(session_id="names")
        assert post(stack, {"events": [sent]}).json() == {"accepted": 1, "failed": 0}
        filling.drain(stack)
        lake = Lake.of(stack.deployment, stack.clients.session)
        (found,) = [each for each in lake.events() if each.session_id == "names"]
        assert events.to_mapping(found) == sent

    def test_a_repeat_counts_once(self, stack: RunningStack):
        """A producer that sends its events again changes no station but the stream."""
        mine = [
            event(user_id="again", session_id="r", occurred_at=1_767_600_000_000 + n * 60_000)
            for n in range(40)
        ]
        for _ in range(2):
            post(stack, {"events": mine})
        filling.drain(stack)
        profile = ProfileStore(stack.clients.dynamodb, stack.deployment.profile_table).get("again")
        assert profile
        assert profile.event_count == 40
        lake = Lake.of(stack.deployment, stack.clients.session)
        ids = [each.event_id for each in lake.events() if each.user_id == "again"]
        assert len(ids) == len(set(ids)) == 40

    def test_the_lakes_profiles_are_the_streams(self, stack: RunningStack):
        """A comparison finds every profile that the stream made equal to the lake's."""
        name = stack.deployment.name
        done = CliRunner().invoke(app, ["profiles", "rebuild", "--dry-run", "--stack", name])
        assert done.exit_code == 0, done.output
        assert " equal" in done.stdout

    def test_tracing_is_silent(self, stack: RunningStack):
        """Functions are traced as where Lambda samples nothing: they print nothing of it."""
        printed = "\n".join(stack.server.function_log(f"{stack.deployment.name}-hot-path"))
        assert "BatchSize" in printed
        assert "ubsegment" not in printed
        assert "X-Ray" not in printed

    def test_before_training_the_list_is_popular(self, stack: RunningStack):
        """Without a campaign the answer is what the catalogue calls popular, and says why."""
        url = f"{stack.deployment.api_url}/recommendations"
        answer = requests.get(url, params={"user_id": "again", "explicit": "false"}, timeout=30)
        assert answer.status_code == 200
        told = answer.json()
        assert told["fallback"] == {"reason": "NO_CAMPAIGN", "list": "popular"}
        assert (told["campaign_arn"], told["recommendation_id"]) == (None, None)
        assert told["applied"]["explicit"] == "catalogue"
        assert len(told["items"]) == 25
        assert all(item["name"] and not item["explicit"] for item in told["items"])

    def test_a_list_that_the_client_has_is_not_sent_again(self, stack: RunningStack):
        """The tag comes through the gateway, and back: 304 without a body."""
        url = f"{stack.deployment.api_url}/recommendations?user_id=again"
        first = requests.get(url, timeout=30)
        assert first.headers["Cache-Control"] == "private, no-cache"
        again = requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=30)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]

    def test_a_parameter_given_twice_is_refused(self, stack: RunningStack):
        """Every value reaches the function."""
        url = f"{stack.deployment.api_url}/recommendations?user_id=a&user_id=b"
        answer = requests.get(url, timeout=30)
        assert (answer.status_code, answer.json()["detail"]) == (400, "user_id")


class TestEveryStation:
    def test_nothing_is_lost_or_counted_twice(self, stack: RunningStack):
        """After a batch sent twice the stream, the lake, the profiles and Personalize agree."""
        tracks = filling.read_tracks(SAMPLE)[:40]
        listened = [
            event(
                user_id=f"listener-{user}",
                session_id=f"evening-{user}",
                track_id=track.track_id,
                event_type=kind,
                occurred_at=1_767_600_000_000 + (user * 40 + place) * 300_000 + late,
            )
            for user in range(25)
            for place, track in enumerate(tracks[:20])
            for kind, late in (("play", 0), ("complete", 200_000))
        ]
        sent = [events.from_mapping(one) for one in listened]
        before = self.counted(stack, [])
        told = filling.send(stack, [sent[:500], sent[500:], sent[:500]])
        filling.drain(stack)
        after = self.counted(stack, told.events)
        for was, now in zip(before, after, strict=True):
            assert now.events - was.events == len(sent), now.name

    def test_the_daily_rule_builds_the_datasets(self, stack: RunningStack):
        """What the lake and the profiles hold becomes datasets, and their import begins."""
        manifest = filling.fire_daily_rule(stack, datetime(2026, 1, 9, 3, tzinfo=UTC))
        assert manifest.datasets["interactions"].rows >= 1_000
        assert manifest.datasets["users"].rows >= 25

    @staticmethod
    def counted(stack: RunningStack, sent: list[events.ListeningEvent]) -> list[stations.Station]:
        """Every station behind the API."""
        return stations.count(stack, sent, 0, datetime.now(UTC))[1:]
