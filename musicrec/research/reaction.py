"""How a list follows what is being played: asked again after every play, nothing retrained."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pandas as pd
from msgspec import Struct

from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.personalize import arms
from musicrec.personalize.waiting import Patience, WaitTimeoutError, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from musicrec.personalize.clients import Clients

SETTLING_SECONDS: Final = 3.0
"""AWS says that an event counts within a second or two; a list that is the same then stays."""

REST: Final = "all else"


class UnknownGenreError(LookupError):
    """Nobody has played a track of the genre."""

    def __init__(self, genre: str, known: Sequence[str]) -> None:
        super().__init__(
            f"nobody has played a track of {genre!r}; played were {', '.join(known[:10])}"
        )


class Heard(Struct, frozen=True, kw_only=True):
    """A track that is going to be played, and why."""

    track_id: str
    genre: str


class Step(Struct, frozen=True, kw_only=True):
    """The list after so many plays.

    Attributes:
        plays: how many were sent.
        genre: of the newest; empty before the first.
        track_ids: the list, the best first.
    """

    plays: int
    genre: str
    track_ids: list[str]


def well_known(
    events: pd.DataFrame, items: pd.DataFrame, genres: Sequence[str], each: int
) -> list[Heard]:
    """The tracks of each genre that most listeners heard to the end, genre after genre.

    Tracks whose first genre it is go before those that have it beside others.

    Args:
        events: as `frames.events_frame` makes it.
        items: as `frames.items_frame` makes it.
        genres: in the order in which they are turned to.
        each: tracks of a genre, at most.

    Raises:
        UnknownGenreError: nobody heard a track of a genre.
    """
    ended = events[events["event_type"] == EventType.COMPLETE.value]
    listeners = ended.groupby("track_id")["user_id"].nunique().rename("listeners")
    played = items.join(listeners, how="inner").rename_axis("track_id").reset_index()
    chosen: list[Heard] = []
    for genre in genres:
        fitting = played[[genre in names for names in played["genres"]]]
        if fitting.empty:
            known = sorted({one for names in played["genres"] for one in names})
            raise UnknownGenreError(genre, known)
        order = fitting.assign(other=fitting["genre"] != genre).sort_values(
            ["other", "listeners", "track_id"], ascending=[True, False, True]
        )
        chosen += [Heard(track_id=name, genre=genre) for name in order["track_id"][:each]]
    return chosen


def follow(
    clients: Clients,
    campaign_arn: str,
    tracking_id: str,
    session_id: str,
    plays: Sequence[Heard],
    *,
    num_results: int,
    begin_ms: int,
    steps: list[Step],
    patience: Patience | None = None,
) -> None:
    """Play track after track as an anonymous session, and ask for the list after each.

    Args:
        clients: where to.
        campaign_arn: who is asked.
        tracking_id: of the event tracker.
        session_id: who plays; what it has heard before is streamed already.
        plays: what is played to the end, in this order.
        num_results: length of the lists.
        begin_ms: time of the first play, epoch milliseconds; each takes three minutes.
        steps: of an earlier run, which is gone on with; grows.
        patience: how long to wait for a list to change; by default `SETTLING_SECONDS`.
    """
    patience = patience or Patience(timeout=SETTLING_SECONDS)

    def listed() -> list[str]:
        return arms.ask(clients, campaign_arn, session_id, num_results)[0]

    if not steps:
        steps.append(Step(plays=0, genre="", track_ids=listed()))
    for number in range(len(steps), len(plays) + 1):
        heard = plays[number - 1]
        arms.stream(
            clients, tracking_id, session_id, _heard(session_id, heard.track_id, number, begin_ms)
        )
        track_ids = _settled(listed, steps[-1].track_ids, patience)
        steps.append(Step(plays=number, genre=heard.genre, track_ids=track_ids))


def shares(steps: Sequence[Step], items: pd.DataFrame, genres: Sequence[str]) -> pd.DataFrame:
    """Share of each list by genre: a row a list, indexed by plays, a column a genre and `REST`.

    A track of several genres counts for each of them, so a row may add up to more than 1.
    """
    known = items["genres"].to_dict()
    rows = []
    for step in steps:
        lists = [known.get(track_id, ()) for track_id in step.track_ids]
        row = {genre: _share(genre in names for names in lists) for genre in genres}
        rows.append(row | {REST: _share(not set(genres) & set(names) for names in lists)})
    return pd.DataFrame(rows, index=pd.Index([step.plays for step in steps], name="plays"))


def _share(found: Iterable[bool]) -> float:
    values = list(found)
    return sum(values) / max(1, len(values))


def _settled(
    listed: Callable[[], list[str]], before: Sequence[str], patience: Patience
) -> list[str]:
    """The list once it differs from the one before, or when there is nothing more to wait for."""
    newest = list(before)

    def look() -> Mapping[str, str]:
        newest[:] = listed()
        return {"status": "as before"}

    with suppress(WaitTimeoutError):
        wait_until(look, lambda _: newest != list(before), "another list", patience)
    return newest


def _heard(session_id: str, track_id: str, number: int, begin_ms: int) -> list[ListeningEvent]:
    """A play and its completion."""
    at = begin_ms + number * _TRACK_MS
    return [
        ListeningEvent(
            event_id=new_event_id(session_id, track_id, kind, at + later),
            user_id=session_id,
            session_id=session_id,
            track_id=track_id,
            event_type=kind,
            occurred_at=at + later,
            source=Source.SIMULATED,
            schema_version=1,
            listened_ms=later,
            duration_ms=_TRACK_MS,
        )
        for kind, later in ((EventType.PLAY, 0), (EventType.COMPLETE, _TRACK_MS))
    ]


_TRACK_MS: Final = 180_000
