"""The protocol by which models are compared: one split or several, with repeats and without.

In music most plays are repeats, so a number means little until it is said whether tracks of the
listener's own history counted. Every model is therefore judged both ways, from the same fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from musicrec.research import frames
from musicrec.research.evaluation import Evaluation, compare, measure, pooled
from musicrec.research.metrics import ndcg_at_k
from musicrec.research.models.base import distinct_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from musicrec.research.evaluation import Comparison
    from musicrec.research.models.base import Model
    from musicrec.research.splits import Case, Split

ALL: Final = "all tracks"
NEW: Final = "new tracks only"
JUDGED: Final = (ALL, NEW)
"""Whether tracks of the history may be recommended and count as targets."""

Runs = dict[str, dict[str, Evaluation]]
"""Evaluations by `JUDGED`, then by the model's name, in the order of the candidates."""


def judge(
    candidates: Mapping[str, Callable[[], Model]],
    splits: Iterable[Split],
    k: int,
    item_features: NDArray[np.float32] | None = None,
) -> Runs:
    """Fit each candidate on each split and measure it both ways; splits are pooled.

    Args:
        candidates: makes an unfitted model, by its name.
        splits: one, or folds that have no user in common.
        k: list length.
        item_features: given to the models, and the ground of `diversity_at_k`.
    """
    asked = list(splits)
    runs: Runs = {judged: {} for judged in JUDGED}
    for name, make in candidates.items():
        parts: dict[str, list[Evaluation]] = {judged: [] for judged in JUDGED}
        for split in asked:
            model = make().fit(split.train, item_features)
            for judged in JUDGED:
                parts[judged].append(
                    measure(
                        model,
                        split,
                        name=name,
                        ks=(k,),
                        repeats=judged == ALL,
                        item_features=item_features,
                    )
                )
        for judged in JUDGED:
            runs[judged][name] = pooled([one for one in parts[judged] if len(one.users)])
    return runs


def tables(runs: Runs, metric: str, seed: int) -> dict[str, pd.DataFrame]:
    """`mean`, `low` and `high` by model for both ways, as `frames.results_frame` makes them."""
    return {
        judged: frames.results_frame(
            list(runs[judged].values()), metric, np.random.default_rng(seed)
        )
        for judged in JUDGED
    }


def paired(runs: Runs, metric: str, seed: int) -> dict[str, dict[str, Comparison]]:
    """The first candidate against each other one on the same users, by `JUDGED` and what they are."""
    found: dict[str, dict[str, Comparison]] = {}
    for judged in JUDGED:
        first, *others = runs[judged].values()
        found[judged] = {
            f"{first.model} - {other.model}": compare(
                first, other, metric, np.random.default_rng(seed)
            )
            for other in others
        }
    return found


def differences_frame(panels: Mapping[str, Mapping[str, Comparison]]) -> pd.DataFrame:
    """Paired comparisons as a table, a row each.

    Returns:
        `difference`, its interval from `low` to `high`, and the shares of users for whom the first
        is `better` and `worse`.
    """
    rows = [
        (name, what, one.difference.mean, one.difference.low, one.difference.high, one.better, one.worse)
        for name, comparisons in panels.items()
        for what, one in comparisons.items()
    ]  # fmt: skip
    columns = ["measured", "compared", "difference", "low", "high", "better", "worse"]
    return pd.DataFrame(rows, columns=columns).set_index(["measured", "compared"])


def ceilings(split: Split, k: int) -> dict[str, float]:
    """The best NDCG that a ranking of what anybody had met before the cut could have, by `JUDGED`.

    What nobody had met cannot be foretold from interactions; how much of a number that costs, a
    reader has to know before finding it low.
    """
    known = distinct_users(split.train) > 0
    return {judged: _ceiling(split.cases, known, k, repeats=judged == ALL) for judged in JUDGED}


def _ceiling(cases: Sequence[Case], known: NDArray[np.bool_], k: int, *, repeats: bool) -> float:
    found = []
    for case in cases:
        target = np.unique(case.target) if repeats else np.setdiff1d(case.target, case.history)
        if len(target):
            found.append(ndcg_at_k(target[known[target]], target, k))
    return float(np.mean(found)) if found else 0.0
