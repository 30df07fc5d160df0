"""The columns of the three datasets, in one list each: the CSV header and the Avro schema follow.

Also the service's rules about schemas and values (developer guide, "Custom datasets and schemas"
and "Quotas"), which `musicrec.datasets.checks` applies.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

import pyarrow as pa
from msgspec import Struct

from musicrec.catalog import AUDIO_FEATURES
from musicrec.profile import USER_FIELDS

DatasetKind = Literal["interactions", "users", "items"]
AvroType = Literal["string", "long", "int", "float"]

KINDS: Final[tuple[DatasetKind, ...]] = ("interactions", "users", "items")

MAX_ID_CHARACTERS: Final = 256
MAX_TEXT_CHARACTERS: Final = 1000
"""Of a categorical value; a longer one fails the whole import job."""

MAX_METADATA_COLUMNS: Final[dict[DatasetKind, int]] = {"interactions": 5, "users": 25, "items": 100}
MAX_EVENT_TYPES_AND_OPTIONAL_COLUMNS: Final = 10
MIN_INTERACTIONS: Final = 1000
"""Of an import job, and of a training after its event types are chosen."""

MIN_REPEAT_USERS: Final = 25
"""Users with at least two interactions that a training needs."""

MAX_ROWS: Final[dict[DatasetKind, int]] = {"interactions": 3_000_000_000, "items": 5_000_000}
"""Model limits of the v2 recipes."""

MAX_IMPORT_BYTES: Final = 100 * 10**9
"""Of one FULL import."""

MAX_INCREMENT_BYTES: Final = 10**9
"""Of one INCREMENTAL import."""

RESERVED_WORDS: Final = frozenset(
    {
        "EVENT_TYPE",
        "EVENT_VALUE",
        "IMPRESSION",
        "RECOMMENDATION_ID",
        "EVENT_ATTRIBUTION_SOURCE",
        "CREATION_TIMESTAMP",
        "VALUE",
        "ACTION_EXPIRATION_TIMESTAMP",
        "REPEAT_FREQUENCY",
    }
)
"""Words that may not stand as a value in the data."""

_OWN_COLUMNS: Final = RESERVED_WORDS | {"USER_ID", "ITEM_ID", "TIMESTAMP"}
_ARROW: Final = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "float": pa.float64(),  # the text keeps every digit; Personalize rounds when it reads
}


class Column(Struct, frozen=True):
    """One column of a dataset.

    Attributes:
        name: in the header and in the schema.
        type: Avro type.
        nullable: whether a cell may be empty.
        categorical: whether a model trains on the text.
        multiple: whether a cell holds several categories, separated by `|`.
    """

    name: str
    type: AvroType
    nullable: bool = False
    categorical: bool = False
    multiple: bool = False

    @property
    def is_metadata(self) -> bool:
        """Whether the column counts against the limit of own columns."""
        return self.name not in _OWN_COLUMNS

    def avro(self) -> dict[str, Any]:
        """The column as a field of the Avro schema."""
        field: dict[str, Any] = {
            "name": self.name,
            "type": [self.type, "null"] if self.nullable else self.type,
        }
        return field | ({"categorical": True} if self.categorical else {})


class DatasetSchema(Struct, frozen=True):
    """What one dataset looks like.

    Attributes:
        kind: which dataset; its name in files and resources.
        columns: in the order of the CSV.
    """

    kind: DatasetKind
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The header."""
        return tuple(column.name for column in self.columns)

    @property
    def dataset_type(self) -> str:
        """Personalize's word for the kind, e.g. `Interactions`."""
        return self.kind.title()

    @property
    def arrow(self) -> pa.Schema:
        """The types in which rows are held before they become text."""
        return pa.schema([(column.name, _ARROW[column.type]) for column in self.columns])

    def avro(self) -> str:
        """The Avro schema as the JSON text that `CreateSchema` takes."""
        return json.dumps(
            {
                "type": "record",
                "name": self.dataset_type,
                "namespace": "com.amazonaws.personalize.schema",
                "fields": [column.avro() for column in self.columns],
                "version": "1.0",
            }
        )


INTERACTIONS: Final = DatasetSchema(
    "interactions",
    (
        Column("USER_ID", "string"),
        Column("ITEM_ID", "string"),
        Column("TIMESTAMP", "long"),
        Column("EVENT_TYPE", "string"),
        Column("EVENT_VALUE", "float", nullable=True),
    ),
)
"""EVENT_VALUE is the audible share of the track, known when it was completed or skipped."""

ITEMS: Final = DatasetSchema(
    "items",
    (
        Column("ITEM_ID", "string"),
        Column("GENRES", "string", nullable=True, categorical=True, multiple=True),
        Column("ARTIST", "string", nullable=True, categorical=True),
        Column("EXPLICIT", "string", nullable=True, categorical=True),
        Column("POPULARITY", "int", nullable=True),
        Column("DURATION_MS", "long", nullable=True),
        *(Column(name.upper(), "float", nullable=True) for name in AUDIO_FEATURES),
    ),
)
"""EXPLICIT is text since Personalize neither trains on booleans nor filters by them.

Without CREATION_TIMESTAMP a track counts as new from its first interaction on: neither the Kaggle
file nor the player knows when a track came out.
"""

USERS: Final = DatasetSchema(
    "users",
    (
        Column("USER_ID", "string"),
        *(
            Column(name, "string", nullable=True, categorical=True)
            if kind is str
            else Column(name, "float", nullable=True)
            for name, kind in USER_FIELDS.items()
        ),
    ),
)

SCHEMAS: Final[dict[DatasetKind, DatasetSchema]] = {
    schema.kind: schema for schema in (INTERACTIONS, USERS, ITEMS)
}


def fingerprint(kind: DatasetKind) -> str:
    """Eight digits that change with a dataset's Avro schema."""
    return hashlib.sha256(SCHEMAS[kind].avro().encode()).hexdigest()[:8]
