"""A small AWS inside the test's process: moto for what it stores, our Personalize for the rest.

Unchanged boto3 clients talk to it: botocore hands the request over just before it would be sent.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from musicrec import catalog, deployment, events
from musicrec.deployment import Deployment
from musicrec.local.personalize.app import create_app
from musicrec.personalize.clients import Clients, connect
from musicrec.processor import lake
from musicrec.processor.profiles import ProfileStore
from musicrec.retry import Retries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from musicrec.catalog import Track
    from musicrec.events import ListeningEvent

REGION = "us-east-1"
BUCKET = "musicrec-123456789012-us-east-1"
DEPLOYMENT = Deployment(
    name="musicrec",
    region=REGION,
    api_url="http://127.0.0.1:1/execute-api/abc/v1",
    api_key_id="key",
    bucket=BUCKET,
    stream="musicrec-events",
    delivery_stream="musicrec-lake",
    profile_table="musicrec-profiles",
    poison_queue_url="http://127.0.0.1:1/123456789012/musicrec-poison",
    database="musicrec",
    table="listening_events",
    workgroup="musicrec-lake",
    schedule_rule="musicrec-daily-datasets",
    personalize_role_arn="arn:aws:iam::123456789012:role/musicrec-personalize",
)


@dataclass
class World:
    """What a test sees of it."""

    clients: Clients
    calls: list[str] = field(default_factory=list)
    deployment: Deployment = DEPLOYMENT
    _files: int = 0

    def publish_catalog(self, tracks: Iterable[Track], directory: Any) -> None:
        """Put a catalogue artefact where the deployment says."""
        path = directory / "catalog.sqlite"
        catalog.write(tracks, path)
        self.clients.s3.upload_file(str(path), BUCKET, "catalog/catalog.sqlite")

    def put_in_lake(self, happened: Iterable[ListeningEvent]) -> None:
        """Deliver events as the delivery stream does: Parquet under the day of each event."""
        days: dict[str, list[dict[str, Any]]] = {}
        for event in happened:
            days.setdefault(event.occurred_on, []).append(events.to_mapping(event))
        for day, rows in days.items():
            self.put_rows(day, rows)

    def put_rows(self, day: str, rows: list[dict[str, Any]]) -> None:
        """Deliver rows, valid or not, to a day's partition."""
        self._files += 1
        body = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=lake.SCHEMA), body)
        key = f"raw/dt={day}/{self._files:04}.parquet"
        self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())

    def put_in_profiles(self, happened: Iterable[ListeningEvent], tracks: Iterable[Track]) -> None:
        """Take events into the profile table."""
        known = {track.track_id: track for track in tracks}
        store = ProfileStore(self.clients.dynamodb, self.deployment.profile_table)
        retries = Retries(remaining_ms=lambda: 60_000, wait=lambda _: None, random=Random(0))
        applied = store.apply(
            happened, lambda ids: {one: known[one] for one in ids if one in known}, retries
        )
        assert not applied.failed

    def hear(self, happened: Iterable[ListeningEvent], directory: Any) -> None:
        """Have events everywhere where they come to, beside a catalogue of 20 tracks."""
        self.publish_catalog(known_tracks(), directory)
        self.put_in_lake(happened)
        self.put_in_profiles(happened, known_tracks())

    def read(self, key: str) -> str:
        """An object of the bucket as text."""
        return self.clients.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    def parameter(self, key: str) -> str | None:
        """A published parameter of the stack, None when it is absent."""
        found = self.clients.ssm.get_parameters(Names=[f"/musicrec/{key}"])["Parameters"]
        return found[0]["Value"] if found else None


@contextlib.contextmanager
def world(monkeypatch: Any) -> Iterator[World]:
    """A fresh AWS with the stack's bucket, profile table and deployment in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    # moto would answer for Personalize's own host names
    for service in ("PERSONALIZE", "PERSONALIZE_EVENTS", "PERSONALIZE_RUNTIME"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", "http://personalize.test")
    with mock_aws():
        made = World(connect(boto3.Session(region_name=REGION)))
        _serve_personalize(made)
        made.clients.s3.create_bucket(Bucket=BUCKET)
        create_profile_table(made.clients.dynamodb, DEPLOYMENT.profile_table)
        deployment.save(DEPLOYMENT, made.clients.ssm)
        yield made


class _Moto:
    """How the embedded Personalize reaches S3 here."""

    region = REGION
    account_id = "123456789012"

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()


def _serve_personalize(made: World) -> None:
    app = create_app(aws=_Moto())

    def answer(request: Any, **_: Any) -> AWSResponse:
        target = request.headers.get("X-Amz-Target", b"")
        path = urlsplit(request.url).path
        name = target.decode() if isinstance(target, bytes) else target
        made.calls.append(name.rpartition(".")[2] or path)
        return _through_wsgi(app, request, path)

    for client in (
        made.clients.personalize,
        made.clients.personalize_events,
        made.clients.personalize_runtime,
    ):
        client.meta.events.register_first("before-send", answer)


def _through_wsgi(app: Any, request: Any, path: str) -> AWSResponse:
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "QUERY_STRING": urlsplit(request.url).query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else value
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = text
    started: list[Any] = []
    content = b"".join(app(environ, lambda status, headers: started.extend((status, headers))))
    status, headers = started
    return AWSResponse(request.url, int(status.split()[0]), dict(headers), _Raw(content))


def create_profile_table(dynamodb: Any, name: str) -> None:
    """The profile table as the stack has it."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "part", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "part", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def listening(
    users: int = 40, tracks: int = 30, plays: int = 30, start: str = "2026-02-20", seed: int = 7
) -> list[ListeningEvent]:
    """Plays and their ends: `users` listeners, `plays` plays each, over about a week."""
    random = Random(seed)
    midnight = datetime.fromisoformat(start).replace(tzinfo=UTC)
    made = []
    for user in range(users):
        at = midnight + timedelta(minutes=random.randrange(600))
        for play in range(plays):
            at += timedelta(minutes=random.randrange(4, 600))
            track = track_id(random.randrange(tracks))
            ending = random.choice(("complete", "complete", "skip", "stop"))
            made += _play(f"user-{user:03}", track, ending, int(at.timestamp() * 1000), play)
    return made


def _play(user: str, track: str, ending: str, at: int, play: int) -> list[ListeningEvent]:
    common = {"user_id": user, "session_id": f"{user}-s", "track_id": track, "schema_version": 1}
    length = 180_000 + play * 1000
    heard = length if ending == "complete" else length // 7
    more = {"source": "simulated", "duration_ms": length}
    return [
        events.from_mapping(
            common
            | more
            | {
                "event_id": events.new_event_id(user, at, kind),
                "event_type": kind,
                "occurred_at": moment,
                "listened_ms": listened,
                "track": {"name": f"Song {track[-4:]}", "artists": ["Björk"]},
            }
        )
        for kind, moment, listened in (("play", at, None), (ending, at + heard, heard))
    ]


def track_id(number: int) -> str:
    """A valid track id."""
    return f"track{number:017}"


def known_tracks(count: int = 20) -> list[Track]:
    """Tracks of the catalogue; those that `listening` plays above `count` are unknown to it."""
    return [
        catalog.Track(
            track_id=track_id(number),
            name=f"Song {number}",
            artists=(f"Artist {number % 5}",),
            genres=("j-pop",) if number % 2 else ("ambient", "techno"),
            popularity=number,
            duration_ms=200_000,
            explicit=False,
            features={"danceability": number / count, "energy": 0.5, "tempo": 120.0},
        )
        for number in range(count)
    ]
