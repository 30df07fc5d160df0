"""Item metadata as numbers, so that a model can tell which items are alike.

Numeric columns are standardised; each frequent value of a categorical column becomes a column of its
own, scaled so that a whole categorical column weighs about as much as the numeric ones together.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

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


def item_features(
    records: MetadataRecords, item_index: dict[str, int], excluded: frozenset[str] = frozenset()
) -> NDArray[np.float32] | None:
    """One row of numbers for each item code; 0 stands for average or unknown.

    Args:
        records: the Items dataset.
        item_index: item codes by id.
        excluded: column names that the solution leaves out.

    Returns:
        None when no column is usable.
    """
    table = records.all()
    ids = table.column(records.id_column).to_pylist()
    codes = np.array([item_index.get(name, -1) for name in ids], dtype=np.int64)
    known = codes >= 0
    blocks = [
        _block(table.column(field.name), field)
        for field in records.schema.fields
        if field.name not in excluded and _usable(field, records.id_column)
    ]
    if not blocks or not known.any():
        return None
    features = np.zeros((len(item_index), sum(block.shape[1] for block in blocks)), np.float32)
    features[codes[known]] = np.hstack(blocks)[known]
    return features


def _usable(field: Field, id_column: str) -> bool:
    if field.name in {id_column, "CREATION_TIMESTAMP"}:
        return False
    return field.type in NUMERIC or field.categorical


def _block(column: pa.ChunkedArray, field: Field) -> NDArray[np.float32]:
    return _standardised(column) if field.type in NUMERIC else _indicators(column)


def _standardised(column: pa.ChunkedArray) -> NDArray[np.float32]:
    numbers = column.cast(pa.float64(), safe=False).to_numpy().copy()
    known = np.isfinite(numbers)
    spread = numbers[known].std() if known.any() else 0.0
    if spread == 0:
        return np.zeros((len(numbers), 1), dtype=np.float32)
    scaled = (numbers - numbers[known].mean()) / spread
    return np.where(known, scaled, 0.0).astype(np.float32)[:, None]


def _indicators(column: pa.ChunkedArray) -> NDArray[np.float32]:
    cells = [[] if cell is None else split_values(cell) for cell in column.to_pylist()]
    counts = Counter(value for cell in cells for value in cell)
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[:MAX_VALUES]
    place = {value: number for number, value in enumerate(frequent)}
    block = np.zeros((len(cells), len(frequent)), dtype=np.float32)
    for row, cell in enumerate(cells):
        for value in cell:
            if value in place:
                block[row, place[value]] = CATEGORY_WEIGHT
    return block
