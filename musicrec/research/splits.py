"""Which interactions a model may see and which it has to foresee.

Amazon Personalize holds out users; that is reproduced here so that offline numbers compare with the
service's. The global temporal split is the honest one: nothing after the cut reaches training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from musicrec.research.models.base import Histories, Interactions

INPUT_SHARE: Final = 0.9
"""Share of a held-out history, oldest first, that Personalize gives the model as input."""


class NothingToSplitError(ValueError):
    """No user has what the split needs."""


@dataclass(frozen=True, eq=False)
class Case:
    """One question to a model: what follows this history?

    Attributes:
        user: the user's code.
        history: item codes, oldest first; empty for a user who is new at the cut.
        timestamps: epoch seconds of the history.
        target: item codes that followed, oldest first, repeats kept.
    """

    user: int
    history: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    target: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Split:
    """What to fit on and what to ask afterwards."""

    train: Interactions
    cases: list[Case]


def personalize_split(interactions: Interactions, seed: int, share: float = 0.1) -> Split:
    """Personalize's split: a `share` of users is held out, none of whose rows is trained on.

    The oldest 90 % of a held-out history are the input, the newest 10 % (at least one) the target.
    Users with a single interaction are only trained on.

    Raises:
        NothingToSplitError: no user has two interactions.
    """
    eligible = _shuffled_users(interactions, seed)
    return _hold_out(interactions, eligible[: max(1, round(len(eligible) * share))])


def personalize_folds(interactions: Interactions, seed: int, folds: int = 10) -> Iterator[Split]:
    """As `personalize_split`, `folds` times, so that every eligible user is held out once.

    Raises:
        NothingToSplitError: no user has two interactions.
    """
    eligible = _shuffled_users(interactions, seed)
    for held_out in np.array_split(eligible, min(folds, len(eligible))):
        yield _hold_out(interactions, held_out)


def global_temporal_split(interactions: Interactions, share: float = 0.1) -> Split:
    """Cut all histories at one moment, so that the newest `share` of interactions is the target.

    Every user who acts after the cut is a case, with what came before it as history; users who are
    new then have an empty one. Interactions in the very second of the cut are targets.

    Raises:
        NothingToSplitError: all interactions carry the same timestamp, or there are none.
    """
    return split_at(interactions, interactions, moment(interactions, share))


def moment(interactions: Interactions, share: float = 0.1) -> int:
    """Epoch seconds at which the newest `share` of interactions begins, never the very first.

    Raises:
        NothingToSplitError: all interactions carry the same timestamp, or there are none.
    """
    times = interactions.timestamps
    if len(times) == 0 or times[0] == times[-1]:
        raise NothingToSplitError("a temporal split needs interactions at two moments at least")
    return max(int(times[int(len(times) * (1 - share))]), int(times[0]) + 1)


def split_at(learnt: Interactions, foretold: Interactions, cut: int) -> Split:
    """Everything in `learnt` before the cut, and what of `foretold` came from then on.

    Args:
        learnt: becomes the training part and the histories.
        foretold: the targets; the same codes of users and items. Users without any are no cases.
        cut: epoch seconds; what happens in that second is a target.
    """
    before, after = learnt.by_user(), foretold.by_user()
    users = np.unique(foretold.users[foretold.timestamps >= cut])
    cases = [_cut_at(before, after, int(user), cut) for user in users]
    return Split(learnt.select(learnt.timestamps < cut), cases)


def _shuffled_users(interactions: Interactions, seed: int) -> NDArray[np.intp]:
    eligible = np.flatnonzero(interactions.by_user().lengths >= 2)
    if len(eligible) == 0:
        raise NothingToSplitError(
            "a split by users needs at least one user with two interactions; there is none"
        )
    return np.random.default_rng(seed).permutation(eligible)


def _hold_out(interactions: Interactions, users: NDArray[np.intp]) -> Split:
    histories = interactions.by_user()
    held_out = np.zeros(interactions.n_users, dtype=np.bool_)
    held_out[users] = True
    cases = [_case(histories, int(user), _input_length(histories, int(user))) for user in users]
    return Split(interactions.select(~held_out[interactions.users]), cases)


def _input_length(histories: Histories, user: int) -> int:
    length = int(histories.lengths[user])
    return max(1, int(length * INPUT_SHARE))


def _cut_at(before: Histories, after: Histories, user: int, cut: int) -> Case:
    past, future = before.places(user), after.places(user)
    seen = slice(past.start, past.start + int(np.searchsorted(before.timestamps[past], cut)))
    first = future.start + int(np.searchsorted(after.timestamps[future], cut))
    return Case(user, before.items[seen], before.timestamps[seen], after.items[first : future.stop])


def _case(histories: Histories, user: int, seen: int) -> Case:
    places = histories.places(user)
    items, times = histories.items[places], histories.timestamps[places]
    return Case(user, items[:seen], times[:seen], items[seen:])
