"""Operations on schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import avro
from musicrec.local.personalize.errors import InvalidInputError, ResourceInUseError
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.resources import Dataset, Schema

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.region import Region


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateSchema`."""
    fields = _fields(params, lenient=region.life_cycle().schema_checks == "lenient")
    with region.lock:
        check_active(Schema, region.all(Schema))
        arn = region.arn(f"schema/{params['name']}")
        region.add(Schema(**common(region, arn, params), fields=fields))
    return {"schemaArn": arn}


def _fields(params: dict[str, Any], *, lenient: bool) -> DatasetSchema:
    try:
        return avro.parse(params["schema"], params.get("domain"))
    except InvalidInputError:
        if not lenient:
            raise
        return avro.DatasetSchema("", ())


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteSchema`."""
    with region.lock:
        schema = region.get(Schema, params["schemaArn"])
        users = [
            entry.arn for entry in region.all(Dataset) if schema in {entry.schema, entry.coming}
        ]
        if users:
            raise ResourceInUseError(f"Schema {schema.arn} is used by {', '.join(users)}.")
        region.remove(schema)
    return {}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSchema": create,
    "DescribeSchema": describe(Schema, "schema"),
    "ListSchemas": listing(Schema, "schemas"),
    "DeleteSchema": delete,
}
