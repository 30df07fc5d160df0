"""What was heard to its end in the last weeks, by day and track: what the popular list is made of.

A track counts once a listener and day, so that nobody's endless loop makes it popular. A build counts
only the days that were written since the one before; the counts of the others are kept in S3.
"""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pyarrow.compute as pc
from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.datasets import athena_sql
from musicrec.events import EventType
from musicrec.processor.curated_store import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa
    from mypy_boto3_s3 import S3Client

    from musicrec.datasets.athena_engine import AthenaQueries
    from musicrec.processor.curated_store import CuratedStore, StandingDay

DAYS: Final = 28
"""The window: four weeks, so that every weekday weighs the same."""

KEPT: Final = 5_000
"""Tracks of a day that are kept, the most heard: the list needs a fifth of them at most."""

KEY: Final = "datasets/heard.json"


class DayHeard(Struct, frozen=True):
    """One day: the generation that was counted, and listeners by track."""

    generation: int
    tracks: dict[str, int]


def counts(
    s3: S3Client,
    bucket: str,
    standing: Iterable[StandingDay],
    run_date: str,
    count: Callable[[Sequence[StandingDay]], dict[str, dict[str, int]]],
) -> dict[str, DayHeard]:
    """The window's days up to `run_date`, counted as far as they are new, and kept for next time.

    Args:
        s3: client.
        bucket: the stack's.
        standing: the curated days.
        run_date: `YYYY-MM-DD`; later days are those of players whose clocks are wrong.
        count: counts days: listeners by track, by day.
    """
    since = (date.fromisoformat(run_date) - timedelta(days=DAYS - 1)).isoformat()
    window = {one.day: one for one in standing if since <= one.day <= run_date}
    before = _kept(s3, bucket)
    known = {
        day: before[day]
        for day, one in window.items()
        if day in before and before[day].generation == one.generation
    }
    new = [one for day, one in window.items() if day not in known]
    counted = count(new) if new else {}
    fresh = {one.day: DayHeard(one.generation, counted.get(one.day, {})) for one in new}
    made = dict(sorted((known | fresh).items()))
    if made != before:
        s3.put_object(Bucket=bucket, Key=KEY, Body=msgspec.json.encode(made))
    return made


def total(days: Mapping[str, DayHeard]) -> Counter[str]:
    """All days' counts added up."""
    summed: Counter[str] = Counter()
    for one in days.values():
        summed.update(one.tracks)
    return summed


def by_arrow(store: CuratedStore, days: Sequence[StandingDay]) -> dict[str, dict[str, int]]:
    """Count days in this process, one after the other.

    Raises:
        DayChangedError: another build rewrote a day since it was listed.
    """
    columns = ["user_id", "track_id", "event_type"]
    return {one.day: _of_table(opened(store.body(one), columns).read(columns)) for one in days}


def by_athena(
    queries: AthenaQueries, table: str, days: Sequence[StandingDay]
) -> dict[str, dict[str, int]]:
    """Count days in one query.

    Raises:
        QueryFailed: Athena refused the query (of `awswrangler.exceptions`).
    """
    counted: dict[str, dict[str, int]] = {}
    for row in queries.rows(athena_sql.heard(table, [one.day for one in days], KEPT)):
        counted.setdefault(row["dt"], {})[row["track_id"]] = row["heard"]
    return counted


def _of_table(rows: pa.Table) -> dict[str, int]:
    """Listeners who heard each track to its end; the `KEPT` tracks with the most."""
    ended = rows.filter(pc.equal(rows["event_type"].cast("string"), EventType.COMPLETE.value))
    users, tracks = (
        ended[name].unify_dictionaries().combine_chunks() for name in ("user_id", "track_id")
    )
    n_tracks = max(len(tracks.dictionary), 1)
    pairs = users.indices.to_numpy().astype(np.int64) * n_tracks + tracks.indices.to_numpy()
    listeners = np.bincount(np.unique(pairs) % n_tracks, minlength=n_tracks)
    ids = tracks.dictionary.to_pylist()
    found = ((-int(n), track) for n, track in zip(listeners, ids, strict=False) if n)
    return {track: -n for n, track in heapq.nsmallest(KEPT, found)}


def _kept(s3: S3Client, bucket: str) -> dict[str, DayHeard]:
    """The counts of the last build; none when there are none, or of another shape."""
    try:
        body = s3.get_object(Bucket=bucket, Key=KEY)["Body"].read()
        return msgspec.json.decode(body, type=dict[str, DayHeard])
    except msgspec.MsgspecError:
        return {}
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return {}
        raise
