"""Operations on filters: an expression is parsed and held against the group's schemas when made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.avro import NUMERIC
from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.datasets import of_group, running_batches
from musicrec.local.personalize.errors import (
    InvalidInputError,
    LimitExceededError,
    ResourceInUseError,
)
from musicrec.local.personalize.filter_language import (
    COMPARISONS,
    CURRENT_USER,
    CurrentItem,
    FilterExpression,
    Texts,
    parse,
)
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.resources import DatasetGroup, Filter

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import Field
    from musicrec.local.personalize.filter_language import Condition
    from musicrec.local.personalize.region import Region

MAX_FIELDS: Final = 10
MAX_GROUP_FIELDS: Final = 20
"""Distinct fields of one filter, and of all filters of a group."""


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateFilter`."""
    expression = parse(params["filterExpression"])
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        arn = region.arn(f"filter/{params['name']}")
        region.require_free(arn)
        existing = members(region, Filter, group)
        check_active(Filter, existing)
        _check_field_counts(expression, existing)
        for condition in expression.conditions():
            _check_condition(region, group, condition)
        region.add(Filter(**common(region, arn, params), group=group, expression=expression))
    return {"filterArn": arn}


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteFilter`."""
    with region.lock:
        kept = region.get(Filter, params["filterArn"])
        users = [
            job.arn for job in running_batches(region) if job.settings.get("filterArn") == kept.arn
        ]
        if users:
            raise ResourceInUseError(f"Filter {kept.arn} is in use by {', '.join(users)}.")
        region.remove(kept)
    return {}


def _check_field_counts(expression: FilterExpression, existing: list[Filter]) -> None:
    fields = expression.fields()
    if len(fields) > MAX_FIELDS:
        raise InvalidInputError(
            f"A filter may use {MAX_FIELDS} distinct fields; this one uses {len(fields)}."
        )
    used = fields.union(*(entry.expression.fields() for entry in existing))
    if len(used) > MAX_GROUP_FIELDS:
        raise LimitExceededError(
            f"The filters of a dataset group may use {MAX_GROUP_FIELDS} distinct fields; "
            f"with this one they would use {len(used)}."
        )


def _check_condition(region: Region, group: DatasetGroup, condition: Condition) -> None:
    field = _field(region, group, condition.dataset, condition.field)
    if field.type == "boolean" or field.textual:
        kind = "textual" if field.textual else "boolean"
        raise InvalidInputError(
            f"Invalid Expression. The {kind} field {field.name} cannot be used in filters."
        )
    numeric = field.type in NUMERIC
    compares = condition.operator in COMPARISONS and not isinstance(condition.operand, Texts)
    if compares and not numeric:
        raise InvalidInputError(
            f"{condition.operator} compares numbers, but {field.name} is a {field.type}."
        )
    if isinstance(condition.operand, CurrentItem):
        other = _field(region, group, "ITEMS", condition.operand.field)
        if (other.type in NUMERIC) != numeric:
            raise InvalidInputError(f"{field.name} and {other.name} are of different types.")


def _field(region: Region, group: DatasetGroup, dataset: str, name: str) -> Field:
    kind = "USERS" if dataset == CURRENT_USER else dataset
    found = of_group(region, group, kind)
    if found is None:
        raise InvalidInputError(
            f"The dataset group {group.arn} has no {kind} dataset to filter by."
        )
    field = found.schema.fields.field(name)
    if field is None:
        names = [entry.name for entry in found.schema.fields.fields]
        raise InvalidInputError(f"The {kind} schema has no field {name}; it has {names}.")
    return field


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateFilter": create,
    "DescribeFilter": describe(Filter, "filter"),
    "ListFilters": listing(Filter, "Filters", "datasetGroupArn"),
    "DeleteFilter": delete,
}
