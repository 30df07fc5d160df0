"""Events and names for tests of delivery to the lake."""

from datetime import UTC, datetime

from musicrec import events

BUCKET = "lake"
QUERY = '{dt: (.occurred_at / 1000 | floor | strftime("%Y-%m-%d"))}'
ARRIVAL = datetime(2026, 3, 1, 7, 5, 9, tzinfo=UTC)
DAY = 86_400_000


def event(number, **changes):
    return {
        "event_id": events.new_event_id(number),
        "user_id": "Björk",
        "session_id": "s",
        "track_id": "a" * 22,
        "event_type": "play",
        "occurred_at": 1_772_323_200_000,  # 2026-03-01
        "source": "live",
        "schema_version": 1,
        "track": {"name": "it's", "artists": ["宇多田"]},
    } | changes
