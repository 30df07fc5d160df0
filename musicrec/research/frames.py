"""Tables for notebooks: events, tracks and results as pandas frames with one meaning a column."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.events import EventType, ListeningEvent
from musicrec.research.evaluation import bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from musicrec.research.evaluation import Evaluation

GENRE_WEIGHT: Final = 2.0
"""What sharing a genre counts beside one standard deviation of an audio feature."""

_DESCRIPTION: Final = ("artists", "album_name", "track_name")
_ITEM_COLUMNS: Final = (
    "name", "artists", "album", "genre", "genres", "popularity", "duration_ms", "explicit",
)  # fmt: skip


def raw_tracks(path: Path | str) -> pd.DataFrame:
    """The Kaggle file as it is, indexed by its own row number; nothing is cleaned."""
    return pd.read_csv(path, index_col=0, keep_default_na=False, na_values=[""])


def raw_findings(raw: pd.DataFrame) -> pd.DataFrame:
    """What a reader of the Kaggle file has to know of its rows.

    Returns:
        `rows` and `share` (of all rows) by finding. The findings overlap.
    """
    popularities = raw.groupby("track_id")["popularity"].transform("nunique")
    rows = {
        "track in another row too": raw.duplicated("track_id", keep=False),
        "track in an earlier row": raw.duplicated("track_id"),
        "equal to an earlier row": raw.duplicated(),
        "popularity differs between rows": popularities > 1,
        "popularity 0": raw["popularity"] == 0,
        "no name, artist or album": raw[list(_DESCRIPTION)].isna().any(axis=1),
        "length 0": raw["duration_ms"] == 0,
        "tempo 0": raw["tempo"] == 0,
        "time signature 0": raw["time_signature"] == 0,
    }
    counts = pd.DataFrame({"rows": {name: int(found.sum()) for name, found in rows.items()}})
    return counts.assign(share=counts["rows"] / max(1, len(raw)))


def items_frame(tracks: Iterable[Track]) -> pd.DataFrame:
    """One row a track, indexed by `track_id`, audio features in columns of their own.

    `genre` is the first of `genres`; a feature that the catalogue does not know is NaN.
    """
    rows = [
        {"track_id": track.track_id, **{name: getattr(track, name) for name in _ITEM_COLUMNS}}
        | track.features
        for track in tracks
    ]
    columns = ["track_id", *_ITEM_COLUMNS, *AUDIO_FEATURES]
    frame = pd.DataFrame(rows, columns=columns).set_index("track_id")
    return frame.astype(dict.fromkeys(AUDIO_FEATURES, "float64"))


def events_frame(events: Iterable[ListeningEvent]) -> pd.DataFrame:
    """One row an event, oldest first.

    `occurred_at` is an aware time, `listened_ratio` the audible share of the track, 0 to 1.
    """
    columns = ["occurred_at", "user_id", "session_id", "track_id", "event_type", "listened_ratio"]
    rows = [
        (
            event.occurred_at,
            event.user_id,
            event.session_id,
            event.track_id,
            str(event.event_type),
            event.listened_ratio,
        )
        for event in sorted(events, key=lambda event: (event.occurred_at, event.event_id))
    ]
    frame = pd.DataFrame(rows, columns=columns).astype({"listened_ratio": "float64"})
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], unit="ms", utc=True)
    return frame


def genre_means(items: pd.DataFrame) -> pd.DataFrame:
    """Mean audio features by genre, and `tracks`, how many stand behind; a track counts in each."""
    rows = items.explode("genres").groupby("genres")
    means = rows[list(AUDIO_FEATURES)].mean()
    return means.assign(tracks=rows.size()).rename_axis("genre")


def explained_by_genre(items: pd.DataFrame) -> pd.Series[float]:
    """Share of each audio feature's variance that lies between genres, 0 to 1, the largest first.

    1 would mean that all tracks of a genre are equal in the feature, 0 that genres do not differ in
    it. A track of several genres counts in each.
    """
    rows = items.explode("genres").dropna(subset="genres")
    values = rows[list(AUDIO_FEATURES)]
    means = values.groupby(rows["genres"]).transform("mean")
    shares = means.where(values.notna()).var(ddof=0) / values.var(ddof=0)
    return shares.rename("between genres").sort_values(ascending=False, kind="stable")


def correlated_features(items: pd.DataFrame, at_least: float) -> pd.Series[float]:
    """Pairs of audio features whose correlation over tracks is that strong, the strongest first."""
    matrix = items[list(AUDIO_FEATURES)].corr().to_numpy()
    pairs = {
        f"{AUDIO_FEATURES[one]} and {AUDIO_FEATURES[other]}": matrix[one, other]
        for one, other in combinations(range(len(AUDIO_FEATURES)), 2)
        if abs(matrix[one, other]) >= at_least
    }
    found = pd.Series(pairs, name="correlation", dtype="float64")
    return found.sort_values(key=abs, ascending=False, kind="stable")


def genre_shares(events: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Share of each listener's plays by genre: a row a listener, a column a genre, rows sum to 1.

    A track of several genres counts in equal parts. Plays of tracks without a genre count nowhere;
    listeners who have no others get no row.

    Args:
        events: as `events_frame` makes it.
        items: as `items_frame` makes it.
    """
    plays = events.loc[events["event_type"] == EventType.PLAY.value, ["user_id", "track_id"]]
    genres = items.loc[items["genres"].map(len) > 0, "genres"]
    known = plays.join(genres, on="track_id", how="inner")
    known["part"] = 1 / known["genres"].map(len).astype("float64")
    parts = known.explode("genres").pivot_table(
        index="user_id", columns="genres", values="part", aggfunc="sum", fill_value=0.0
    )
    return parts.div(parts.sum(axis=1), axis=0).rename_axis(columns="genre")


def list_genre_shares(track_ids: Sequence[str], items: pd.DataFrame) -> pd.Series[float]:
    """Share of a list of tracks by genre, e.g. of recommendations; the largest first."""
    genres = items["genres"].reindex(list(track_ids))
    known = genres[genres.map(lambda names: isinstance(names, tuple) and len(names) > 0)]
    if known.empty:
        return pd.Series(dtype="float64", name="share")
    parts = pd.DataFrame({"genre": known, "part": 1 / known.map(len).astype("float64")})
    shares = parts.explode("genre").groupby("genre")["part"].sum() / len(known)
    return shares.rename("share").sort_values(ascending=False, kind="stable")


def item_features(items: pd.DataFrame, item_ids: Sequence[str]) -> NDArray[np.float32]:
    """Features for models that look at content, a row for each id, in the order of the ids.

    Audio features are in standard deviations from the mean, unknown ones at the mean; genres are
    columns of 0 and `GENRE_WEIGHT`, shared by a track's genres. An id that `items` lacks is a row of
    zeros, like nothing.
    """
    chosen = items.reindex(list(item_ids))
    audio = chosen[list(AUDIO_FEATURES)]
    spread = audio.std(ddof=0).replace(0, 1)
    scaled = ((audio - audio.mean()) / spread).fillna(0).to_numpy(dtype=np.float32)
    lists = [names if isinstance(names, tuple) else () for names in chosen["genres"]]
    column = {genre: n for n, genre in enumerate(sorted({g for names in lists for g in names}))}
    one_hot = np.zeros((len(lists), len(column)), dtype=np.float32)
    for row, names in enumerate(lists):
        one_hot[row, [column[genre] for genre in names]] = GENRE_WEIGHT / np.sqrt(
            max(1, len(names))
        )
    return np.hstack([scaled, one_hot])


def with_event_weights(interactions: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Rows of an INTERACTIONS frame whose EVENT_TYPE has a weight, which becomes `WEIGHT`.

    This is what a solution's event configuration does: a type that is not named is not learnt from.
    """
    weighted = interactions.assign(WEIGHT=interactions["EVENT_TYPE"].map(dict(weights)))
    return weighted[weighted["WEIGHT"].notna()]


def results_frame(
    evaluations: Sequence[Evaluation], metric: str, rng: np.random.Generator
) -> pd.DataFrame:
    """`mean`, `low` and `high` (95 % bootstrap interval over users) by model, the best first."""
    rows = {}
    for evaluation in evaluations:
        interval = bootstrap_interval(evaluation.metrics[metric], rng)
        rows[evaluation.model] = (interval.mean, interval.low, interval.high)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high"])
    return table.rename_axis("model").sort_values("mean", ascending=False, kind="stable")


def users_frame(evaluations: Sequence[Evaluation], user_ids: Sequence[str]) -> pd.DataFrame:
    """One row a model and user: history length and every metric, for looking at segments."""
    parts = [
        pd.DataFrame(evaluation.metrics).assign(
            model=evaluation.model,
            user_id=[user_ids[user] for user in evaluation.users],
            history_length=evaluation.history_lengths,
        )
        for evaluation in evaluations
    ]
    return pd.concat(parts, ignore_index=True)


def segments(
    table: pd.DataFrame, metric: str, bounds: Sequence[int], rng: np.random.Generator
) -> pd.DataFrame:
    """A metric by model and length of history, one row for each pair that has users.

    Args:
        table: as `users_frame` makes it.
        metric: one of its columns.
        bounds: where one segment ends and the next begins, e.g. [20, 100] for three.
        rng: of the bootstrap.

    Returns:
        `model`, `segment`, `users` (how many), `mean`, `low` and `high` (95 % bootstrap interval
        over users); models in their order, short histories first.
    """
    edges = [-1, *(bound - 1 for bound in bounds), np.inf]
    names = [f"under {bounds[0]}"]
    names += [f"{low} to {high - 1}" for low, high in pairwise(bounds)]
    names += [f"{bounds[-1]} and more"]
    cut = table.assign(segment=pd.cut(table["history_length"], edges, labels=names))
    rows = []
    for (model, segment), part in cut.groupby(["model", "segment"], sort=False, observed=True):
        found = bootstrap_interval(part[metric].to_numpy(), rng)
        rows.append((model, str(segment), len(part), found.mean, found.low, found.high))
    made = pd.DataFrame(rows, columns=["model", "segment", "users", "mean", "low", "high"])
    return made.sort_values("segment", key=lambda column: column.map(names.index), kind="stable")
