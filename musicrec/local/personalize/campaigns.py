"""Operations on campaigns: which trained version answers at which ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import (
    InvalidInputError,
    NotEmulatedError,
    ResourceInUseError,
)
from musicrec.local.personalize.operation import Operation, common, list_page
from musicrec.local.personalize.quotas import check_active
from musicrec.local.personalize.recipes import USER_SEGMENTATION
from musicrec.local.personalize.resources import (
    ACTIVE,
    CHANGING,
    IN_PROGRESS,
    PENDING,
    Campaign,
    Solution,
    SolutionVersion,
)
from musicrec.local.personalize.solution_versions import latest_active

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

LATEST: Final = "/$LATEST"


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateCampaign`."""
    config = params.get("campaignConfig", {})
    version = _deployable(region, params["solutionVersionArn"], config)
    with region.lock:
        arn = region.arn(f"campaign/{params['name']}")
        region.require_free(arn)
        group = version.solution.group
        existing = [e for e in region.all(Campaign) if e.version.solution.group is group]
        check_active(Campaign, existing)
        settings = {"minProvisionedTPS": 1} | params
        region.add(Campaign(**common(region, arn, settings), version=version))
    return {"campaignArn": arn}


def update(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UpdateCampaign`; what is not given stays."""
    with region.lock:
        campaign = region.get(Campaign, params["campaignArn"])
        if campaign.status in CHANGING or not _updated(campaign):
            raise ResourceInUseError(f"Campaign {campaign.arn} is changing; wait for it.")
        settings = campaign.settings | params
        config = settings.get("campaignConfig", {})
        version = _deployable(region, settings["solutionVersionArn"], config)
        now = region.clock()
        campaign.replaced = serving(region, campaign)
        campaign.updating = region.life_cycle().passage("campaign", region.clock)
        campaign.settings, campaign.version, campaign.updated = settings, version, now
        campaign.update = settings | {
            "solutionVersionArn": version.arn,
            "creationDateTime": now,
            "lastUpdatedDateTime": now,
        }
    return {"campaignArn": campaign.arn}


def describe(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DescribeCampaign`."""
    return {"campaign": _view(region, region.get(Campaign, params["campaignArn"]))}


def list_campaigns(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`ListCampaigns`, of a solution or, as in a recorded run of AWS's samples, of a version."""
    campaigns = region.all(Campaign)
    if "solutionArn" in params:
        wanted = params["solutionArn"]
        campaigns = [
            entry
            for entry in campaigns
            if wanted in {entry.version.arn, entry.version.solution.arn}
        ]
    return list_page(campaigns, "campaigns", params)


def delete(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`DeleteCampaign`."""
    region.remove(region.get(Campaign, params["campaignArn"]))
    return {}


def serving(region: Region, campaign: Campaign) -> SolutionVersion:
    """The version that answers: the newest one where the campaign follows its solution.

    While an update takes its time, the version before.
    """
    if campaign.replaced and not _updated(campaign):
        return campaign.replaced
    if not campaign.settings.get("campaignConfig", {}).get("syncWithLatestSolutionVersion"):
        return campaign.version
    return latest_active(region, campaign.version.solution) or campaign.version


def _view(region: Region, campaign: Campaign) -> dict[str, Any]:
    shown = campaign.view() | {"solutionVersionArn": serving(region, campaign).arn}
    if campaign.update is None:
        return shown
    passage = campaign.updating
    status = passage.phase(PENDING, IN_PROGRESS) if passage else None
    return shown | {"latestCampaignUpdate": campaign.update | {"status": status or ACTIVE}}


def _updated(campaign: Campaign) -> bool:
    """Whether no update is under way."""
    return campaign.updating is None or campaign.updating.over


def _deployable(region: Region, arn: str, config: dict[str, Any]) -> SolutionVersion:
    """The ACTIVE version that an ARN or `<solution ARN>/$LATEST` names.

    Raises:
        ResourceNotFoundError: no such solution or version.
        ResourceInUseError: it is being trained.
        InvalidInputError: it failed, or the configuration does not fit.
    """
    if config.get("rankingInfluence"):
        raise NotEmulatedError("rankingInfluence")
    if config.get("syncWithLatestSolutionVersion") and not arn.endswith(LATEST):
        raise InvalidInputError(
            f"syncWithLatestSolutionVersion needs a solutionVersionArn that ends in {LATEST}."
        )
    if not arn.endswith(LATEST):
        return _live(region.get_active(SolutionVersion, arn))
    solution = region.get_active(Solution, arn.removesuffix(LATEST))
    version = latest_active(region, solution)
    if version is None:
        raise InvalidInputError(f"Solution {solution.arn} has no ACTIVE version; train one first.")
    return _live(version)


def _live(version: SolutionVersion) -> SolutionVersion:
    recipe = version.solution.recipe
    if recipe.kind == USER_SEGMENTATION:
        raise InvalidInputError(
            f"The recipe {recipe.name} has no campaigns; use a batch segment job."
        )
    return version


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateCampaign": create,
    "UpdateCampaign": update,
    "DescribeCampaign": describe,
    "ListCampaigns": list_campaigns,
    "DeleteCampaign": delete,
}
