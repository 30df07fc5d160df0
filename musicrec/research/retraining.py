"""Retrain or not: each reason looked at by itself, with its number and its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence


class Reason(Struct, frozen=True, kw_only=True):
    """One thing that may call for a training.

    Attributes:
        about: what is measured.
        value: as found; NaN where these data have none, which is no reason.
        limit: above it a training is due.
    """

    about: str
    value: float
    limit: float

    @property
    def calls(self) -> bool:
        """Whether it calls for a training."""
        return self.value > self.limit


def table(reasons: Sequence[Reason]) -> pd.DataFrame:
    """The reasons as a table, those that call for a training first."""
    rows = [
        {"reason": one.about, "found": one.value, "limit": one.limit,
         "says": "train" if one.calls else "wait"}
        for one in sorted(reasons, key=lambda one: not one.calls)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["reason", "found", "limit", "says"]).set_index("reason")


def due(reasons: Sequence[Reason]) -> bool:
    """Whether any reason calls for a training."""
    return any(one.calls for one in reasons)
