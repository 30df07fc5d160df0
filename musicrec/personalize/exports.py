"""Exports: Personalize asked what it holds, to set beside what was sent."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from pyarrow import csv

from musicrec.personalize.waiting import PATIENT, Patience, wait_until_active

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import pyarrow as pa

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation

IngestionMode = Literal["ALL", "BULK", "PUT"]

_BLOCK: Final = 8 * 2**20


class HeldInteractions(Struct, frozen=True, kw_only=True):
    """What the interactions dataset holds, exact duplicates counted once.

    Attributes:
        rows: interactions.
        users: distinct users.
        items: distinct items.
        types: interactions by event type.
    """

    rows: int
    users: int
    items: int
    types: dict[str, int]


def count_interactions(
    clients: Clients,
    deployment: Deployment,
    foundation: Foundation,
    *,
    now: datetime,
    ingestion_mode: IngestionMode = "ALL",
    patience: Patience = PATIENT,
) -> HeldInteractions:
    """Export the interactions to `exports/` of the stack's bucket and count them there.

    Args:
        clients: where to.
        deployment: whose bucket and role.
        foundation: whose dataset.
        now: names the export; a second export at the same millisecond is refused by the service.
        ingestion_mode: all of them, or only those imported in bulk, or only those streamed.
        patience: how to wait.

    Raises:
        ResourceFailedError: the export failed, e.g. the role may not write the bucket.
    """
    moment = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"
    name = f"{deployment.name}-interactions-{ingestion_mode.lower()}-{moment}"
    prefix = f"exports/{name}/"
    export(
        clients,
        foundation.dataset_arns["interactions"],
        name=name,
        uri=f"s3://{deployment.bucket}/{prefix}",
        role_arn=deployment.personalize_role_arn,
        ingestion_mode=ingestion_mode,
        patience=patience,
    )
    return _count(_batches(clients, deployment.bucket, prefix))


def export(
    clients: Clients,
    dataset_arn: str,
    *,
    name: str,
    uri: str,
    role_arn: str,
    ingestion_mode: IngestionMode = "ALL",
    patience: Patience = PATIENT,
) -> str:
    """Export a dataset as CSV to an S3 folder, wait for it, and return the job's ARN."""
    client = clients.personalize
    arn = client.create_dataset_export_job(
        jobName=name,
        datasetArn=dataset_arn,
        ingestionMode=ingestion_mode,
        roleArn=role_arn,
        jobOutput={"s3DataDestination": {"path": uri}},
    )["datasetExportJobArn"]
    wait_until_active(
        lambda: client.describe_dataset_export_job(datasetExportJobArn=arn)["datasetExportJob"],
        f"export job {name}",
        patience,
    )
    return arn


def _batches(clients: Clients, bucket: str, prefix: str) -> Iterator[pa.RecordBatch]:
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for row in page.get("Contents", ()):
            if row["Key"].endswith(".csv") and row["Size"]:
                body = clients.s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()
                yield from _read(body)


def _read(body: bytes) -> Iterator[pa.RecordBatch]:
    yield from csv.open_csv(
        io.BytesIO(body),
        read_options=csv.ReadOptions(block_size=_BLOCK),
        parse_options=csv.ParseOptions(escape_char="\\"),
        convert_options=csv.ConvertOptions(
            include_columns=["USER_ID", "ITEM_ID", "EVENT_TYPE"],
            column_types={"USER_ID": "string", "ITEM_ID": "string", "EVENT_TYPE": "string"},
        ),
    )


def _count(batches: Iterator[pa.RecordBatch]) -> HeldInteractions:
    users: set[str] = set()
    items: set[str] = set()
    types: Counter[str] = Counter()
    for batch in batches:
        users.update(batch["USER_ID"].to_pylist())
        items.update(batch["ITEM_ID"].to_pylist())
        types.update(batch["EVENT_TYPE"].to_pylist())
    return HeldInteractions(
        rows=types.total(), users=len(users), items=len(items), types=dict(sorted(types.items()))
    )
