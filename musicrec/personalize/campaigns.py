"""The campaign: one trained version put where recommendations can be asked of it, by the hour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from musicrec.deployment import parameter_name
from musicrec.personalize.resources import create_or_get, find
from musicrec.personalize.teardown import Step
from musicrec.personalize.waiting import (
    FAILED,
    PATIENT,
    Patience,
    ResourceFailedError,
    wait_until,
    wait_until_active,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_personalize import PersonalizeClient

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients


def ensure(
    clients: Clients,
    deployment: Deployment,
    version_arn: str,
    *,
    name: str | None = None,
    min_tps: int = 1,
    patience: Patience = PATIENT,
) -> str:
    """Make the campaign, or move it to another version, and publish its ARN.

    While a campaign moves, the old version goes on answering. Once it exists it bills at least
    `min_tps` requests a second for every hour, asked or not.

    Args:
        clients: where to.
        deployment: whose campaign; its ARN goes to the parameter `campaign_arn`.
        version_arn: a solution version that is ACTIVE.
        name: by default the stack's. A campaign of another name, e.g. an arm of a comparison, is
            not published.
        min_tps: requests a second that are provisioned and billed at least.
        patience: how to wait.

    Raises:
        ResourceFailedError: the service could not make or move it.
        WaitTimeoutError: it was not ready in time.
    """
    client, called = clients.personalize, name or deployment.name
    arn = create_or_get(
        partial(_arn, client, called),
        lambda: client.create_campaign(
            name=called, solutionVersionArn=version_arn, minProvisionedTPS=min_tps
        )["campaignArn"],
    )
    describe = partial(_describe, client, arn)
    campaign = wait_until_active(describe, f"campaign {called}", patience)
    if _target(campaign) != (version_arn, min_tps):
        client.update_campaign(
            campaignArn=arn, solutionVersionArn=version_arn, minProvisionedTPS=min_tps
        )
    wait_until(describe, partial(_is_settled, version_arn), f"campaign {called}", patience)
    if called == deployment.name:
        clients.ssm.put_parameter(
            Name=parameter_name(deployment.name, "campaign_arn"),
            Value=arn,
            Type="String",
            Overwrite=True,
        )
    return arn


def removal(clients: Clients, name: str) -> list[Step]:
    """The campaign of that name as a step of a teardown; nothing where there is none.

    For an arm that has done its work: it bills as long as it stands.
    """
    row = find(clients.personalize, "list_campaigns", "campaigns", name)
    if row is None:
        return []
    arn, status = row["campaignArn"], row["status"]
    return [Step(kind="campaign", name=name, arn=arn, status=status)]


def _arn(client: PersonalizeClient, name: str) -> str | None:
    row = find(client, "list_campaigns", "campaigns", name)
    return row["campaignArn"] if row else None


def _describe(client: PersonalizeClient, arn: str) -> Mapping[str, Any]:
    return client.describe_campaign(campaignArn=arn)["campaign"]


def _target(campaign: Mapping[str, Any]) -> tuple[str, int]:
    """The version and throughput that the campaign has or is moving to."""
    update = campaign.get("latestCampaignUpdate") or {}
    wanted = campaign if update.get("status", "CREATE FAILED") in FAILED else update
    return wanted["solutionVersionArn"], wanted["minProvisionedTPS"]


def _is_settled(version_arn: str, campaign: Mapping[str, Any]) -> bool:
    """Whether the campaign answers from the version, with no update under way.

    Raises:
        ResourceFailedError: moving to the version failed; the old one goes on answering.
    """
    update = campaign.get("latestCampaignUpdate") or {"status": "ACTIVE"}
    if update["status"] in FAILED and campaign["solutionVersionArn"] != version_arn:
        reason = update.get("failureReason", "no reason given")
        raise ResourceFailedError(f"update of {campaign['name']}", update["status"], reason)
    return update["status"] == "ACTIVE" or update["status"] in FAILED
