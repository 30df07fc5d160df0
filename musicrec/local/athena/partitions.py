"""The partitions of a table that a query has to read, and the objects in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from msgspec import Struct

from musicrec.local.athena.errors import QueryFailedError
from musicrec.local.athena.objects import S3Object, Store, folder, split_uri
from musicrec.local.athena.projection import Projection, projection

if TYPE_CHECKING:
    from musicrec.local.athena.catalog import Catalog, Table

HIVE_NULL: Final = "__HIVE_DEFAULT_PARTITION__"
"""The folder name of a null value."""


class Partition(Struct, frozen=True):
    """One partition, or a table that has none.

    Attributes:
        values: of the partition keys, typed.
        sources: its objects.
    """

    values: dict[str, Any]
    sources: list[S3Object]


Keep = Callable[[list[dict[str, Any]]], list[bool]]
"""Tells of each partition, by its values, whether the query can need it."""


class Partitions:
    """Finds partitions.

    Args:
        catalog: where they are registered.
        store: where they lie.
        clock: epoch seconds, for projected ranges up to now.
    """

    def __init__(self, catalog: Catalog, store: Store, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._store = store
        self._clock = clock

    def find(self, table: Table, keep: Keep, named: frozenset[str]) -> list[Partition]:
        """The partitions that have objects and that the query can need.

        Args:
            table: to read.
            keep: tells by the values.
            named: keys that the query holds to given values, as injected ones have to be.

        Raises:
            QueryFailedError: a value does not fit its key's type, or an injected key is not named.
        """
        if not table.partition_keys:
            return [Partition({}, list(self._store.readable(folder(table.location))))]
        projected = projection(table, self._clock)
        if projected is None:
            return self._registered(table, keep)
        for key in projected.injected:
            if key not in named:
                raise QueryFailedError(
                    "CONSTRAINT_VIOLATION",
                    f"For the injected projected partition column {key}, the WHERE clause must "
                    "contain only static equality conditions, and at least one such condition "
                    "must be present.",
                )
        return self._projected(table, projected, keep)

    def _registered(self, table: Table, keep: Keep) -> list[Partition]:
        registered = self._catalog.partitions(table.name)
        values = [typed(table, partition["Values"]) for partition in registered]
        chosen = [
            (value, partition["StorageDescriptor"]["Location"])
            for value, partition, kept in zip(values, registered, keep(values), strict=True)
            if kept
        ]
        return [
            Partition(value, list(self._store.readable(folder(location))))
            for value, location in chosen
        ]

    def _projected(self, table: Table, projected: Projection, keep: Keep) -> list[Partition]:
        skipped = len(split_uri(projected.root)[1])
        groups: dict[tuple[str, ...], list[S3Object]] = {}
        for source in self._store.readable(projected.root):
            found = projected.values(source.key[skipped:])
            if found is not None:
                key = tuple(found[name] for name in table.partition_keys.names)
                groups.setdefault(key, []).append(source)
        values = [typed(table, key) for key in groups]
        return [
            Partition(value, sources)
            for value, sources, kept in zip(values, groups.values(), keep(values), strict=True)
            if kept
        ]


def typed(table: Table, values: Iterable[str]) -> dict[str, Any]:
    """The values of a partition's keys in their columns' types.

    Raises:
        QueryFailedError: a value does not fit.
    """
    fitting = {}
    for field, value in zip(table.partition_keys, values, strict=True):
        try:
            text = None if value == HIVE_NULL else value
            fitting[field.name] = pa.scalar(text, pa.string()).cast(field.type).as_py()
        except pa.ArrowInvalid as error:
            raise QueryFailedError(
                "HIVE_INVALID_PARTITION_VALUE",
                f"Invalid partition value '{value}' for {field.type} partition key: {field.name}",
            ) from error
    return fitting
