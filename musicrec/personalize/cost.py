"""What a step will cost on AWS, said before it is taken.

The prices are those that several third-party notes agree on; AWS's own page is at
https://aws.amazon.com/personalize/pricing and wins. Whether a campaign of a v2 recipe is billed a
minimum throughput is disputed, so the estimate gives the month without and with it.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

INGESTION_PER_GB: Final = 0.05
V2_TRAINING_PER_1000_INTERACTIONS: Final = 0.002
"""Counted before event types are left out."""

V2_PER_1000_REQUESTS: Final = 0.15
TRAINING_HOUR: Final = 0.24
"""Of recipes before v2; billed hours are those of four cores and exceed the wall clock."""

TPS_HOUR: Final = 0.20
"""Of the first 20,000 requests' tier of recipes before v2."""

HOURS_A_MONTH: Final = 730

UNCERTAINTY: Final = (
    "Prices by third-party notes, to be confirmed on aws.amazon.com/personalize/pricing. "
    "Whether a v2 campaign is billed its minimum throughput is disputed: both are given."
)

RecipeFamily = Literal["v2", "before v2"]


class NotConfirmedError(PermissionError):
    """A step that costs money was not confirmed."""

    def __init__(self, step: str, estimate: Estimate) -> None:
        super().__init__(
            f"{step} would cost about {_money(estimate.once)} now and {_money(estimate.monthly)} "
            f"to {_money(estimate.monthly_with_floor)} a month on AWS: set confirm to True to go "
            "ahead"
        )


class CostLine(Struct, frozen=True, kw_only=True):
    """One position.

    Attributes:
        what: in words.
        quantity: how many of `unit`.
        unit: what is billed.
        dollars: US dollars before tax.
        when: billed once, every month, or every month if the disputed minimum is billed.
    """

    what: str
    quantity: float
    unit: str
    dollars: float
    when: Literal["once", "monthly", "monthly floor"]


class Estimate(Struct, frozen=True, kw_only=True):
    """All positions of what is planned."""

    lines: tuple[CostLine, ...]

    @property
    def once(self) -> float:
        """Dollars billed once."""
        return self._sum("once")

    @property
    def monthly(self) -> float:
        """Dollars a month while it stands, without the disputed minimum."""
        return self._sum("monthly")

    @property
    def monthly_with_floor(self) -> float:
        """Dollars a month while it stands, if the disputed minimum is billed."""
        return max(self.monthly, self._sum("monthly floor"))

    def __str__(self) -> str:
        rows = [
            f"{line.what:<28}{line.quantity:>12,.3f} {line.unit:<20}"
            f"{_money(line.dollars):>10}  {line.when}"
            for line in self.lines
        ]
        total = (
            f"total: {_money(self.once)} once, {_money(self.monthly)} to "
            f"{_money(self.monthly_with_floor)} a month"
        )
        return "\n".join([*rows, total, UNCERTAINTY])

    def _sum(self, when: str) -> float:
        return sum(line.dollars for line in self.lines if line.when == when)


def of_import(size: int) -> Estimate:
    """An import of `size` bytes of CSV."""
    gigabytes = size / 10**9
    return Estimate(
        lines=(
            CostLine(
                what="bulk import",
                quantity=gigabytes,
                unit="GB",
                dollars=gigabytes * INGESTION_PER_GB,
                when="once",
            ),
        )
    )


def of_training(
    interactions: int, *, family: RecipeFamily = "v2", hours: float = 2.135
) -> Estimate:
    """A training on so many interactions.

    Args:
        interactions: before event types are left out.
        family: which recipes; v2 bills interactions, earlier ones hours.
        hours: billed hours of an earlier recipe; the default is what AWS's cheat sheet reports for
            100,000 interactions.
    """
    if family == "v2":
        thousands = interactions / 1000
        line = CostLine(
            what="training (v2 recipe)",
            quantity=thousands,
            unit="1000 interactions",
            dollars=thousands * V2_TRAINING_PER_1000_INTERACTIONS,
            when="once",
        )
    else:
        line = CostLine(
            what="training",
            quantity=hours,
            unit="training hours",
            dollars=hours * TRAINING_HOUR,
            when="once",
        )
    return Estimate(lines=(line,))


def of_campaign(
    requests_a_month: int, *, family: RecipeFamily = "v2", min_tps: int = 1
) -> Estimate:
    """A campaign standing for a month and asked so many times, evenly over the month.

    Args:
        requests_a_month: calls of `GetRecommendations`.
        family: which recipes; v2 bills requests, earlier ones provisioned throughput by the hour.
        min_tps: provisioned requests a second.
    """
    floor = CostLine(
        what="campaign throughput",
        quantity=float(min_tps * HOURS_A_MONTH),
        unit="TPS-hours",
        dollars=min_tps * HOURS_A_MONTH * TPS_HOUR,
        when="monthly floor" if family == "v2" else "monthly",
    )
    if family != "v2":
        return Estimate(lines=(floor,))
    thousands = requests_a_month / 1000
    requests = CostLine(
        what="recommendations",
        quantity=thousands,
        unit="1000 requests",
        dollars=thousands * V2_PER_1000_REQUESTS,
        when="monthly",
    )
    return Estimate(lines=(requests, floor))


def combined(*estimates: Estimate) -> Estimate:
    """Several estimates as one."""
    return Estimate(lines=tuple(line for estimate in estimates for line in estimate.lines))


def require_confirmation(step: str, estimate: Estimate, *, confirm: bool) -> None:
    """Raise `NotConfirmedError` unless whoever runs the step has said yes to its cost."""
    if not confirm:
        raise NotConfirmedError(step, estimate)


def _money(dollars: float) -> str:
    return "<$0.01" if 0 < dollars < 0.005 else f"${dollars:,.2f}"
