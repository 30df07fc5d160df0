"""Functions of Trino's that DuckDB lacks, or that mean something else there, as DuckDB macros.

None has typed arguments: DuckDB picks among typed forms before it knows the types of aggregates.
What they have to give is in https://trino.io/docs/current/functions.html.
"""

from __future__ import annotations

from typing import Final

_MOVED: Final = """CASE unit
    WHEN 'millisecond' THEN to_milliseconds(n)
    WHEN 'second' THEN to_seconds(n)
    WHEN 'minute' THEN to_minutes(n)
    WHEN 'hour' THEN to_hours(n)
    WHEN 'day' THEN to_days(n::INTEGER)
    WHEN 'week' THEN to_weeks(n::INTEGER)
    WHEN 'month' THEN to_months(n::INTEGER)
    WHEN 'quarter' THEN to_quarters(n::INTEGER)
    WHEN 'year' THEN to_years(n::INTEGER)
    ELSE error('''' || unit || ''' is not a valid TIMESTAMP field') END"""

MACROS: Final = (
    f"trino_date_add(unit, n, x) AS cast_to_type(x + {_MOVED}, x)",
    "trino_date_trunc(unit, x) AS cast_to_type(date_trunc(unit, x), x)",
    """trino_regexp_extract
    (s, p) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END,
    (s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END""",
)
"""What follows `CREATE MACRO`."""
