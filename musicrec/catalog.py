"""The track catalogue: the Kaggle file read and cleaned, and the artefact that Lambdas look tracks up in.

The artefact is one read-only SQLite file keyed by track id. Opening it costs milliseconds whatever
its size, a look-up reads a few pages, and neither needs more than the standard library.
"""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct

AUDIO_FEATURES: Final = (
    "danceability",
    "energy",
    "loudness",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
)
"""Numeric features of the Kaggle file, in its order. Loudness is in dB, tempo in beats a minute,
the rest between 0 and 1."""

KAGGLE_COLUMNS: Final = (
    "track_id", "artists", "album_name", "track_name", "popularity", "duration_ms", "explicit",
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence", "tempo", "time_signature", "track_genre",
)  # fmt: skip
"""The Kaggle file's columns after its unnamed row index."""

_UNKNOWN_WITHOUT_BEAT: Final = ("danceability", "speechiness", "tempo", "valence")
"""Where the file has tempo 0 no beat was found, and these are 0 as well, which means unknown."""

_LOOKUP_CHUNK: Final = 500


class CatalogFormatError(ValueError):
    """A file that is not the Kaggle tracks file or not a catalogue artefact."""


class Track(Struct, frozen=True, kw_only=True):
    """One track.

    Attributes:
        track_id: Spotify's id, 22 base62 characters.
        name: title.
        artists: names, main artist first.
        album: album title, if known.
        genres: the Kaggle genres that list the track, sorted; empty for a track merely seen played.
        popularity: 0 to 100, the highest that the file gives; None if unknown.
        duration_ms: length; None if unknown.
        explicit: parental advisory flag; None if unknown.
        features: audio features by name (see `AUDIO_FEATURES`); a value that the file does not know
            (0 where no beat was found) is left out; empty for a track merely seen played.
    """

    track_id: str
    name: str
    artists: tuple[str, ...]
    album: str | None = None
    genres: tuple[str, ...] = ()
    popularity: int | None = None
    duration_ms: int | None = None
    explicit: bool | None = None
    features: dict[str, float] = {}

    @property
    def genre(self) -> str | None:
        """The first genre, for tables with room for one."""
        return self.genres[0] if self.genres else None


class CleaningReport(Struct, frozen=True, kw_only=True):
    """What `read_kaggle` met and did, in rows of the file.

    Attributes:
        rows: data rows read.
        tracks: distinct tracks kept.
        merged: rows folded into a track that another row had given already.
        dropped: rows without a name, artist or length.
        unknown_tempo: kept tracks whose tempo 0, and the features that hang on it, became unknown.
    """

    rows: int
    tracks: int
    merged: int
    dropped: int
    unknown_tempo: int


def read_kaggle(path: Path | str) -> tuple[list[Track], CleaningReport]:
    """Read and clean the Kaggle tracks file (CSV, or gzip by its name).

    A track stands in the file once for each of its genres; its rows become one `Track` with all
    genres, the highest popularity, and the other values of its first row.

    Raises:
        CatalogFormatError: a column is missing or a number is not one; the message names the line.
    """
    by_id: dict[str, Track] = {}
    rows = dropped = 0
    for line, row in _rows(Path(path)):
        rows += 1
        track = _parse(row, line, path)
        if track is None:
            dropped += 1
        else:
            known = by_id.get(track.track_id)
            by_id[track.track_id] = _merge(known, track) if known else track
    tracks = list(by_id.values())
    return tracks, CleaningReport(
        rows=rows,
        tracks=len(tracks),
        merged=rows - dropped - len(tracks),
        dropped=dropped,
        unknown_tempo=sum("tempo" not in track.features for track in tracks),
    )


class Catalog:
    """Read-only look-ups by track id in an artefact that `write` made.

    Use it as a context manager, or keep it open for the life of a Lambda environment.
    """

    def __init__(self, path: Path | str) -> None:
        if not Path(path).is_file():
            raise CatalogFormatError(
                f"no catalogue at {path}; build one with `musicrec.catalog.write`"
            )
        uri = f"{Path(path).resolve().as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            (self._count,) = self._connection.execute("SELECT count(*) FROM tracks").fetchone()
        except sqlite3.DatabaseError as error:
            self.close()
            raise CatalogFormatError(f"{path} is no catalogue artefact: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._count)

    def __iter__(self) -> Iterator[Track]:
        """All tracks, by id."""
        for row in self._connection.execute(f"{_SELECT} ORDER BY track_id"):
            yield _track(row)

    def get(self, track_id: str) -> Track | None:
        """The track, or None when the catalogue lacks it."""
        return self.get_many([track_id]).get(track_id)

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """The tracks that the catalogue knows among `track_ids`, by id."""
        wanted = list(dict.fromkeys(track_ids))
        found: dict[str, Track] = {}
        for start in range(0, len(wanted), _LOOKUP_CHUNK):
            chunk = wanted[start : start + _LOOKUP_CHUNK]
            marks = ",".join("?" * len(chunk))
            # Only question marks are interpolated.
            query = f"{_SELECT} WHERE track_id IN ({marks})"
            found.update((row[0], _track(row)) for row in self._connection.execute(query, chunk))
        return found

    def known(self, track_ids: Iterable[str]) -> set[str]:
        """Those of `track_ids` that the catalogue knows; much quicker than reading the tracks."""
        wanted = list(dict.fromkeys(track_ids))
        found: set[str] = set()
        for start in range(0, len(wanted), _LOOKUP_CHUNK):
            chunk = wanted[start : start + _LOOKUP_CHUNK]
            marks = ",".join("?" * len(chunk))
            # Only question marks are interpolated.
            query = f"SELECT track_id FROM tracks WHERE track_id IN ({marks})"  # noqa: S608 - as said
            found.update(row[0] for row in self._connection.execute(query, chunk))
        return found

    def most_popular(self, count: int) -> list[Track]:
        """At most `count` tracks, the most popular first; reads the whole artefact.

        Tracks whose popularity is unknown are left out.
        """
        query = f"{_SELECT} WHERE popularity IS NOT NULL ORDER BY popularity DESC, track_id LIMIT ?"
        return [_track(row) for row in self._connection.execute(query, [count])]

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def write(tracks: Iterable[Track], path: Path | str) -> int:
    """Write the artefact, replacing `path` at once when it is complete.

    Returns:
        The number of tracks written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as connection:
        connection.execute(_CREATE)
        connection.executemany(
            "INSERT INTO tracks VALUES (?,?,?,?,?,?,?,?,?)",
            (_record(track) for track in sorted(tracks, key=lambda track: track.track_id)),
        )
        connection.commit()
        (count,) = connection.execute("SELECT count(*) FROM tracks").fetchone()
    partial.replace(target)
    return int(count)


_CREATE: Final = """
CREATE TABLE tracks (
    track_id TEXT PRIMARY KEY, name TEXT NOT NULL, artists TEXT NOT NULL, album TEXT,
    genres TEXT NOT NULL, popularity INTEGER, duration_ms INTEGER, explicit INTEGER,
    features TEXT NOT NULL
) WITHOUT ROWID
"""
_SELECT: Final = "SELECT * FROM tracks"


def _record(track: Track) -> tuple[Any, ...]:
    return (
        track.track_id,
        track.name,
        json.dumps(track.artists, ensure_ascii=False),
        track.album,
        json.dumps(track.genres),
        track.popularity,
        track.duration_ms,
        None if track.explicit is None else int(track.explicit),
        json.dumps([track.features.get(name) for name in AUDIO_FEATURES]),
    )


def _track(row: Sequence[Any]) -> Track:
    values = zip(AUDIO_FEATURES, json.loads(row[8]), strict=True)
    return Track(
        track_id=row[0],
        name=row[1],
        artists=tuple(json.loads(row[2])),
        album=row[3],
        genres=tuple(json.loads(row[4])),
        popularity=row[5],
        duration_ms=row[6],
        explicit=None if row[7] is None else bool(row[7]),
        features={name: value for name, value in values if value is not None},
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = set(KAGGLE_COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise CatalogFormatError(
                f"{path} lacks the columns {sorted(missing)}; "
                "take the Kaggle file 'Spotify Tracks Dataset' as it is"
            )
        for row in reader:
            yield reader.line_num, row


def _parse(row: dict[str, str], line: int, path: Path | str) -> Track | None:
    if not row["track_name"] or not row["artists"] or row["duration_ms"] in ("", "0"):
        return None
    try:
        features = {name: float(row[name]) for name in AUDIO_FEATURES}
        popularity, duration_ms = int(row["popularity"]), int(row["duration_ms"])
    except ValueError as error:
        raise CatalogFormatError(f"{path}, line {line}: {error}") from error
    if features["tempo"] == 0:
        for name in _UNKNOWN_WITHOUT_BEAT:
            del features[name]
    return Track(
        track_id=row["track_id"],
        name=row["track_name"],
        artists=tuple(row["artists"].split(";")),
        album=row["album_name"] or None,
        genres=(row["track_genre"],),
        popularity=popularity,
        duration_ms=duration_ms,
        explicit=row["explicit"] == "True",
        features=features,
    )


def _merge(known: Track, again: Track) -> Track:
    return Track(
        track_id=known.track_id,
        name=known.name,
        artists=known.artists,
        album=known.album,
        genres=tuple(sorted({*known.genres, *again.genres})),
        popularity=max(known.popularity or 0, again.popularity or 0),
        duration_ms=known.duration_ms,
        explicit=known.explicit,
        features=known.features,
    )
