"""Recommendations read beside what the listener heard, as a person judges them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import pandas as pd

from musicrec.deployment import Deployment, parameter_name
from musicrec.events import EventType
from musicrec.parameters import Parameters
from musicrec.personalize.question import Question
from musicrec.personalize.read import ParameterNames, Recommender
from musicrec.retry import Retries

if TYPE_CHECKING:
    from musicrec.personalize.clients import Clients


def recommender(clients: Clients, deployment: Deployment) -> Recommender:
    """The recommender that the API answers from, asked directly; tracks come without names."""
    return Recommender(
        clients.personalize_runtime,
        Parameters(clients.ssm, time.monotonic),
        ParameterNames(
            campaign=parameter_name(deployment.name, "campaign_arn"),
            filter=parameter_name(deployment.name, "filter_arn"),
            on_request_filter=parameter_name(deployment.name, "on_request_filter_arn"),
            experiment=parameter_name(deployment.name, "experiment"),
        ),
        catalog=lambda: None,
    )


def ranked(recommends: Recommender, user_id: str, num_results: int) -> list[str]:
    """Track ids for a listener, the best first.

    Raises:
        RecommendationError: see `Recommender.recommend`.
    """
    retries = Retries(remaining_ms=lambda: 10_000, wait=time.sleep, random=SystemRandom())
    question = Question(user_id=user_id, num_results=num_results)
    answer = recommends.recommend(question, retries)
    return [item.track_id for item in answer.items]


def completed(events: pd.DataFrame, user_id: str) -> list[str]:
    """Tracks that a listener heard to the end, the newest first, each once.

    Args:
        events: as `frames.events_frame` makes it.
        user_id: the listener.
    """
    mine = events["user_id"] == user_id
    ended = events["event_type"] == EventType.COMPLETE.value
    newest_first: list[str] = events.loc[mine & ended, "track_id"].iloc[::-1].tolist()
    return list(dict.fromkeys(newest_first))


def beside_history(
    track_ids: Sequence[str], events: pd.DataFrame, items: pd.DataFrame, user_id: str
) -> pd.DataFrame:
    """The listener's newest completed tracks and the list, rank by rank.

    Args:
        track_ids: the list.
        events: as `frames.events_frame` makes it.
        items: as `frames.items_frame` makes it; names and genres come from here.
        user_id: the listener.

    Returns:
        Columns `completed`, its `genre`, `recommended`, its `genre`, and whether the recommended
        track was `heard before`; one row a rank, from 1.
    """
    heard = completed(events, user_id)
    before = dict.fromkeys(heard, "heard")
    rows = {
        ("completed", "track"): _titles(heard[: len(track_ids)], items, len(track_ids)),
        ("completed", "genre"): _genres(heard[: len(track_ids)], items, len(track_ids)),
        ("recommended", "track"): _titles(track_ids, items, len(track_ids)),
        ("recommended", "genre"): _genres(track_ids, items, len(track_ids)),
        ("recommended", ""): [before.get(track_id, "new") for track_id in track_ids],
    }
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(track_ids) + 1, name="rank"))


def _titles(track_ids: Sequence[str], items: pd.DataFrame, length: int) -> list[str]:
    names = [_title(items, track_id) for track_id in track_ids]
    return [*names, *[""] * (length - len(names))]


def _genres(track_ids: Sequence[str], items: pd.DataFrame, length: int) -> list[str]:
    genres: list[str] = items["genre"].reindex(list(track_ids)).fillna("").tolist()
    return [*genres, *[""] * (length - len(genres))]


def _title(items: pd.DataFrame, track_id: str) -> str:
    if track_id not in items.index:
        return track_id
    track: Any = items.loc[track_id]
    main = f" ({track['artists'][0]})" if track["artists"] else ""
    return f"{track['name']}{main}"
