"""What every model is fitted on and what it answers, so that one protocol can judge them all.

Models speak in codes: an item's code is its place in `Interactions.item_ids`, a user's its place in
`Interactions.user_ids`. Strings are met once, on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SECONDS_PER_DAY = 86_400


class UnknownIdError(ValueError):
    """An interaction names a user or an item that the given list of ids lacks."""

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(
            f"{kind} {value!r} is not among the given {kind}_ids; add it or drop the row"
        )


class NotFittedError(RuntimeError):
    """A model was asked for scores before it was fitted."""

    def __init__(self, model: object) -> None:
        super().__init__(f"{type(model).__name__} is not fitted; call fit(interactions) first")


@dataclass(frozen=True, eq=False)
class Interactions:
    """Who met which item when, one row an interaction, sorted by (timestamp, user, item).

    Attributes:
        users: user codes.
        items: item codes.
        timestamps: epoch seconds.
        weights: how much each interaction counts, 1 unless said otherwise.
        user_ids: the users by code, sorted.
        item_ids: the items by code, sorted; may hold items that no interaction names.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    weights: NDArray[np.float32]
    user_ids: list[str]
    item_ids: list[str]

    @classmethod
    def from_columns(
        cls,
        users: Sequence[str] | NDArray[Any],
        items: Sequence[str] | NDArray[Any],
        timestamps: Sequence[int] | NDArray[Any],
        weights: Sequence[float] | NDArray[Any] | None = None,
        *,
        user_ids: Iterable[str] | None = None,
        item_ids: Iterable[str] | None = None,
    ) -> Self:
        """Encode parallel columns.

        Args:
            users: user ids.
            items: item ids.
            timestamps: epoch seconds.
            weights: one for each interaction; all 1 when absent.
            user_ids: all users, when more than those that interacted are to have a code.
            item_ids: all items, when more than those that were met are to have a code.

        Raises:
            UnknownIdError: an id is missing in the given `user_ids` or `item_ids`.
        """
        user_codes, all_users = _encode("user", users, user_ids)
        item_codes, all_items = _encode("item", items, item_ids)
        times = np.asarray(timestamps, dtype=np.int64)
        given = np.ones(len(times)) if weights is None else weights
        order = np.lexsort((item_codes, user_codes, times))
        return cls(
            users=user_codes[order],
            items=item_codes[order],
            timestamps=times[order],
            weights=np.asarray(given, dtype=np.float32)[order],
            user_ids=all_users,
            item_ids=all_items,
        )

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[str, str, int]],
        *,
        user_ids: Iterable[str] | None = None,
        item_ids: Iterable[str] | None = None,
    ) -> Self:
        """Encode (user id, item id, epoch seconds) rows; ids and errors as for `from_columns`."""
        users, items, timestamps = tuple(zip(*rows, strict=True)) or ((), (), ())
        return cls.from_columns(users, items, timestamps, user_ids=user_ids, item_ids=item_ids)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        user: str = "USER_ID",
        item: str = "ITEM_ID",
        timestamp: str = "TIMESTAMP",
        weight: str | None = None,
        user_ids: Iterable[str] | None = None,
        item_ids: Iterable[str] | None = None,
    ) -> Self:
        """Encode a frame; the default column names are those of Personalize's INTERACTIONS.

        Args:
            frame: one row an interaction.
            user: its column of user ids.
            item: its column of item ids.
            timestamp: its column of epoch seconds.
            weight: its column of weights; all 1 when absent.
            user_ids: as for `from_columns`.
            item_ids: as for `from_columns`.

        Raises:
            UnknownIdError: an id is missing in the given `user_ids` or `item_ids`.
        """
        return cls.from_columns(
            frame[user].to_numpy(dtype=object),
            frame[item].to_numpy(dtype=object),
            frame[timestamp].to_numpy(),
            None if weight is None else frame[weight].to_numpy(),
            user_ids=user_ids,
            item_ids=item_ids,
        )

    def __len__(self) -> int:
        return len(self.items)

    @property
    def n_users(self) -> int:
        """How many users have a code."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """How many items have a code."""
        return len(self.item_ids)

    def select(self, rows: NDArray[np.bool_]) -> Self:
        """The interactions that the mask keeps, with the same codes."""
        return type(self)(
            users=self.users[rows],
            items=self.items[rows],
            timestamps=self.timestamps[rows],
            weights=self.weights[rows],
            user_ids=self.user_ids,
            item_ids=self.item_ids,
        )

    def by_user(self) -> Histories:
        """The same interactions ordered by user, each user's oldest first."""
        order = np.argsort(self.users, kind="stable")
        counts = np.bincount(self.users, minlength=self.n_users)
        offsets = np.zeros(self.n_users + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        return Histories(offsets, order, self.items[order], self.timestamps[order])

    def distinct_pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """User and item codes of every (user, item) that met at least once, by user, then item."""
        keys = np.sort(self.users.astype(np.int64) * max(1, self.n_items) + self.items)
        first = np.ones(len(keys), dtype=np.bool_)  # np.unique hashes, which takes ten times longer
        first[1:] = keys[1:] != keys[:-1]
        users, items = np.divmod(keys[first], max(1, self.n_items))
        return users.astype(np.int32), items.astype(np.int32)


@dataclass(frozen=True, eq=False)
class Histories:
    """Interactions in rows of users: user `u` owns the places `offsets[u]` to `offsets[u + 1]`.

    Attributes:
        offsets: one more than there are users.
        rows: which row of the interactions stands at each place.
        items: item codes, each user's oldest first.
        timestamps: epoch seconds.
    """

    offsets: NDArray[np.int64]
    rows: NDArray[np.intp]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        """Each user's items, in the order of the user codes."""
        return (self.of(user) for user in range(len(self)))

    def places(self, user: int) -> slice:
        """Where the user's interactions stand."""
        return slice(int(self.offsets[user]), int(self.offsets[user + 1]))

    def of(self, user: int) -> NDArray[np.int32]:
        """The user's items, oldest first."""
        return self.items[self.places(user)]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many interactions each user has."""
        return np.diff(self.offsets)


class Model(Protocol):
    """A recommender: fitted once, then asked for any history, known to it or not."""

    def fit(
        self, interactions: Interactions, item_features: NDArray[np.float32] | None = None
    ) -> Self:
        """Learn from interactions.

        Args:
            interactions: what happened.
            item_features: one row of numbers for each item code; models without use for them
                ignore them.
        """
        ...

    def scores(
        self, history: NDArray[np.int32], timestamps: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """How strongly each item code is recommended after `history`; -inf means never.

        Args:
            history: item codes, oldest first; empty for a cold user, who gets what is popular.
            timestamps: epoch seconds of the history, for models that use gaps.
        """
        ...


def collapse_repeats(items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mask that keeps the first of consecutive equal items (a play and its completion are one)."""
    keep = np.ones(len(items), dtype=np.bool_)
    keep[1:] = items[1:] != items[:-1]
    return keep


def backfill(scores: NDArray[np.float32], filler: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rank what `scores` leaves at 0 by `filler` (0 to 1), strictly below whatever it reached."""
    reached = scores[np.flatnonzero(scores > 0)]
    if len(reached) == 0:
        return filler.copy()
    lifted: NDArray[np.float32] = filler * (reached.min() / 2)
    return np.maximum(scores, lifted, out=lifted)


def top_k(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The codes of the `k` highest scores, best first; equal ones by code, -inf left out."""
    k = min(k, len(scores))
    if k <= 0:
        return np.empty(0, dtype=np.intp)
    bar = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero((scores >= bar) & (scores > -np.inf))
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def distinct_users(interactions: Interactions) -> NDArray[np.float32]:
    """How many users met each item: Personalize's definition of popularity."""
    _, items = interactions.distinct_pairs()
    return np.bincount(items, minlength=interactions.n_items).astype(np.float32)


def unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of 0 and more, scaled to a maximum of 1."""
    top = values.max(initial=0)
    scaled = values / top if top > 0 else np.zeros_like(values)
    return scaled.astype(np.float32, copy=False)


def _encode(
    kind: str, values: Sequence[str] | NDArray[Any], ids: Iterable[str] | None
) -> tuple[NDArray[np.int32], list[str]]:
    known = sorted(set(values)) if ids is None else sorted(set(ids))
    code = {name: number for number, name in enumerate(known)}
    try:
        codes = np.fromiter((code[value] for value in values), dtype=np.int32, count=len(values))
    except KeyError as error:
        raise UnknownIdError(kind, error.args[0]) from error
    return codes, known
