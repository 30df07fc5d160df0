"""`GetRecommendations` and `GetPersonalizedRanking`.

A request reads what is there, computes and answers. It waits for no training: a campaign points at
an immutable model, and a newer one replaces it in one step.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import item_metadata, promotions, recipes, request_filter
from musicrec.local.personalize.auto_update import current
from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.exploration import Exploration, generator
from musicrec.local.personalize.history import of_request
from musicrec.local.personalize.promotions import promoted
from musicrec.local.personalize.ranking import best, shown_scores
from musicrec.local.personalize.resources import Campaign, Recommender
from musicrec.local.personalize.scoring import all_scores, of_user
from musicrec.local.personalize.selection import POPULAR, PROMOTED, Selected, Selection, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.history import History
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
    history = of_request(version, trained, params)
    scores = all_scores(version, trained, params, history, region.clock())
    chosen = promoted(region, version, trained, params, scores=scores, count=count)
    listed = recommended(
        region,
        version,
        trained,
        params,
        history,
        scores=scores,
        count=count - len(chosen),
        config=campaign.settings.get("campaignConfig", {}),
        taken=chosen,
    )
    if len(chosen):
        places = promotions.places(len(listed) + len(chosen), len(chosen), _seed(params))
        listed = mixed(listed, [Selected(code, PROMOTED) for code in chosen.tolist()], places)
    items = entries(trained, listed, scores if recipe.scored else None)
    for item, place in zip(items, listed, strict=True):
        if place.reason == PROMOTED:
            item["promotionName"] = params["promotions"][0]["name"]
        item["reason"] = [place.reason] if place.reason and recipe.second_generation else None
    _add_metadata(region, version, trained, names, items)
    return {"itemList": items, "recommendationId": _answered(region, campaign, items)}


def recommended(
    region: Region,
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
    history: History,
    *,
    scores: NDArray[np.float32],
    count: int,
    config: dict[str, Any],
    taken: NDArray[np.int64] | None = None,
) -> list[Selected]:
    """What a list holds beside promoted items.

    Args:
        region: gives filters and chance.
        version: says by which recipe.
        trained: its model.
        params: the request.
        history: of its user.
        scores: of every item code.
        count: places.
        config: says how much to explore: a campaign's, or a batch job's.
        taken: item codes that are listed already.
    """
    allowed = request_filter.allowed(region, version, trained, params)
    listable = scores > -np.inf
    if allowed is not None:
        listable &= allowed
    if taken is not None:
        listable[taken] = False
    newcomers = len(trained.item_ids) > trained.known
    return Selection(
        version=version,
        trained=trained,
        scores=scores,
        listable=listable,
        heard=history.items,
        exploration=Exploration.of(version.solution.recipe, config, newcomers=newcomers),
        chance=generator(region, version, trained, params.get("userId", ""), history.items),
    ).listed(count)


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
    return {"personalizedRanking": items, "recommendationId": _answered(region, campaign, items)}


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
    scores = of_user(trained, params, of_request(version, trained, params))
    ranked = np.full_like(scores, -np.inf)
    ranked[known] = scores[known]
    if allowed is not None:
        ranked[~allowed] = -np.inf
    listed = [Selected(code) for code in best(ranked, len(known)).tolist()]
    items = entries(trained, listed, ranked)
    if allowed is None:
        items += [{"itemId": item} for item in wanted if item not in trained.item_index]
    return items


def entries(
    trained: Trained, listed: list[Selected], scores: NDArray[np.float32] | None
) -> list[dict[str, Any]]:
    """The entries of an answer, with shares of `scores` unless the recipe shows none."""
    names = [trained.item_ids[place.code] for place in listed]
    if scores is None or not names:
        return [{"itemId": name} for name in names]
    shown = shown_scores(scores, np.array([place.code for place in listed]))
    return [
        {"itemId": name, "score": None if place.reason == POPULAR else score}
        for name, place, score in zip(names, listed, shown, strict=True)
    ]


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
    campaign = _addressed(region, params)
    version = serving(region, campaign)
    return campaign, version, current(region, version)


def _addressed(region: Region, params: dict[str, Any]) -> Campaign:
    """The campaign that the request names, or what a recommender has in its place."""
    if ("campaignArn" in params) == ("recommenderArn" in params):
        raise InvalidInputError("Give a campaignArn or a recommenderArn.")
    if "campaignArn" in params:
        return region.get_active(Campaign, params["campaignArn"])
    return region.get_active(Recommender, params["recommenderArn"]).deployed


def _answered(region: Region, campaign: Campaign, items: list[dict[str, Any]]) -> str:
    """A new recommendation id, by which events can refer to the list."""
    recommendation_id = f"RID-{region.new_id()}"
    shown = tuple(item["itemId"] for item in items)
    log = campaign.version.solution.group.log
    log.impressions.answered(recommendation_id, shown, campaign.arn)
    return recommendation_id


OPERATIONS: Final[dict[str, Operation]] = {
    "GetRecommendations": get_recommendations,
    "GetPersonalizedRanking": get_personalized_ranking,
}
