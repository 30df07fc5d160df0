"""Writes the list for everybody (see `musicrec.popular`) beside the catalogue.

First comes what many listeners heard to its end lately, then, as on a stack's first day, what the
catalogue calls popular.
"""

from __future__ import annotations

import heapq
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec
from botocore.exceptions import ClientError

from musicrec import popular
from musicrec.popular import LENGTH, PopularList, PopularTrack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_s3 import S3Client

    from musicrec.catalog import Track

POPULAR_KEY: Final = f"catalog/{popular.NAME}"

CANDIDATES: Final = 2 * LENGTH
"""Tracks of each kind to make the list of, since a song may be among them more than once."""


def first(heard: Mapping[str, int]) -> list[str]:
    """Ids of the tracks that were heard most, at most `CANDIDATES`; the most heard first."""
    ordered = heapq.nsmallest(CANDIDATES, ((-count, track) for track, count in heard.items()))
    return [track for _, track in ordered]


def compose(
    heard: Mapping[str, int],
    names: Mapping[str, Track],
    filling: Iterable[Track],
    *,
    until: str | None = None,
    days: int = 0,
) -> PopularList:
    """The list of what was heard and, after that, of what fills it.

    Args:
        heard: how often each track was heard to its end.
        names: tracks by id; of what is missing only the id is listed.
        filling: the catalogue's tracks, the most popular first.
        until: the last day that was counted.
        days: how many days were.
    """
    counted = (
        popular.listed(names[track], heard[track])
        if track in names
        else PopularTrack(track_id=track, heard=heard[track])
        for track in first(heard)
    )
    tracks = popular.ranked(chain(counted, map(popular.listed, filling)))
    return PopularList(until=until, days=days, tracks=tracks)


def standing(s3: S3Client, bucket: str) -> PopularList | None:
    """The bucket's list; None when there is none, or an unreadable one."""
    try:
        body = s3.get_object(Bucket=bucket, Key=POPULAR_KEY)["Body"].read()
        return msgspec.json.decode(body, type=PopularList)
    except msgspec.MsgspecError:
        return None
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise


def upload(made: PopularList, s3: S3Client, bucket: str) -> None:
    """Replace the bucket's list, unless it says the same: then its readers need no other."""
    if made != standing(s3, bucket):
        s3.put_object(
            Bucket=bucket,
            Key=POPULAR_KEY,
            Body=popular.encode(made),
            ContentType="application/json",
        )
