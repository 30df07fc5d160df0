"""All operations that are emulated, by name; every other one of the three services is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.local.personalize import (
    batch_inference,
    batch_segments,
    campaigns,
    dataset_groups,
    dataset_updates,
    datasets,
    deletion_jobs,
    event_trackers,
    export_jobs,
    filters,
    import_jobs,
    intake,
    metric_attributions,
    recipe_operations,
    recommenders,
    runtime,
    schemas,
    solution_versions,
    solutions,
    tags,
)

if TYPE_CHECKING:
    from musicrec.local.personalize.operation import Operation

OPERATIONS: Final[dict[str, Operation]] = (
    schemas.OPERATIONS
    | dataset_groups.OPERATIONS
    | datasets.OPERATIONS
    | dataset_updates.OPERATIONS
    | import_jobs.OPERATIONS
    | deletion_jobs.OPERATIONS
    | export_jobs.OPERATIONS
    | event_trackers.OPERATIONS
    | filters.OPERATIONS
    | recipe_operations.OPERATIONS
    | solutions.OPERATIONS
    | solution_versions.OPERATIONS
    | campaigns.OPERATIONS
    | recommenders.OPERATIONS
    | tags.OPERATIONS
    | intake.OPERATIONS
    | runtime.OPERATIONS
    | batch_inference.OPERATIONS
    | batch_segments.OPERATIONS
    | metric_attributions.OPERATIONS
)
