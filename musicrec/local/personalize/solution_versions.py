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
from musicrec.local.personalize.region import require_unchanging
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

_BY_ATTRIBUTES: Final = frozenset({"aws-item-attribute-affinity"})

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
    require_unchanging(solution)
    mode = params.get("trainingMode", "FULL")
    if mode == "AUTOTRAIN":
        raise NotEmulatedError("trainingMode AUTOTRAIN")
    if mode == "UPDATE":
        _check_update(region, solution)
    if of_group(region, solution.group, INTERACTIONS) is None:
        raise InvalidInputError(
            f"The dataset group {solution.group.arn} has no Interactions dataset to train on."
        )
    if solution.recipe.name in _BY_ATTRIBUTES and not of_group(region, solution.group, ITEMS):
        raise InvalidInputError(f"{solution.recipe.name} needs an Items dataset to train on.")
    return {"solutionVersionArn": _start(region, solution, params | {"trainingMode": mode}).arn}


def train_automatically(region: Region, solution: Solution) -> None:
    """Begin a training that nobody asked for.

    Raises:
        LimitExceededError: too many trainings run.
    """
    params = {"trainingMode": "FULL", "trainingType": "AUTOMATIC", "solutionArn": solution.arn}
    _start(region, solution, params)


def _start(region: Region, solution: Solution, params: dict[str, Any]) -> SolutionVersion:
    with region.lock:
        check_running(SolutionVersion, region.all(SolutionVersion))
        arn = f"{solution.arn}/{params.get('name') or region.new_id().hex[:8]}"
        echoed = {name: solution.settings[name] for name in _ECHOED if name in solution.settings}
        settings = {"trainingType": "MANUAL"} | params | echoed
        made = common(region, arn, settings)
        revision = solution.group.log.revision
        version = region.add(SolutionVersion(**made, solution=solution, revision=revision))
    region.workers.start(region, version, partial(train, region, version))
    return version


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
        solution.recipe,
        selection,
        solution.group.log,
        items,
        excluded=_excluded(region, version, ITEMS),
        config=version.settings.get("solutionConfig", {}),
        contexts=_contexts(region, version),
    )
    version.trained = fit(solution.recipe, selection, data)
    if version.settings["trainingMode"] == "UPDATE" and parent is not None:
        version.metrics = parent.metrics  # as the real service reports
    elif solution.recipe.kind == USER_SEGMENTATION:
        version.metrics = evaluate_segments(solution.recipe, data)
    else:
        version.metrics = evaluate(solution.recipe, selection, data)
    version.settings["trainingHours"] = round((region.clock() - started) / 3600, 6)


def _contexts(region: Region, version: SolutionVersion) -> list[str]:
    """The columns of Interactions that tell circumstances to the recipes that look at them."""
    dataset = of_group(region, version.solution.group, INTERACTIONS)
    if dataset is None or not version.solution.recipe.takes_context:
        return []
    excluded = _excluded(region, version, INTERACTIONS)
    fields = dataset.schema.fields.fields
    return [entry.name for entry in fields if entry.categorical and entry.name not in excluded]


def _excluded(region: Region, version: SolutionVersion, kind: str) -> frozenset[str]:
    """Columns of a dataset that are left out: those named or not named, and those added later."""
    solution = version.solution
    dataset = of_group(region, solution.group, kind)
    if dataset is None:
        return frozenset()
    later = {name for name, since in dataset.added.items() if since >= solution.sequence}
    config = version.settings.get("solutionConfig", {}).get("trainingDataConfig", {})
    included = _named(config.get("includedDatasetColumns", {}), kind)
    named = _named(config.get("excludedDatasetColumns", {}), kind) or set()
    if included is not None:
        named = {field.name for field in dataset.schema.fields.fields} - included
    return frozenset(later | named)


def _named(by_dataset: dict[str, list[str]], kind: str) -> set[str] | None:
    """The columns named for a dataset; None if that dataset is not named."""
    for dataset, columns in by_dataset.items():
        if dataset.upper() == kind:
            return set(columns)
    return None


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateSolutionVersion": create,
    "DescribeSolutionVersion": describe(SolutionVersion, "solutionVersion"),
    "ListSolutionVersions": listing(SolutionVersion, "solutionVersions", "solutionArn", Solution),
    "StopSolutionVersionCreation": stop,
    "GetSolutionMetrics": metrics,
}
