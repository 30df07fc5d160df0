"""The listening event: what is accepted, what is refused and how it is named."""

from datetime import UTC, datetime
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec import events
from musicrec.events import EventType, InvalidEventError, ListeningEvent, Source, TrackInfo

TRACK_ID = "5SuOikwiRyPMVoIQDJUgSV"


def payload(**changes: Any) -> dict[str, Any]:
    event = {
        "event_id": "65eddb41-3d6f-510e-a7e5-71162be30147",
        "schema_version": 1,
        "user_id": "björk",
        "session_id": "s-1",
        "track_id": TRACK_ID,
        "event_type": "complete",
        "occurred_at": 1_767_600_000_123,
        "source": "live",
        "listened_ms": 200_000,
        "duration_ms": 210_000,
        "track": {"name": "First Love", "artists": ["宇多田ヒカル"]},
    }
    return {name: value for name, value in (event | changes).items() if value is not ...}


def decoded(**changes: Any) -> ListeningEvent:
    return events.decode(msgspec.json.encode(payload(**changes)))


ids = st.text(min_size=1, max_size=256).filter(str.isprintable)
lengths = st.none() | st.integers(0, events.DAY_MS)
listening_events = st.builds(
    ListeningEvent,
    event_id=st.uuids().map(str),
    user_id=ids,
    session_id=ids,
    track_id=st.text(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=22, max_size=22
    ),
    event_type=st.sampled_from(EventType),
    occurred_at=st.integers(events.MIN_OCCURRED_AT, events.MAX_OCCURRED_AT),
    source=st.sampled_from(Source),
    schema_version=st.just(1),
    listened_ms=lengths,
    duration_ms=lengths,
    position_ms=lengths,
    context_uri=st.none() | st.text(max_size=256),
    track=st.none() | st.builds(TrackInfo, name=st.text(max_size=100)),
)


class TestDecode:
    def test_reads_every_field(self):
        """A full payload becomes an event with the same values, non-ASCII names included."""
        event = decoded()
        assert event.user_id == "björk"
        assert event.event_type is EventType.COMPLETE
        assert event.track == TrackInfo(name="First Love", artists=["宇多田ヒカル"])

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"user_id": ...}, "$.user_id"),
            ({"user_id": ""}, "$.user_id"),
            ({"user_id": "u" * 257}, "$.user_id"),
            ({"event_type": "listen"}, "$.event_type"),
            ({"track_id": "spotify:track:1"}, "$.track_id"),
            ({"track_id": TRACK_ID + "\n"}, "$.track_id"),
            ({"event_id": "1"}, "$.event_id"),
            ({"schema_version": 2}, "$.schema_version"),
            ({"listened_ms": -1}, "$.listened_ms"),
            ({"listened_ms": "12"}, "$.listened_ms"),
            ({"track": {"artists": []}}, "$.track.name"),
            ({"ip_address": "10.0.0.1"}, "$.ip_address"),
        ],
    )
    def test_names_the_offending_field(self, changes: dict[str, Any], field: str):
        """Whatever is wrong, the error carries the path of the field."""
        with pytest.raises(InvalidEventError) as caught:
            decoded(**changes)
        assert caught.value.field == field
        assert str(caught.value).startswith(f"{field}: ")

    @pytest.mark.parametrize("when", [1_767_600_000, 1_767_600_000_000_000])
    def test_refuses_seconds_and_microseconds(self, when: int):
        """A time in another unit than milliseconds is refused instead of landing in 1970."""
        with pytest.raises(InvalidEventError, match="occurred_at"):
            decoded(occurred_at=when)

    @pytest.mark.parametrize("junk", [b"", b"{", b"\xff\xfe", b"[]", b'{"event_id": "\xe9"}'])
    def test_refuses_what_is_not_json(self, junk: bytes):
        """Bytes that are no JSON object in UTF-8 are refused with the same error."""
        with pytest.raises(InvalidEventError):
            events.decode(junk)


class TestRoundTrip:
    def test_whole_numbers_may_have_a_point(self):
        """1.0 and 1 are one number in JSON, and some languages write the former."""
        written = decoded(occurred_at=1_767_600_000_123.0, schema_version=1.0, listened_ms=2e5)
        assert written == decoded()

    @pytest.mark.parametrize("field", ["occurred_at", "listened_ms", "schema_version"])
    def test_broken_numbers_are_refused_by_name(self, field):
        """Half a millisecond is no time."""
        with pytest.raises(InvalidEventError) as refusal:
            decoded(**{"duration_ms": 1.0, field: 1.5})
        assert refusal.value.field == f"$.{field}"

    @given(event=listening_events)
    def test_encode_then_decode(self, event: ListeningEvent):
        """Encoding an event and decoding it gives the same event."""
        assert events.decode(events.encode(event)) == event

    @given(event=listening_events)
    def test_mapping(self, event: ListeningEvent):
        """An event survives the way through plain values, as a row of the lake travels."""
        assert events.from_mapping(events.to_mapping(event)) == event

    @given(event=listening_events)
    def test_fits_its_own_schema(self, event: ListeningEvent):
        """Whatever the decoder accepts, the JSON Schema accepts as well."""
        jsonschema.validate(events.to_mapping(event), events.json_schema())

    def test_none_means_absent(self):
        """A row's None is a field that is not there, not a null that is refused."""
        row = {**payload(), "context_uri": None, "position_ms": None}
        assert events.from_mapping(row) == decoded()


class TestSchema:
    @pytest.mark.parametrize(
        "changes", [{"user_id": "u" * 257}, {"event_type": "x"}, {"extra": 1}, {"track_id": ...}]
    )
    def test_refuses_what_the_decoder_refuses(self, changes: dict[str, Any]):
        """The schema that guards the API refuses what the consumers would refuse."""
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(payload(**changes), events.json_schema())

    def test_has_no_references(self):
        """API Gateway models must stand alone."""
        assert "$ref" not in str(events.json_schema())

    def test_columns_are_the_fields(self):
        """The lake has one column for each field of the event, in the same order."""
        names = [column["Name"] for column in events.glue_columns()]
        assert names == list(ListeningEvent.__struct_fields__)


class TestDerived:
    def test_partition_is_the_utc_day(self):
        """An event lands in the day on which it happened, by UTC."""
        assert decoded(occurred_at=1_767_657_599_999).occurred_on == "2026-01-05"
        assert decoded(occurred_at=1_767_657_600_000).occurred_on == "2026-01-06"

    def test_time_keeps_milliseconds(self):
        """Event time travels unchanged."""
        expected = datetime(2026, 1, 5, 8, 0, 0, 123_000, UTC)
        assert decoded().occurred_time == expected

    @pytest.mark.parametrize(
        ("listened", "duration", "ratio"),
        [(100, 200, 0.5), (300, 200, 1.0), (None, 200, None), (100, None, None), (100, 0, None)],
    )
    def test_listened_ratio(self, listened: int | None, duration: int | None, ratio: float | None):
        """The heard share never exceeds one and is unknown when a length is."""
        assert decoded(listened_ms=listened, duration_ms=duration).listened_ratio == ratio

    def test_ids_repeat(self):
        """The same parts give the same event id, other parts another."""
        assert events.new_event_id("p", "play", 1) == events.new_event_id("p", "play", 1)
        assert events.new_event_id("p", "play", 1) != events.new_event_id("p", "play", 11)

    def test_only_three_types_are_interactions(self):
        """Stops and signals stay out of Personalize."""
        kept = {kind for kind in EventType if events.is_interaction(decoded(event_type=kind))}
        assert kept == {EventType.PLAY, EventType.COMPLETE, EventType.SKIP}
