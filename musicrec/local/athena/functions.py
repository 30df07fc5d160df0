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
    """trino_json_extract_scalar(j, p) AS
    CASE WHEN json_valid(j) AND json_type(j, p) NOT IN ('OBJECT', 'ARRAY', 'NULL')
    THEN json_extract_string(j, p) END""",
    """trino_slice(a, s, n) AS
    CASE WHEN s > 0 THEN a[s : s + n - 1] ELSE a[len(a) + s + 1 : len(a) + s + n] END""",
    """trino_array_position(a, x) AS
    CASE WHEN a IS NOT NULL AND x IS NOT NULL THEN coalesce(list_position(a, x), 0) END""",
    """trino_split(s, d, n) AS CASE WHEN len(str_split(s, d)) <= n THEN str_split(s, d)
    ELSE list_append(str_split(s, d)[: n - 1], array_to_string(str_split(s, d)[n :], d)) END""",
    "trino_split_part(s, d, n) AS str_split(s, d)[n]",
    "trino_sequence(a, b) AS generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END)",
    """trino_sequence_of_times(a, b, i) AS
    list_transform(generate_series(a, b, i), lambda e: cast_to_type(e, a))""",
    "trino_places(lengths) AS generate_series(1, list_max(lengths))",
    "trino_to_base(n, b) AS lower(to_base(n, b))",
    "trino_url_encode(s) AS replace(url_encode(s), '%20', '+')",
    "trino_to_milliseconds(i) AS CAST(epoch(i) * 1000 AS BIGINT)",
    "any_match_of(a) AS len(a) > 0 AND list_bool_or(a)",
    "all_match_of(a) AS len(a) = 0 OR list_bool_and(a)",
    "array_union(a, b) AS list_distinct(list_concat(a, b))",
    "arrays_overlap(a, b) AS list_has_any(a, b)",
    "bitwise_left_shift(n, k) AS n << k",
    "bitwise_right_shift(n, k) AS n >> k",
    "codepoint(s) AS unicode(s)",
    "every(x) AS bool_and(x)",
    "hamming_distance(a, b) AS hamming(a, b)",
    "infinity() AS 'Infinity'::DOUBLE",
    "json_array_contains(j, x) AS json_contains(j, to_json(x))",
    """json_size(j, p) AS CASE json_type(j, p) WHEN 'OBJECT' THEN len(json_keys(j, p))
    WHEN 'ARRAY' THEN json_array_length(j, p) WHEN NULL THEN NULL ELSE 0 END""",
    "map_agg(k, v) AS map(list(k), list(v))",
    "nan() AS 'NaN'::DOUBLE",
    "yow(x) AS isoyear(x)",
)
"""What follows `CREATE MACRO`."""
