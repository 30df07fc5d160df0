"""Filters: what a listener is never shown, whatever the model says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from musicrec.deployment import parameter_name
from musicrec.personalize.resources import ResourceMismatchError, create_or_get, find
from musicrec.personalize.waiting import PATIENT, Patience, wait_until_active

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation

NO_SKIPS: Final = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")'
"""Leaves out what the listener skipped, among the newest 100 skips; live within seconds."""

ON_REQUEST: Final = (
    "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPES)"
    " | EXCLUDE ItemID WHERE Items.EXPLICIT IN ($EXPLICIT)"
)
"""Leaves out what each request says. A clause whose value the request does not bring is passed over:
https://docs.aws.amazon.com/personalize/latest/dg/filter-real-time.html"""


def ensure(
    clients: Clients,
    foundation: Foundation,
    name: str,
    expression: str,
    patience: Patience = PATIENT,
) -> str:
    """The ARN of the filter, made when it is missing.

    Raises:
        ResourceMismatchError: a filter of that name has another expression; filters cannot change.
        ResourceFailedError: the service refused the expression.
    """
    client = clients.personalize
    arn = create_or_get(
        partial(_arn, client, foundation.dataset_group_arn, name),
        lambda: client.create_filter(
            name=name,
            datasetGroupArn=foundation.dataset_group_arn,
            filterExpression=expression,
        )["filterArn"],
    )
    described = wait_until_active(
        lambda: client.describe_filter(filterArn=arn)["filter"], f"filter {name}", patience
    )
    if described["filterExpression"] != expression:
        raise ResourceMismatchError(
            f"filter {name}", f"the expression {described['filterExpression']}", expression
        )
    return arn


def ensure_no_skips(
    clients: Clients,
    deployment: Deployment,
    foundation: Foundation,
    patience: Patience = PATIENT,
) -> str:
    """The stack's filter `NO_SKIPS`; its ARN is published as the parameter `filter_arn`."""
    arn = ensure(clients, foundation, f"{deployment.name}-no-skips", NO_SKIPS, patience)
    _publish(clients, deployment, "filter_arn", arn)
    return arn


def ensure_on_request(
    clients: Clients,
    deployment: Deployment,
    foundation: Foundation,
    patience: Patience = PATIENT,
) -> str:
    """The stack's filter `ON_REQUEST`; its ARN is published as `on_request_filter_arn`.

    The recommendations API uses it where a request asks for more than `NO_SKIPS`.
    """
    arn = ensure(clients, foundation, f"{deployment.name}-on-request", ON_REQUEST, patience)
    _publish(clients, deployment, "on_request_filter_arn", arn)
    return arn


def _publish(clients: Clients, deployment: Deployment, key: str, arn: str) -> None:
    clients.ssm.put_parameter(
        Name=parameter_name(deployment.name, key), Value=arn, Type="String", Overwrite=True
    )


def _arn(client: PersonalizeClient, group: str, name: str) -> str | None:
    row = find(client, "list_filters", "Filters", name, datasetGroupArn=group)
    return row["filterArn"] if row else None
