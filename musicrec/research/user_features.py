"""User features under test: do they tell listeners apart, do they last, and do they look ahead?

A feature that differs between listeners but changes from one half of a history to the other says
more about the day than about the person; one that is computed with later events in it looks better
in research than it can be in production.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from musicrec.catalog import Catalog, Track
from musicrec.events import ListeningEvent
from musicrec.profile import USER_FIELDS, Profile, features, fold

NUMERIC: Final = tuple(name for name, kind in USER_FIELDS.items() if kind is float)
CATEGORICAL: Final = tuple(name for name, kind in USER_FIELDS.items() if kind is str)


def tracks_of(events: Iterable[ListeningEvent], catalog: Catalog) -> dict[str, Track]:
    """The catalogue's tracks among those that the events name, by id."""
    return catalog.get_many({event.track_id for event in events})


def feature_table(events: Iterable[ListeningEvent], tracks: Mapping[str, Track]) -> pd.DataFrame:
    """One row a listener, indexed by user id, as the USERS dataset would have it.

    Args:
        events: any listeners' events, in any order.
        tracks: the catalogue's tracks by id; events of other tracks count without features.
    """
    by_user: defaultdict[str, list[tuple[ListeningEvent, Track | None]]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append((event, tracks.get(event.track_id)))
    rows = [features(fold(Profile(user_id=user), seen)) for user, seen in by_user.items()]
    table = pd.DataFrame(rows, columns=["USER_ID", *USER_FIELDS]).set_index("USER_ID").sort_index()
    return table.astype(dict.fromkeys(NUMERIC, "float64"))


def halves(events: Iterable[ListeningEvent]) -> tuple[list[ListeningEvent], list[ListeningEvent]]:
    """Each listener's events cut at the middle of that listener's own plays, in order of time."""
    by_user: defaultdict[str, list[ListeningEvent]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    first: list[ListeningEvent] = []
    second: list[ListeningEvent] = []
    for history in by_user.values():
        history.sort(key=lambda event: (event.occurred_at, event.event_id))
        middle = len(history) // 2
        first += history[:middle]
        second += history[middle:]
    return first, second


def stability(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """How well each feature of one half of the histories foretells the other half's.

    For numbers it is Spearman's rank correlation over listeners. For categories it is Cohen's
    kappa, the agreement beyond what the two halves' frequencies give by chance. Both are 1 for a
    feature that never changes and 0 for one that says nothing of the listener.

    Args:
        first: `feature_table` of one half.
        second: of the other; listeners of both halves count.

    Returns:
        `feature`, `kind` (number or category) and `stability`, the most stable first.
    """
    one, other = first.align(second, join="inner", axis=0)
    rows = [(name, "number", _rank_correlation(one[name], other[name])) for name in NUMERIC]
    rows += [(name, "category", _kappa(one[name], other[name])) for name in CATEGORICAL]
    table = pd.DataFrame(rows, columns=["feature", "kind", "stability"])
    return table.sort_values(["stability", "feature"], ascending=[False, True], ignore_index=True)


def changed_by_later_events(before: pd.DataFrame, whole: pd.DataFrame) -> pd.Series[float]:
    """Share of listeners, 0 to 1, whose feature is another one when later events are in it.

    Numbers count as changed when they move by more than a tenth of the feature's spread over
    listeners: training on the whole history would have shown a model that much of the future.

    Args:
        before: `feature_table` of the events up to a moment.
        whole: of all events.
    """
    one, other = before.align(whole, join="inner", axis=0)
    moved = {name: (one[name] - other[name]).abs() > other[name].std() / 10 for name in NUMERIC}
    moved |= {name: one[name].fillna("") != other[name].fillna("") for name in CATEGORICAL}
    return pd.DataFrame(moved).mean().sort_values(ascending=False).rename("changed")


def _rank_correlation(one: pd.Series[float], other: pd.Series[float]) -> float:
    return float(one.rank().corr(other.rank()))


def _kappa(one: pd.Series[str], other: pd.Series[str]) -> float:
    """Cohen (1960): (observed agreement - chance agreement) / (1 - chance agreement)."""
    left, right = one.fillna("none"), other.fillna("none")
    observed = float((left == right).mean())
    shares = left.value_counts(normalize=True) * right.value_counts(normalize=True)
    chance = float(shares.sum())
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)
