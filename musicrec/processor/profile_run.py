"""A rebuild of all profiles: the lake copied once, then listener after listener, stopped and resumed.

The copy stays until the last bucket is done, and which buckets are done is noted beside it. A rebuild
that goes on uses the copy as it is: what came since is in the items, which are then ahead of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from musicrec.processor.profile_rebuild import Finding, Verdict
from musicrec.processor.profile_spool import BUCKETS, Listener, Spool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from musicrec.processor.lake import Lake, LakeDay

PARALLEL_LISTENERS: Final = 8

_ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class ArchivedLakeError(RuntimeError):
    """Some of the lake cannot be read without restoring it first."""

    def __init__(self, days: list[str]) -> None:
        super().__init__(
            f"{len(days)} days of the lake are archived, {days[0]} to {days[-1]}: restore them in "
            "S3 first, or give --first-day to rebuild from what can be read"
        )


class OtherRebuildError(RuntimeError):
    """The working directory holds an unfinished rebuild of something else."""

    def __init__(self, directory: Path, other: str) -> None:
        super().__init__(
            f"{directory} holds an unfinished rebuild of {other}: finish it, or give --anew to "
            "forget it"
        )


class Tally(Struct):
    """What was found so far.

    Attributes:
        listeners: how many, by verdict.
        events: events that the lake holds of them.
        example: one finding a verdict, where something is to be told: listener and field or reason.
        left: listeners about whose item nothing could be done.
    """

    listeners: dict[Verdict, int] = {}
    events: int = 0
    example: dict[Verdict, str] = {}
    left: int = 0

    def add(self, found: Finding) -> None:
        """Count one listener."""
        self.listeners[found.verdict] = self.listeners.get(found.verdict, 0) + 1
        self.events += found.events
        self.left += found.left is not None
        told = found.left or found.differs
        if told:
            self.example.setdefault(found.verdict, f"{found.user_id}: {told}")

    @property
    def different(self) -> int:
        """Listeners whose item is not what the lake says, those ahead of it not counted."""
        same = (Verdict.EQUAL, Verdict.AHEAD)
        return sum(count for verdict, count in self.listeners.items() if verdict not in same)


class Notes(Struct):
    """How far a rebuild has come.

    Attributes:
        of: what is rebuilt from what.
        events: events of the copy.
        buckets: buckets that are done.
        tally: what was found in them.
    """

    of: str
    events: int
    buckets: int
    tally: Tally


class Run:
    """One rebuild or comparison.

    Args:
        of: what is rebuilt from what, so that another one is not taken for it.
        directory: for the copy and the notes.
    """

    def __init__(self, of: str, directory: Path) -> None:
        self._of, self._directory = of, directory
        self._spool = Spool(directory / "events")
        self._file = directory / "notes.json"

    def notes(self) -> Notes | None:
        """How far an unfinished run has come; None when there is none whose copy is complete.

        Raises:
            OtherRebuildError: there is one, of something else.
        """
        try:
            notes = msgspec.json.decode(self._file.read_bytes(), type=Notes)
        except FileNotFoundError:
            return None
        if notes.of != self._of:
            raise OtherRebuildError(self._directory, notes.of)
        return notes

    def copy(self, lake: Lake, first_day: str | None) -> Iterator[LakeDay]:
        """Copy the lake in place of what was here; yields each day."""
        self.forget()
        events = 0
        for day in self._spool.fill(lake.iterate(first=first_day)):
            events += day.count.events
            yield day
        self._note(Notes(of=self._of, events=events, buckets=0, tally=Tally()))

    def go(self, notes: Notes, each: Callable[[Listener], Finding]) -> Iterator[Tally]:
        """Take every listener that is not done through `each`; yields the tally as it grows."""
        with ThreadPoolExecutor(PARALLEL_LISTENERS) as pool:
            for bucket in range(notes.buckets, BUCKETS):
                for found in pool.map(each, self._spool.listeners(bucket)):
                    notes.tally.add(found)
                    yield notes.tally
                notes.buckets = bucket + 1
                self._note(notes)

    def forget(self) -> None:
        """Remove copy and notes."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _note(self, notes: Notes) -> None:
        partial = self._file.with_suffix(".new")
        partial.write_bytes(msgspec.json.encode(notes))
        partial.replace(self._file)


def readable_days(s3: S3Client, bucket: str, lake: Lake, first_day: str | None) -> list[str]:
    """The days of the lake from `first_day` on.

    Raises:
        ArchivedLakeError: some of them are in an archive and not restored.
    """
    days = lake.days(first_day)
    pages: Any = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="raw/dt=", OptionalObjectAttributes=["RestoreStatus"]
    )
    archived = {
        entry["Key"].split("/")[1].removeprefix("dt=")
        for page in pages
        for entry in page.get("Contents", ())
        if entry.get("StorageClass") in _ARCHIVED
        and "RestoreExpiryDate" not in entry.get("RestoreStatus", {})
    }
    if unreadable := sorted(archived.intersection(days)):
        raise ArchivedLakeError(unreadable)
    return days
