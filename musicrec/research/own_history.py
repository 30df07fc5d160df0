"""One listener's own history on a laptop: read from the privacy export, looked at, recommended from.

No stack and nobody else's data are involved. What is recommended is new to the listener, because
the most played tracks need no recommending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from musicrec.catalog import AUDIO_FEATURES, Track
from musicrec.events import ListeningEvent
from musicrec.producer.history import Lookup, Report, opened
from musicrec.producer.history.lookup import identity
from musicrec.profile import Profile, fold, listened_share
from musicrec.research.frames import item_features
from musicrec.research.models.base import Interactions, top_k
from musicrec.research.models.own_taste import OwnTaste

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS: Final = ("complete", "stop", "skip")
LISTENED_SHARE: Final = 0.5
"""From this share of a track on a play counts as listening to it."""

MIN_LISTENS: Final = 20
"""Whole listens of known genre that a quarter needs for its shares to mean something."""

FOR_ALL: Final = 20.0
"""Added to popularity (0 to 100): an unknown track is a fifth as likely to be taken up as a hit."""

YOU: Final = "you"


class NothingHeldOutError(ValueError):
    """The end of a history holds no catalogue track that was new."""


def read(
    files: Sequence[Path | str], tracks: Iterable[Track], user_id: str = YOU
) -> tuple[list[ListeningEvent], Report]:
    """A privacy export as events, in memory; some 500 bytes an event.

    Args:
        files: the zip as it came, JSON files, or folders.
        tracks: the catalogue, for lengths and for the short format's names.
        user_id: what the listener is called in the events.

    Raises:
        NoHistoryError: the files hold no listening history.
    """
    with opened(files, user_id, Lookup.of(tracks)) as history:
        return list(history.events()), history.report


def profile_of(events: Sequence[ListeningEvent], tracks: Iterable[Track]) -> Profile:
    """The musical profile, as the profile builder would fold it."""
    known = {track.track_id: track for track in tracks}
    seen = ((event, known.get(event.track_id)) for event in events)
    return fold(Profile(user_id=events[0].user_id if events else YOU), seen)


def plays_frame(events: Iterable[ListeningEvent]) -> pd.DataFrame:
    """One row a play, by its end, oldest first.

    Returns:
        `at` (aware time), `track_id`, `title`, `artist`, `ending`, `minutes` heard, and `share`,
        how much the play counts as listening (0 to 1, a skip 0).
    """
    rows = [
        (
            event.occurred_at,
            event.track_id,
            event.track.name if event.track else event.track_id,
            event.track.artists[0] if event.track and event.track.artists else "",
            event.event_type.value,
            (event.listened_ms or 0) / 60_000,
            listened_share(event),
        )
        for event in events
        if event.is_terminal
    ]
    columns = ["at", "track_id", "title", "artist", "ending", "minutes", "share"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("at", kind="stable", ignore_index=True)
    return frame.assign(at=pd.to_datetime(frame["at"], unit="ms", utc=True))


def ends_by_year(plays: pd.DataFrame) -> pd.DataFrame:
    """Plays by year (rows) and ending (columns)."""
    table = pd.crosstab(plays["at"].dt.year.astype(str), plays["ending"])
    return table.reindex(columns=list(ENDINGS), fill_value=0).rename_axis("year")


def most_played(plays: pd.DataFrame, k: int) -> list[str]:
    """The tracks that were listened to most, the first one most."""
    heard = plays[plays["share"] >= LISTENED_SHARE]
    counts = heard.groupby("track_id").size().rename("plays").reset_index()
    ordered = counts.sort_values(["plays", "track_id"], ascending=[False, True])
    most: list[str] = ordered["track_id"].head(k).tolist()
    return most


def genres_over_time(plays: pd.DataFrame, items: pd.DataFrame, genres: int = 8) -> pd.DataFrame:
    """Share of listening by quarter (rows) for the genres with most of it (columns).

    A track of several genres counts in equal parts; tracks without a known genre count nowhere. A
    quarter in which hardly anything was played, as the first and the last may be, gets no row.
    """
    known = plays[plays["share"] > 0].join(items["genres"], on="track_id", how="inner")
    known = known[known["genres"].map(len) > 0]
    known = known.assign(part=known["share"] / known["genres"].map(len))
    quarter = known["at"].dt.tz_convert(UTC).dt.tz_localize(None).dt.to_period("Q")
    table = (
        known.assign(quarter=quarter)
        .explode("genres")
        .pivot_table(
            index="quarter", columns="genres", values="part", aggfunc="sum", fill_value=0.0
        )
    )
    table = table[table.sum(axis=1) >= MIN_LISTENS]
    largest = table.sum().sort_values(ascending=False, kind="stable").index[:genres]
    return table.div(table.sum(axis=1), axis=0)[largest].rename_axis(columns="genre")


def sound(profile: Profile, items: pd.DataFrame) -> pd.Series[float]:
    """How what is listened to differs from the catalogue, by audio feature.

    In standard deviations of the catalogue from its mean; features that are not known are left out.
    """
    values = {
        name: (profile.audio[name].mean - items[name].mean()) / items[name].std(ddof=0)
        for name in AUDIO_FEATURES
        if name in profile.audio
    }
    return pd.Series(values, dtype="float64", name="standard deviations")


class Recommender:
    """Recommends from one history.

    Args:
        plays: as `plays_frame` makes it.
        items: the catalogue as `frames.items_frame` makes it.
    """

    def __init__(self, plays: pd.DataFrame, items: pd.DataFrame) -> None:
        self._artists = {track_id: names[0] for track_id, names in items["artists"].items()}
        self._heard = frozenset(plays["track_id"]) | _same_recordings(plays, items)
        listened = plays[plays["share"] >= LISTENED_SHARE]
        self._listened = listened
        self._interactions = Interactions.from_columns(
            np.full(len(listened), YOU, dtype=object),
            listened["track_id"].to_numpy(dtype=object),
            listened["at"].astype("int64").to_numpy(),
            item_ids={*items.index, *listened["track_id"]},
        )
        ids = self._interactions.item_ids
        self._code = {track_id: code for code, track_id in enumerate(ids)}
        popularity = items["popularity"].reindex(ids).fillna(0).to_numpy(dtype=np.float32)
        self._model = OwnTaste(prior=popularity + np.float32(FOR_ALL)).fit(
            self._interactions, item_features(items, ids)
        )
        self._scores = self._model.scores(self._interactions.items)

    def new(self, k: int, per_artist: int = 1) -> list[str]:
        """Catalogue tracks that were never played, the best first, few of one artist."""
        chosen: list[str] = []
        artists: dict[str, int] = {}
        ids = self._interactions.item_ids
        for code in top_k(self._unheard(), len(ids)):
            artist = self._artists[ids[code]]
            if artists.get(artist, 0) < per_artist:
                artists[artist] = artists.get(artist, 0) + 1
                chosen.append(ids[code])
            if len(chosen) == k:
                break
        return chosen

    def forgotten(self, k: int, days: int = 180) -> list[str]:
        """Tracks that were listened to most and not at all in the last `days` of the history."""
        last = self._listened.groupby("track_id")["at"].max()
        old = last[last < self._listened["at"].max() - pd.Timedelta(days=days)].index
        return most_played(self._listened[self._listened["track_id"].isin(old)], k)

    def because(self, track_id: str) -> str:
        """The track of the history that speaks most for a recommended one."""
        (code,) = self._model.voices(self._code[track_id], self._interactions.items)
        return self._interactions.item_ids[code]

    def ranks(self, wanted: Iterable[str], scores: pd.Series[float] | None = None) -> list[float]:
        """Where unheard tracks stand among all unheard ones: 1 is first, 0 last.

        Args:
            wanted: unheard catalogue tracks.
            scores: by track id, to rank by instead of the listener's taste.
        """
        unheard = pd.Series(self._unheard(), index=self._interactions.item_ids)
        unheard = unheard[unheard > -np.inf]
        ranked = unheard if scores is None else scores.reindex(unheard.index).fillna(-np.inf)
        places = (ranked.rank(method="average") - 1) / max(1, len(ranked) - 1)
        return [float(place) for place in places.reindex(list(wanted))]

    def _unheard(self) -> NDArray[np.float32]:
        """Scores, -inf for what was played and for what the catalogue does not know."""
        allowed = [
            track_id in self._artists and track_id not in self._heard
            for track_id in self._interactions.item_ids
        ]
        return np.where(allowed, self._scores, -np.inf).astype(np.float32)


def foresight(plays: pd.DataFrame, items: pd.DataFrame, share: float = 0.1) -> pd.DataFrame:
    """Do recommendations made before the newest plays rank high what was then discovered?

    Args:
        plays: as `plays_frame` makes it.
        items: the catalogue.
        share: of the plays, the newest, that are foretold.

    Returns:
        `mean rank` (1 first, 0 last, 0.5 by chance) and `in the first tenth` (0.1 by chance) of the
        catalogue tracks that were listened to and never played before, by taste and by popularity.

    Raises:
        NothingHeldOutError: there are none.
    """
    cut = int(len(plays) * (1 - share))
    before, after = plays.iloc[:cut], plays.iloc[cut:]
    listened = after[after["share"] >= LISTENED_SHARE]
    played = set(before["track_id"]) | _same_recordings(before, items)
    discovered = sorted(set(listened["track_id"]) & set(items.index) - played)
    if not discovered:
        raise NothingHeldOutError(
            f"no new catalogue track among the newest {len(after)} plays; foretell a larger share"
        )
    recommender = Recommender(before, items)
    popularity = items["popularity"].astype("float64")
    ranks = pd.DataFrame(
        {
            "your own taste": recommender.ranks(discovered),
            "popular in the catalogue": recommender.ranks(discovered, popularity),
        }
    )
    return pd.DataFrame({"mean rank": ranks.mean(), "in the first tenth": (ranks > 0.9).mean()})


def beside_most_played(
    recommended: Sequence[str], plays: pd.DataFrame, items: pd.DataFrame, recommender: Recommender
) -> pd.DataFrame:
    """The most played tracks and what is recommended, rank by rank, with the reason for each."""
    most = most_played(plays, len(recommended))
    heard = _names(plays.drop_duplicates("track_id"))
    offered = dict(
        zip(items.index, items["name"] + " (" + items["artists"].str[0] + ")", strict=True)
    )
    reasons = [recommender.because(track_id) for track_id in recommended]
    return pd.DataFrame(
        {
            "most played": [heard[track_id] for track_id in most],
            "recommended": [offered[track_id] for track_id in recommended],
            "genre": items["genre"].reindex(list(recommended)).to_list(),
            "because you listen to": [heard[track_id] for track_id in reasons],
        },
        index=pd.RangeIndex(1, len(recommended) + 1, name="rank"),
    )


def _same_recordings(plays: pd.DataFrame, items: pd.DataFrame) -> frozenset[str]:
    """Catalogue tracks that were played under another id, known by title and artist."""
    played = {
        identity(str(t), str(a)) for t, a in zip(plays["title"], plays["artist"], strict=True)
    }
    named = zip(items.index, items["name"], items["artists"].str[0], strict=True)
    return frozenset(
        track_id for track_id, title, artist in named if identity(title, artist) in played
    )


def _names(plays: pd.DataFrame) -> dict[str, str]:
    names = plays["title"] + " (" + plays["artist"] + ")"
    return dict(zip(plays["track_id"], names, strict=True))
