"""`GetRecommendations` and `GetPersonalizedRanking`.

A request reads what is there, computes and answers. It waits for no training: a campaign points at
an immutable model, and a newer one replaces it in one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import recipes
from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.datasets import ITEMS, USERS, records_of
from musicrec.local.personalize.errors import InvalidInputError, NotEmulatedError
from musicrec.local.personalize.filter_evaluation import FilterContext, allowed_items
from musicrec.local.personalize.history import model_history, recent_by_type
from musicrec.local.personalize.item_columns import ItemColumns
from musicrec.local.personalize.ranking import best, shown_scores
from musicrec.local.personalize.resources import Campaign, Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.operation import Operation
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

DEFAULT_RESULTS: Final = 25
MAX_RESULTS: Final = 500
MAX_RANKED: Final = 500
"""Length of a ranking's input list."""


def get_recommendations(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`GetRecommendations`."""
    count = _count(params)
    campaign, version, trained = _served(region, params)
    recipe = version.solution.recipe
    if recipe.kind == recipes.PERSONALIZED_RANKING:
        raise InvalidInputError(
            f"Campaign {campaign.arn} uses {recipe.name}; call GetPersonalizedRanking."
        )
    scores = _scores(campaign, version, trained, params)
    allowed = _allowed(region, campaign, version, trained, params)
    ranked = scores if allowed is None else np.where(allowed, scores, -np.inf)
    codes = best(ranked, count)
    items: list[dict[str, Any]] = [{"itemId": trained.item_ids[code]} for code in codes]
    if recipe.scored and items:
        for item, score in zip(items, shown_scores(scores, codes), strict=True):
            item["score"] = score
    return {"itemList": items, "recommendationId": _recommendation_id(region)}


def get_personalized_ranking(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`GetPersonalizedRanking`: items that the model does not know come last, without a score."""
    wanted = list(dict.fromkeys(params["inputList"]))
    if not 1 <= len(wanted) <= MAX_RANKED:
        raise InvalidInputError(f"inputList must have 1 to {MAX_RANKED} items, not {len(wanted)}.")
    campaign, version, trained = _served(region, params)
    recipe = version.solution.recipe
    if recipe.kind != recipes.PERSONALIZED_RANKING:
        raise InvalidInputError(
            f"Campaign {campaign.arn} uses {recipe.name}; call GetRecommendations."
        )
    allowed = _allowed(region, campaign, version, trained, params)
    known = [trained.item_index[item] for item in wanted if item in trained.item_index]
    unknown = [item for item in wanted if item not in trained.item_index]
    scores = _of_user(version, trained, params["userId"])
    ranked = np.full_like(scores, -np.inf)
    ranked[known] = scores[known]
    if allowed is not None:
        ranked[~allowed] = -np.inf
    codes = best(ranked, len(known))
    shown = shown_scores(ranked, codes) if len(codes) else []
    items: list[dict[str, Any]] = [
        {"itemId": trained.item_ids[code], "score": score}
        for code, score in zip(codes, shown, strict=True)
    ]
    items += [{"itemId": item} for item in unknown] if allowed is None else []
    return {"personalizedRanking": items, "recommendationId": _recommendation_id(region)}


def _count(params: dict[str, Any]) -> int:
    count = int(params.get("numResults", DEFAULT_RESULTS))
    if count > MAX_RESULTS:
        raise InvalidInputError(f"numResults must be at most {MAX_RESULTS}, not {count}.")
    return count


def _served(region: Region, params: dict[str, Any]) -> tuple[Campaign, SolutionVersion, Trained]:
    for name in ("metadataColumns", "promotions"):
        if params.get(name):
            raise NotEmulatedError(f"{name} of recommendations")
    if "recommenderArn" in params:
        raise NotEmulatedError("recommenders of domain dataset groups")
    if "campaignArn" not in params:
        raise InvalidInputError("campaignArn must be given.")
    campaign = region.get_active(Campaign, params["campaignArn"])
    version = serving(region, campaign)
    assert version.trained  # a campaign is made of an ACTIVE version only
    return campaign, version, version.trained


def _scores(
    campaign: Campaign, version: SolutionVersion, trained: Trained, params: dict[str, Any]
) -> NDArray[np.float32]:
    """The scores of all items by the recipe's way of asking."""
    recipe = version.solution.recipe
    if recipe.kind == recipes.RELATED_ITEMS:
        return _related(trained, _required(campaign, params, "itemId"))
    if recipe.kind == recipes.POPULAR_ITEMS:
        return trained.model.scores(np.empty(0, dtype=np.int32))
    return _of_user(version, trained, _required(campaign, params, "userId"))


def _required(campaign: Campaign, params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not value:
        raise InvalidInputError(f"{name} is required by the recipe of campaign {campaign.arn}.")
    return str(value)


def _related(trained: Trained, item_id: str) -> NDArray[np.float32]:
    """Neighbours of an item without itself; popular items for one that the model does not know."""
    code = trained.item_index.get(item_id)
    history = np.array([] if code is None else [code], dtype=np.int32)
    scores = trained.model.scores(history)
    scores[history] = -np.inf
    return scores


def _of_user(version: SolutionVersion, trained: Trained, user_id: str) -> NDArray[np.float32]:
    items, times = model_history(trained, version.solution.group.log, user_id)
    return trained.model.scores(items, times)


def _allowed(
    region: Region,
    campaign: Campaign,
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
) -> NDArray[np.bool_] | None:
    """The items that the request's filter lets through; None without a filter."""
    if "filterArn" not in params:
        if params.get("filterValues"):
            raise InvalidInputError("filterValues needs a filterArn.")
        return None
    kept = region.get_active(Filter, params["filterArn"])
    group = version.solution.group
    if kept.group is not group:
        raise InvalidInputError(f"Filter {kept.arn} is not of the dataset group of {campaign.arn}.")
    expression, user_id = kept.expression, params.get("userId")
    if any(clause.subject != "ITEMID" for clause in expression.clauses):
        raise InvalidInputError(f"Filter {kept.arn} selects users, not items.")
    if expression.needs_item() and version.solution.recipe.kind != recipes.RELATED_ITEMS:
        raise InvalidInputError(f"CurrentItem in {kept.arn} needs a related-items recipe.")
    if expression.needs_user() and not user_id:
        raise InvalidInputError(f"userId is required by filter {kept.arn}.")
    items = records_of(region, group, ITEMS)
    context = FilterContext(
        n_items=len(trained.item_ids),
        columns=_columns(version, trained, items),
        recent=recent_by_type(trained, group.log, user_id) if user_id else {},
        user=_record(records_of(region, group, USERS), user_id),
        item=_record(items, params.get("itemId")),
        values=params.get("filterValues", {}),
    )
    return allowed_items(expression, context)


def _columns(
    version: SolutionVersion, trained: Trained, items: MetadataRecords | None
) -> ItemColumns | None:
    """Item metadata by the model's codes, made anew after the metadata changed."""
    if items is None:
        return None
    columns = version.columns
    if columns is None or columns.version != items.version:
        columns = ItemColumns.of(items, trained.item_index)
        version.columns = columns
    return columns


def _record(records: MetadataRecords | None, identifier: str | None) -> dict[str, Any]:
    row = records.row(identifier) if records and identifier else None
    return {name.upper(): value for name, value in (row or {}).items()}


def _recommendation_id(region: Region) -> str:
    return f"RID-{region.new_id()}"


OPERATIONS: Final[dict[str, Operation]] = {
    "GetRecommendations": get_recommendations,
    "GetPersonalizedRanking": get_personalized_ranking,
}
