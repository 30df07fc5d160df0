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
from musicrec.local.personalize.region import require_unchanging
from musicrec.local.personalize.resources import (
    ACTIVE,
    CHANGING,
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
    from musicrec.local.personalize.resources import Job

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
        made = Recommender(**shared, group=group, deployed=deployed, begun=version.created)
        recommender = region.add(made)
    region.workers.start(region, recommender, partial(_train, region, version, recommender))
    return {"recommenderArn": arn}


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateRecommender`; it learns anew when its columns change, and answers as before till then."""
    with region.lock:
        recommender = region.get_active(Recommender, params["recommenderArn"])
        require_unchanging(recommender)
        before = recommender.settings["recommenderConfig"]
        config = before | params["recommenderConfig"]
        check_columns(config.get("trainingDataConfig", {}))
        version, work = recommender.deployed.version, None
        recipe = version.solution.recipe
        exploration.check(recipe, config)
        if config.get("trainingDataConfig") != before.get("trainingDataConfig"):
            version = _version(region, recommender.arn, recipe, recommender.group, config)
            work = partial(_train, region, version)
            recommender.begun = version.created
        effect = partial(_deploy, region, recommender, version, config)
        region.change(recommender, {"recommenderConfig": config}, effect, work=work)
    return {"recommenderArn": recommender.arn}


def retrain(region: Region, recommender: Recommender) -> None:
    """Begin a training that nobody asked for; its model answers once it has had its time."""
    replaced = recommender.deployed
    recipe, config = replaced.version.solution.recipe, recommender.settings["recommenderConfig"]
    version = _version(region, recommender.arn, recipe, recommender.group, config)
    version.passage = region.life_cycle().passage("recommender", region.clock)
    recommender.begun, recommender.retraining = version.created, version

    def work() -> None:
        train(region, version)
        region.after(version.passage, partial(_renew, region, recommender, version, replaced))

    region.workers.start(region, version, work)


def _renew(
    region: Region, recommender: Recommender, version: SolutionVersion, replaced: Campaign
) -> None:
    """Let the version answer, unless an update has brought another one meanwhile."""
    with region.lock:
        if recommender.deployed.version is replaced.version:
            config = recommender.settings["recommenderConfig"]
            recommender.deployed = _deployed(region, version, config)


def stop(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`StopRecommender`: it answers no more until it is started again."""
    return _switch(region, params, stopped=True)


def start(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`StartRecommender`, one that is INACTIVE: it goes on with the model that it had."""
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
    if recommender.status in CHANGING or recommender.being_updated:
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
    solution.own = SolutionVersion(
        arn=arn, settings=dict(settings), created=now, updated=now, solution=solution
    )
    return solution.own


def _train(region: Region, version: SolutionVersion, job: Job) -> None:
    """Train the version as a part of the job, whose time is the version's."""
    train(region, version)
    with region.lock:
        version.passage = job.passage
        version.state, version.updated = ACTIVE, region.clock()


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


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateRecommender": create,
    "DescribeRecommender": describe(Recommender, "recommender"),
    "ListRecommenders": listing(Recommender, "recommenders", "datasetGroupArn"),
    "UpdateRecommender": update,
    "StartRecommender": start,
    "StopRecommender": stop,
    "DeleteRecommender": delete,
}
