"""`GetRecommendations` and `GetPersonalizedRanking`.

A request reads what is there, computes and answers. It waits for no training: a campaign points at
an immutable model, and a newer one replaces it in one step.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import item_metadata, recipes, request_filter
from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.errors import InvalidInputError, NotEmulatedError
from musicrec.local.personalize.promotions import mixed, promoted
from musicrec.local.personalize.ranking import best, shown_scores
from musicrec.local.personalize.resources import Campaign
from musicrec.local.personalize.scoring import all_scores, of_user

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
    campaign, version, trained = _served(region, params)
    recipe = version.solution.recipe
    if recipe.kind == recipes.PERSONALIZED_RANKING:
        raise InvalidInputError(
            f"Campaign {campaign.arn} uses {recipe.name}; call GetPersonalizedRanking."
        )
    names = item_metadata.requested(region, campaign, version, params)
    count = _count(params, with_metadata=bool(names))
    scores = all_scores(version, trained, params, region.clock())
    allowed = request_filter.allowed(region, version, trained, params)
    chosen = promoted(region, version, trained, params, scores=scores, count=count)
    ranked = scores.copy() if allowed is None else np.where(allowed, scores, -np.inf)
    ranked[chosen] = -np.inf
    ordinary = best(ranked, count - len(chosen))
    places = mixed(ordinary, chosen, _seed(params))
    items = entries(trained, [code for code, _ in places], scores if recipe.scored else None)
    for item, (_, is_promoted) in zip(items, places, strict=True):
        if is_promoted:
            item["promotionName"] = params["promotions"][0]["name"]
            item["reason"] = ["Promoted item"] if recipe.second_generation else None
    _add_metadata(region, version, trained, names, items)
    return {"itemList": items, "recommendationId": _recommendation_id(region)}


def get_personalized_ranking(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`GetPersonalizedRanking`: items that the model does not know come last, without a score."""
    campaign, version, trained = _served(region, params)
    recipe = version.solution.recipe
    if recipe.kind != recipes.PERSONALIZED_RANKING:
        raise InvalidInputError(
            f"Campaign {campaign.arn} uses {recipe.name}; call GetRecommendations."
        )
    names = item_metadata.requested(region, campaign, version, params)
    items = ranking(region, version, trained, params, item_metadata.MAX_ITEMS if names else None)
    _add_metadata(region, version, trained, names, items)
    return {"personalizedRanking": items, "recommendationId": _recommendation_id(region)}


def ranking(
    region: Region,
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
    most: int | None = None,
) -> list[dict[str, Any]]:
    """The entries of a ranking of `inputList`, duplicates ranked once.

    Raises:
        InvalidInputError: the list is empty or longer than `most`, or the filter does not fit.
    """
    wanted = list(dict.fromkeys(params["inputList"]))
    most = most or MAX_RANKED
    if not 1 <= len(params["inputList"]) <= most:
        raise InvalidInputError(
            f"inputList must have 1 to {most} items, not {len(params['inputList'])}."
        )
    allowed = request_filter.allowed(region, version, trained, params)
    known = [trained.item_index[item] for item in wanted if item in trained.item_index]
    scores = of_user(version, trained, params["userId"])
    ranked = np.full_like(scores, -np.inf)
    ranked[known] = scores[known]
    if allowed is not None:
        ranked[~allowed] = -np.inf
    items = entries(trained, best(ranked, len(known)).tolist(), ranked)
    if allowed is None:
        items += [{"itemId": item} for item in wanted if item not in trained.item_index]
    return items


def entries(
    trained: Trained, codes: list[int], scores: NDArray[np.float32] | None
) -> list[dict[str, Any]]:
    """The entries of an answer, with shares of `scores` unless the recipe shows none."""
    names = [trained.item_ids[code] for code in codes]
    if scores is None or not names:
        return [{"itemId": name} for name in names]
    shown = shown_scores(scores, np.array(codes))
    return [{"itemId": name, "score": score} for name, score in zip(names, shown, strict=True)]


def _add_metadata(
    region: Region,
    version: SolutionVersion,
    trained: Trained,
    names: list[str],
    items: list[dict[str, Any]],
) -> None:
    columns = item_metadata.columns_of(region, version, trained) if names else None
    if columns is None:
        return
    codes = [trained.item_index.get(item["itemId"], -1) for item in items]
    for item, shown in zip(items, item_metadata.values(columns, names, codes), strict=True):
        item["metadata"] = shown


def _seed(params: dict[str, Any]) -> str:
    """The same request places its promoted items alike."""
    return json.dumps(params, sort_keys=True)


def _count(params: dict[str, Any], *, with_metadata: bool) -> int:
    most = item_metadata.MAX_ITEMS if with_metadata else MAX_RESULTS
    count = int(params.get("numResults", DEFAULT_RESULTS))
    if count > most:
        beside = " with metadataColumns" if with_metadata else ""
        raise InvalidInputError(f"numResults must be at most {most}{beside}, not {count}.")
    return count


def _served(region: Region, params: dict[str, Any]) -> tuple[Campaign, SolutionVersion, Trained]:
    if "recommenderArn" in params:
        raise NotEmulatedError("recommenders of domain dataset groups")
    if "campaignArn" not in params:
        raise InvalidInputError("campaignArn must be given.")
    campaign = region.get_active(Campaign, params["campaignArn"])
    version = serving(region, campaign)
    assert version.trained  # a campaign is made of an ACTIVE version only
    return campaign, version, version.trained


def _recommendation_id(region: Region) -> str:
    return f"RID-{region.new_id()}"


OPERATIONS: Final[dict[str, Operation]] = {
    "GetRecommendations": get_recommendations,
    "GetPersonalizedRanking": get_personalized_ranking,
}
