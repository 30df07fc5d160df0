"""Item metadata by a model's item codes, laid out so that a condition is one array operation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from musicrec.local.personalize.avro import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.metadata import MetadataRecords


@dataclass(eq=False)
class ItemColumns:
    """Columns of the Items dataset, filled on first use.

    Attributes:
        n_items: how many items the model has.
        version: of the metadata that this was made from.
    """

    n_items: int
    version: int
    _table: pa.Table
    _codes: NDArray[np.int64]
    _schema: DatasetSchema
    _types: dict[str, tuple[str, str]]
    _rows: NDArray[np.int64] | None = None
    _numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _places: dict[str, dict[str, NDArray[np.int64]]] = field(default_factory=dict)
    _present: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: MetadataRecords, item_index: dict[str, int]) -> ItemColumns:
        """Lay out the current records for the items of a model."""
        version, table = records.version, records.all()
        ids = table.column(records.id_column).to_pylist()
        codes = np.array([item_index.get(name, -1) for name in ids], dtype=np.int64)
        types = {entry.name.upper(): (entry.name, entry.type) for entry in records.schema.fields}
        return cls(len(item_index), version, table, codes, records.schema, types)

    def current(self, records: MetadataRecords) -> bool:
        """Whether this still shows the records as they are."""
        return self._schema is records.schema and self.version == records.version

    def texts(self, name: str, codes: Iterable[int]) -> list[str | None]:
        """The column's cells as text for item codes; None for null and for an unknown item."""
        if self._rows is None:
            self._rows = np.full(self.n_items + 1, -1, dtype=np.int64)
            known = np.flatnonzero(self._codes >= 0)
            self._rows[self._codes[known]] = known
        rows = [int(self._rows[code]) for code in codes]
        places = pa.array([row if row >= 0 else None for row in rows], pa.int64())
        cells = self._table.column(self._types[name][0]).take(places).cast(pa.string())
        texts: list[str | None] = cells.to_pylist()
        return texts

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._types

    def numeric(self, name: str) -> bool:
        """Whether the column holds numbers."""
        return self._types[name][1] in NUMERIC

    def compare(
        self, name: str, test: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Items whose number passes the test; null passes none."""
        numbers = self.numbers(name)
        return test(numbers) & ~np.isnan(numbers)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The column by item code, NaN for null and for an item without a record."""
        if name not in self._numbers:
            self._numbers[name] = self._number_column(name)
        return self._numbers[name]

    def with_any(self, name: str, values: Iterable[str]) -> NDArray[np.bool_]:
        """Items with one of the values in the column."""
        mask = np.zeros(self.n_items, dtype=np.bool_)
        places = self._value_places(name)
        for value in values:
            if value in places:
                mask[places[value]] = True
        return mask

    def with_value(self, name: str) -> NDArray[np.bool_]:
        """Items whose column is not null."""
        if name not in self._present:
            present = self.with_any(name, self._value_places(name))
            present.flags.writeable = False  # it is handed out again
            self._present[name] = present
        return self._present[name]

    def _value_places(self, name: str) -> dict[str, NDArray[np.int64]]:
        if name not in self._places:
            self._places[name] = self._inverted(name)
        return self._places[name]

    def _inverted(self, name: str) -> dict[str, NDArray[np.int64]]:
        codes: dict[str, list[int]] = defaultdict(list)
        cells = self._table.column(self._types[name][0]).to_pylist()
        for code, cell in zip(self._codes.tolist(), cells, strict=True):
            if code >= 0 and cell is not None:
                for value in split_values(cell):
                    codes[value].append(code)
        return {value: np.array(places, dtype=np.int64) for value, places in codes.items()}

    def _number_column(self, name: str) -> NDArray[np.float64]:
        column = self._table.column(self._types[name][0]).cast(pa.float64(), safe=False)
        numbers = np.full(self.n_items, np.nan)
        known = self._codes >= 0
        numbers[self._codes[known]] = column.to_numpy()[known]
        return numbers


def split_values(cell: Any) -> list[str]:
    """The values in a cell: several may stand in one, joined by `|`."""
    return str(cell).split("|")
