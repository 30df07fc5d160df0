"""`GetRecommendations` and `GetPersonalizedRanking`.

A request reads what is there, computes and answers. It waits for no training: a campaign points at
an immutable model, and a newer one replaces it in one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import recipes, request_filter
from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.errors import InvalidInputError, NotEmulatedError
from musicrec.local.personalize.history import model_history
from musicrec.local.personalize.ranking import best, shown_scores
from musicrec.local.personalize.resources import Campaign

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    allowed = request_filter.allowed(region, version, trained, params)
    ranked = scores if allowed is None else np.where(allowed, scores, -np.inf)
    codes = best(ranked, count)
    items = _items(trained, codes, scores if recipe.scored else None)
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
    allowed = request_filter.allowed(region, version, trained, params)
    known = [trained.item_index[item] for item in wanted if item in trained.item_index]
    scores = _of_user(version, trained, params["userId"])
    ranked = np.full_like(scores, -np.inf)
    ranked[known] = scores[known]
    if allowed is not None:
        ranked[~allowed] = -np.inf
    items = _items(trained, best(ranked, len(known)), ranked)
    if allowed is None:
        items += [{"itemId": item} for item in wanted if item not in trained.item_index]
    return {"personalizedRanking": items, "recommendationId": _recommendation_id(region)}


def _items(
    trained: Trained, codes: NDArray[np.int64], scores: NDArray[np.float32] | None
) -> list[dict[str, Any]]:
    """The entries of an answer, with shares of `scores` unless the recipe shows none."""
    names = [trained.item_ids[code] for code in codes]
    if scores is None or not names:
        return [{"itemId": name} for name in names]
    shown = shown_scores(scores, codes)
    return [{"itemId": name, "score": score} for name, score in zip(names, shown, strict=True)]


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


def _recommendation_id(region: Region) -> str:
    return f"RID-{region.new_id()}"


OPERATIONS: Final[dict[str, Operation]] = {
    "GetRecommendations": get_recommendations,
    "GetPersonalizedRanking": get_personalized_ranking,
}
