"""Interactions in columns of codes, ordered by user and time, exact duplicates gone.

An interaction is (USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE, EVENT_VALUE): a streamed and an imported
copy of one event agree in all five and are one row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicrec.local.personalize.interaction_log import StreamedEvent

IDENTITY: Final = pa.schema(
    [
        ("USER_ID", pa.string()),
        ("ITEM_ID", pa.string()),
        ("TIMESTAMP", pa.int64()),
        ("EVENT_TYPE", pa.string()),
        ("EVENT_VALUE", pa.float32()),
    ]
)
"""The columns that tell one interaction from another; absent ones are null."""


def identity_columns(table: pa.Table) -> pa.Table:
    """The `IDENTITY` columns of any interactions table, null where it has none."""
    nulls = {f.name: pa.nulls(table.num_rows, f.type) for f in IDENTITY}
    present = set(table.column_names)
    columns = [
        table.column(f.name).cast(f.type) if f.name in present else nulls[f.name] for f in IDENTITY
    ]
    return pa.table(columns, schema=IDENTITY)


def streamed_columns(events: Sequence[tuple[str, StreamedEvent]]) -> pa.Table:
    """The `IDENTITY` columns of streamed events, each with the user that it belongs to."""
    return pa.table(
        [
            pa.array([user for user, _ in events], pa.string()),
            pa.array([event.item_id for _, event in events], pa.string()),
            pa.array([event.timestamp for _, event in events], pa.int64()),
            pa.array([event.event_type for _, event in events], pa.string()),
            pa.array([event.value for _, event in events], pa.float32()),
        ],
        schema=IDENTITY,
    )


@dataclass(frozen=True, eq=False)
class InteractionTable:
    """Coded interactions; the rows of user `u` are `offsets[u]` to `offsets[u + 1]`, oldest first.

    Attributes:
        users: user codes.
        items: item codes.
        timestamps: epoch seconds.
        types: event type codes, -1 for none.
        values: event values, NaN for none.
        user_ids: users by code, sorted.
        item_ids: items by code, sorted.
        event_types: event types by code, sorted.
        offsets: one more than there are users.
        rows: for each kept row, its place in the table that was encoded.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    types: NDArray[np.int32]
    values: NDArray[np.float32]
    user_ids: list[str]
    item_ids: list[str]
    event_types: list[str]
    offsets: NDArray[np.int64]
    rows: NDArray[np.intp]

    @classmethod
    def encode(cls, table: pa.Table) -> Self:
        """Encode a table of `IDENTITY` columns and drop exact duplicates."""
        users, user_ids = _codes(table.column("USER_ID"))
        items, item_ids = _codes(table.column("ITEM_ID"))
        types, event_types = _codes(table.column("EVENT_TYPE"))
        times = table.column("TIMESTAMP").to_numpy()
        values = pc.fill_null(table.column("EVENT_VALUE"), float("nan")).to_numpy()
        values = values.astype(np.float32)
        bits = values.view(np.int32)
        order = np.lexsort((bits, types, items, times, users))
        columns = [column[order] for column in (users, times, items, types, bits)]
        kept = np.ones(len(order), dtype=np.bool_)
        if len(order):
            kept[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
        rows = order[kept]
        counts = np.bincount(users[rows], minlength=len(user_ids))
        return cls(
            users=users[rows],
            items=items[rows],
            timestamps=times[rows],
            types=types[rows],
            values=values[rows],
            user_ids=user_ids,
            item_ids=item_ids,
            event_types=event_types,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            rows=rows,
        )

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def user_index(self) -> dict[str, int]:
        """User codes by id."""
        return {name: code for code, name in enumerate(self.user_ids)}

    def select(self, kept: NDArray[np.bool_]) -> Self:
        """The rows that the mask keeps, with the same codes."""
        counts = np.bincount(self.users[kept], minlength=len(self.user_ids))
        return replace(
            self,
            users=self.users[kept],
            items=self.items[kept],
            timestamps=self.timestamps[kept],
            types=self.types[kept],
            values=self.values[kept],
            rows=self.rows[kept],
            offsets=np.concatenate([[0], np.cumsum(counts)]),
        )

    def recode_items(self, item_ids: list[str]) -> Self:
        """The same rows with item codes by `item_ids`, which is sorted and holds every item met."""
        index = {name: code for code, name in enumerate(item_ids)}
        recoded = np.array([index.get(name, -1) for name in self.item_ids], dtype=np.int32)
        return replace(self, items=recoded[self.items], item_ids=item_ids)

    def places(self, user_id: str) -> slice:
        """Where the user's rows stand; empty for an unknown user."""
        code = self.user_index.get(user_id)
        if code is None:
            return slice(0, 0)
        return slice(int(self.offsets[code]), int(self.offsets[code + 1]))


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """Codes in the order of the sorted distinct strings, -1 for null."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names: list[str] = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names) + 1, dtype=np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    rank[-1] = -1
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return rank[codes], [names[place] for place in order]
