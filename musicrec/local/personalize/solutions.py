"""Operations on solutions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.datasets import running_batches
from musicrec.local.personalize.errors import (
    InvalidInputError,
    NotEmulatedError,
    ResourceInUseError,
)
from musicrec.local.personalize.operation import Operation, common, listing
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.recipe_list import recipe_of
from musicrec.local.personalize.resources import (
    CHANGING,
    Campaign,
    DatasetGroup,
    Solution,
    SolutionVersion,
)

if TYPE_CHECKING:
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.region import Region

_DEFAULTS: Final = {"performHPO": False, "performAutoML": False, "performAutoTraining": True}

_SHOWN: Final = ("solutionVersionArn", "status", "creationDateTime", "lastUpdatedDateTime")


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateSolution`. `performAutoTraining` is kept and echoed, but nothing trains by itself."""
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
        changes = params.get("solutionUpdateConfig", {})
        config = solution.settings.get("solutionConfig", {}) | changes
        settings = solution.settings | {"solutionConfig": config}
        if "performAutoTraining" in params:
            settings["performAutoTraining"] = params["performAutoTraining"]
        _check_config(solution.recipe, settings)
        now = region.clock()
        solution.settings, solution.updated = settings, now
        solution.update = {
            "solutionUpdateConfig": changes,
            "status": solution.status,
            "creationDateTime": now,
            "lastUpdatedDateTime": now,
            "performAutoTraining": settings["performAutoTraining"],
        }
    return {"solutionArn": solution.arn}


def describe(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DescribeSolution`."""
    solution = region.get(Solution, params["solutionArn"])
    versions = versions_of(region, solution)
    latest = versions[-1].view() if versions else None
    shown = None if latest is None else {name: latest[name] for name in _SHOWN}
    return {
        "solution": solution.view()
        | {"latestSolutionVersion": shown, "latestSolutionUpdate": solution.update}
    }


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteSolution`, with all its versions."""
    with region.lock:
        solution = region.get(Solution, params["solutionArn"])
        versions = versions_of(region, solution)
        users = [e.arn for e in region.all(Campaign) if not e.versions.isdisjoint(versions)]
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
    return [entry for entry in region.all(SolutionVersion) if entry.solution is solution]


def _check_config(recipe: Recipe, params: dict[str, Any]) -> None:
    if not recipe.trainable:
        raise NotEmulatedError(f"the recipe {recipe.name}")
    config = params.get("solutionConfig", {})
    if config.get("optimizationObjective", {}).get("objectiveSensitivity", "OFF") != "OFF":
        raise NotEmulatedError("optimizationObjective")
    if "eventsConfig" in config and not recipe.takes_events_config:
        raise InvalidInputError(f"eventsConfig is not supported by the recipe {recipe.name}.")
    if "eventsConfig" in config and "eventType" in params:
        raise InvalidInputError("Give eventsConfig or eventType, not both.")
    _check_events(config.get("eventsConfig", {}).get("eventParametersList", []))
    _check_threshold(config.get("eventValueThreshold"))
    _check_columns(config.get("trainingDataConfig", {}))
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


def _check_columns(config: dict[str, Any]) -> None:
    if "includedDatasetColumns" in config and "excludedDatasetColumns" in config:
        raise InvalidInputError("Give includedDatasetColumns or excludedDatasetColumns, not both.")
    for dataset, columns in config.get("excludedDatasetColumns", {}).items():
        if "EVENT_TYPE" in columns:
            raise InvalidInputError(f"EVENT_TYPE cannot be excluded from {dataset}.")


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSolution": create,
    "UpdateSolution": update,
    "DescribeSolution": describe,
    "ListSolutions": listing(Solution, "solutions", "datasetGroupArn"),
    "DeleteSolution": delete,
}
