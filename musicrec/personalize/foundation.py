"""The part of Personalize that everything else stands on: group, schemas, datasets, event tracker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from musicrec.datasets.schemas import KINDS, SCHEMAS, DatasetKind, DatasetSchema
from musicrec.deployment import parameter_name
from musicrec.personalize.resources import (
    ResourceMismatchError,
    create_or_get,
    find,
    listed,
)
from musicrec.personalize.waiting import PATIENT, Patience, wait_until_active

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients


class Foundation(Struct, frozen=True, kw_only=True):
    """ARNs of what a stack has in Personalize before any model.

    Attributes:
        dataset_group_arn: the group, called as the stack.
        schema_arns: by kind of dataset.
        dataset_arns: by kind of dataset.
        event_tracker_arn: the group's one tracker.
        tracking_id: what `PutEvents` names the tracker by.
    """

    dataset_group_arn: str
    schema_arns: dict[DatasetKind, str]
    dataset_arns: dict[DatasetKind, str]
    event_tracker_arn: str
    tracking_id: str


class FoundationNotFoundError(LookupError):
    """The stack has no dataset group, or the group lacks a dataset or the tracker."""


def ensure(clients: Clients, deployment: Deployment, patience: Patience = PATIENT) -> Foundation:
    """Make whatever is missing, wait until it can be used, and publish the tracking id.

    Raises:
        ResourceMismatchError: a schema of ours exists with other columns.
        ResourceFailedError: the service could not make a resource.
        WaitTimeoutError: a resource was not ready in time.
    """
    client, name = clients.personalize, deployment.name
    group = _group(client, name, patience)
    schema_arns = {kind: _schema(client, name, SCHEMAS[kind]) for kind in KINDS}
    dataset_arns = {
        kind: _dataset(
            client,
            SCHEMAS[kind],
            name=f"{name}-{kind}",
            group=group,
            schema_arn=schema_arns[kind],
            patience=patience,
        )
        for kind in KINDS
    }
    tracker, tracking_id = _tracker(client, name, group, patience)
    clients.ssm.put_parameter(
        Name=parameter_name(name, "tracking_id"), Value=tracking_id, Type="String", Overwrite=True
    )
    return Foundation(
        dataset_group_arn=group,
        schema_arns=schema_arns,
        dataset_arns=dataset_arns,
        event_tracker_arn=tracker,
        tracking_id=tracking_id,
    )


def load(clients: Clients, deployment: Deployment) -> Foundation:
    """What `ensure` made, without making anything.

    Raises:
        FoundationNotFoundError: something is missing; the message says what.
    """
    client, name = clients.personalize, deployment.name
    group = _required(_group_arn(client, name), f"dataset group {name}")
    tracker = _required(_tracker_arn(client, group), f"event tracker {name}")
    described = client.describe_event_tracker(eventTrackerArn=tracker)["eventTracker"]
    return Foundation(
        dataset_group_arn=group,
        schema_arns={
            kind: _required(_schema_arn(client, f"{name}-{kind}"), f"schema {name}-{kind}")
            for kind in KINDS
        },
        dataset_arns={
            kind: _required(_dataset_arn(client, group, kind), f"dataset {name}-{kind}")
            for kind in KINDS
        },
        event_tracker_arn=tracker,
        tracking_id=described["trackingId"],
    )


def _required(arn: str | None, what: str) -> str:
    if arn is None:
        raise FoundationNotFoundError(
            f"Personalize has no {what}: run musicrec.personalize.foundation.ensure first"
        )
    return arn


def _group(client: PersonalizeClient, name: str, patience: Patience) -> str:
    arn = create_or_get(
        partial(_group_arn, client, name),
        lambda: client.create_dataset_group(name=name)["datasetGroupArn"],
    )
    wait_until_active(
        lambda: client.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"],
        f"dataset group {name}",
        patience,
    )
    return arn


def _group_arn(client: PersonalizeClient, name: str) -> str | None:
    row = find(client, "list_dataset_groups", "datasetGroups", name)
    return row["datasetGroupArn"] if row else None


def _schema(client: PersonalizeClient, stack: str, schema: DatasetSchema) -> str:
    name = f"{stack}-{schema.kind}"
    arn = create_or_get(
        partial(_schema_arn, client, name),
        lambda: client.create_schema(name=name, schema=schema.avro())["schemaArn"],
    )
    stored = client.describe_schema(schemaArn=arn)["schema"]["schema"]
    if _fields(stored) != _fields(schema.avro()):
        raise ResourceMismatchError(
            f"schema {name}", f"the fields {_names(stored)}", _names(schema.avro())
        )
    return arn


def _schema_arn(client: PersonalizeClient, name: str) -> str | None:
    row = find(client, "list_schemas", "schemas", name)
    return row["schemaArn"] if row else None


def _fields(avro: str) -> Any:
    return msgspec.json.decode(avro)["fields"]


def _names(avro: str) -> str:
    return ", ".join(field["name"] for field in _fields(avro))


def _dataset(
    client: PersonalizeClient,
    schema: DatasetSchema,
    *,
    name: str,
    group: str,
    schema_arn: str,
    patience: Patience,
) -> str:
    arn = create_or_get(
        partial(_dataset_arn, client, group, schema.kind),
        lambda: client.create_dataset(
            name=name,
            schemaArn=schema_arn,
            datasetGroupArn=group,
            datasetType=schema.dataset_type,
        )["datasetArn"],
    )
    wait_until_active(
        lambda: client.describe_dataset(datasetArn=arn)["dataset"], f"dataset {name}", patience
    )
    return arn


def _dataset_arn(client: PersonalizeClient, group: str, kind: DatasetKind) -> str | None:
    """By type, not by name: a group has one dataset of a type."""
    rows = listed(client, "list_datasets", "datasets", datasetGroupArn=group)
    return next((row["datasetArn"] for row in rows if row["datasetType"].lower() == kind), None)


def _tracker(
    client: PersonalizeClient, name: str, group: str, patience: Patience
) -> tuple[str, str]:
    arn = create_or_get(
        partial(_tracker_arn, client, group),
        lambda: client.create_event_tracker(name=name, datasetGroupArn=group)["eventTrackerArn"],
    )
    tracker = wait_until_active(
        lambda: client.describe_event_tracker(eventTrackerArn=arn)["eventTracker"],
        f"event tracker {name}",
        patience,
    )
    return arn, tracker["trackingId"]


def _tracker_arn(client: PersonalizeClient, group: str) -> str | None:
    """By group, not by name: a group has one tracker."""
    rows = listed(client, "list_event_trackers", "eventTrackers", datasetGroupArn=group)
    return next((row["eventTrackerArn"] for row in rows), None)
