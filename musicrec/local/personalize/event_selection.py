"""Which interactions a solution learns from, and how much each weighs.

`eventsConfig` lists event types with a weight and a threshold each (v2 recipes); the older
`eventType` and `eventValueThreshold` name one. Without either everything counts alike. What is left
out of training is left out of the history at request time too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.interaction_log import StreamedEvent
    from musicrec.local.personalize.interaction_table import InteractionTable


@dataclass(frozen=True)
class EventRule:
    """How one event type counts.

    Attributes:
        weight: share in training, 0 to 1; only ratios matter.
        threshold: smallest event value that counts; None for any, also for none.
    """

    weight: float = 1.0
    threshold: float | None = None

    def takes(self, value: float | None) -> bool:
        """Whether an event of that value counts."""
        return self.threshold is None or (value is not None and value >= self.threshold)


@dataclass(frozen=True)
class EventSelection:
    """Rules by event type; None takes everything."""

    rules: Mapping[str, EventRule] | None = None
    weighted: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> EventSelection:
        """From the settings of a solution."""
        config = settings.get("solutionConfig", {})
        listed = config.get("eventsConfig", {}).get("eventParametersList")
        if listed:
            rules = {
                entry["eventType"]: EventRule(
                    entry.get("weight", 1.0), entry.get("eventValueThreshold")
                )
                for entry in listed
            }
            return cls(rules, weighted=True)
        if "eventType" in settings:
            threshold = config.get("eventValueThreshold")
            number = None if threshold is None else float(threshold)
            return cls({settings["eventType"]: EventRule(threshold=number)})
        return cls()

    def takes(self, event: StreamedEvent) -> bool:
        """Whether a streamed event counts."""
        if self.rules is None:
            return True
        rule = self.rules.get(event.event_type)
        return rule is not None and rule.takes(event.value)

    def weights(self, table: InteractionTable) -> NDArray[np.float32]:
        """The weight of every interaction, NaN where it does not count."""
        if self.rules is None:
            return np.ones(len(table), dtype=np.float32)
        weights = np.full(len(table), np.nan, dtype=np.float32)
        for code, name in enumerate(table.event_types):
            rule = self.rules.get(name)
            if rule is None:
                continue
            rows = table.types == code
            if rule.threshold is not None:
                rows &= table.values >= rule.threshold  # NaN, no value, is never enough
            weights[rows] = rule.weight
        return weights

    def __str__(self) -> str:
        """The event types, as in AWS's message."""
        return ", ".join(self.rules) if self.rules else "all"
