"""Operations on solution versions: training, stopping, metrics."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.datasets import INTERACTIONS, ITEMS, of_group, records_of
from musicrec.local.personalize.errors import (
    InvalidInputError,
    NotEmulatedError,
    ResourceInUseError,
)
from musicrec.local.personalize.evaluation import evaluate
from musicrec.local.personalize.event_selection import EventSelection
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.recipes import USER_SEGMENTATION
from musicrec.local.personalize.resources import (
    ACTIVE,
    CHANGING,
    IN_PROGRESS,
    PENDING,
    STOPPED,
    STOPPING,
    Solution,
    SolutionVersion,
)
from musicrec.local.personalize.segment_evaluation import evaluate_segments
from musicrec.local.personalize.solutions import versions_of
from musicrec.local.personalize.training import collect, fit

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

_ECHOED: Final = (
    "performHPO",
    "performAutoML",
    "performIncrementalUpdate",
    "recipeArn",
    "eventType",
    "datasetGroupArn",
    "solutionConfig",
)


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateSolutionVersion`."""
    solution = region.get_active(Solution, params["solutionArn"])
    mode = params.get("trainingMode", "FULL")
    if mode == "AUTOTRAIN":
        raise NotEmulatedError("trainingMode AUTOTRAIN")
    if mode == "UPDATE":
        _check_update(region, solution)
    if of_group(region, solution.group, INTERACTIONS) is None:
        raise InvalidInputError(
            f"The dataset group {solution.group.arn} has no Interactions dataset to train on."
        )
    with region.lock:
        check_running(SolutionVersion, region.all(SolutionVersion))
        arn = f"{solution.arn}/{params.get('name') or region.new_id().hex[:8]}"
        echoed = {name: solution.settings[name] for name in _ECHOED if name in solution.settings}
        settings = params | echoed | {"trainingMode": mode, "trainingType": "MANUAL"}
        version = region.add(SolutionVersion(**common(region, arn, settings), solution=solution))
    region.workers.start(region, version, partial(train, region, version))
    return {"solutionVersionArn": arn}


def stop(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`StopSolutionVersionCreation`: at once while pending, else when the computation ends."""
    with region.lock:
        version = region.get(SolutionVersion, params["solutionVersionArn"])
        if version.status not in {PENDING, IN_PROGRESS}:
            raise InvalidInputError(
                f"Solution version {version.arn} is in {version.status} state; "
                "only one that is being created can be stopped."
            )
        computing = version.status == IN_PROGRESS and not version.finished.is_set()
        version.state = STOPPING if computing else STOPPED
        version.updated = region.clock()
    return {}


def metrics(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`GetSolutionMetrics`."""
    version = region.get(SolutionVersion, params["solutionVersionArn"])
    if version.status in CHANGING:
        raise ResourceInUseError(f"Solution version {version.arn} is in {version.status} state.")
    if version.status != ACTIVE:
        raise InvalidInputError(
            f"Solution version {version.arn} is in {version.status} state and has no metrics."
        )
    return {"solutionVersionArn": version.arn, "metrics": version.metrics}


def latest_active(region: Region, solution: Solution) -> SolutionVersion | None:
    """The newest version that can be deployed; None if there is none."""
    ready = [entry for entry in versions_of(region, solution) if entry.status == ACTIVE]
    return ready[-1] if ready else None


def _check_update(region: Region, solution: Solution) -> None:
    if not solution.recipe.updatable:
        raise InvalidInputError(
            f"trainingMode UPDATE is not supported by the recipe {solution.recipe.name}."
        )
    if latest_active(region, solution) is None:
        raise InvalidInputError("trainingMode UPDATE needs an ACTIVE version trained in FULL mode.")


def train(region: Region, version: SolutionVersion) -> None:
    """Fit and evaluate the version's model.

    Raises:
        JobFailedError: the data do not reach AWS's minimums.
    """
    started = region.clock()
    solution = version.solution
    parent = latest_active(region, solution)
    selection = EventSelection.of(version.settings)
    items = records_of(region, solution.group, ITEMS)
    data = collect(
        solution.recipe, selection, solution.group.log, items, _excluded(region, version)
    )
    version.trained = fit(solution.recipe, selection, data)
    if version.settings["trainingMode"] == "UPDATE" and parent is not None:
        version.metrics = parent.metrics  # as the real service reports
    elif solution.recipe.kind == USER_SEGMENTATION:
        version.metrics = evaluate_segments(solution.recipe, data)
    else:
        version.metrics = evaluate(solution.recipe, selection, data)
    version.settings["trainingHours"] = round((region.clock() - started) / 3600, 6)


def _excluded(region: Region, version: SolutionVersion) -> frozenset[str]:
    """Columns of Items that are left out: those named or not named, and those added later."""
    solution = version.solution
    dataset = of_group(region, solution.group, ITEMS)
    if dataset is None:
        return frozenset()
    later = {name for name, since in dataset.added.items() if since >= solution.sequence}
    config = version.settings.get("solutionConfig", {}).get("trainingDataConfig", {})
    included = _of_items(config.get("includedDatasetColumns", {}))
    named = _of_items(config.get("excludedDatasetColumns", {})) or set()
    if included is not None:
        named = {field.name for field in dataset.schema.fields.fields} - included - {"ITEM_ID"}
    return frozenset(later | named)


def _of_items(by_dataset: dict[str, list[str]]) -> set[str] | None:
    """The columns named for Items; None if that dataset is not named."""
    for dataset, columns in by_dataset.items():
        if dataset.upper() == ITEMS:
            return set(columns)
    return None


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSolutionVersion": create,
    "DescribeSolutionVersion": describe(SolutionVersion, "solutionVersion"),
    "ListSolutionVersions": listing(SolutionVersion, "solutionVersions", "solutionArn", Solution),
    "StopSolutionVersionCreation": stop,
    "GetSolutionMetrics": metrics,
}
