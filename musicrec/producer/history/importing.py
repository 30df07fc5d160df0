"""From the files of an export to listening events, with an account of what became of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from musicrec.events import (
    MAX_OCCURRED_AT,
    EventType,
    ListeningEvent,
    Source,
    TrackInfo,
    new_event_id,
)
from musicrec.producer.history import files, reconciling, rows
from musicrec.producer.history.files import Format
from musicrec.producer.history.json_array import BrokenFileError, NotAnArrayError
from musicrec.producer.history.judging import ending
from musicrec.producer.history.lookup import Lookup
from musicrec.producer.history.report import Reason, Report
from musicrec.producer.history.rows import Stream
from musicrec.producer.history.staging import REPEATABLE_MS, Staged, Staging, staging
from musicrec.producer.known_plays import KnownPlay
from musicrec.producer.rules import SESSION_END_MS

Period = tuple[int, int]
"""First and last moment, epoch milliseconds."""

TOLD_EVERY_BYTES: Final = 1 << 20


class History:
    """The plays of an export, read and staged; use `opened`.

    Attributes:
        report: the account; of the plays it is complete when `events` has come to its end.
        period: of the extended history; None when there is none.
        matched: known plays, each with the id of the play of the export that it is.
    """

    def __init__(self, user_id: str, lookup: Lookup, staging_area: Staging) -> None:
        self.report = Report()
        self.period: Period | None = None
        self.matched: list[tuple[KnownPlay, str]] = []
        self._user_id = user_id
        self._lookup = lookup
        self._staging = staging_area

    def __len__(self) -> int:
        """How many plays there are; each becomes two events."""
        return self._staging.count()

    def read(self, sources: Sequence[files.Source], tell: Callable[[int], object]) -> None:
        """Stage the streams of all files.

        Args:
            sources: the files.
            tell: is told how many bytes were read, again and again.
        """
        for source in sources:
            try:
                with files.rows(source, tell) as (kind, found):
                    self._stage(source.name, kind, found)
            except NotAnArrayError as error:
                self.report.ignored[source.name] = str(error)
            except BrokenFileError as error:
                self.report.broken[source.name] = str(error)

    def settle(self, covered: Iterable[Period], known: Iterable[KnownPlay]) -> None:
        """Leave out what stands twice: in other rows, in the extended history, or among known plays."""
        for file, row in self._staging.drop_doubles():
            self.report.drop(Reason.DUPLICATE, file, row)
        self._drop_covered([*covered, *([self.period] if self.period else [])])
        pairs = reconciling.matches(self._staging, known, self._play_id)
        for pair in pairs:
            self.report.drop(Reason.TRACKED, pair.staged.file, pair.staged.row)
        self._staging.drop_known(pair.staged.number for pair in pairs)
        self.matched = [(pair.known, self._play_id(pair.staged)) for pair in pairs]

    def events(self) -> Iterator[ListeningEvent]:
        """Every play's `play` and terminal, plays in the order in which they began; call once."""
        session_id, ended = "", 0
        for staged in self._staging:
            play_id = self._play_id(staged)
            if not session_id or staged.starts - ended > SESSION_END_MS:
                session_id = new_event_id("export session", self._user_id, play_id)
            ended = max(ended, staged.ends)
            play, end = self._events(staged, play_id, session_id)
            self.report.take(end.event_type.value, staged.starts, approximate=staged.approximate)
            yield play
            yield end

    def short_events(self) -> Iterator[ListeningEvent]:
        """The events of the short format alone, for `KnownPlays.note`; their session is void."""
        for staged in self._staging.short_between(0, MAX_OCCURRED_AT):
            yield from self._events(staged, self._play_id(staged), "none")

    def _stage(self, name: str, kind: Format, found: Iterator[Any]) -> None:
        minute: Counter[tuple[str, int]] = Counter()
        at: int | None = None
        for number, raw in enumerate(found, start=1):
            self.report.files[name] = self.report.files.get(name, 0) + 1
            ended_at = rows.ended_at(kind, raw)
            self._extend_period(kind, ended_at)
            if ended_at != at:
                at, minute = ended_at, Counter()
            reason = self._take(rows.read(kind, raw), name, number, minute)
            if reason:
                self.report.drop(reason, name, number)

    def _take(
        self, stream: Stream | Reason, file: str, row: int, minute: Counter[tuple[str, int]]
    ) -> Reason | None:
        """Stage a stream; the reason if it is not taken."""
        if isinstance(stream, Reason):
            return stream
        track_id = stream.track_id or self._lookup.track_id(stream.name or "", stream.artist or "")
        if track_id is None:
            return Reason.UNRESOLVED
        again = 0
        if stream.kind is Format.SHORT and stream.ms_played <= REPEATABLE_MS:
            again = minute[track_id, stream.ms_played]
            minute[track_id, stream.ms_played] += 1
        self._staging.add(stream, track_id, file, row, again)
        return None

    def _extend_period(self, kind: Format, ended_at: int | None) -> None:
        if kind is Format.EXTENDED and ended_at is not None:
            first, last = self.period or (ended_at, ended_at)
            self.period = min(first, ended_at), max(last, ended_at)

    def _drop_covered(self, covered: Sequence[Period]) -> None:
        within = [
            staged
            for first, last in set(covered)
            for staged in self._staging.short_between(first, last)
        ]
        for staged in {staged.number: staged for staged in within}.values():
            self.report.drop(Reason.COVERED, staged.file, staged.row)
        self._staging.drop_known(staged.number for staged in within)

    def _play_id(self, staged: Staged) -> str:
        stream = staged.stream
        return new_event_id(
            "export", self._user_id, stream.kind, stream.ended_at, staged.track_id,
            stream.ms_played, stream.offline_s or 0, staged.again,
        )  # fmt: skip

    def _events(
        self, staged: Staged, play_id: str, session_id: str
    ) -> tuple[ListeningEvent, ListeningEvent]:
        duration_ms = self._lookup.duration_ms(staged.track_id)
        common: dict[str, Any] = {
            "user_id": self._user_id,
            "session_id": session_id,
            "track_id": staged.track_id,
            "source": Source.EXPORT,
            "schema_version": 1,
            "duration_ms": duration_ms,
            "track": _names(staged.stream),
        }
        play = ListeningEvent(
            event_id=new_event_id(play_id, "play"),
            event_type=EventType.PLAY,
            occurred_at=staged.starts,
            **common,
        )
        end = ListeningEvent(
            event_id=new_event_id(play_id, "end"),
            event_type=ending(staged.stream, duration_ms),
            occurred_at=staged.ends,
            listened_ms=staged.stream.ms_played,
            **common,
        )
        return play, end


@contextmanager
def opened(
    paths: Sequence[Path | str],
    user_id: str,
    lookup: Lookup,
    *,
    covered: Iterable[Period] = (),
    known: Iterable[KnownPlay] = (),
    tell: Callable[[int, int], object] = lambda _done, _total: None,
) -> Iterator[History]:
    """The history in an account's export, read and ready to give its events.

    Args:
        paths: JSON files, folders of them, or zip archives, in any order; they may overlap.
        user_id: the listener, as in the events.
        lookup: the catalogue, for the length of tracks and for names without ids.
        covered: periods of an extended history that were imported before.
        known: plays that were reported before.
        tell: is told bytes read and bytes in all.

    Raises:
        NoHistoryError: no file holds a listening history.
    """
    sources, broken = files.sources([Path(path) for path in paths])
    with staging() as area:
        history = History(user_id, lookup, area)
        history.report.broken |= broken
        history.read(sources, _telling(tell, sum(source.size for source in sources)))
        if not history.report.files:
            raise files.NoHistoryError(_nothing_found(history.report))
        history.settle(covered, known)
        yield history


def _telling(tell: Callable[[int, int], object], total: int) -> Callable[[int], None]:
    done = 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        tell(done, total)

    return read


def _names(stream: Stream) -> TrackInfo | None:
    if stream.name is None:
        return None
    artists = [stream.artist] if stream.artist else []
    return TrackInfo(name=stream.name, artists=artists, album=stream.album)


def _nothing_found(report: Report) -> str:
    seen = [f"{name} {why}" for name, why in (report.broken | report.ignored).items()]
    return (
        f"no listening history in {'; '.join(seen[:5]) or 'no JSON file at all'}: give the files "
        "of Spotify's `Extended streaming history` or `Account data`, or the zip as it came"
    )
