"""Offline metrics of user segments, by the split that AWS documents: 80 % of each user's history.

For a sample of items, who of a sample of users is drawn to them most, and who met them afterwards?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.local.personalize.affinity import standardised
from musicrec.local.personalize.training import unfitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.training import TrainingData
    from musicrec.research.models.base import Interactions

INPUT_SHARE: Final = 0.8
MAX_USERS: Final = 2000
MAX_ITEMS: Final = 200
SEED: Final = 20


def evaluate_segments(recipe: Recipe, data: TrainingData) -> dict[str, float]:
    """Hits and recall among the top percent of users, and coverage; rounded to four decimals."""
    is_input = _input_rows(data.interactions)
    model = unfitted(recipe, data).fit(data.interactions.select(is_input), data.features)
    later = data.interactions.select(~is_input)
    chance = np.random.default_rng(SEED)
    items = chance.permutation(np.unique(later.items))[:MAX_ITEMS]
    users = np.sort(chance.permutation(data.interactions.n_users)[:MAX_USERS])
    histories = data.interactions.select(is_input).by_user()
    scores = np.stack(
        [
            standardised(
                model.scores(
                    histories.of(int(user)), histories.timestamps[histories.places(int(user))]
                )
            )[items]
            for user in users
        ]
    )
    found = [
        _judged(scores[:, place], users, _met(later, item)) for place, item in enumerate(items)
    ]
    hits, recall = np.mean(found, axis=0) if found else (0.0, 0.0)
    shares = {
        "coverage": data.interactions.n_items / max(1, data.catalogue_size),
        "hits_at_1_percent": hits,
        "recall_at_1_percent": recall,
    }
    return {name: round(float(value), 4) for name, value in shares.items()}


def _input_rows(interactions: Interactions) -> NDArray[np.bool_]:
    """Mask of the oldest 80 % of each user's interactions, at least one."""
    histories = interactions.by_user()
    mask = np.zeros(len(interactions), dtype=np.bool_)
    for user in range(len(histories)):
        place = histories.places(user)
        rows = histories.rows[place]
        mask[rows[: max(1, int(len(rows) * INPUT_SHARE))]] = True
    return mask


def _met(later: Interactions, item: int) -> NDArray[np.int32]:
    return np.unique(later.users[later.items == item])


def _judged(
    scores: NDArray[np.float32], users: NDArray[np.int64], met: NDArray[np.int32]
) -> tuple[float, float]:
    """Hits among the top percent of users, and the share of those who met the item."""
    top = users[np.argsort(-scores, kind="stable")[: max(1, len(users) // 100)]]
    among = met[np.isin(met, users)]
    hits = int(np.isin(top, among).sum())
    return float(hits), hits / len(among) if len(among) else 0.0
