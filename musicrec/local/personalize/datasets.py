"""Operations on datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from musicrec.local.personalize import avro
from musicrec.local.personalize.dataset_groups import members
from musicrec.local.personalize.errors import (
    InvalidInputError,
    NotEmulatedError,
    ResourceInUseError,
)
from musicrec.local.personalize.metadata import MetadataRecords
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.resources import (
    CHANGING,
    FAILED,
    BatchInferenceJob,
    BatchSegmentJob,
    Campaign,
    Dataset,
    DatasetGroup,
    DeletionJob,
    EventTracker,
    ExportJob,
    Filter,
    ImportJob,
    MetricAttribution,
    Recommender,
    Schema,
    SolutionVersion,
)

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

INTERACTIONS: Final = "INTERACTIONS"
ITEMS: Final = "ITEMS"
USERS: Final = "USERS"

_ID_COLUMNS: Final = {ITEMS: "ITEM_ID", USERS: "USER_ID"}


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateDataset`."""
    kind = _kind(params["datasetType"])
    schema = region.get(Schema, params["schemaArn"])
    group = region.get_active(DatasetGroup, params["datasetGroupArn"])
    if schema.fields.kind != kind:
        raise InvalidInputError(
            f"The schema {schema.arn} describes {schema.fields.record}, not {kind}."
        )
    check_domain(schema, group)
    arn = region.arn(f"dataset/{group.settings['name']}/{kind}")
    records = MetadataRecords(schema.fields, _ID_COLUMNS[kind]) if kind in _ID_COLUMNS else None
    settings = params | {"datasetType": kind}
    region.add(
        Dataset(
            **common(region, arn, settings), group=group, kind=kind, schema=schema, records=records
        )
    )
    return {"datasetArn": arn}


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteDataset`; AWS's old notebooks also delete an EVENT_INTERACTIONS that is no more."""
    if params["datasetArn"].endswith("/EVENT_INTERACTIONS"):
        return {}
    with region.lock:
        dataset = region.get(Dataset, params["datasetArn"])
        users = _users(region, dataset)
        if users:
            raise ResourceInUseError(
                f"Dataset {dataset.arn} is in use by {', '.join(users)}; delete or await them first."
            )
        region.remove(dataset)
        if dataset.kind == INTERACTIONS:
            dataset.group.log.clear()
    return {}


def check_domain(schema: Schema, group: DatasetGroup) -> None:
    """Check that a dataset of the group may have the schema.

    Raises:
        InvalidInputError: one is of a domain and the other of none, or of another one.
    """
    if schema.settings.get("domain") != group.settings.get("domain"):
        raise InvalidInputError(
            f"The schema {schema.arn} and the dataset group {group.arn} are not of the same domain."
        )


def of_group(region: Region, group: DatasetGroup, kind: str) -> Dataset | None:
    """The group's dataset of a type; None if there is none."""
    found = [entry for entry in members(region, Dataset, group) if entry.kind == kind]
    return found[0] if found else None


def records_of(region: Region, group: DatasetGroup, kind: str) -> MetadataRecords | None:
    """The contents of the group's Items or Users dataset; None if there is none."""
    dataset = of_group(region, group, kind)
    return dataset.records if dataset else None


def running_batches(region: Region) -> list[BatchInferenceJob | BatchSegmentJob]:
    """The batch jobs that are not done yet."""
    jobs: list[BatchInferenceJob | BatchSegmentJob] = [
        *region.all(BatchInferenceJob),
        *region.all(BatchSegmentJob),
    ]
    return [job for job in jobs if job.status in CHANGING]


def _kind(declared: str) -> avro.Kind:
    kind = declared.upper()
    if kind in avro.NOT_EMULATED_KINDS:
        raise NotEmulatedError(f"datasets of type {kind}")
    if kind not in {INTERACTIONS, ITEMS, USERS}:
        raise InvalidInputError(
            f"Invalid dataset type {declared!r}; use Interactions, Items or Users."
        )
    return cast("avro.Kind", kind)


def _users(region: Region, dataset: Dataset) -> list[str]:
    """What keeps the dataset from being deleted."""
    group = dataset.group
    jobs: list[ImportJob | ExportJob] = [*region.all(ImportJob), *region.all(ExportJob)]
    running = [job for job in jobs if job.dataset is dataset and job.status in CHANGING]
    trainings = [
        version
        for version in region.all(SolutionVersion)
        if version.solution.group is group and version.status in CHANGING
    ]
    batches = [e for e in running_batches(region) if e.version.solution.group is group]
    campaigns = [
        entry
        for entry in region.all(Campaign)
        if entry.version.solution.group is group and entry.status != FAILED
    ]
    deletions = [
        entry
        for entry in region.all(DeletionJob)
        if entry.group is group and entry.status in CHANGING
    ]
    recommenders = [
        entry
        for entry in members(region, Recommender, group)
        if entry.status in CHANGING or entry.being_updated
    ]
    trackers = members(region, EventTracker, group) if dataset.kind == INTERACTIONS else []
    return [
        entry.arn
        for entry in (
            *running,
            *trainings,
            *batches,
            *campaigns,
            *deletions,
            *trackers,
            *recommenders,
            *(e for e in members(region, MetricAttribution, group) if e.refers_to(dataset.kind)),
            *members(region, Filter, group),
        )
    ]


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateDataset": create,
    "DescribeDataset": describe(Dataset, "dataset"),
    "ListDatasets": listing(Dataset, "datasets", "datasetGroupArn"),
    "DeleteDataset": delete,
}
