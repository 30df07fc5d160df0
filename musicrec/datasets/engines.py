"""Who does the heavy work of a build: this process, or Athena where it would take too long.

Both give the same rows. In the Lambda a build costs nothing but its seconds, and is tested down to
each request; its limits are 15 minutes and its memory, into which one day of the lake must fit.
Athena has neither limit, but starts slowly and bills by what it reads. The rule, when nobody says
otherwise: a day is curated by Athena when what has to be read for it exceeds what this process may
have in work at once (`musicrec.processor.curation.BYTES_AT_ONCE`), and the interactions are written
by Athena when the curated days to read exceed `READ_BYTES`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from musicrec.datasets import csvfile
from musicrec.datasets.ahead import ahead
from musicrec.datasets.checks import Evidence
from musicrec.datasets.interactions import DayToImport, Piece, pieces
from musicrec.datasets.items import SeenTracks
from musicrec.datasets.schemas import INTERACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_s3 import S3Client

    from musicrec.datasets.csvfile import WrittenFile
    from musicrec.processor.curated_store import CuratedStore

EngineName = Literal["lambda", "athena"]
EngineChoice = Literal["auto", "lambda", "athena"]

READ_BYTES: Final = 10 * 10**9
"""Curated Parquet of all days to read: some 200 million rows, half of what 15 minutes allow."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an engine makes INTERACTIONS of, and where it keeps what it learns on the way.

    Attributes:
        days: curated days, ascending.
        key: of the CSV.
        evidence: its `tally` and the facts of the interactions are filled.
        seen: learns of the tracks that the catalogue lacks.
        dropped: counts what gives no row, by reason.
        held: is filled with the interactions of each day, those of earlier imports too.
    """

    days: list[DayToImport]
    key: str
    evidence: Evidence
    seen: SeenTracks
    dropped: Counter[str]
    held: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(day.standing.size for day in self.days)


class Engine(Protocol):
    """Writes the CSV of the interactions."""

    @property
    def name(self) -> EngineName:
        """Which one it is."""
        ...

    def write(self, work: Work, unless_sha256: str | None) -> WrittenFile:
        """Write the CSV, unless the file that stands there has this content.

        Raises:
            DayChangedError: another build rewrote a day since it was listed.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class _Lined:
    """A piece of a day and its lines of the CSV."""

    day: str
    piece: Piece
    lines: bytes


class LambdaEngine:
    """In this process: while a row group is written, the next is made lines, and the next read."""

    name: EngineName = "lambda"

    def __init__(self, s3: S3Client, bucket: str, store: CuratedStore) -> None:
        self._s3, self._bucket, self._store = s3, bucket, store

    def write(self, work: Work, unless_sha256: str | None) -> WrittenFile:
        """Write the CSV, unless the file that stands there has this content.

        Raises:
            DayChangedError: another build rewrote a day since it was listed.
        """
        with csvfile.S3File(self._s3, self._bucket, work.key) as file:
            file.write(csvfile.header(INTERACTIONS.names))
            work.held.update({day.standing.day: 0 for day in work.days})
            found = ahead(_with_lines(ahead(self._pieces(work))))
            for day, some in itertools.groupby(found, key=lambda one: one.day):
                work.held[day] = _write(work, file, some)
            written = file.finish(unless_sha256=unless_sha256)
        work.evidence.facts["interactions"].size = written.size
        return written

    def _pieces(self, work: Work) -> Iterator[tuple[str, Piece]]:
        for day in work.days:
            for piece in pieces(self._store, day, work.dropped):
                yield day.standing.day, piece


def _with_lines(found: Iterable[tuple[str, Piece]]) -> Iterator[_Lined]:
    for day, piece in found:
        yield _Lined(day=day, piece=piece, lines=csvfile.lines(piece.table))


def _write(work: Work, file: csvfile.S3File, day: Iterable[_Lined]) -> int:
    """Append a day's pieces, and learn from them; returns how many interactions they hold."""
    held = 0
    for one in day:
        piece = one.piece
        held += piece.held
        work.seen.observe(piece.table["ITEM_ID"], piece.names)
        work.evidence.tally.observe(piece.table)
        work.evidence.facts["interactions"].observe(piece.table)
        file.write(one.lines)
    work.seen.end_day()
    return held


def choose(choice: EngineChoice, size: int, limit: int) -> EngineName:
    """The engine for work of a size in bytes, by the rule above.

    Args:
        choice: what was asked for; `auto` leaves it to the rule.
        size: bytes to read.
        limit: up to which this process does it.
    """
    if choice != "auto":
        return choice
    return "lambda" if size <= limit else "athena"
