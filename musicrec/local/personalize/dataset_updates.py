"""`UpdateDataset`: another schema for an Items or Users dataset, which keeps its contents."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.datasets import check_domain
from musicrec.local.personalize.errors import InvalidInputError, ResourceInUseError
from musicrec.local.personalize.region import require_unchanging
from musicrec.local.personalize.resources import CHANGING, Dataset, ImportJob, Schema

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.operation import Operation
    from musicrec.local.personalize.region import Region


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateDataset`. Solutions that exist then do not train on the new columns."""
    with region.lock:
        dataset = region.get_active(Dataset, params["datasetArn"])
        require_unchanging(dataset)
        schema = region.get(Schema, params["schemaArn"])
        if dataset.records is None:
            raise InvalidInputError(
                f"Only Items and Users datasets can be updated; {dataset.arn} is {dataset.kind}."
            )
        if schema.fields.kind != dataset.kind:
            raise InvalidInputError(
                f"The schema {schema.arn} describes {schema.fields.record}, not {dataset.kind}."
            )
        check_domain(schema, dataset.group)
        added = added_fields(dataset.schema.fields, schema.fields)
        running = [job for job in region.all(ImportJob) if job.dataset is dataset]
        if any(job.status in CHANGING for job in running):
            raise ResourceInUseError(f"Dataset {dataset.arn} is being imported into; wait for it.")
        effect = partial(_replace, region, dataset, schema, added)
        region.change(dataset, {"schemaArn": schema.arn}, effect, brings=schema)
    return {"datasetArn": dataset.arn}


def _replace(region: Region, dataset: Dataset, schema: Schema, added: list[str]) -> None:
    assert dataset.records is not None  # only Items and Users are updated
    dataset.records.widen(schema.fields)
    dataset.added |= dict.fromkeys(added, region.sequence)
    dataset.schema = schema
    dataset.settings = dataset.settings | {"schemaArn": schema.arn}


def added_fields(old: DatasetSchema, new: DatasetSchema) -> list[str]:
    """The names of the fields that the new schema adds.

    Raises:
        InvalidInputError: it drops or changes a field of the old one, or a new one is not nullable.
    """
    by_name = {field.name: field for field in new.fields}
    for field in old.fields:
        if by_name.get(field.name) != field:
            raise InvalidInputError(
                f"The new schema must keep the field {field.name} with its type and attributes."
            )
    known = {field.name for field in old.fields}
    added = [field for field in new.fields if field.name not in known]
    for field in added:
        if not field.nullable:
            raise InvalidInputError(f"The new field {field.name} must allow null.")
    return [field.name for field in added]


OPERATIONS: Final[dict[str, Operation]] = {"UpdateDataset": update}
