"""What is learnt of a dataset while it is written, so that checks need no second reading."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from musicrec.datasets.schemas import RESERVED_WORDS, Column, DatasetSchema

if TYPE_CHECKING:
    from collections.abc import Iterable

DISTINCT_CAP: Final = 1001
"""Distinct categories are counted up to one more than the service recommends at most."""

_WAITING: Final = 2_000_000
"""Counts that are kept apart before they are added up; some 100 MB."""


class Facts:
    """Figures of one dataset, gathered table by table.

    Attributes:
        schema: the dataset's.
        rows: rows so far.
        size: bytes of the CSV.
        nulls: empty cells by column.
        longest: the longest text by column.
        categories: distinct values by categorical column, at most `DISTINCT_CAP` of them.
        reserved: cells that hold a reserved word, by column and word.
        repeated_ids: rows whose first column is not above the row's before; None where order says
            nothing about repetition (interactions).
    """

    def __init__(self, schema: DatasetSchema) -> None:
        self.schema = schema
        self.rows = 0
        self.size = 0
        self.nulls: Counter[str] = Counter()
        self.longest: dict[str, str] = {}
        self.categories: dict[str, set[str]] = {}
        self.reserved: Counter[tuple[str, str]] = Counter()
        self.repeated_ids = 0
        self._last_id = ""

    def observe(self, table: pa.Table) -> None:
        """Take in some rows."""
        self.rows += table.num_rows
        for column in self.schema.columns:
            values = table[column.name]
            self.nulls[column.name] += values.null_count
            if column.type == "string":
                self._observe_text(column, values)
        if self.schema.kind != "interactions":
            self._observe_ids(table.column(0).to_pylist())

    def _observe_text(self, column: Column, values: pa.ChunkedArray) -> None:
        distinct, amounts = counted(values)
        if not len(distinct):
            return
        lengths = pc.utf8_length(distinct)
        longest = distinct[pc.index(lengths, pc.max(lengths)).as_py()].as_py()
        self.longest[column.name] = max(self.longest.get(column.name, ""), longest, key=len)
        is_reserved = pc.is_in(distinct, pa.array(sorted(RESERVED_WORDS)))
        words = distinct.filter(is_reserved).to_pylist()
        cells = amounts.filter(is_reserved).to_pylist()
        for word, amount in zip(words, cells, strict=True):
            self.reserved[column.name, word] += amount
        if column.categorical:
            self._observe_categories(column, distinct)

    def _observe_categories(self, column: Column, distinct: pa.Array) -> None:
        known = self.categories.setdefault(column.name, set())
        for value in distinct.to_pylist():
            if len(known) >= DISTINCT_CAP:
                return
            known.update(value.split("|") if column.multiple else (value,))

    def _observe_ids(self, ids: Iterable[str]) -> None:
        for identifier in ids:
            self.repeated_ids += identifier <= self._last_id
            self._last_id = identifier


class InteractionTally:
    """How the interactions spread over users, items and event types.

    Attributes:
        types: interactions by event type.
        first: time of the oldest, epoch seconds; None without interactions.
        last: time of the newest.
    """

    def __init__(self) -> None:
        self._users, self._items = Tally(), Tally()
        self.types: Counter[str] = Counter()
        self.first: int | None = None
        self.last: int | None = None

    @property
    def users(self) -> Counter[str]:
        """Interactions by user id."""
        return self._users.counts

    @property
    def items(self) -> Counter[str]:
        """Interactions by item id."""
        return self._items.counts

    def observe(self, table: pa.Table) -> None:
        """Take in some rows of INTERACTIONS."""
        if not table.num_rows:
            return
        self._users.observe(table["USER_ID"])
        self._items.observe(table["ITEM_ID"])
        types = Tally()
        types.observe(table["EVENT_TYPE"])
        self.types.update(types.counts)
        bounds = pc.min_max(table["TIMESTAMP"]).as_py()
        self.first = min(self.first or bounds["min"], bounds["min"])
        self.last = max(self.last or bounds["max"], bounds["max"])

    def add_users(self, ids: pa.Array, amounts: pa.Array) -> None:
        """Add interactions that were counted elsewhere, by user id."""
        self._users.add(ids, amounts)

    def add_items(self, ids: pa.Array, amounts: pa.Array) -> None:
        """Add interactions that were counted elsewhere, by item id."""
        self._items.add(ids, amounts)

    def add_type(self, kind: str, amount: int, first: int, last: int) -> None:
        """Add interactions of one type that were counted elsewhere, with their times' bounds."""
        self.types[kind] += amount
        self.first = min(self.first or first, first)
        self.last = max(self.last or last, last)

    @property
    def repeat_users(self) -> int:
        """Users with at least two interactions."""
        return sum(amount > 1 for amount in self.users.values())


class Tally:
    """How often each text occurs, counted in Arrow: a million cells take a fraction of a second.

    Counts of tables wait until there are `_WAITING` of them and are then added up at once.
    """

    def __init__(self) -> None:
        nothing = pa.schema([("value", pa.string()), ("amount", pa.int64())]).empty_table()
        self._waiting = [nothing]
        self._counts: Counter[str] | None = None

    def observe(self, column: pa.ChunkedArray) -> None:
        """Count the cells of a column, which may be a dictionary."""
        self.add(*counted(column))

    def add(self, values: pa.Array, amounts: pa.Array) -> None:
        """Add counts of distinct texts."""
        self._counts = None
        self._waiting.append(pa.table({"value": values, "amount": amounts}))
        if sum(table.num_rows for table in self._waiting[1:]) > _WAITING:
            self._waiting = [self._summed()]

    @property
    def counts(self) -> Counter[str]:
        """The counts so far."""
        if self._counts is None:
            summed = self._summed()
            pairs = zip(summed["value"].to_pylist(), summed["amount"].to_pylist(), strict=True)
            self._counts = Counter(dict(pairs))
        return self._counts

    def _summed(self) -> pa.Table:
        together = pa.concat_tables(self._waiting).group_by("value", use_threads=False)
        return together.aggregate([("amount", "sum")]).rename_columns(["value", "amount"])


def counted(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """The distinct texts of a column, which may be a dictionary, and how often each occurs."""
    is_dictionary = pa.types.is_dictionary(column.type)
    encoded = (column.unify_dictionaries() if is_dictionary else column).combine_chunks()
    encoded = encoded if is_dictionary else encoded.dictionary_encode()
    codes = encoded.indices.drop_null().to_numpy()
    amounts = np.bincount(codes, minlength=len(encoded.dictionary))
    occurs = pa.array(amounts > 0)
    texts = encoded.dictionary.cast(pa.string())
    return texts.filter(occurs), pa.array(amounts).filter(occurs)


class Coverage:
    """How many interactions refer to a row of another dataset."""

    def __init__(self, references: Counter[str]) -> None:
        self._references = references
        self.known = 0

    def observe(self, table: pa.Table) -> None:
        """Take in some rows of the dataset that is referred to; its first column is the id."""
        self.known += sum(self._references[key] for key in table.column(0).to_pylist())

    @property
    def share(self) -> float:
        """The share of interactions whose reference exists; 1 when there are none."""
        total = self._references.total()
        return self.known / total if total else 1.0
