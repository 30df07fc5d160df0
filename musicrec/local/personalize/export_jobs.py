"""Export jobs: the contents of a dataset become a CSV file on S3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from musicrec.local.personalize import csv_files
from musicrec.local.personalize.csv_files import arrow_schema
from musicrec.local.personalize.interaction_table import InteractionTable, identity_columns
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.resources import Dataset, ExportJob
from musicrec.local.personalize.s3_files import split_location, write_file

if TYPE_CHECKING:
    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.interaction_log import InteractionLog, StreamedEvent
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.region import Region


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDatasetExportJob`; it exports what was put unless `ingestionMode` says otherwise."""
    dataset = region.get_active(Dataset, params["datasetArn"])
    split_location(params["jobOutput"]["s3DataDestination"]["path"])
    with region.lock:
        check_running(ExportJob, region.all(ExportJob))
        arn = region.arn(f"dataset-export-job/{params['jobName']}")
        settings = {"ingestionMode": "PUT"} | params
        job = region.add(ExportJob(**common(region, arn, settings), dataset=dataset))
    region.workers.start(region, job, partial(_export, region, job))
    return {"datasetExportJobArn": arn}


def _export(region: Region, job: ExportJob) -> None:
    dataset, mode = job.dataset, job.settings["ingestionMode"]
    schema = dataset.schema.fields
    if dataset.records is None:
        table = interactions(dataset.group.log, schema, mode)
    else:
        table = _metadata(dataset.records, mode)
    folder = job.settings["jobOutput"]["s3DataDestination"]["path"].rstrip("/")
    location = f"{folder}/{job.settings['jobName']}.csv"
    write_file(region.s3(job.settings["roleArn"]), location, csv_files.write(table))


def _metadata(records: MetadataRecords, mode: str) -> pa.Table:
    if mode == "BULK":
        return records.bulk()
    return records.put_rows() if mode == "PUT" else records.all()


def interactions(log: InteractionLog, schema: DatasetSchema, mode: str) -> pa.Table:
    """The interactions in all columns of the schema, by user and time, exact duplicates gone.

    Args:
        log: the group's interactions.
        schema: the dataset's.
        mode: `BULK`, `PUT` or `ALL`.
    """
    columns = arrow_schema(schema)
    parts = [columns.empty_table()]
    # Of two equal interactions the first is kept, and the imported one may know more columns.
    if mode != "PUT" and log.bulk is not None:
        parts.append(log.bulk)
    if mode != "BULK":
        rows = [_row(user, event) for user, event in log.streamed()]
        parts.append(pa.Table.from_pylist(rows, schema=columns))
    table = pa.concat_tables(parts)
    return table.take(pa.array(InteractionTable.encode(identity_columns(table)).rows))


def _row(user: str, event: StreamedEvent) -> dict[str, Any]:
    return event.properties | {
        "USER_ID": user,
        "ITEM_ID": event.item_id,
        "TIMESTAMP": event.timestamp,
        "EVENT_TYPE": event.event_type,
        "EVENT_VALUE": event.value,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDatasetExportJob": create,
    "DescribeDatasetExportJob": describe(ExportJob, "datasetExportJob"),
    "ListDatasetExportJobs": listing(ExportJob, "datasetExportJobs", "datasetArn"),
}
