"""Import jobs: CSV files on S3 become the contents of a dataset, or the reason why not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from musicrec.local.personalize import attribution_reports, csv_files
from musicrec.local.personalize.avro import MAX_EVENT_TYPES
from musicrec.local.personalize.datasets import INTERACTIONS
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.region import require_unchanging
from musicrec.local.personalize.resources import Dataset, ImportJob
from musicrec.local.personalize.s3_files import GIGABYTE, Limits, read_csv_files, split_location
from musicrec.local.personalize.workers import JobFailedError

if TYPE_CHECKING:
    import pyarrow as pa

    from musicrec.local.personalize.region import Region

MIN_INTERACTIONS: Final = 1000
"""Rows that the files of one Interactions import must have, in either mode."""


LIMITS: Final = {"FULL": Limits(size=100 * GIGABYTE), "INCREMENTAL": Limits(size=GIGABYTE)}
"""Of the input of one job, by import mode."""


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDatasetImportJob`."""
    dataset = region.get_active(Dataset, params["datasetArn"])
    require_unchanging(dataset)
    mode = params.get("importMode", "FULL")
    if mode == "INCREMENTAL" and not dataset.imported:
        raise InvalidInputError("The first import into a dataset must be FULL, not INCREMENTAL.")
    if "roleArn" not in params:
        raise InvalidInputError("roleArn must name the role that may read the data location.")
    if "dataLocation" not in params["dataSource"]:
        raise InvalidInputError("dataSource.dataLocation must be given.")
    split_location(params["dataSource"]["dataLocation"])
    if params.get("publishAttributionMetricsToS3"):
        attribution_reports.check_publishing(region, dataset.group, dataset.kind)
    with region.lock:
        check_running(ImportJob, region.all(ImportJob))
        arn = region.arn(f"dataset-import-job/{params['jobName']}")
        settings = params | {"importMode": mode}
        job = region.add(ImportJob(**common(region, arn, settings), dataset=dataset))
    region.workers.start(region, job, partial(_import, region, job))
    return {"datasetImportJobArn": arn}


def _import(region: Region, job: ImportJob) -> None:
    dataset, mode = job.dataset, job.settings["importMode"]
    location = job.settings["dataSource"]["dataLocation"]
    files = read_csv_files(region.s3(job.settings["roleArn"]), location, LIMITS[mode])
    table = csv_files.read(files, dataset.schema.fields)
    if dataset.kind == INTERACTIONS:
        before = None if mode == "FULL" else dataset.group.log.bulk
        _check_interactions(dataset, table, before)
        attribution_reports.imported(region, job, table)
    region.after(job.passage, partial(_keep, region, job, table))


def _check_interactions(dataset: Dataset, table: pa.Table, before: pa.Table | None) -> None:
    """Check what AWS asks of Interactions.

    Args:
        dataset: where they go.
        table: what comes.
        before: what stays beside it.

    Raises:
        JobFailedError: they are too few, or of too many types.
    """
    if table.num_rows < MIN_INTERACTIONS:
        raise JobFailedError(
            f"The number of interactions must be at least {MIN_INTERACTIONS}; "
            f"the input has {table.num_rows}."
        )
    counted = dataset.schema.fields.counted
    types = {name for part in (table, before) for name in _event_types(part)}
    if len(types) + len(counted) > MAX_EVENT_TYPES:
        raise JobFailedError(
            f"The dataset would have {len(types)} event types and the optional columns "
            f"{', '.join(counted)}; together there may be {MAX_EVENT_TYPES}."
        )


def _event_types(table: pa.Table | None) -> list[str]:
    if table is None or "EVENT_TYPE" not in table.column_names:
        return []
    return [name for name in pc.unique(table.column("EVENT_TYPE")).to_pylist() if name is not None]


def _keep(region: Region, job: ImportJob, table: pa.Table) -> None:
    dataset = job.dataset
    contents = dataset.group.log if dataset.records is None else dataset.records
    if job.settings["importMode"] == "FULL":
        contents.replace_bulk(table)
    else:
        contents.append_bulk(table)
    dataset.imported = True
    dataset.updated = region.clock()


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDatasetImportJob": create,
    "DescribeDatasetImportJob": describe(ImportJob, "datasetImportJob"),
    "ListDatasetImportJobs": listing(ImportJob, "datasetImportJobs", "datasetArn"),
}
