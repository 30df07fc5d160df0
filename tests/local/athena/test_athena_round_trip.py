"""Whatever is in a table comes back through each of awswrangler's ways to read."""
# ruff: noqa: S608 - these tests write SQL for tables that they made

import math
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest
from athena_world import BUCKET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
AWKWARD = st.sampled_from(
    [",", '"', '""', "a,b", "\n", "\r\n", " x ", "null", "NaN", "\\N", "名", ""]
)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - Parquet's plain times
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
ROW = st.fixed_dictionaries(
    {
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "small": st.none() | st.integers(-(2**31), 2**31 - 1),
        "real": st.none() | st.floats(allow_nan=False, width=64),
        "flag": st.none() | st.booleans(),
        "text": st.none() | TEXT | AWKWARD,
        "day": st.none() | st.dates(date(1970, 1, 1), date(2200, 1, 1)),
        "at": st.none() | TIMES,
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=3),
    }
)
SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "whole": pa.int64(),
        "small": pa.int32(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "text": pa.string(),
        "day": pa.date32(),
        "at": pa.timestamp("ms"),
        "tags": pa.list_(pa.string()),
    }
)
COLUMNS = {
    "id": "bigint", "whole": "bigint", "small": "int", "real": "double", "flag": "boolean",
    "text": "string", "day": "date", "at": "timestamp", "tags": "array<string>",
}  # fmt: skip


def plain(value):
    """A value of a data frame as Python has it."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if hasattr(value, "tolist"):
        return [plain(one) for one in value.tolist()] if value.ndim else value.item()
    return value


def rows_of(frame):
    return [
        {name: plain(value) for name, value in zip(frame.columns, row, strict=True)}
        for row in frame.sort_values("id").itertuples(index=False)
    ]


def _through_csv(value):
    """What pandas' CSV reader makes of text: two texts are nulls, and all newlines are one."""
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return None if lines in {"", "NaN"} else lines


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, min_size=1, max_size=5))
def test_rows_come_back(world, rows):
    """CTAS and UNLOAD give back every value; CSV all but the difference of null and empty text."""
    numbered = [{"id": number, **row} for number, row in enumerate(rows)]
    name = world.table(COLUMNS)
    world.put(f"{name}/part", pa.Table.from_pylist(numbered, SCHEMA))
    sql = f"SELECT * FROM {name}"
    assert rows_of(world.read(sql)) == numbered
    unloaded = world.read(
        sql,
        ctas_approach=False,
        unload_approach=True,
        s3_output=f"s3://{BUCKET}/{world.fresh('unloaded')}/",
    )
    assert rows_of(unloaded) == numbered
    listed = world.read(f"SELECT id, whole, small, flag, text FROM {name}", ctas_approach=False)
    wanted = [{key: _through_csv(row[key]) for key in listed.columns} for row in numbered]
    assert rows_of(listed) == wanted


@given(st.lists(st.tuples(st.none() | TEXT | AWKWARD, st.none() | TEXT), min_size=1, max_size=5))
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_results_keep_text(world, rows):
    """GetQueryResults gives every text and null as it was, whatever CSV makes of it."""
    name = world.table({"n": "bigint", "a": "string", "b": "string"})
    columns = list(zip(*rows, strict=True))
    numbers = list(range(len(rows)))
    arrays = [pa.array(numbers), *(pa.array(column, pa.string()) for column in columns)]
    world.put(f"{name}/part", pa.table(arrays, names=["n", "a", "b"]))
    assert world.rows(f"SELECT a, b FROM {name} ORDER BY n") == [list(row) for row in rows]


def test_zones_are_utc(world):
    """A time with a zone comes through CSV as an aware one."""
    frame = world.read("SELECT from_unixtime(1772323200) AS at", ctas_approach=False)
    assert frame["at"][0] == datetime(2026, 3, 1, tzinfo=UTC)
