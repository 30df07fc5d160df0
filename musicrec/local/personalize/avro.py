"""Dataset schemas: the flat Avro records that Personalize takes, and its rules for each dataset type.

The rules are those of AWS's page on custom datasets and schemas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.strict_json import read_json

Kind = Literal["INTERACTIONS", "ITEMS", "USERS"]

NAMESPACE: Final = "com.amazonaws.personalize.schema"
TYPES: Final = frozenset({"float", "double", "int", "long", "string", "boolean", "null"})
NUMERIC: Final = frozenset({"float", "double", "int", "long"})

RECORD_NAMES: Final[dict[str, Kind]] = {
    "interactions": "INTERACTIONS",
    "items": "ITEMS",
    "users": "USERS",
}
"""The record's name, in lower case, tells the dataset type that the schema is for."""

RESERVED: Final = frozenset(
    {"EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"}
)
"""Names of Interactions columns that mean something to the service."""

KEYWORDS: Final = RESERVED | {"CREATION_TIMESTAMP"}
"""All reserved names; they do not do as values."""

MAX_ID: Final = 256
MAX_STRING: Final = 1000
MAX_TEXT: Final = 20_000
"""Characters of an id, of another string and of free text; longer free text is cut, not refused."""

MAX_EVENT_TYPES: Final = 10
"""Distinct event types of the Interactions together with the fields that `counted` gives."""

NOT_EMULATED_KINDS: Final = frozenset({"ACTIONS", "ACTION_INTERACTIONS"})


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes:
        name: of the column.
        type: Avro's primitive type, without null.
        nullable: whether null is in the union.
        categorical: several values may stand in a cell, joined by `|`.
        textual: free text.
    """

    name: str
    type: str
    nullable: bool = False
    categorical: bool = False
    textual: bool = False


@dataclass(frozen=True)
class DatasetSchema:
    """A checked schema.

    Attributes:
        record: the record's name.
        fields: the columns in the schema's order.
    """

    record: str
    fields: tuple[Field, ...]

    @property
    def counted(self) -> list[str]:
        """The optional fields of Interactions that share the limit `MAX_EVENT_TYPES`."""
        free = {*_RULES["INTERACTIONS"].required, *RESERVED} - {"EVENT_TYPE", "EVENT_VALUE"}
        return [field.name for field in self.fields if field.name not in free]

    @property
    def kind(self) -> Kind | None:
        """The dataset type that the record's name stands for; None for types not emulated."""
        return RECORD_NAMES.get(self.record.lower())

    def field(self, name: str) -> Field | None:
        """The column of that name, in any case."""
        wanted = name.upper()
        return next((field for field in self.fields if field.name.upper() == wanted), None)


@dataclass(frozen=True)
class _Rules:
    """What a dataset type asks of its schema: column types, and how many own columns it takes.

    Of the columns that a domain names, some must be categorical or textual.
    """

    required: dict[str, str]
    reserved: dict[str, str]
    own: int
    own_required: bool = False
    categorical: frozenset[str] = frozenset()
    textual: frozenset[str] = frozenset()


_RULES: Final[dict[Kind, _Rules]] = {
    "INTERACTIONS": _Rules(
        {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
        {
            "EVENT_TYPE": "string",
            "EVENT_VALUE": "float",
            "IMPRESSION": "string",
            "RECOMMENDATION_ID": "string",
            "EVENT_ATTRIBUTION_SOURCE": "string",
        },
        own=5,
    ),
    "ITEMS": _Rules(
        {"ITEM_ID": "string"}, {"CREATION_TIMESTAMP": "long"}, own=100, own_required=True
    ),
    "USERS": _Rules({"USER_ID": "string"}, {}, own=25, own_required=True),
}


_EVENTS: Final = replace(
    _RULES["INTERACTIONS"], required=_RULES["INTERACTIONS"].required | {"EVENT_TYPE": "string"}
)

_DOMAIN_RULES: Final[dict[tuple[str, Kind], _Rules]] = {
    ("ECOMMERCE", "INTERACTIONS"): _EVENTS,
    ("ECOMMERCE", "ITEMS"): _Rules(
        {"ITEM_ID": "string", "PRICE": "float", "CATEGORY_L1": "string"},
        {
            "CREATION_TIMESTAMP": "long",
            **dict.fromkeys(("CATEGORY_L2", "CATEGORY_L3", "PRODUCT_DESCRIPTION"), "string"),
            **dict.fromkeys(("AGE_GROUP", "ADULT", "GENDER"), "string"),
        },
        own=100,
        categorical=frozenset(
            {"CATEGORY_L1", "CATEGORY_L2", "CATEGORY_L3", "AGE_GROUP", "ADULT", "GENDER"}
        ),
        textual=frozenset({"PRODUCT_DESCRIPTION"}),
    ),
    ("VIDEO_ON_DEMAND", "INTERACTIONS"): _EVENTS,
    ("VIDEO_ON_DEMAND", "ITEMS"): _Rules(
        {"ITEM_ID": "string", "GENRES": "string", "CREATION_TIMESTAMP": "long"},
        {
            **dict.fromkeys(("PRICE", "DURATION", "AVERAGE_RATING"), "float"),
            **dict.fromkeys(("GENRE_L2", "GENRE_L3", "PRODUCT_DESCRIPTION"), "string"),
            **dict.fromkeys(("CONTENT_OWNER", "CONTENT_CLASSIFICATION"), "string"),
        },
        own=100,
        categorical=frozenset(
            {"GENRES", "GENRE_L2", "GENRE_L3", "CONTENT_OWNER", "CONTENT_CLASSIFICATION"}
        ),
        textual=frozenset({"PRODUCT_DESCRIPTION"}),
    ),
    ("VIDEO_ON_DEMAND", "USERS"): _Rules(
        {"USER_ID": "string"},
        {"SUBSCRIPTION_MODEL": "string"},
        own=25,
        own_required=True,
        categorical=frozenset({"SUBSCRIPTION_MODEL"}),
    ),
}
"""Where a domain asks for more, by its pages on datasets and schemas."""


def parse(text: str, domain: str | None = None) -> DatasetSchema:
    """Read and check a schema.

    Args:
        text: JSON.
        domain: of the dataset group that it is for; None for a custom one.

    Raises:
        InvalidInputError: it is no flat Avro record, or breaks a rule of its dataset type.
    """
    try:
        record = read_json(text)
    except ValueError as error:
        raise InvalidInputError(f"The schema is not valid JSON: {error}.") from error
    _check_record(record)
    schema = DatasetSchema(record["name"], tuple(_field(entry) for entry in record["fields"]))
    _check_unique(schema)
    if schema.kind:
        check_kind(schema, schema.kind, domain)
    return schema


def check_kind(schema: DatasetSchema, kind: Kind, domain: str | None = None) -> None:
    """Check that the schema can describe a dataset of `kind`, in a domain or outside of any.

    Raises:
        InvalidInputError: a required column is missing, or a reserved one has another type.
    """
    rules = _DOMAIN_RULES.get((domain or "", kind), _RULES[kind])
    missing = sorted(rules.required.keys() - {field.name for field in schema.fields})
    if missing:
        raise InvalidInputError(f"The {kind} schema lacks the required fields {missing}.")
    for field in schema.fields:
        _check_reserved(field, rules, kind)
    metadata = [
        field
        for field in schema.fields
        if field.name not in rules.required and field.name not in rules.reserved
    ]
    if len(metadata) > rules.own:
        raise InvalidInputError(
            f"The {kind} schema has {len(metadata)} metadata fields; {rules.own} are allowed."
        )
    if rules.own_required and not any(_trained_on(field) for field in metadata):
        raise InvalidInputError(
            f"The {kind} schema needs at least one metadata field that is categorical, textual or "
            "a number."
        )


def _trained_on(field: Field) -> bool:
    return field.categorical or field.textual or field.type in NUMERIC


def _check_record(record: Any) -> None:
    if not isinstance(record, dict) or record.get("type") != "record":
        raise InvalidInputError('The schema must be an Avro object of "type": "record".')
    name = record.get("name")
    known = {*RECORD_NAMES, "actions", "actioninteractions", "action_interactions"}
    if not isinstance(name, str) or name.lower() not in known:
        raise InvalidInputError(
            f"The schema's name {name!r} is none of Interactions, Items, Users, Actions."
        )
    if record.get("namespace") != NAMESPACE:
        raise InvalidInputError(f"The schema's namespace must be {NAMESPACE!r}.")
    if not isinstance(record.get("version"), str | int | float):
        raise InvalidInputError('The schema needs a "version", such as "1.0".')
    if not isinstance(record.get("fields"), list) or not record["fields"]:
        raise InvalidInputError("The schema needs a non-empty list of fields.")


def _field(entry: Any) -> Field:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise InvalidInputError(f"A schema field must be an object with a name: {entry!r}.")
    name, categorical = entry["name"], _flag(entry, "categorical")
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise InvalidInputError(f"The field name {name!r} may hold letters, digits and _ only.")
    kind, nullable = _type(name, entry.get("type"))
    textual = _flag(entry, "textual")
    if (categorical or textual) and kind != "string":
        raise InvalidInputError(f"Field {name} is categorical or textual but not a string.")
    if categorical and textual:
        raise InvalidInputError(f"Field {name} cannot be both categorical and textual.")
    return Field(name, kind, nullable, categorical, textual)


def _flag(entry: dict[str, Any], name: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInputError(f"Field {entry['name']}: {name} must be true or false.")
    return value


def _type(name: str, declared: Any) -> tuple[str, bool]:
    union = declared if isinstance(declared, list) else [declared]
    if not all(isinstance(part, str) and part in TYPES for part in union):
        raise InvalidInputError(
            f"Field {name} has the type {declared!r}; allowed are {sorted(TYPES)} and unions of "
            "one of them with null."
        )
    values = [part for part in union if part != "null"]
    if len(values) != 1 or len(union) > 2:
        raise InvalidInputError(f"Field {name} must have one type, or a union of one with null.")
    return values[0], len(union) == 2


def _check_unique(schema: DatasetSchema) -> None:
    seen: dict[str, str] = {}
    for field in schema.fields:
        plain = field.name.replace("_", "").upper()
        if plain in seen:
            raise InvalidInputError(
                f"Field names must differ in more than underscores: {seen[plain]}, {field.name}."
            )
        seen[plain] = field.name
    if sum(field.textual for field in schema.fields) > (1 if schema.kind == "ITEMS" else 0):
        raise InvalidInputError("Only an Items schema may have a textual field, and one at most.")


def _check_reserved(field: Field, rules: _Rules, kind: Kind) -> None:
    required = rules.required.get(field.name)
    expected = required or rules.reserved.get(field.name)
    if expected is None:
        return
    if field.type != expected:
        raise InvalidInputError(f"Field {field.name} of {kind} must be {expected}.")
    if required and field.nullable:
        raise InvalidInputError(f"The required field {field.name} of {kind} cannot be null.")
    for flag, names in (("categorical", rules.categorical), ("textual", rules.textual)):
        if getattr(field, flag) != (field.name in names):
            verb = "must" if field.name in names else "cannot"
            raise InvalidInputError(f"The reserved field {field.name} {verb} be {flag}.")
