"""What every station holds after a chaos run, beside what it must hold by the input alone."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
import pandas as pd
from chaos_input import Plan
from msgspec import Struct

from musicrec import events as listening
from musicrec.catalog import Track
from musicrec.events import ListeningEvent
from musicrec.local.running import RunningStack
from musicrec.personalize import exports, foundation
from musicrec.processor.curated_store import CuratedStore
from musicrec.processor.hot_path import event_value
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import ProfileStore
from musicrec.profile import Profile, fold
from musicrec.records import MAX_POISON_DATA

CONSUMERS: Final = ("hot_path", "profile_builder")
"""Both read the stream, so both queue every poison record."""


class Station(Struct, frozen=True):
    """One place and what is wrong there.

    Attributes:
        name: the place.
        expected: how many things must be there.
        missing: things that are not there, some of them.
        strange: things that are there and must not be, some of them.
    """

    name: str
    expected: int
    missing: list[str]
    strange: list[str]

    @property
    def right(self) -> bool:
        """Whether it holds everything once and nothing else."""
        return not self.missing and not self.strange


class PoisonCollector:
    """Empties the poison queue while the run goes on: moto's queues grow slow as they fill."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs, self._url = sqs, url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poison-collector")
        self.messages: list[dict[str, Any]] = []

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> list[dict[str, Any]]:
        """Take what is left and stop; returns all messages."""
        self._stopping.set()
        self._thread.join()
        while self._take():
            pass
        return self.messages

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._take():
                self._stopping.wait(0.5)

    def _take(self) -> int:
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        found = answer.get("Messages", [])
        self.messages += [msgspec.json.decode(message["Body"]) for message in found]
        if found:
            done = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                for place, message in enumerate(found)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=done)
        return len(found)


def in_lake(stack: RunningStack, plan: Plan) -> Station:
    """Every valid event once, as it was sent, read as everybody reads the lake."""
    lake = Lake.of(stack.deployment, stack.clients.session)
    return _compared("lake", map(_text, plan.events), map(_text, lake.events()))


def in_curated(stack: RunningStack, plan: Plan) -> Station:
    """Every interaction once, with its listener, track, time, value and nothing else."""
    store = CuratedStore.of(stack.deployment, stack.clients.s3)
    found = (
        f"{row['event_id']} {row['user_id']} {row['track_id']} {row['occurred_at']} "
        f"{row['event_type']} {row['event_value']}"
        for standing in store.standing().values()
        for row in store.table(standing).to_pylist()
    )
    expected = (
        f"{e.event_id} {e.user_id} {e.track_id} {e.occurred_at} {e.event_type} {event_value(e)}"
        for e in plan.events
        if listening.is_interaction(e)
    )
    return _compared("curated", expected, found)


def in_profiles(stack: RunningStack, plan: Plan, tracks: Mapping[str, Track]) -> Station:
    """Every listener's profile equals the fold of that listener's events in order of time."""
    histories: dict[str, list[ListeningEvent]] = {}
    for event in sorted(plan.events, key=lambda event: (event.occurred_at, event.event_id)):
        histories.setdefault(event.user_id, []).append(event)
    expected = {
        user: _comparable(
            fold(Profile(user_id=user), ((event, tracks.get(event.track_id)) for event in history))
        )
        for user, history in histories.items()
    }
    store = ProfileStore(stack.clients.dynamodb, stack.deployment.profile_table)
    found = {profile.user_id: _comparable(profile) for profile in store.scan()}
    wrong = [user for user in expected if user in found and found[user] != expected[user]]
    return Station(
        "profiles",
        len(expected),
        missing=[*sorted(expected.keys() - found.keys()), *wrong][:5],
        strange=sorted(found.keys() - expected.keys())[:5],
    )


def in_personalize(stack: RunningStack, plan: Plan, folder: str) -> Station:
    """Every interaction once, whether it was streamed, imported or both."""
    uri = f"s3://{stack.deployment.bucket}/{folder}/"
    exports.export(
        stack.clients,
        foundation.load(stack.clients, stack.deployment).dataset_arns["interactions"],
        name=folder.replace("/", "-"),
        uri=uri,
        role_arn=stack.deployment.personalize_role_arn,
    )
    return _compared("Personalize", _interactions(plan), _rows(_csv_files(stack, f"{folder}/")))


def in_dataset(stack: RunningStack, plan: Plan, uri: str) -> Station:
    """The file of all interactions holds every one once."""
    body = _object(stack, uri.removeprefix(f"s3://{stack.deployment.bucket}/"))
    return _compared("interactions CSV", _interactions(plan), _rows([body]))


def in_poison_queue(plan: Plan, messages: Iterable[Mapping[str, Any]]) -> Station:
    """Every poison record from each of the consumers, with a reason; copies may come."""
    expected = {
        f"{consumer} {poison.kind} {_digest(poison.data)}"
        for consumer in CONSUMERS
        for poison in plan.poison
    }
    kinds = {_digest(poison.data): poison.kind for poison in plan.poison}
    found = set()
    for message in messages:
        digest = _digest(base64.b64decode(message["data"]))
        reason = "" if message["reason"] else " without a reason"
        found.add(f"{message['consumer']} {kinds.get(digest, 'unknown')} {digest}{reason}")
    return _compared("poison queue", expected, found)


def _comparable(profile: Any) -> Any:
    """A profile without the last digits of its sums, which depend on the order of adding."""
    return _rounded(msgspec.to_builtins(profile))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value


def _text(event: ListeningEvent) -> str:
    return msgspec.json.encode(listening.to_mapping(event), order="sorted").decode()


def _interactions(plan: Plan) -> set[str]:
    """What makes an interaction one in Personalize, whose clock ticks in seconds."""
    return {
        _row(e.user_id, e.track_id, e.occurred_at // 1000, e.event_type.value, event_value(e))
        for e in plan.events
        if listening.is_interaction(e)
    }


def _row(user: str, item: str, second: int, kind: str, value: float | None) -> str:
    return f"{user} {item} {second} {kind} {'' if value is None else float(value)}"


def _rows(bodies: Iterable[bytes]) -> Iterator[str]:
    for body in bodies:
        frame = pd.read_csv(io.BytesIO(body), escapechar="\\", dtype={"USER_ID": str})
        columns = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
        for user, item, second, kind, value in frame[columns].itertuples(index=False):
            yield _row(user, item, int(second), kind, None if pd.isna(value) else value)


def _csv_files(stack: RunningStack, prefix: str) -> Iterator[bytes]:
    s3, bucket = stack.clients.s3, stack.deployment.bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for row in page.get("Contents", ()):
            if row["Key"].endswith(".csv") and row["Size"]:
                yield _object(stack, row["Key"])


def _object(stack: RunningStack, key: str) -> bytes:
    body = stack.clients.s3.get_object(Bucket=stack.deployment.bucket, Key=key)["Body"]
    return bytes(body.read())


def _digest(data: bytes) -> str:
    """Of as much as the queue keeps of a record."""
    return hashlib.sha256(data[:MAX_POISON_DATA]).hexdigest()[:16]


def _compared(name: str, expected: Iterable[str], found: Iterable[str]) -> Station:
    wanted, there = Counter(expected), Counter(found)
    return Station(
        name,
        wanted.total(),
        missing=sorted((wanted - there).elements())[:5],
        strange=sorted((there - wanted).elements())[:5],
    )
