"""What an import took, what it left out and why, in words that hold nothing personal."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

EXAMPLES: Final = 3
"""Rows named for each reason."""


class Reason(StrEnum):
    """Why a row of an export did not become a play."""

    UNREADABLE = "row that is no stream, or with a value of the wrong kind"
    TIME = "time that cannot be"
    PODCAST = "podcast episode"
    AUDIOBOOK = "audiobook"
    LOCAL = "file of your own: Spotify has no id for it"
    NO_TRACK = "names no track"
    PRIVATE = "private session"
    SILENT = "nothing was heard"
    UNRESOLVED = "not in the catalogue (the short format has no track ids)"
    COVERED = "in the period of the extended history"
    DUPLICATE = "the same play in another row"
    TRACKED = "already known: tracked live, or imported from a short history"


class Dropped(Struct):
    """Rows left out for one reason.

    Attributes:
        count: how many.
        examples: where the first of them are: row numbers by file.
    """

    count: int = 0
    examples: dict[str, list[int]] = field(default_factory=dict)


class Report(Struct, kw_only=True):
    """The account of one import; every row is either a play or dropped.

    Attributes:
        files: rows by file that holds a history.
        ignored: files that hold something else, with what is missing.
        broken: files that could not be read to their end, with the reason; rows before count.
        dropped: rows left out, by reason.
        plays: plays by how they ended (`complete`, `skip`, `stop`).
        approximate: plays whose end the export does not tell, so that it was taken from their
            start.
        first_at: begin of the oldest play, epoch milliseconds; None without plays.
        last_at: of the newest.
    """

    files: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    dropped: dict[Reason, Dropped] = field(default_factory=dict)
    plays: Counter[str] = field(default_factory=Counter)
    approximate: int = 0
    first_at: int | None = None
    last_at: int | None = None

    @property
    def rows(self) -> int:
        """Rows of all histories."""
        return sum(self.files.values())

    @property
    def taken(self) -> int:
        """Rows that became plays."""
        return self.plays.total()

    @property
    def left_out(self) -> int:
        """Rows that did not."""
        return sum(dropped.count for dropped in self.dropped.values())

    def drop(self, reason: Reason, file: str, row: int) -> None:
        """Count a row as left out."""
        dropped = self.dropped.setdefault(reason, Dropped())
        dropped.count += 1
        if dropped.count <= EXAMPLES:
            dropped.examples.setdefault(file, []).append(row)

    def take(self, end: str, starts: int, *, approximate: bool) -> None:
        """Count a row as a play that ended so and began then (epoch milliseconds)."""
        self.plays[end] += 1
        self.approximate += approximate
        self.first_at = starts if self.first_at is None else min(self.first_at, starts)
        self.last_at = starts if self.last_at is None else max(self.last_at, starts)

    def lines(self) -> list[str]:
        """The account for people, a line at a time."""
        return [*self._taken_lines(), *self._dropped_lines(), *self._file_lines()]

    def _taken_lines(self) -> list[str]:
        if self.first_at is None or self.last_at is None:
            return [f"{self._size()}, no play taken"]
        ends = ", ".join(f"{count:,} {end}" for end, count in sorted(self.plays.items()))
        lines = [
            self._size(),
            f"{self.taken:,} plays taken ({ends}), {_day(self.first_at)} to {_day(self.last_at)}",
        ]
        if self.approximate:
            lines.append(f"{self.approximate:,} of them with an end taken from their start")
        return lines

    def _size(self) -> str:
        return f"{self.rows:,} rows in {len(self.files)} file{'s' * (len(self.files) != 1)}"

    def _dropped_lines(self) -> list[str]:
        ordered = sorted(self.dropped.items(), key=lambda entry: (-entry[1].count, entry[0]))
        return [
            f"{dropped.count:,} dropped: {reason} (e.g. {_places(dropped.examples)})"
            for reason, dropped in ordered
        ]

    def _file_lines(self) -> list[str]:
        broken = [f"{name} {why}: what came before was read" for name, why in self.broken.items()]
        ignored = [f"{name} {why}: left alone" for name, why in self.ignored.items()]
        return [*broken, *ignored]


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _places(examples: dict[str, list[int]]) -> str:
    return "; ".join(f"{file} row {', '.join(map(str, rows))}" for file, rows in examples.items())
