"""A request's filter: checked against the request, fed with what it looks at, evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musicrec.local.personalize import recipes
from musicrec.local.personalize.datasets import ITEMS, USERS, records_of
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.filter_evaluation import FilterContext, allowed_items
from musicrec.local.personalize.history import recent_by_type
from musicrec.local.personalize.item_metadata import columns_of
from musicrec.local.personalize.resources import Filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained


def allowed(
    region: Region, version: SolutionVersion, trained: Trained, params: dict[str, Any]
) -> NDArray[np.bool_] | None:
    """The items that the request's filter lets through; None without a filter.

    Raises:
        ResourceNotFoundError: no such filter.
        InvalidInputError: the filter does not fit the campaign, or the request lacks what it needs.
    """
    if "filterArn" not in params:
        if params.get("filterValues"):
            raise InvalidInputError("filterValues needs a filterArn.")
        return None
    kept = region.get_active(Filter, params["filterArn"])
    _check(kept, version, params)
    return allowed_items(kept.expression, _context(region, kept, version, trained, params))


def _check(kept: Filter, version: SolutionVersion, params: dict[str, Any]) -> None:
    expression = kept.expression
    if kept.group is not version.solution.group:
        raise InvalidInputError(f"Filter {kept.arn} is of another dataset group than the campaign.")
    if any(clause.subject != "ITEMID" for clause in expression.clauses):
        raise InvalidInputError(f"Filter {kept.arn} selects users, not items.")
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
