"""The SQL with which Athena does what this process does in Arrow: same rows, same bits.

The rules of `musicrec.processor.validity`, the rounding of `musicrec.processor.rounding` and the
lines of `musicrec.datasets.csvfile` are said here a second time; tests hold both against each other
on the same data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.datasets.schemas import RESERVED_WORDS
from musicrec.events import (
    DAY_MS,
    MAX_OCCURRED_AT,
    MIN_OCCURRED_AT,
    PERSONALIZE_TYPES,
    EventType,
    Source,
)
from musicrec.processor.curated import SCHEMA
from musicrec.processor.rounding import SCALE, SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DERIVED: Final = ("event_value", "generation")
_COPIED: Final = [name for name in SCHEMA.names if name not in _DERIVED]


def text(value: str) -> str:
    """A text as a literal."""
    return "'" + value.replace("'", "''") + "'"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(text(value) for value in sorted(values))


_INTERACTION: Final = f"event_type IN ({_texts(kind.value for kind in PERSONALIZE_TYPES)})"
_UUID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def _absent_or(column: str, rule: str) -> str:
    return f"({column} IS NULL OR {rule})"


def _length(column: str, most: int, least: int = 0) -> str:
    return f"length({column}) BETWEEN {least} AND {most}"


VALID: Final = " AND ".join(
    (
        f"regexp_like(event_id, '{_UUID}')",
        "regexp_like(track_id, '^[0-9A-Za-z]{22}$')",
        f"event_type IN ({_texts(kind.value for kind in EventType)})",
        f"source IN ({_texts(source.value for source in Source)})",
        "schema_version = 1",
        f"occurred_at BETWEEN {MIN_OCCURRED_AT} AND {MAX_OCCURRED_AT}",
        *(_length(name, 256, 1) for name in ("user_id", "session_id")),
        *(
            _absent_or(name, f"{name} BETWEEN 0 AND {DAY_MS}")
            for name in ("listened_ms", "duration_ms", "position_ms")
        ),
        *(
            _absent_or(name, _length(name, most))
            for name, most in (
                ("context_uri", 256),
                ("device_type", 64),
                ("recommendation_id", 40),
                ("track.album", 1000),
            )
        ),
        "(track IS NULL OR (track.name IS NOT NULL AND length(track.name) <= 1000))",
        _absent_or("track.artists", "cardinality(track.artists) <= 50"),
        _absent_or(
            "track.artists",
            "all_match(track.artists, one -> COALESCE(length(one) <= 1000, false))",
        ),
    )
)
"""Whether a raw row is an event; null where a required column is."""

_SHARE: Final = "least(CAST(listened_ms AS double) / CAST(duration_ms AS double), 1e0)"
_KNOWN: Final = (
    f"event_type IN ({_texts((EventType.COMPLETE.value, EventType.SKIP.value))}) "
    "AND listened_ms IS NOT NULL AND duration_ms > 0"
)


def raw_rows(table: str, day: str, paths: Iterable[str] | None) -> str:
    """Rows of the raw lake of one day: of some objects, or of all."""
    chosen = f' AND "$path" IN ({_texts(paths)})' if paths is not None else ""
    return f"SELECT * FROM {table} WHERE dt = {text(day)}{chosen}"  # noqa: S608 - names and literals of ours


def counts(rows: str) -> str:
    """How many of some raw rows there are, are valid, and are valid interactions."""
    return (
        f"WITH raw AS ({rows}) SELECT count(*) AS n, "  # noqa: S608 - as above
        f"count(CASE WHEN {VALID} THEN 1 END) AS valid, "
        f"count(CASE WHEN {VALID} AND {_INTERACTION} THEN 1 END) AS interactions FROM raw"
    )


def distinct(rows: str, curated: str, day: str) -> str:
    """How many interactions a day has with those among some raw rows."""
    return (
        f"WITH raw AS ({rows}), "  # noqa: S608 - as above
        f"ids AS (SELECT event_id FROM {curated} WHERE dt = {text(day)} "
        f"UNION SELECT event_id FROM raw WHERE {VALID} AND {_INTERACTION}) "
        "SELECT count(*) AS n FROM ids"
    )


def merged_day(rows: str, curated: str, day: str, generation: int) -> str:
    """A day's curated rows with the interactions among some raw rows, each event once.

    The value is rounded in steps: the share, its upper and lower part, the ten-thousandths below,
    and how far it lies past the middle to the next (see `rounding`).
    """
    copied = ", ".join(_COPIED)
    return f"""
WITH raw AS ({rows}),
shared AS (
  SELECT {copied}, CASE WHEN {_KNOWN} THEN {_SHARE} END AS share
  FROM raw WHERE {VALID} AND {_INTERACTION}
),
split AS (
  SELECT {copied}, share, floor(share * {SCALE}e0) AS below,
    floor(share * {SPLIT}e0) / {SPLIT}e0 AS upper_part
  FROM shared
),
placed AS (
  SELECT {copied}, below,
    (upper_part * {2 * SCALE}e0 - (2e0 * below + 1e0))
      + (share - upper_part) * {2 * SCALE}e0 AS past_middle
  FROM split
),
fresh AS (
  SELECT {copied},
    (below + CASE WHEN past_middle > 0e0 THEN 1e0
                  WHEN past_middle = 0e0 THEN below - 2e0 * floor(below / 2e0)
                  ELSE 0e0 END) / {SCALE}e0 AS event_value,
    {generation} AS generation
  FROM placed
),
together AS (
  SELECT {copied}, event_value, generation FROM {curated} WHERE dt = {text(day)}
  UNION ALL
  SELECT {copied}, event_value, generation FROM fresh
),
numbered AS (
  SELECT together.*, row_number() OVER (
    PARTITION BY event_id ORDER BY generation, occurred_at, user_id, track_id
  ) AS copy
  FROM together
)
SELECT {copied}, event_value, CAST(generation AS integer) AS generation
FROM numbered WHERE copy = 1
"""  # noqa: S608 - as above


def heard(curated: str, days: Iterable[str], kept: int) -> str:
    """Listeners who heard each track to its end, by day; of each day the `kept` first tracks.

    Args:
        curated: the curated table.
        days: `YYYY-MM-DD`.
        kept: tracks of a day at most; of equals the first id stays.
    """
    return (
        "SELECT dt, track_id, heard FROM (SELECT dt, track_id, heard, row_number() OVER "  # noqa: S608 - as above
        "(PARTITION BY dt ORDER BY heard DESC, track_id) AS place FROM ("
        "SELECT dt, track_id, count(DISTINCT user_id) AS heard "
        f"FROM {curated} WHERE event_type = {text(EventType.COMPLETE.value)} "
        f"AND dt IN ({_texts(days)}) GROUP BY dt, track_id) AS counted) AS ranked "
        f"WHERE place <= {kept}"
    )


class Import:
    """Queries over what a build reads of the curated table.

    Args:
        curated: the table, quoted.
        since: the generation that is imported already, of each day to read; 0 for none.
    """

    def __init__(self, curated: str, since: Mapping[str, int]) -> None:
        values = ", ".join(f"({text(day)}, {one})" for day, one in sorted(since.items()))
        first, last = text(min(since)), text(max(since))
        self._rows = f"""
days AS (SELECT * FROM (VALUES {values}) AS listed (day, since)),
held AS (
  SELECT c.*, d.since, {_USABLE} AS usable
  FROM {curated} AS c JOIN days AS d ON c.dt = d.day
  WHERE c.dt BETWEEN {first} AND {last}
),
grouped AS (
  SELECT dt, since, user_id, track_id, occurred_at / 1000 AS second, event_type, event_value,
    min(generation) AS generation, count(CASE WHEN generation > since THEN 1 END) AS copies
  FROM held WHERE usable
  GROUP BY dt, since, user_id, track_id, occurred_at / 1000, event_type, event_value
)"""  # noqa: S608 - as above

    def lines(self) -> str:
        """The lines of the CSV, in no order."""
        cells = (
            f"{_USER}, ',', track_id, ',', CAST(second AS varchar), ',', event_type, ',', {_VALUE}"
        )
        return self._of(f"SELECT concat({cells}) AS line FROM grouped WHERE generation > since")  # noqa: S608 - as above

    def by_day(self) -> str:
        """Of each day: interactions held, those to import, and how many rows equal another."""
        return self._of(
            "SELECT dt, count(*) AS held, count(CASE WHEN generation > since THEN 1 END) AS made, "
            "sum(CASE WHEN generation > since THEN copies - 1 ELSE copies END) AS same "
            "FROM grouped GROUP BY dt"
        )

    def unusable(self) -> str:
        """How many new rows have a user id that a CSV cannot hold."""
        return self._of("SELECT count(*) AS n FROM held WHERE NOT usable AND generation > since")

    def spread(self) -> str:
        """Of each event type: interactions to import, those without value, first and last."""
        return self._of(
            "SELECT event_type, count(*) AS n, count(CASE WHEN event_value IS NULL THEN 1 END) "
            'AS valueless, min(second) AS "first", max(second) AS "last" '
            "FROM grouped WHERE generation > since GROUP BY event_type"
        )

    def tally(self, column: str) -> str:
        """Interactions to import by user or by track."""
        return self._of(
            f"SELECT {column} AS value, count(*) AS amount FROM grouped "  # noqa: S608 - as above
            f"WHERE generation > since GROUP BY {column}"
        )

    def names(self) -> str:
        """The first event that names each track."""
        return self._of(
            "SELECT track_id, event_id, occurred_at, duration_ms, track FROM ("
            "SELECT held.*, row_number() OVER (PARTITION BY track_id "
            "ORDER BY occurred_at, event_id) AS place "
            "FROM held WHERE usable AND length(track.name) > 0) AS named WHERE place = 1"
        )

    def _of(self, select: str) -> str:
        return f"WITH {self._rows} {select}"


_USABLE: Final = (
    f"(user_id NOT IN ({_texts(RESERVED_WORDS)}) AND NOT regexp_like(user_id, '[\\r\\n]'))"
)
_QUOTE_IT: Final = r"""regexp_like(user_id, '[",\\\r\n]|^[ \t\f]|[ \t\f]$')"""
_USER: Final = (
    rf"""CASE WHEN {_QUOTE_IT} THEN concat('"', replace(replace(user_id, '\', '\\'), '"', '\"'), '"') """
    "ELSE user_id END"
)
_DIGITS: Final = f"CAST(round(event_value * {SCALE}e0) AS bigint)"
_VALUE: Final = (
    f"CASE WHEN event_value IS NULL THEN '' WHEN {_DIGITS} % {SCALE} = 0 "
    f"THEN CAST({_DIGITS} / {SCALE} AS varchar) ELSE "
    f"concat('0.', regexp_replace(lpad(CAST({_DIGITS} AS varchar), 4, '0'), '0+$', '')) END"
)
"""Digits as pyarrow writes them: `1`, `0.25`, `0.0001`."""
