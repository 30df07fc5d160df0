"""From what the state machine reports to the project's one event type.

Sessions and device changes are the machine's own; tracks without a Spotify id (a listener's local
files) have no place in the recommender. Neither leaves the producer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from musicrec.events import (
    DAY_MS,
    EventType,
    ListeningEvent,
    Source,
    TrackInfo,
    new_event_id,
)
from musicrec.producer.playback import Item, PlayerEvent, Signal
from musicrec.producer.recent import Unseen
from musicrec.producer.rules import HOUR

_TYPES: Final = {
    Signal.PLAY: EventType.PLAY,
    Signal.PAUSE: EventType.PAUSE,
    Signal.RESUME: EventType.RESUME,
    Signal.SEEK: EventType.SEEK,
    Signal.COMPLETE: EventType.COMPLETE,
    Signal.SKIP: EventType.SKIP,
    Signal.STOP: EventType.STOP,
}
_TRACK_ID: Final = re.compile(r"[0-9A-Za-z]{22}", re.ASCII)
_MAX_NAME: Final = 1000
_MAX_ARTISTS: Final = 50
_MAX_CONTEXT: Final = 256
_MAX_DEVICE_TYPE: Final = 64


def is_track_id(text: str | None) -> bool:
    """Whether `text` is an id of Spotify's catalogue: 22 base62 characters."""
    return text is not None and _TRACK_ID.fullmatch(text) is not None


def listening_event(
    event: PlayerEvent, *, user_id: str, offset_ms: int, source: Source = Source.LIVE
) -> ListeningEvent | None:
    """The event to send, or None for what is not sent.

    Args:
        event: what happened, on the producer's time axis.
        user_id: the listener.
        offset_ms: from that axis to epoch milliseconds.
        source: how it became known.
    """
    event_type = _TYPES.get(event.signal)
    play = event.play
    if event_type is None or play is None or not is_track_id(play.item.track_id):
        return None
    assert play.item.track_id is not None
    context = play.context_uri
    return ListeningEvent(
        event_id=new_event_id(play.play_id, event_type, play.signals),
        user_id=user_id,
        session_id=play.session_id,
        track_id=play.item.track_id,
        event_type=event_type,
        occurred_at=event.t + offset_ms,
        source=source,
        schema_version=1,
        listened_ms=_bounded(event.ending.listened_ms) if event.ending else None,
        duration_ms=_bounded(play.item.duration_ms) if play.item.duration_ms else None,
        position_ms=_bounded(event.position_ms),
        context_uri=context if context and len(context) <= _MAX_CONTEXT else None,
        device_type=play.device_type[:_MAX_DEVICE_TYPE] if play.device_type else None,
        track=_names(play.item),
    )


def unseen_events(unseen: Unseen, *, user_id: str, offset_ms: int) -> list[ListeningEvent]:
    """The two events of a play that only the history tells of; none for a track without an id.

    How much of it was heard is not known, so `listened_ms` is left out. It belongs to no session
    that was watched: plays that end within the same hour share one.

    Args:
        unseen: the play, on the producer's time axis.
        user_id: the listener.
        offset_ms: from that axis to epoch milliseconds.
    """
    item, ended_at = unseen.item, unseen.ended_t + offset_ms
    if not is_track_id(item.track_id):
        return []
    assert item.track_id is not None
    ending = EventType.COMPLETE if unseen.to_the_end else EventType.STOP
    return [
        ListeningEvent(
            event_id=new_event_id(user_id, "history", item.uri, ended_at, event_type),
            user_id=user_id,
            session_id=new_event_id(user_id, "history", ended_at // HOUR),
            track_id=item.track_id,
            event_type=event_type,
            occurred_at=t + offset_ms,
            source=Source.RECENTLY_PLAYED,
            schema_version=1,
            duration_ms=_bounded(item.duration_ms) if item.duration_ms else None,
            track=_names(item),
        )
        for event_type, t in ((EventType.PLAY, unseen.started_t), (ending, unseen.ended_t))
    ]


def in_order(
    watched: Sequence[ListeningEvent], missed: Sequence[ListeningEvent]
) -> list[ListeningEvent]:
    """The events of one answer by time, each list in its own order where times are equal.

    At the same time what was missed lies between the end that was watched and the next play.

    Args:
        watched: what the state machine inferred.
        missed: what only the history told of.
    """
    first = next((n for n, each in enumerate(watched) if each.event_type is EventType.PLAY), None)
    before, after = watched[:first], watched[len(watched) if first is None else first :]
    return sorted([*before, *missed, *after], key=lambda event: event.occurred_at)


def _names(item: Item) -> TrackInfo | None:
    if not item.name:
        return None
    return TrackInfo(
        name=item.name[:_MAX_NAME],
        artists=[name[:_MAX_NAME] for name in item.artists[:_MAX_ARTISTS]],
        album=item.album[:_MAX_NAME] if item.album is not None else None,
    )


def _bounded(value_ms: int) -> int:
    return max(0, min(DAY_MS, value_ms))
