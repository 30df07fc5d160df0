"""Operations on solutions."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import objective, solution_config
from musicrec.local.personalize.datasets import ITEMS, of_group, running_batches
from musicrec.local.personalize.errors import (
    InvalidInputError,
    NotEmulatedError,
    ResourceInUseError,
)
from musicrec.local.personalize.operation import Operation, common, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.recipe_list import recipe_of
from musicrec.local.personalize.region import require_unchanging
from musicrec.local.personalize.resources import (
    CHANGING,
    Campaign,
    DatasetGroup,
    Solution,
    SolutionVersion,
)
from musicrec.local.personalize.training_schedule import interval

if TYPE_CHECKING:
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.region import Region

_DEFAULTS: Final = {"performHPO": False, "performAutoML": False, "performAutoTraining": True}

_SHOWN: Final = ("solutionVersionArn", "status", "creationDateTime", "lastUpdatedDateTime")


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateSolution`."""
    if params.get("performAutoML"):
        raise NotEmulatedError("performAutoML")
    if params.get("performIncrementalUpdate"):
        raise NotEmulatedError("performIncrementalUpdate")
    if "recipeArn" not in params:
        raise InvalidInputError("recipeArn must be given when performAutoML is false.")
    recipe = recipe_of(params["recipeArn"])
    _check_config(recipe, params)
    with region.lock:
        group = region.get_active(DatasetGroup, params["datasetGroupArn"])
        solution_config.check(region, group, recipe, params.get("solutionConfig", {}))
        items = of_group(region, group, ITEMS)
        objective.check(
            recipe, params.get("solutionConfig", {}), items.schema.fields if items else None
        )
        arn = region.arn(f"solution/{params['name']}")
        region.require_free(arn)
        check_active(Solution, [e for e in region.all(Solution) if e.group is group])
        settings = _DEFAULTS | params
        region.add(Solution(**common(region, arn, settings), group=group, recipe=recipe))
    return {"solutionArn": arn}


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateSolution`: auto-training and event configuration; later trainings follow it."""
    if params.get("performIncrementalUpdate"):
        raise NotEmulatedError("performIncrementalUpdate")
    with region.lock:
        solution = region.get_active(Solution, params["solutionArn"])
        require_unchanging(solution)
        changes = params.get("solutionUpdateConfig", {})
        config = solution.settings.get("solutionConfig", {}) | changes
        settings = solution.settings | {"solutionConfig": config}
        if "performAutoTraining" in params:
            settings["performAutoTraining"] = params["performAutoTraining"]
        _check_config(solution.recipe, settings)
        solution_config.check(region, solution.group, solution.recipe, config)
        shown = {
            "solutionUpdateConfig": changes,
            "performAutoTraining": settings["performAutoTraining"],
        }
        region.change(solution, shown, partial(_replace, solution, settings))
    return {"solutionArn": solution.arn}


def _replace(solution: Solution, settings: dict[str, Any]) -> None:
    solution.settings = settings


def describe(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DescribeSolution`."""
    solution = region.get(Solution, params["solutionArn"])
    versions = versions_of(region, solution)
    latest = versions[-1].view() if versions else None
    shown = None if latest is None else {name: latest[name] for name in _SHOWN}
    return {
        "solution": solution.view()
        | {"latestSolutionVersion": shown, "latestSolutionUpdate": solution.latest_update}
    }


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteSolution`, with all its versions."""
    with region.lock:
        solution = region.get(Solution, params["solutionArn"])
        versions = versions_of(region, solution)
        used = [e for e in region.all(Campaign) if any(v in versions for v in e.versions)]
        users = [campaign.arn for campaign in used]
        users += [version.arn for version in versions if version.status in CHANGING]
        users += [job.arn for job in running_batches(region) if job.version in versions]
        if users:
            raise ResourceInUseError(f"Solution {solution.arn} is in use by {', '.join(users)}.")
        for version in versions:
            region.remove(version)
        region.remove(solution)
    return {}


def versions_of(region: Region, solution: Solution) -> list[SolutionVersion]:
    """The solution's versions, oldest first."""
    if solution.own is not None:
        return [solution.own]
    return [entry for entry in region.all(SolutionVersion) if entry.solution is solution]


def _check_config(recipe: Recipe, params: dict[str, Any]) -> None:
    if recipe.domain:
        raise InvalidInputError(
            f"The recipe {recipe.name} is one of the {recipe.domain} domain; make a recommender."
        )
    if not recipe.trainable:
        raise NotEmulatedError(f"the recipe {recipe.name}")
    config = params.get("solutionConfig", {})
    if "eventsConfig" in config and not recipe.takes_events_config:
        raise InvalidInputError(f"eventsConfig is not supported by the recipe {recipe.name}.")
    if "eventsConfig" in config and "eventType" in params:
        raise InvalidInputError("Give eventsConfig or eventType, not both.")
    _check_events(config.get("eventsConfig", {}).get("eventParametersList", []))
    interval(config)
    _check_threshold(config.get("eventValueThreshold"))
    check_columns(config.get("trainingDataConfig", {}))
    recipe.check_parameters(
        config.get("algorithmHyperParameters", {}),
        config.get("featureTransformationParameters", {}),
    )


def _check_events(listed: list[dict[str, Any]]) -> None:
    names = [entry.get("eventType") for entry in listed]
    if None in names:
        raise InvalidInputError("Each entry of eventParametersList needs an eventType.")
    if len(set(names)) != len(names):
        raise InvalidInputError(f"eventParametersList names an event type twice: {names}.")


def _check_threshold(threshold: str | None) -> None:
    if threshold is None:
        return
    try:
        number = float(threshold)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInputError(f"eventValueThreshold '{threshold}' is not a number.")


def check_columns(config: dict[str, Any]) -> None:
    """Check which columns a solution or a recommender is to learn from.

    Raises:
        InvalidInputError: some are included and others excluded, or one cannot be excluded.
    """
    if "includedDatasetColumns" in config and "excludedDatasetColumns" in config:
        raise InvalidInputError("Give includedDatasetColumns or excludedDatasetColumns, not both.")


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSolution": create,
    "UpdateSolution": update,
    "DescribeSolution": describe,
    "ListSolutions": listing(Solution, "solutions", "datasetGroupArn"),
    "DeleteSolution": delete,
}
