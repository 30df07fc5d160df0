"""Operations on campaigns: which trained version answers at which ARN."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import exploration
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
    """`UpdateCampaign` of one that is ACTIVE or CREATE FAILED; what is not given stays."""
    with region.lock:
        campaign = region.get(Campaign, params["campaignArn"])
        if campaign.status in CHANGING or campaign.being_updated:
            raise ResourceInUseError(f"Campaign {campaign.arn} is changing; wait for it.")
        settings = campaign.settings | params
        config = settings.get("campaignConfig", {})
        version = _deployable(region, settings["solutionVersionArn"], config)
        if version.solution.group is not campaign.version.solution.group:
            raise InvalidInputError(
                f"Solution version {version.arn} belongs to another dataset group than "
                f"{campaign.arn}; create a campaign for it."
            )
        shown = settings | {"solutionVersionArn": version.arn}
        effect = partial(_replace, campaign, settings, version)
        region.change(campaign, shown, effect, brings=version)
    return {"campaignArn": campaign.arn}


def _replace(campaign: Campaign, settings: dict[str, Any], version: SolutionVersion) -> None:
    campaign.settings, campaign.version = settings, version
    campaign.state, campaign.failure = ACTIVE, None


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
    """The version that answers: the newest one where the campaign follows its solution."""
    if not campaign.settings.get("campaignConfig", {}).get("syncWithLatestSolutionVersion"):
        return campaign.version
    return latest_active(region, campaign.version.solution) or campaign.version


def _view(region: Region, campaign: Campaign) -> dict[str, Any]:
    shown = campaign.view() | {"solutionVersionArn": serving(region, campaign).arn}
    return shown | {"latestCampaignUpdate": campaign.latest_update}


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
        return _live(region.get_active(SolutionVersion, arn), config)
    solution = region.get_active(Solution, arn.removesuffix(LATEST))
    version = latest_active(region, solution)
    if version is None:
        raise InvalidInputError(f"Solution {solution.arn} has no ACTIVE version; train one first.")
    return _live(version, config)


def _live(version: SolutionVersion, config: dict[str, Any]) -> SolutionVersion:
    recipe = version.solution.recipe
    exploration.check(recipe, config)
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
