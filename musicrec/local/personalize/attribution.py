"""What a metric attribution counts: events of a type or what they bring, by source and quarter of an hour.

Streamed events and imported rows are counted alike, as a table of interactions. As in AWS's examples
names of metrics, event types and sources are reported in capitals, in which case does not matter;
ARNs stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from musicrec.local.personalize.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from musicrec.local.personalize.impressions import Impressions
    from musicrec.local.personalize.metadata import MetadataRecords

UNDEFINED: Final = "SOURCE_NAME_UNDEFINED"
"""The source of an event that names none."""

SOURCE: Final = "EVENT_ATTRIBUTION_SOURCE"
RECOMMENDATION: Final = "RECOMMENDATION_ID"

BUCKET: Final = 900
"""Seconds that are reported as one."""

_EXPRESSION: Final = re.compile(r"SAMPLECOUNT\(\)|SUM\((?P<dataset>\w+)\.(?P<column>\w+)\)")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        event_type: of the events that count.
        name: under which it is reported.
        expression: as the client sent it.
        dataset: `INTERACTIONS` or `ITEMS`, of the column that is summed up; None to count events.
        column: as the client spells it; None to count events.
        sequence: place in the order in which metrics were added.
    """

    event_type: str
    name: str
    expression: str
    dataset: str | None
    column: str | None
    sequence: int = 0

    @classmethod
    def read(cls, given: Mapping[str, str], sequence: int) -> Self:
        """The metric that a request describes.

        Raises:
            InvalidInputError: its expression is none.
        """
        match = _EXPRESSION.fullmatch(given["expression"])
        dataset = match["dataset"] and match["dataset"].upper() if match else ""
        if match is None or dataset not in {None, "INTERACTIONS", "ITEMS"}:
            raise InvalidInputError(
                f"The expression '{given['expression']}' of {given['metricName']} must be "
                "SAMPLECOUNT(), SUM(Items.COLUMN) or SUM(Interactions.COLUMN)."
            )
        return cls(
            given["eventType"],
            given["metricName"],
            given["expression"],
            dataset,
            match["column"],
            sequence,
        )

    @property
    def key(self) -> str:
        """What no two metrics share: the name as it is reported."""
        return self.name.upper()

    @property
    def function(self) -> str:
        """As reports name it."""
        return "samplecount" if self.column is None else "sum"

    def view(self) -> dict[str, Any]:
        """As lists show it."""
        return {
            "eventType": self.event_type,
            "metricName": self.name,
            "expression": self.expression,
        }


@dataclass(frozen=True)
class Count:
    """What a metric comes to for one source in one quarter of an hour, from `begins` (epoch seconds)."""

    metric: Metric
    source: str
    begins: int
    value: float


def counted(
    metric: Metric, events: pa.Table, sources: pa.Array, items: MetadataRecords | None
) -> list[Count]:
    """The counts of a metric, newest first.

    Args:
        metric: what to count.
        events: with `EVENT_TYPE`, `ITEM_ID`, `TIMESTAMP` and the columns that are summed up.
        sources: of the same rows, as `sources_of` gives them.
        items: the group's Items.
    """
    types = pc.utf8_upper(_texts(events, "EVENT_TYPE"))
    wanted = pc.fill_null(pc.equal(types, metric.event_type.upper()), fill_value=False)
    events, sources = events.filter(wanted), sources.filter(wanted)
    quarters = pc.floor(pc.divide(events.column("TIMESTAMP").cast(pa.float64()), BUCKET))
    begins = pc.multiply(quarters, BUCKET).cast(pa.int64())
    values = _values(metric, events, items)
    values = pc.if_else(pc.is_finite(values), values, None)  # CloudWatch takes no others
    table = pa.table({"source": sources, "begins": begins, "value": values})
    sums = table.drop_null().group_by(["source", "begins"]).aggregate([("value", "sum")])
    rows = sums.sort_by([("begins", "descending"), ("source", "ascending")]).to_pylist()
    return [Count(metric, row["source"], row["begins"], row["value_sum"]) for row in rows]


def sources_of(events: pa.Table, impressions: Impressions) -> pa.Array:
    """Where each event comes from: what it says itself, or whose recommendation it names.

    Args:
        events: with the columns of the two, or without.
        impressions: remember whose a recommendation was.
    """
    own = _texts(events, SOURCE)
    own = pc.if_else(pc.starts_with(own, "arn:"), own, pc.utf8_upper(own))
    ids = _texts(events, RECOMMENDATION)
    known = {name: impressions.source_of(name) for name in pc.unique(ids).to_pylist() if name}
    places = pc.index_in(ids, value_set=pa.array(list(known), pa.string()))
    recommended = pa.array(list(known.values()), pa.string()).take(places)
    return pc.coalesce(own, recommended, UNDEFINED)


def _texts(events: pa.Table, name: str) -> pa.Array:
    if name not in events.column_names:
        return pa.nulls(events.num_rows, pa.string())
    return events.column(name).combine_chunks()


def _values(metric: Metric, events: pa.Table, items: MetadataRecords | None) -> pa.Array:
    """What each event brings; null where that is not known."""
    nothing = pa.nulls(events.num_rows, pa.float64())
    if metric.column is None:
        return pc.fill_null(nothing, 1.0)
    if metric.dataset == "INTERACTIONS":
        name = _spelled(events, metric.column)
        return nothing if name is None else events.column(name).cast(pa.float64())
    if items is None:
        return nothing
    table = items.all()
    name = _spelled(table, metric.column)
    if name is None:
        return nothing
    places = pc.index_in(events.column("ITEM_ID"), value_set=table.column("ITEM_ID"))
    return table.column(name).cast(pa.float64()).take(places)


def _spelled(table: pa.Table, column: str) -> str | None:
    """The column as the table spells it; None if it has none."""
    found = [name for name in table.column_names if name.upper() == column.upper()]
    return found[0] if found else None
