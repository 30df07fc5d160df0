"""A small world for what is done live: listeners, tracks, and a campaign that answers as it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LISTS = ["a" * 22, "b" * 22, "c" * 22, "d" * 22]


def frame(*rows):
    """Events as a frame: (user, track, type), a minute apart."""
    return pd.DataFrame(
        [
            {
                "occurred_at": START + timedelta(minutes=minute),
                "user_id": user,
                "session_id": "s",
                "track_id": track,
                "event_type": kind,
                "listened_ratio": 1.0,
            }
            for minute, (user, track, kind) in enumerate(rows)
        ]
    )


def items_frame():
    """Two folk tracks, one of them punk too, a punk track, and one that is of no genre."""
    genres = [("folk",), ("folk", "punk"), ("punk",), ()]
    return pd.DataFrame(
        {
            "genre": [names[0] if names else None for names in genres],
            "genres": genres,
            "duration_ms": [180_000, 240_000, 200_000, 0],
        },
        index=pd.Index(LISTS, name="track_id"),
    )


def events_frame():
    """Ann hears a to the end each time and skips c; Ben has played once."""
    rows = [("ann", LISTS[0], kind) for _ in range(8) for kind in ("play", "complete")]
    rows += [("ann", LISTS[2], kind) for _ in range(8) for kind in ("play", "skip")]
    rows += [("ben", LISTS[1], "play"), ("ben", LISTS[1], "complete")]
    return frame(*rows)


class Runtime:
    """A campaign that answers with a list, the next one as often as it is told."""

    def __init__(self, *lists):
        self.lists, self.asked = list(lists), []

    def get_recommendations(self, **question):
        self.asked.append(question)
        listed = self.lists[min(len(self.asked), len(self.lists)) - 1]
        items = [{"itemId": track_id} for track_id in listed]
        return {"itemList": items, "recommendationId": f"RID-{len(self.asked)}"}


class Stream:
    """Takes events, and knows which session each came from."""

    def __init__(self):
        self.calls = []

    def put_events(self, **call):
        assert 1 <= len(call["eventList"]) <= 10
        self.calls.append(call)


class Live:
    """As much of the clients as a rehearsal needs."""

    def __init__(self, *lists):
        self.personalize_runtime, self.personalize_events = Runtime(*lists), Stream()
