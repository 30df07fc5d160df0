"""A request's filter: checked against the request, fed with what it looks at, evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from musicrec.local.personalize import recipes
from musicrec.local.personalize.datasets import ITEMS, USERS, records_of
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.filter_evaluation import FilterContext, allowed_items
from musicrec.local.personalize.history import recent_by_type
from musicrec.local.personalize.item_columns import ItemColumns
from musicrec.local.personalize.item_metadata import columns_of
from musicrec.local.personalize.resources import Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained


def allowed(
    region: Region, version: SolutionVersion, trained: Trained, params: dict[str, Any]
) -> NDArray[np.bool_] | None:
    """The items that filters let through: the request's, and one that the recipe has of its own.

    None without either.

    Raises:
        ResourceNotFoundError: no such filter.
        InvalidInputError: the filter does not fit the campaign, or the request lacks what it needs.
    """
    chosen = _chosen(region, version, trained, params)
    hides, user_id = version.solution.recipe.hides, params.get("userId")
    if hides is None or not user_id:
        return chosen
    mask = np.ones(len(trained.item_ids), dtype=np.bool_) if chosen is None else chosen
    met = recent_by_type(trained, version.solution.group.log, user_id)
    mask[met.get(hides.upper(), [])] = False
    return mask


def _chosen(
    region: Region, version: SolutionVersion, trained: Trained, params: dict[str, Any]
) -> NDArray[np.bool_] | None:
    """The items that the request's filter lets through; None without a filter."""
    if "filterArn" not in params:
        if params.get("filterValues"):
            raise InvalidInputError("filterValues needs a filterArn.")
        return None
    kept = fitting(region, version, params["filterArn"], "ITEMID")
    _check(kept, version, params)
    return allowed_items(kept.expression, _context(region, kept, version, trained, params))


def allowed_users(
    region: Region, version: SolutionVersion, trained: Trained, params: dict[str, Any]
) -> NDArray[np.bool_] | None:
    """The users, by the training's codes, that a segment's filter lets through; None without one.

    Raises:
        ResourceNotFoundError: no such filter.
        InvalidInputError: the filter does not fit, or values are missing.
    """
    if "filterArn" not in params:
        if params.get("filterValues"):
            raise InvalidInputError("filterValues needs a filterArn.")
        return None
    kept = fitting(region, version, params["filterArn"], "USERID")
    context = FilterContext(
        n_items=len(trained.seen.user_ids),
        columns=_user_columns(region, version, trained),
        values=params.get("filterValues", {}),
    )
    return allowed_items(kept.expression, context)


def _user_columns(region: Region, version: SolutionVersion, trained: Trained) -> ItemColumns | None:
    records = records_of(region, version.solution.group, USERS)
    if records is None:
        return None
    columns = trained.layouts.users
    if columns is None or not columns.current(records):
        columns = ItemColumns.of(records, trained.seen.user_index)
        trained.layouts.users = columns
    return columns


def fitting(region: Region, version: SolutionVersion, arn: str, subject: str) -> Filter:
    """The filter of that ARN, if it can filter what the version gives.

    Args:
        region: where it is.
        version: of the same dataset group.
        arn: the filter's.
        subject: `ITEMID` or `USERID`.

    Raises:
        ResourceNotFoundError: no such filter.
        InvalidInputError: it is of another group, or selects something else.
    """
    kept = region.get_active(Filter, arn)
    if kept.group is not version.solution.group:
        raise InvalidInputError(f"Filter {kept.arn} is of another dataset group than the campaign.")
    selected = {"ITEMID": "items", "USERID": "users"}
    for clause in kept.expression.clauses:
        if clause.subject != subject:
            raise InvalidInputError(
                f"Filter {kept.arn} selects {selected[clause.subject]}, not {selected[subject]}."
            )
    return kept


def _check(kept: Filter, version: SolutionVersion, params: dict[str, Any]) -> None:
    expression = kept.expression
    if expression.needs_item() and version.solution.recipe.kind != recipes.RELATED_ITEMS:
        raise InvalidInputError(f"CurrentItem in {kept.arn} needs a related-items recipe.")
    if expression.needs_user() and not params.get("userId"):
        raise InvalidInputError(f"userId is required by filter {kept.arn}.")


def _context(
    region: Region,
    kept: Filter,
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
) -> FilterContext:
    items = records_of(region, kept.group, ITEMS)
    user_id = params.get("userId") if kept.expression.needs_user() else None
    return FilterContext(
        n_items=len(trained.item_ids),
        columns=columns_of(region, version, trained),
        recent=recent_by_type(trained, kept.group.log, user_id) if user_id else {},
        user=_record(records_of(region, kept.group, USERS), user_id),
        item=_record(items, params.get("itemId") if kept.expression.needs_item() else None),
        values=params.get("filterValues", {}),
    )


def _record(records: MetadataRecords | None, identifier: str | None) -> dict[str, Any]:
    row = records.row(identifier) if records and identifier else None
    return {name.upper(): value for name, value in (row or {}).items()}
