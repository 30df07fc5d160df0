"""The order of the CSV beside Python's own sorting."""

from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.processor import ordering
from musicrec.processor.curated import SCHEMA

COLUMNS = pa.schema([SCHEMA.field(name) for name in ordering.COLUMNS])
MILLENNIUM = 946_684_800_000
CENTURY_MS = 3_155_760_000_000


def listened(seed, span_ms, count=60):
    """Rows that share seconds, users and tracks the more, the shorter the span is."""
    random = Random(seed)
    return [
        {
            "occurred_at": MILLENNIUM + random.randrange(span_ms),
            "user_id": random.choice(["a", "b", "B", "ä", "aa"]),
            "track_id": random.choice(["t", "T", "t0"]),
            "event_type": random.choice(["play", "skip", "complete"]),
            "event_value": random.choice([None, 0.0, 0.0001, 0.5, 1.0]),
            "generation": random.randint(1, 3),
        }
        for _ in range(count)
    ]


def place(row):
    """What the order is by: texts by their bytes, a missing value after all others."""
    texts = (row[name].encode() for name in ("user_id", "track_id", "event_type"))
    value = 2.0 if row["event_value"] is None else row["event_value"]
    return row["occurred_at"] // 1000, *texts, value, row["generation"]


class TestOrder:
    @pytest.mark.parametrize("span_ms", [1, 2_500, 86_400_000, CENTURY_MS])
    @given(st.integers(0, 10_000))
    def test_is_that_of_sorted(self, span_ms, seed):
        """Rows of one moment, of a day or of a century; equal rows stay in their order."""
        rows = listened(seed, span_ms)
        found = ordering.order(pa.Table.from_pylist(rows, schema=COLUMNS)).tolist()
        assert found == sorted(range(len(rows)), key=lambda number: place(rows[number]))

    def test_of_nothing_is_nothing(self):
        """A day may have no interaction."""
        assert ordering.order(COLUMNS.empty_table()).tolist() == []
