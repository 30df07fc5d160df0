"""What skips do: the same model taught with them left out and with them as liking.

Personalize takes every interaction that it is given as liking. A skip that reaches a training or a
judgement says the opposite of what it means, and the judgement does not notice: it counts a skipped
track that was foretold as a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from musicrec.events import EventType
from musicrec.research import frames
from musicrec.research.evaluation import Comparison, Evaluation, compare, measure
from musicrec.research.metrics import ndcg_at_k
from musicrec.research.models.base import Interactions
from musicrec.research.splits import moment, split_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from musicrec.research.models.base import Model
    from musicrec.research.splits import Case

COMPLETED: Final = (EventType.COMPLETE,)
STARTED: Final = (EventType.PLAY,)
SKIPPED: Final = (EventType.SKIP,)

TAUGHT: Final[Mapping[str, Collection[EventType]]] = {
    "completed only": COMPLETED,
    "begun as well": COMPLETED + STARTED,
    "skips as well": COMPLETED + STARTED + SKIPPED,
}
"""What is taken as liking, by name; the last leaves nothing out."""


NEXT: Final = "skipped_next"
BEFORE: Final = "skipped_before"
SERVED: Final = "served"


@dataclass(frozen=True, eq=False)
class Lesson:
    """One model that was taught one meaning of liking.

    Attributes:
        completed: judged by what is heard to the end afterwards. Further metrics are `BEFORE`, the
            share of the list that the user had skipped until then; and, of the list without that,
            as a campaign with the filter would serve it, `SERVED`, its NDCG, and `NEXT`, the share
            that the user then skips and does not hear to the end.
        started: judged by what is begun afterwards, skips and all.
    """

    completed: Evaluation
    started: Evaluation


def lessons(
    make: Callable[[], Model],
    rows: pd.DataFrame,
    share: float,
    k: int,
    features_of: Callable[[Sequence[str]], NDArray[np.float32]],
) -> dict[str, Lesson]:
    """A model taught in each way of `TAUGHT` before one moment, and judged after it.

    Args:
        make: makes the unfitted model.
        rows: an INTERACTIONS frame.
        share: the newest share of what was heard to the end that is to be foretold.
        k: list length.
        features_of: features by item ids, for the models that look at content.

    Raises:
        NothingToSplitError: there are no two moments to cut between.
    """
    log = _Log(rows)
    cut = moment(log.of(COMPLETED), share)
    features = features_of(log.item_ids)
    before, after = log.skipped_before(cut), log.skipped_after(cut)
    found = {}
    for name, types in TAUGHT.items():
        split = split_at(log.of(types), log.of(COMPLETED), cut)
        model = make().fit(split.train, features)
        completed = measure(model, split, name=name, ks=(k,))
        served = _without(completed, before)
        completed.metrics[BEFORE] = _share(completed.users, list(completed.lists), before, k)
        completed.metrics[SERVED] = _ndcg(completed.users, served, split.cases, k)
        completed.metrics[NEXT] = _share(completed.users, served, after, k)
        asked = split_at(log.of(types), log.of(STARTED), cut)
        found[name] = Lesson(completed, measure(model, asked, name=name, ks=(k,)))
    return found


def tables(taught: Mapping[str, Lesson], k: int, seed: int) -> dict[str, pd.DataFrame]:
    """`mean`, `low` and `high` by lesson: two judgements of the same lists, and their skips."""
    completed = [lesson.completed for lesson in taught.values()]
    started = [lesson.started for lesson in taught.values()]
    wanted = {
        f"NDCG@{k}, completed next": (completed, f"ndcg_at_{k}"),
        f"NDCG@{k}, begun next": (started, f"ndcg_at_{k}"),
        "share skipped before": (completed, BEFORE),
        f"NDCG@{k}, completed next, filtered": (completed, SERVED),
        "share skipped next, filtered": (completed, NEXT),
    }
    return {
        name: frames.results_frame(runs, metric, np.random.default_rng(seed))
        for name, (runs, metric) in wanted.items()
    }


def paired(taught: Mapping[str, Lesson], k: int, seed: int) -> dict[str, dict[str, Comparison]]:
    """Each looser meaning of liking against the strictest on the same users, by the measure."""
    (first, strict), *others = taught.items()
    metrics = {
        f"NDCG@{k}, completed next": f"ndcg_at_{k}",
        f"NDCG@{k}, completed next, filtered": SERVED,
    }
    return {
        name: {
            f"{other} - {first}": compare(
                lesson.completed, strict.completed, metric, np.random.default_rng(seed)
            )
            for other, lesson in others
        }
        for name, metric in metrics.items()
    }


class _Log:
    """Interactions of all types with one set of codes."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows
        self._user_ids = sorted(set(rows["USER_ID"]))
        self.item_ids = sorted(set(rows["ITEM_ID"]))

    def of(self, types: Collection[EventType]) -> Interactions:
        chosen = self._rows[self._rows["EVENT_TYPE"].isin([kind.value for kind in types])]
        return Interactions.from_frame(chosen, user_ids=self._user_ids, item_ids=self.item_ids)

    def skipped_before(self, cut: int) -> dict[int, NDArray[np.int32]]:
        """By user code, what was skipped."""
        return _items_by_user(self.of(SKIPPED), lambda times: times < cut)

    def skipped_after(self, cut: int) -> dict[int, NDArray[np.int32]]:
        """By user code, what was skipped and not heard to the end."""
        completed = _items_by_user(self.of(COMPLETED), lambda times: times >= cut)
        return {
            user: np.setdiff1d(items, completed.get(user, _NOTHING))
            for user, items in _items_by_user(self.of(SKIPPED), lambda times: times >= cut).items()
        }


_NOTHING: Final = np.empty(0, dtype=np.int32)
Lists = list["NDArray[np.intp]"]


def _items_by_user(
    interactions: Interactions, when: Callable[[NDArray[np.int64]], NDArray[np.bool_]]
) -> dict[int, NDArray[np.int32]]:
    histories = interactions.select(when(interactions.timestamps)).by_user()
    return {
        int(user): np.unique(histories.of(int(user))) for user in np.flatnonzero(histories.lengths)
    }


def _without(evaluation: Evaluation, hidden: Mapping[int, NDArray[np.int32]]) -> Lists:
    """The lists once what is hidden from each user is taken out of them."""
    return [
        ranked[~np.isin(ranked, hidden.get(int(user), _NOTHING))]
        for user, ranked in zip(evaluation.users, evaluation.lists, strict=True)
    ]


def _share(
    users: NDArray[np.int32], lists: Lists, items: Mapping[int, NDArray[np.int32]], k: int
) -> NDArray[np.float64]:
    """Share of each user's first `k` that is among the user's items."""
    shares = [
        np.isin(ranked[:k], items.get(int(user), _NOTHING)).mean() if len(ranked) else 0.0
        for user, ranked in zip(users, lists, strict=True)
    ]
    return np.array(shares, dtype=np.float64)


def _ndcg(
    users: NDArray[np.int32], lists: Lists, cases: Sequence[Case], k: int
) -> NDArray[np.float64]:
    targets = {case.user: np.unique(case.target) for case in cases}
    gains = [
        ndcg_at_k(ranked, targets[int(user)], k) for user, ranked in zip(users, lists, strict=True)
    ]
    return np.array(gains, dtype=np.float64)
