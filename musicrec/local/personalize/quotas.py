"""AWS's default quotas, as far as they bound the number of resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musicrec.local.personalize.errors import LimitExceededError
from musicrec.local.personalize.resources import (
    CHANGING,
    BatchInferenceJob,
    BatchSegmentJob,
    Campaign,
    DatasetGroup,
    DeletionJob,
    ExportJob,
    Filter,
    ImportJob,
    Recommender,
    Schema,
    Solution,
    SolutionVersion,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicrec.local.personalize.resources import Resource

ACTIVE_LIMITS: Final[dict[type[Resource], int]] = {
    Schema: 500,
    DatasetGroup: 5,
    Solution: 10,
    Campaign: 5,
    Filter: 30,
    Recommender: 5,
}
"""Schemas and groups by region, the others by dataset group."""

RUNNING_LIMITS: Final[dict[type[Resource], int]] = {
    ImportJob: 5,
    ExportJob: 5,
    DeletionJob: 5,
    BatchInferenceJob: 5,
    BatchSegmentJob: 5,
    SolutionVersion: 20,
}
"""Jobs that may be pending or running in a region; of deletion jobs, in a dataset group. That of
export jobs is a guess."""


def check_active(kind: type[Resource], existing: Sequence[Resource]) -> None:
    """Check that one more may be made.

    Raises:
        LimitExceededError: the quota is used up.
    """
    limit = ACTIVE_LIMITS[kind]
    if len(existing) >= limit:
        raise LimitExceededError(
            f"More than {limit} resources in ACTIVE state. Please delete some and try again."
        )


def check_running(kind: type[Resource], existing: Sequence[Resource]) -> None:
    """Check that one more job may run.

    Raises:
        LimitExceededError: the quota is used up.
    """
    limit = RUNNING_LIMITS[kind]
    if sum(entry.status in CHANGING for entry in existing) >= limit:
        raise LimitExceededError(f"More than {limit} resources with PENDING or IN_PROGRESS status.")
