"""Item metadata as numbers, so that a model can tell which items are alike.

Numeric columns are standardised; each frequent value of a categorical column becomes a column of its
own, scaled so that a whole categorical column weighs about as much as the numeric ones together. What
was learned of the columns is kept, so that an item that comes later is described in the same numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa

from musicrec.local.personalize.avro import NUMERIC
from musicrec.local.personalize.item_columns import split_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.avro import Field
    from musicrec.local.personalize.metadata import MetadataRecords

MAX_VALUES: Final = 256
"""The most frequent values of a categorical column that get a number."""

CATEGORY_WEIGHT: Final = 3.0
"""The length of an indicator, in standard deviations of a numeric column."""


@dataclass(frozen=True)
class _Number:
    """A numeric column: 0 for its mean and for what is unknown."""

    name: str
    mean: float
    spread: float

    @classmethod
    def learned(cls, name: str, column: pa.ChunkedArray) -> Self:
        numbers = _numbers(column)
        known = numbers[np.isfinite(numbers)]
        return cls(name, float(known.mean()), float(known.std())) if len(known) else cls(name, 0, 0)

    @property
    def width(self) -> int:
        return 1

    def fits(self, kind: pa.DataType) -> bool:
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def block(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        numbers = _numbers(column)
        if self.spread == 0:
            return np.zeros((len(numbers), 1), dtype=np.float32)
        scaled = (numbers - self.mean) / self.spread
        return np.where(np.isfinite(numbers), scaled, 0.0).astype(np.float32)[:, None]


@dataclass(frozen=True)
class _Category:
    """A categorical column: one place for each frequent value."""

    name: str
    places: dict[str, int]

    @classmethod
    def learned(cls, name: str, column: pa.ChunkedArray) -> Self:
        counts = Counter(value for cell in _cells(column) for value in cell)
        frequent = sorted(counts, key=lambda value: (-counts[value], value))[:MAX_VALUES]
        return cls(name, {value: number for number, value in enumerate(frequent)})

    @property
    def width(self) -> int:
        return len(self.places)

    def fits(self, kind: pa.DataType) -> bool:
        return bool(pa.types.is_string(kind))

    def block(self, column: pa.ChunkedArray) -> NDArray[np.float32]:
        cells = _cells(column)
        block = np.zeros((len(cells), self.width), dtype=np.float32)
        for row, cell in enumerate(cells):
            for value in cell:
                if value in self.places:
                    block[row, self.places[value]] = CATEGORY_WEIGHT
        return block


@dataclass(frozen=True)
class FeatureEncoder:
    """What was learned of the usable columns of an Items dataset."""

    columns: tuple[_Number | _Category, ...]

    @classmethod
    def learned(cls, records: MetadataRecords, excluded: frozenset[str] = frozenset()) -> Self:
        """Look at all records.

        Args:
            records: the Items dataset.
            excluded: column names that the solution leaves out.
        """
        table = records.all()
        return cls(
            tuple(
                (_Number if field.type in NUMERIC else _Category).learned(
                    field.name, table.column(field.name)
                )
                for field in records.schema.fields
                if field.name not in excluded and _usable(field, records.id_column)
            )
        )

    def rows(self, table: pa.Table) -> NDArray[np.float32]:
        """One row of numbers for each record; zeros for what the table lacks or has otherwise."""
        blocks = [np.zeros((table.num_rows, 0), dtype=np.float32)]
        kinds = dict(zip(table.column_names, table.schema.types, strict=True))
        for column in self.columns:
            if column.name in kinds and column.fits(kinds[column.name]):
                blocks.append(column.block(table.column(column.name)))
            else:
                blocks.append(np.zeros((table.num_rows, column.width), dtype=np.float32))
        return np.hstack(blocks)


def item_features(
    encoder: FeatureEncoder, records: MetadataRecords, item_index: dict[str, int]
) -> NDArray[np.float32] | None:
    """One row of numbers for each item code; 0 stands for average or unknown.

    Args:
        encoder: of the columns.
        records: the Items dataset.
        item_index: item codes by id.

    Returns:
        None when no column is usable.
    """
    table = records.all()
    ids = table.column(records.id_column).to_pylist()
    codes = np.array([item_index.get(name, -1) for name in ids], dtype=np.int64)
    known = codes >= 0
    if not encoder.columns or not known.any():
        return None
    rows = encoder.rows(table)
    features = np.zeros((len(item_index), rows.shape[1]), np.float32)
    features[codes[known]] = rows[known]
    return features


def _usable(field: Field, id_column: str) -> bool:
    if field.name in {id_column, "CREATION_TIMESTAMP"}:
        return False
    return field.type in NUMERIC or field.categorical


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy().copy()
    return numbers


def _cells(column: pa.ChunkedArray) -> list[list[str]]:
    return [[] if cell is None else split_values(cell) for cell in column.to_pylist()]
