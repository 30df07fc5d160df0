"""Operations on recommenders: of a domain dataset group, a use case's model, trained and deployed.

Nothing is kept here that a custom group has not: a recommender trains a solution version of its own
and answers like a campaign of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import exploration
from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.datasets import INTERACTIONS, ITEMS, of_group
from musicrec.local.personalize.errors import InvalidInputError, ResourceInUseError
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.recipe_list import recipe_of
from musicrec.local.personalize.resources import (
    ACTIVE,
    CHANGING,
    FAILED,
    Campaign,
    DatasetGroup,
    Recommender,
    Solution,
    SolutionVersion,
)
from musicrec.local.personalize.solution_versions import train
from musicrec.local.personalize.solutions import check_columns

if TYPE_CHECKING:
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.region import Region

_DEFAULTS: Final = {"minRecommendationRequestsPerSecond": 1}

Config = dict[str, Any]


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateRecommender`; its training begins at once."""
    recipe = recipe_of(params["recipeArn"])
    config = _DEFAULTS | params.get("recommenderConfig", {})
    check_columns(config.get("trainingDataConfig", {}))
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        _check_recipe(region, recipe, group)
        exploration.check(recipe, config)
        arn = region.arn(f"recommender/{params['name']}")
        shared = common(region, arn, params | {"recommenderConfig": config})
        check_active(Recommender, members(region, Recommender, group))
        version = _version(region, arn, recipe, group, config)
        deployed = _deployed(region, version, config)
        recommender = region.add(Recommender(**shared, group=group, deployed=deployed))
    region.workers.start(region, recommender, partial(train, region, version))
    return {"recommenderArn": arn}


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateRecommender`; it learns anew when its columns change, and answers as before till then."""
    with region.lock:
        recommender = _unchanging(region, params)
        if recommender.status == FAILED:
            raise InvalidInputError(f"Recommender {recommender.arn} is in {FAILED} state.")
        before = recommender.settings["recommenderConfig"]
        config = before | params["recommenderConfig"]
        check_columns(config.get("trainingDataConfig", {}))
        exploration.check(recommender.deployed.version.solution.recipe, config)
        version = recommender.deployed.version
        retrain = config.get("trainingDataConfig") != before.get("trainingDataConfig")
        if retrain:
            recipe = version.solution.recipe
            version = _version(region, recommender.arn, recipe, recommender.group, config)
        now = region.clock()
        recommender.retraining = version if retrain else None
        recommender.update = {
            "recommenderConfig": config,
            "creationDateTime": now,
            "lastUpdatedDateTime": now,
        }
        if not retrain:
            _deploy(region, recommender, version, config)
    if retrain:
        region.workers.start(
            region, version, partial(_retrain, region, recommender, version, config)
        )
    return {"recommenderArn": recommender.arn}


def stop(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`StopRecommender`: it answers no more until it is started again."""
    return _switch(region, params, stopped=True)


def start(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`StartRecommender`, one that is INACTIVE; the real service also trains it anew, this does not."""
    return _switch(region, params, stopped=False)


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteRecommender`."""
    with region.lock:
        region.remove(_unchanging(region, params))
    return {}


def _switch(region: Region, params: dict[str, Any], *, stopped: bool) -> dict[str, Any]:
    with region.lock:
        recommender = _unchanging(region, params)
        wanted = ACTIVE if stopped else "INACTIVE"
        if recommender.status != wanted:
            raise InvalidInputError(
                f"Recommender {recommender.arn} is in {recommender.status} state, not {wanted}."
            )
        recommender.stopped, recommender.updated = stopped, region.clock()
        recommender.switching = region.life_cycle().passage("switching", region.clock)
    return {"recommenderArn": recommender.arn}


def _unchanging(region: Region, params: dict[str, Any]) -> Recommender:
    """The recommender, unless something is under way with it."""
    recommender = region.get(Recommender, params["recommenderArn"])
    retraining = recommender.retraining
    if recommender.status in CHANGING or (retraining and retraining.status in CHANGING):
        raise ResourceInUseError(f"Recommender {recommender.arn} is changing; wait for it.")
    return recommender


def _check_recipe(region: Region, recipe: Recipe, group: DatasetGroup) -> None:
    domain = group.settings.get("domain")
    if domain is None or recipe.domain != domain:
        raise InvalidInputError(
            f"The recipe {recipe.name} is not one of the dataset group's domain, which is {domain}."
        )
    for kind in (INTERACTIONS, ITEMS) if recipe.needs_items else (INTERACTIONS,):
        if of_group(region, group, kind) is None:
            raise InvalidInputError(
                f"The recipe {recipe.name} needs a dataset of type {kind}; {group.arn} has none."
            )


def _version(
    region: Region, arn: str, recipe: Recipe, group: DatasetGroup, config: Config
) -> SolutionVersion:
    """A version to train, known to the recommender alone."""
    settings: dict[str, Any] = {"solutionConfig": {}, "trainingMode": "FULL"}
    if "trainingDataConfig" in config:
        settings["solutionConfig"] = {"trainingDataConfig": config["trainingDataConfig"]}
    if recipe.learns_from:
        settings["eventType"] = recipe.learns_from
    now = region.clock()
    solution = Solution(
        arn=arn,
        settings=settings,
        created=now,
        updated=now,
        sequence=region.sequence + 1,
        group=group,
        recipe=recipe,
    )
    return SolutionVersion(
        arn=arn, settings=dict(settings), created=now, updated=now, solution=solution
    )


def _deployed(region: Region, version: SolutionVersion, config: Config) -> Campaign:
    now = region.clock()
    settings = {"campaignConfig": config}
    return Campaign(arn=version.arn, settings=settings, created=now, updated=now, version=version)


def _deploy(
    region: Region, recommender: Recommender, version: SolutionVersion, config: Config
) -> None:
    """Let the version answer by the configuration from now on."""
    recommender.deployed = _deployed(region, version, config)
    recommender.settings = recommender.settings | {"recommenderConfig": config}
    recommender.updated = region.clock()


def _retrain(
    region: Region, recommender: Recommender, version: SolutionVersion, config: Config
) -> None:
    train(region, version)
    with region.lock:
        _deploy(region, recommender, version, config)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateRecommender": create,
    "DescribeRecommender": describe(Recommender, "recommender"),
    "ListRecommenders": listing(Recommender, "recommenders", "datasetGroupArn"),
    "UpdateRecommender": update,
    "StartRecommender": start,
    "StopRecommender": stop,
    "DeleteRecommender": delete,
}
