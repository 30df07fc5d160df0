"""Data deletion jobs: users named in CSV files vanish from a group's datasets.

Models keep what they learnt until the next training, as the service's do.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import csv_files
from musicrec.local.personalize.avro import DatasetSchema, Field
from musicrec.local.personalize.datasets import INTERACTIONS, USERS, of_group
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.operation import (
    Operation,
    common,
    describe,
    list_page,
    narrowed,
)
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.resources import DatasetGroup, DeletionJob
from musicrec.local.personalize.s3_files import Limits, read_csv_files, split_location

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

LIMITS: Final = Limits(size=100_000_000)
"""Of all files of one job."""

USER_LIST: Final = DatasetSchema("Users", (Field("USER_ID", "string"),))


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDataDeletionJob`."""
    group = region.get_active(DatasetGroup, params["datasetGroupArn"])
    location = params["dataSource"].get("dataLocation")
    if location is None:
        raise InvalidInputError("dataSource.dataLocation must be given.")
    split_location(location)
    with region.lock:
        check_running(DeletionJob, [e for e in region.all(DeletionJob) if e.group is group])
        arn = region.arn(f"data-deletion-job/{params['jobName']}")
        job = region.add(DeletionJob(**common(region, arn, params), group=group))
    region.workers.start(region, job, partial(_delete, region, job))
    return {"dataDeletionJobArn": arn}


def list_jobs(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`ListDataDeletionJobs`, newest first."""
    jobs = narrowed(region.all(DeletionJob), "datasetGroupArn", params)
    return list_page(jobs, "dataDeletionJobs", params, newest_first=True)


def _delete(region: Region, job: DeletionJob) -> None:
    location = job.settings["dataSource"]["dataLocation"]
    files = read_csv_files(region.s3(job.settings["roleArn"]), location, LIMITS, recursive=True)
    table = csv_files.read(files, USER_LIST)
    users = set(table.column("USER_ID").to_pylist())
    region.after(job.passage, partial(_forget, region, job, users))


def _forget(region: Region, job: DeletionJob, users: set[str]) -> None:
    deleted = 0
    if of_group(region, job.group, INTERACTIONS):
        deleted += job.group.log.forget(users)
    described = of_group(region, job.group, USERS)
    if described and described.records:
        deleted += described.records.forget(users)
    job.settings["numDeleted"] = deleted


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDataDeletionJob": create,
    "DescribeDataDeletionJob": describe(DeletionJob, "dataDeletionJob"),
    "ListDataDeletionJobs": list_jobs,
}
