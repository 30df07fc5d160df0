"""Import jobs: CSV files on S3 become the contents of a dataset, or the reason why not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import csv_files
from musicrec.local.personalize.datasets import INTERACTIONS
from musicrec.local.personalize.errors import InvalidInputError, NotEmulatedError
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.resources import Dataset, ImportJob
from musicrec.local.personalize.s3_files import read_csv_files, split_location
from musicrec.local.personalize.workers import JobFailedError

if TYPE_CHECKING:
    import pyarrow as pa

    from musicrec.local.personalize.region import Region

MIN_INTERACTIONS: Final = 1000
"""Rows that the files of one Interactions import must have, in either mode."""


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDatasetImportJob`."""
    if params.get("publishAttributionMetricsToS3"):
        raise NotEmulatedError("metric attribution")
    dataset = region.get_active(Dataset, params["datasetArn"])
    mode = params.get("importMode", "FULL")
    if mode == "INCREMENTAL" and not dataset.imported:
        raise InvalidInputError("The first import into a dataset must be FULL, not INCREMENTAL.")
    if "roleArn" not in params:
        raise InvalidInputError("roleArn must name the role that may read the data location.")
    if "dataLocation" not in params["dataSource"]:
        raise InvalidInputError("dataSource.dataLocation must be given.")
    split_location(params["dataSource"]["dataLocation"])
    with region.lock:
        check_running(ImportJob, region.all(ImportJob))
        arn = region.arn(f"dataset-import-job/{params['jobName']}")
        settings = params | {"importMode": mode}
        job = region.add(ImportJob(**common(region, arn, settings), dataset=dataset))
    region.workers.start(region, job, partial(_import, region, job))
    return {"datasetImportJobArn": arn}


def _import(region: Region, job: ImportJob) -> None:
    dataset = job.dataset
    files = read_csv_files(region.aws.client("s3"), job.settings["dataSource"]["dataLocation"])
    table = csv_files.read(files, dataset.schema.fields)
    if dataset.kind == INTERACTIONS and table.num_rows < MIN_INTERACTIONS:
        raise JobFailedError(
            f"The number of interactions must be at least {MIN_INTERACTIONS}; "
            f"the input has {table.num_rows}."
        )
    _keep(dataset, table, full=job.settings["importMode"] == "FULL")
    dataset.imported = True
    dataset.updated = region.clock()


def _keep(dataset: Dataset, table: pa.Table, *, full: bool) -> None:
    contents = dataset.group.log if dataset.records is None else dataset.records
    if full:
        contents.replace_bulk(table)
    else:
        contents.append_bulk(table)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDatasetImportJob": create,
    "DescribeDatasetImportJob": describe(ImportJob, "datasetImportJob"),
    "ListDatasetImportJobs": listing(ImportJob, "datasetImportJobs", "datasetArn"),
}
