"""What a stack has standing in Personalize, what of it bills while nobody looks, and what is idle.

A forgotten campaign is the usual surprise on a bill: it costs the same whether it is asked or not.
This only looks; `musicrec.personalize.teardown` deletes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from musicrec.deployment import parameter_name
from musicrec.personalize import cost, experiments, solutions, teardown
from musicrec.personalize.resources import listed
from musicrec.personalize.waiting import FAILED

if TYPE_CHECKING:
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.teardown import Step

WEEKS_A_MONTH: Final = cost.HOURS_A_MONTH / (7 * 24)
"""Automatic training trains once a week unless its schedule says otherwise."""


class Standing(Struct, frozen=True, kw_only=True):
    """One resource.

    Attributes:
        step: kind, name, ARN and status, as the plan of a teardown has them.
        dollars: US dollars a month by standing alone, without the disputed minimum.
        dollars_at_most: the same if that minimum is billed (see `musicrec.personalize.cost`).
        note: why it costs, or why it is idle; empty for what is free and used.
        idle: whether nothing of the stack needs it.
    """

    step: Step
    dollars: float = 0.0
    dollars_at_most: float = 0.0
    note: str = ""
    idle: bool = False


def look(clients: Clients, deployment: Deployment, interactions: int) -> list[Standing]:
    """Everything of a stack in Personalize, in the order in which it could be deleted.

    Args:
        clients: where to.
        deployment: whose resources.
        interactions: how many a training would be billed for.
    """
    published = _published(clients, deployment.name)
    return [
        _standing(clients, step, published, interactions)
        for step in teardown.plan(clients, deployment)
    ]


def dollars_a_month(standing: Iterable[Standing]) -> tuple[float, float]:
    """What all of it costs a month: without the disputed minimum, and with it."""
    rows = list(standing)
    return sum(one.dollars for one in rows), sum(one.dollars_at_most for one in rows)


def _standing(
    clients: Clients, step: Step, published: frozenset[str], interactions: int
) -> Standing:
    if step.status in FAILED:
        return Standing(step=step, note="failed, and serves nothing", idle=True)
    if step.kind == "campaign":
        return _campaign(clients, step, published)
    if step.kind == "solution":
        return _solution(clients, step, interactions)
    if step.kind == "filter" and step.arn not in published:
        return Standing(step=step, note="the recommendations API does not use it", idle=True)
    return Standing(step=step)


def _campaign(clients: Clients, step: Step, published: frozenset[str]) -> Standing:
    described = clients.personalize.describe_campaign(campaignArn=step.arn)["campaign"]
    recipe = _recipe(clients, described["solutionVersionArn"])
    bill = cost.of_campaign(
        0, family=solutions.family(recipe), min_tps=described["minProvisionedTPS"]
    )
    idle = step.arn not in published
    used = "no part of the stack asks it" if idle else "asked by the recommendations API"
    return Standing(
        step=step,
        dollars=bill.monthly,
        dollars_at_most=bill.monthly_with_floor,
        note=f"{used}; bills {described['minProvisionedTPS']} request a second at least",
        idle=idle,
    )


def _solution(clients: Clients, step: Step, interactions: int) -> Standing:
    described = clients.personalize.describe_solution(solutionArn=step.arn)["solution"]
    if described.get("performAutoTraining"):
        week = cost.of_training(interactions).once
        month = week * WEEKS_A_MONTH
        note = "trains by itself every week"
        return Standing(step=step, dollars=month, dollars_at_most=month, note=note)
    if solutions.latest_version(clients, step.arn) is None:
        return Standing(step=step, note="was never trained", idle=True)
    rows = listed(clients.personalize, "list_campaigns", "campaigns", solutionArn=step.arn)
    if next(rows, None) is None:
        return Standing(step=step, note="no campaign answers from it", idle=True)
    return Standing(step=step)


def _recipe(clients: Clients, version_arn: str) -> str:
    described = clients.personalize.describe_solution_version(solutionVersionArn=version_arn)
    return described["solutionVersion"].get("recipeArn", "")


def _published(clients: Clients, stack: str) -> frozenset[str]:
    """ARNs that the stack's own parts use."""
    keys = ("campaign_arn", "filter_arn", "on_request_filter_arn", experiments.PARAMETER)
    names = [parameter_name(stack, key) for key in keys]
    return frozenset(_arns(clients, names))


def _arns(clients: Clients, names: list[str]) -> Iterator[str]:
    for parameter in clients.ssm.get_parameters(Names=names)["Parameters"]:
        value = parameter["Value"]
        if parameter["Name"].endswith(experiments.PARAMETER):
            with contextlib.suppress(experiments.ExperimentFormatError):
                yield experiments.decode(value).campaign_arn
        else:
            yield value
