"""Solutions and their versions: what is trained, on which events, and how well it did."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from musicrec.personalize import cost, imports
from musicrec.personalize.resources import (
    ResourceMismatchError,
    create_or_get,
    find,
    listed,
)
from musicrec.personalize.waiting import FAILED, PATIENT, Patience, wait_until_active

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize.type_defs import EventsConfigTypeDef, SolutionConfigTypeDef

    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation

RECIPE_PREFIX: Final = "arn:aws:personalize:::recipe/"

EVENT_WEIGHTS: Final[Mapping[str, float]] = {"play": 0.3, "complete": 1.0}
"""How much an event of each type counts in training. Personalize takes every interaction as liking,
so skips are not listed, which leaves them out; a play is a promise, its completion the proof."""


_SHORT: Final[Mapping[str, str]] = {
    "normalized_discounted_cumulative_gain_at_": "NDCG@",
    "normalized_discounted_cumulative_gain_with_event_weights_at_": "NDCG by event weight@",
    "precision_at_": "precision@",
    "mean_reciprocal_rank_at_": "MRR@",
}
"""Of the service's names of metrics, before their list length."""


def recipe_arn(recipe: str) -> str:
    """The ARN of a recipe by its name, e.g. `aws-user-personalization-v2`."""
    return f"{RECIPE_PREFIX}{recipe}"


def family(recipe: str) -> cost.RecipeFamily:
    """How a recipe is billed: the second generation by interactions, earlier ones by hours."""
    return "v2" if recipe.endswith("-v2") else "before v2"


def weights_for(recipe: str) -> Mapping[str, float] | None:
    """`EVENT_WEIGHTS` where the recipe takes any, else None: it learns from skips as from liking."""
    return EVENT_WEIGHTS if family(recipe) == "v2" else None


def estimate(recipes: Iterable[str], interactions: int) -> cost.Estimate:
    """What a training of each recipe would cost, by its name.

    Args:
        recipes: names without `arn:...recipe/`.
        interactions: of the dataset, before event types are left out.
    """
    lines = (
        structs.replace(line, what=f"train {recipe.removeprefix('aws-')}")
        for recipe in recipes
        for line in cost.of_training(interactions, family=family(recipe)).lines
    )
    return cost.Estimate(lines=tuple(lines))


def ensure(
    clients: Clients,
    foundation: Foundation,
    name: str,
    recipe: str,
    *,
    event_weights: Mapping[str, float] | None = None,
    patience: Patience = PATIENT,
) -> str:
    """The ARN of the solution, made when it is missing; training is a step of its own.

    Automatic training stays off: it is on by default, trains every week and bills every time.

    Args:
        clients: where to.
        foundation: the dataset group.
        name: e.g. `musicrec-user-personalization-v2`.
        recipe: the recipe's name without `arn:...recipe/`.
        event_weights: see `EVENT_WEIGHTS`; only v2 recipes take any. None trains on all events.
        patience: how to wait.

    Raises:
        ResourceMismatchError: a solution of that name has another recipe or other weights.
        ResourceFailedError: the service could not make it.
    """
    client = clients.personalize
    config: SolutionConfigTypeDef = (
        {"eventsConfig": _events_config(event_weights)} if event_weights else {}
    )
    arn = create_or_get(
        partial(_arn, client, foundation.dataset_group_arn, name),
        lambda: client.create_solution(
            name=name,
            datasetGroupArn=foundation.dataset_group_arn,
            recipeArn=recipe_arn(recipe),
            performAutoTraining=False,
            solutionConfig=config,
        )["solutionArn"],
    )
    described = wait_until_active(
        lambda: client.describe_solution(solutionArn=arn)["solution"], f"solution {name}", patience
    )
    _require_same(described, name, recipe_arn(recipe), dict(event_weights or {}))
    return arn


def train(
    clients: Clients, solution_arn: str, *, retrain: bool = False, patience: Patience = PATIENT
) -> str:
    """The ARN of a version trained on what is imported now; waits until it is ACTIVE.

    The newest version is taken again, finished or not, unless an import came after it began.
    What was streamed since does not count: models follow streamed events without training.

    Args:
        clients: where to.
        solution_arn: whose version.
        retrain: train in any case.
        patience: how to wait.

    Raises:
        ResourceFailedError: the training failed; the message has the service's reason.
        WaitTimeoutError: the training goes on, but has not finished in time.
    """
    client = clients.personalize
    current = None if retrain else _current_version(clients, solution_arn)
    arn = (
        current
        or client.create_solution_version(solutionArn=solution_arn, trainingMode="FULL")[
            "solutionVersionArn"
        ]
    )
    wait_until_active(
        lambda: client.describe_solution_version(solutionVersionArn=arn)["solutionVersion"],
        f"training of {solution_arn.rsplit('/', 1)[1]}",
        patience,
    )
    return arn


def metrics(clients: Clients, version_arn: str) -> dict[str, float]:
    """The offline metrics that Personalize computed for a version, by its names, in their order.

    They come from a split by user (the newest 10 % of the histories of 10 % of users), so they do
    not compare with a split in time.
    """
    answer = clients.personalize.get_solution_metrics(solutionVersionArn=version_arn)
    return dict(sorted(answer["metrics"].items()))


def short_metrics(found: Mapping[str, float]) -> dict[str, float]:
    """Metrics as `metrics` gives them, by names that fit a table, e.g. `NDCG@10`."""
    return {_short(name): value for name, value in found.items()}


def latest_version(clients: Clients, solution_arn: str) -> Mapping[str, Any] | None:
    """The newest version of a solution that has not failed, or None."""
    rows = listed(
        clients.personalize,
        "list_solution_versions",
        "solutionVersions",
        solutionArn=solution_arn,
    )
    alive = [row for row in rows if row["status"] not in FAILED]
    return max(alive, key=lambda row: row["creationDateTime"], default=None)


def _current_version(clients: Clients, solution_arn: str) -> str | None:
    version = latest_version(clients, solution_arn)
    if version is None:
        return None
    solution = clients.personalize.describe_solution(solutionArn=solution_arn)["solution"]
    group = solution["datasetGroupArn"]
    datasets = listed(clients.personalize, "list_datasets", "datasets", datasetGroupArn=group)
    jobs = (imports.latest(clients, dataset["datasetArn"]) for dataset in datasets)
    newer = any(job and job["lastUpdatedDateTime"] > version["creationDateTime"] for job in jobs)
    return None if newer else str(version["solutionVersionArn"])


def _short(name: str) -> str:
    for long, short in _SHORT.items():
        depth = name.removeprefix(long)
        if depth != name and depth.isdecimal():
            return f"{short}{depth}"
    return name.replace("_", " ")


def _arn(client: PersonalizeClient, group: str, name: str) -> str | None:
    row = find(client, "list_solutions", "solutions", name, datasetGroupArn=group)
    return row["solutionArn"] if row else None


def _events_config(weights: Mapping[str, float]) -> EventsConfigTypeDef:
    return {
        "eventParametersList": [
            {"eventType": kind, "weight": weight} for kind, weight in weights.items()
        ]
    }


def _require_same(
    described: Mapping[str, Any], name: str, recipe: str, weights: dict[str, float]
) -> None:
    if described["recipeArn"] != recipe:
        raise ResourceMismatchError(
            f"solution {name}", f"the recipe {described['recipeArn']}", recipe
        )
    config = described.get("solutionConfig", {}).get("eventsConfig", {})
    has = {row["eventType"]: row["weight"] for row in config.get("eventParametersList", ())}
    if has != weights:
        raise ResourceMismatchError(f"solution {name}", f"the event weights {has}", weights)
