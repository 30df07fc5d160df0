"""What a solution's configuration may say beyond what the service model checks.

Columns to train on and bounds of hyperparameter optimisation: the rules of AWS's
pages on configuring a solution.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.datasets import INTERACTIONS, ITEMS, USERS, of_group
from musicrec.local.personalize.errors import InvalidInputError

if TYPE_CHECKING:
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import DatasetGroup

MAX_TRAINING_JOBS: Final = {"maxNumberOfTrainingJobs": 40, "maxParallelTrainingJobs": 10}

_NEVER_EXCLUDED: Final = frozenset({"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"})


def check(region: Region, group: DatasetGroup, recipe: Recipe, config: dict[str, Any]) -> None:
    """Check a `solutionConfig`.

    Raises:
        InvalidInputError: a value is out of its range, or names what is not there.
    """
    hpo = config.get("hpoConfig", {})
    _check_jobs(hpo.get("hpoResourceConfig", {}))
    _check_ranges(recipe, hpo.get("algorithmHyperParameterRanges", {}))
    _check_event_type(region, group, config)
    columns = config.get("trainingDataConfig", {})
    _check_columns(region, group, columns.get("includedDatasetColumns", {}))
    excluded = columns.get("excludedDatasetColumns", {})
    _check_columns(region, group, excluded)
    for dataset, names in excluded.items():
        kept = sorted(_NEVER_EXCLUDED.intersection(names))
        if kept:
            raise InvalidInputError(f"{', '.join(kept)} cannot be excluded from {dataset}.")


def _check_jobs(resources: dict[str, str]) -> None:
    for name, most in MAX_TRAINING_JOBS.items():
        given = resources.get(name)
        if given is not None and not (re.fullmatch("[0-9]+", given) and 1 <= int(given) <= most):
            raise InvalidInputError(f"{name} must be a number from 1 to {most}, not '{given}'.")


def _check_ranges(recipe: Recipe, ranges: dict[str, list[dict[str, Any]]]) -> None:
    known = dict(recipe.hyperparameters)
    for entry in (entry for listed in ranges.values() for entry in listed):
        name = entry.get("name")
        if name not in known:
            raise InvalidInputError(
                f"Hyperparameter {name} is not supported by {recipe.name}; "
                f"it has {sorted(known) or 'none'}."
            )
        bounds = [entry[key] for key in ("minValue", "maxValue") if key in entry]
        for value in (*entry.get("values", []), *bounds):
            known[name].check(name, str(value))
        if bounds != sorted(bounds):
            raise InvalidInputError(f"The range of hyperparameter {name} is empty: {bounds}.")


def _check_event_type(region: Region, group: DatasetGroup, config: dict[str, Any]) -> None:
    dataset = of_group(region, group, INTERACTIONS)
    if "eventsConfig" in config and dataset and not dataset.schema.fields.field("EVENT_TYPE"):
        raise InvalidInputError(f"eventsConfig needs an EVENT_TYPE column in {dataset.arn}.")


def _check_columns(region: Region, group: DatasetGroup, by_dataset: dict[str, list[str]]) -> None:
    for name, columns in by_dataset.items():
        if name.upper() not in {INTERACTIONS, ITEMS, USERS}:
            raise InvalidInputError(f"trainingDataConfig names an unknown dataset type: {name}.")
        dataset = of_group(region, group, name.upper())
        known = {field.name for field in dataset.schema.fields.fields} if dataset else set(columns)
        missing = sorted(set(columns) - known)
        if missing:
            raise InvalidInputError(f"The {name} schema has no columns {missing}.")
