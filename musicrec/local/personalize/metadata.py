"""The contents of an Items or Users dataset: what was imported and what was put, newest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from musicrec.local.personalize.csv_files import arrow_schema

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema


@dataclass(frozen=True)
class _Put:
    order: int
    row: dict[str, Any]


@dataclass(eq=False)
class MetadataRecords:
    """Rows by id. A later write replaces the whole record, whichever way it came.

    Attributes:
        schema: the dataset's.
        id_column: `ITEM_ID` or `USER_ID`.
        version: changes with every write.
    """

    schema: DatasetSchema
    id_column: str
    version: int = 0
    _lock: RLock = field(default_factory=RLock)
    _bulk: pa.Table | None = None
    _imported_at: int = 0
    _puts: dict[str, _Put] = field(default_factory=dict)
    _merged: tuple[int, pa.Table] | None = None

    def replace_bulk(self, table: pa.Table) -> None:
        """A FULL import: what was imported before goes, what was put stays."""
        with self._lock:
            self._bulk = _newest(table, self.id_column)
            self.version += 1
            self._imported_at = self.version

    def append_bulk(self, table: pa.Table) -> None:
        """An INCREMENTAL import: records of the same id are replaced."""
        with self._lock:
            before = self.bulk()
            self.replace_bulk(pa.concat_tables([before, table]))

    def put(self, identifier: str, row: dict[str, Any]) -> None:
        """A record from `PutItems` or `PutUsers`, by column names."""
        with self._lock:
            self.version += 1
            self._puts[identifier] = _Put(self.version, {self.id_column: identifier} | row)

    def widen(self, schema: DatasetSchema) -> None:
        """Take a schema with further nullable columns; what is there has null in them."""
        with self._lock:
            self._bulk = None if self._bulk is None else _widened(self._bulk, schema)
            self.schema = schema
            self.version += 1

    def forget(self, ids: set[str]) -> int:
        """Delete records; how many there were."""
        with self._lock:
            before = self.all().num_rows
            self._puts = {key: put for key, put in self._puts.items() if key not in ids}
            if self._bulk is not None:
                column = self._bulk.column(self.id_column)
                gone = pc.is_in(column, value_set=pa.array(sorted(ids), pa.string()))
                self._bulk = self._bulk.filter(pc.invert(gone))
            self.version += 1
            return int(before - self.all().num_rows)

    def bulk(self) -> pa.Table:
        """What was imported."""
        return arrow_schema(self.schema).empty_table() if self._bulk is None else self._bulk

    def put_rows(self) -> pa.Table:
        """What was put."""
        with self._lock:
            rows = [entry.row for entry in self._puts.values()]
        return _table(rows, self.schema)

    def all(self) -> pa.Table:
        """Everything, the newest record of each id."""
        with self._lock:
            if self._merged is None or self._merged[0] != self.version:
                self._merged = (self.version, self._merge())
            return self._merged[1]

    def row(self, identifier: str) -> dict[str, Any] | None:
        """One record by id; None if there is none."""
        entry = self._puts.get(identifier)
        if entry and entry.order > self._imported_at:
            return entry.row
        table = self.bulk()
        place = pc.index(table.column(self.id_column), identifier).as_py()
        if place >= 0:
            found: dict[str, Any] = table.slice(place, 1).to_pylist()[0]
            return found
        return entry.row if entry else None

    def _merge(self) -> pa.Table:
        bulk = self.bulk()
        if not self._puts:
            return bulk
        puts = [entry for entry in self._puts.values() if entry.order > self._imported_at]
        older = [entry for entry in self._puts.values() if entry.order <= self._imported_at]
        rows = [_table([entry.row for entry in group], self.schema) for group in (older, puts)]
        return _newest(pa.concat_tables([rows[0], bulk, rows[1]]), self.id_column)


def _table(rows: list[dict[str, Any]], schema: DatasetSchema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(schema))


def _widened(table: pa.Table, schema: DatasetSchema) -> pa.Table:
    wanted = arrow_schema(schema)
    present = set(table.column_names)
    columns = [
        table.column(entry.name) if entry.name in present else pa.nulls(table.num_rows, entry.type)
        for entry in wanted
    ]
    return pa.table(columns, schema=wanted)


def _newest(table: pa.Table, id_column: str) -> pa.Table:
    """The last row of each id, in the order of those rows."""
    places = pa.array(range(table.num_rows), pa.int64())
    last = (
        pa.table({"id": table.column(id_column), "place": places})
        .group_by("id")
        .aggregate([("place", "max")])
        .column("place_max")
    )
    if len(last) == table.num_rows:
        return table
    return table.take(last.combine_chunks().sort())
