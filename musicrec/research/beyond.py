"""Beyond accuracy: who gets the places of all lists, the well-known tracks or the rest.

A model that is right about listeners and shows only what everybody knows anyway makes the known
better known. How far it goes is seen beside what people listen to: tracks are put into ten groups of
equally many meetings with listeners, from the few that everybody heard to the many that hardly
anybody did, and the places of the lists are counted by group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from musicrec.research.metrics import gini
from musicrec.research.models.base import distinct_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from musicrec.research.evaluation import Evaluation
    from musicrec.research.splits import Split

TENTHS: Final = 10
NEVER: Final = "never met"
LISTENED: Final = "what was listened to"


def tenths(popularity: NDArray[np.floating]) -> NDArray[np.intp]:
    """The group of each item: 0 for the most popular ones, `TENTHS` for those nobody met.

    Items stand in the order of their popularity; each group has a tenth of all meetings, as nearly
    as whole items allow.
    """
    order = np.argsort(-popularity, kind="stable")
    share = popularity[order].astype(np.float64)
    middle = (np.cumsum(share) - share / 2) / max(1.0, share.sum())
    groups = np.minimum((TENTHS * middle).astype(np.intp), TENTHS - 1)
    groups[share == 0] = TENTHS
    found: NDArray[np.intp] = np.empty_like(groups)
    found[order] = groups
    return found


def places_by_tenth(
    evaluations: Iterable[Evaluation], split: Split, k: int, *, repeats: bool = True
) -> pd.DataFrame:
    """Share of the places of all first `k` by group of popularity, a row a model, rows sum to 1.

    The first row, `LISTENED`, is what the users did listen to after the cut: the measure of bias.

    Args:
        evaluations: on that split.
        split: whose training part says what is popular.
        k: list length.
        repeats: whether tracks of the history count in the first row.
    """
    groups = tenths(distinct_users(split.train))
    heard = [
        np.unique(case.target) if repeats else np.setdiff1d(case.target, case.history)
        for case in split.cases
    ]
    rows = {LISTENED: _shares(heard, groups)}
    rows |= {one.model: _shares([each[:k] for each in one.lists], groups) for one in evaluations}
    names = [*(str(number) for number in range(1, TENTHS + 1)), NEVER]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("model")


def table(evaluations: Iterable[Evaluation], split: Split, k: int) -> pd.DataFrame:
    """What accuracy does not show, a row a model.

    Returns:
        `coverage` (share of all tracks that anybody is shown), `concentration` (Gini index of how
        often each track is shown), `novelty` (bits), `popularity` (mean share of listeners who had
        met a shown track) and, where the evaluation has features, `diversity` (0 to 2).
    """
    rows = {one.model: _beyond(one, split.train.n_items, k) for one in evaluations}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _beyond(evaluation: Evaluation, n_items: int, k: int) -> Mapping[str, float]:
    means = evaluation.means()
    shown = np.concatenate([ranked[:k] for ranked in evaluation.lists])
    return {
        "coverage": means[f"coverage_at_{k}"],
        "concentration": gini(np.bincount(shown, minlength=n_items)),
        "novelty": means[f"novelty_at_{k}"],
        "popularity": means[f"popularity_at_{k}"],
        "diversity": means.get(f"diversity_at_{k}", float("nan")),
    }


def _shares(lists: Iterable[NDArray[np.integer]], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """Each list counts the same, however long."""
    parts = [
        np.bincount(groups[each], minlength=TENTHS + 1) / len(each) for each in lists if len(each)
    ]
    return np.mean(parts, axis=0) if parts else np.zeros(TENTHS + 1)
