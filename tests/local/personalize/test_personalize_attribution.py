"""What is counted: which events, from where, and what they bring."""

import pyarrow as pa
import pytest
from personalize_office import PLAYS, QUARTER, VALUE

from musicrec.local.personalize.attribution import Metric, counted, sources_of
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.impressions import Impressions


class TestCounted:
    def test_sources_and_nulls(self):
        """A null type counts for nothing; an ARN keeps its case."""
        table = pa.table(
            {
                "EVENT_TYPE": ["Play", None, "play"],
                "ITEM_ID": ["a", "a", "b"],
                "TIMESTAMP": [-1, 0, 0],
                "EVENT_ATTRIBUTION_SOURCE": ["arn:Aws", "x", None],
            }
        )
        sources = sources_of(table, Impressions())
        assert sources.to_pylist() == ["arn:Aws", "X", "SOURCE_NAME_UNDEFINED"]
        found = counted(Metric.read(PLAYS, 1), table, sources, None)
        assert [(one.source, one.begins, one.value) for one in found] == [
            ("SOURCE_NAME_UNDEFINED", 0, 1.0),
            ("arn:Aws", -QUARTER, 1.0),
        ]

    def test_no_number_is_nothing(self):
        """It would make the whole sum one."""
        table = pa.table(
            {
                "EVENT_TYPE": ["play"] * 3,
                "ITEM_ID": ["a"] * 3,
                "TIMESTAMP": [0] * 3,
                "EVENT_VALUE": [float("nan"), float("inf"), 0.25],
            }
        )
        (found,) = counted(Metric.read(VALUE, 1), table, sources_of(table, Impressions()), None)
        assert found.value == 0.25

    def test_no_rows(self):
        """Nothing is no error."""
        table = pa.table(
            {"EVENT_TYPE": pa.array([], pa.string()), "ITEM_ID": pa.array([], pa.string()),
             "TIMESTAMP": pa.array([], pa.int64())}
        )  # fmt: skip
        sources = sources_of(table, Impressions())
        assert counted(Metric.read(VALUE, 1), table, sources, None) == []

    def test_expression_is_told(self):
        """In the refusal."""
        with pytest.raises(InvalidInputError, match=r"AVG\(Items\.X\).* of plays"):
            Metric.read(PLAYS | {"expression": "AVG(Items.X)"}, 1)
