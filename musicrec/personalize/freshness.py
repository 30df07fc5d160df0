"""How old is what a stack answers from: the listening, the import, and the model trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from musicrec.datasets import manifest
from musicrec.personalize import imports, solutions
from musicrec.personalize.resources import find

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation


class NothingImportedError(LookupError):
    """The interactions dataset has no finished import, so there is no age to speak of."""

    def __init__(self, stack: str) -> None:
        super().__init__(f"nothing was imported into {stack} yet: run notebook 04 first")


class NotTrainedError(LookupError):
    """The solution is missing, or has no version."""

    def __init__(self, solution: str) -> None:
        super().__init__(f"solution {solution} has no trained version: run notebook 05 first")


class Freshness(Struct, frozen=True, kw_only=True):
    """What the newest model knows, and when it learnt it.

    Attributes:
        run_date: the build that was imported last, `YYYY-MM-DD`.
        days: interactions of that build, by the day on which they happened.
        imported_at: when that import was done.
        trained_at: when the newest version of the solution was begun.
    """

    run_date: str
    days: dict[str, int]
    imported_at: datetime
    trained_at: datetime

    @property
    def knows_the_import(self) -> bool:
        """Whether the model was trained after the newest import."""
        return self.trained_at >= self.imported_at

    @property
    def newest_day(self) -> str:
        """The last day of listening that was imported; empty when there is none."""
        return max(self.days, default="")

    def unseen(self, lake_days: Mapping[str, int]) -> dict[str, int]:
        """Events by day, for the days of the lake that the import did not have."""
        return {day: count for day, count in lake_days.items() if day not in self.days}

    def age_in_days(self, now: datetime) -> int:
        """Whole days since the training began."""
        return max(0, (now - self.trained_at).days)


def look(clients: Clients, deployment: Deployment, ground: Foundation, solution: str) -> Freshness:
    """What a solution's newest version and the newest import are.

    Args:
        clients: where to.
        deployment: whose bucket has the manifests.
        ground: whose interactions.
        solution: name of the solution.

    Raises:
        NothingImportedError: there is no import that has not failed.
        NotTrainedError: the solution has no version that has not failed.
        ManifestNotFoundError: the imported build's manifest has gone from the bucket.
    """
    client = clients.personalize
    job = imports.latest(clients, ground.dataset_arns["interactions"])
    if job is None:
        raise NothingImportedError(deployment.name)
    described = client.describe_dataset_import_job(datasetImportJobArn=job["datasetImportJobArn"])[
        "datasetImportJob"
    ]
    row = find(
        client, "list_solutions", "solutions", solution, datasetGroupArn=ground.dataset_group_arn
    )
    version = row and solutions.latest_version(clients, row["solutionArn"])
    if not version:
        raise NotTrainedError(solution)
    run_date = described["dataSource"]["dataLocation"].split("/")[-2]
    built = manifest.load(clients.s3, deployment.bucket, run_date)
    return Freshness(
        run_date=run_date,
        days=built.days,
        imported_at=described["lastUpdatedDateTime"],
        trained_at=version["creationDateTime"],
    )
