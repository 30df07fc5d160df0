import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicrec.catalog import Track
from musicrec.decay import HALF_LIFE_MS
from musicrec.events import DAY_MS, EventType, from_mapping, new_event_id
from musicrec.profile import (
    RECENT_PLAYS,
    USER_FIELDS,
    Profile,
    WrongListenerError,
    features,
    fold,
    merge,
    profile_at,
)

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z

TRACKS = {
    track.track_id: track
    for track in (
        Track(
            track_id=f"{number:022}",
            name=f"Track {number}",
            artists=(f"Artist {number % 3}",),
            genres=genres,
            features={
                "danceability": 0.1 * number,
                "energy": 0.37,
                "tempo": 90.0 + 7 * number,
                "valence": 0.5,
                "acousticness": 0.2 * number,
            },
        )
        for number, genres in enumerate(
            [("rock",), ("rock", "pop"), ("jazz", "pop", "soul"), ("pop",), ()]
        )
    )
}


def event(number=0, kind="play", at=NOON, track=0, info=None, **fields):
    return from_mapping(
        {
            "event_id": new_event_id(number, kind),
            "user_id": "björk",
            "session_id": "s",
            "track_id": f"{track:022}",
            "event_type": kind,
            "occurred_at": at,
            "source": "live",
            "schema_version": 1,
            "track": info,
        }
        | fields
    )


def with_tracks(events):
    return [(one, TRACKS.get(one.track_id)) for one in events]


def folded(*events):
    return fold(Profile(user_id="björk"), with_tracks(events))


def heard(number, share, **fields):
    """A play that was stopped after `share` of it."""
    return event(number, "stop", duration_ms=1000, listened_ms=round(1000 * share), **fields)


@st.composite
def histories(draw):
    """Up to 30 events of one listener over twenty years, with and without known tracks."""
    count = draw(st.integers(0, 30))
    return [_drawn(draw, number) for number in range(count)]


def _drawn(draw, number):
    fields = {
        "listened_ms": draw(st.none() | st.integers(0, 400_000)),
        "duration_ms": draw(st.none() | st.integers(0, 300_000)),
    }
    if draw(st.booleans()):
        fields["info"] = {"name": "n", "artists": draw(st.lists(st.text(max_size=5), max_size=2))}
    return event(
        number,
        draw(st.sampled_from(list(EventType))).value,
        at=draw(st.integers(NOON - 7000 * DAY_MS, NOON)),
        track=draw(st.integers(0, 6)),
        **fields,
    )


class TestOrder:
    @settings(max_examples=30, deadline=None)
    @given(histories(), st.randoms(use_true_random=False), st.integers(1, 20))
    def test_order_batches_and_copies_do_not_show(self, history, random, size):
        """Shuffled, copied and cut into batches, the same events give the very same profile."""
        expected = folded(*history)
        shuffled = history[:]
        random.shuffle(shuffled)
        profile = Profile(user_id="björk")
        for start in range(0, len(shuffled), size):
            batch = shuffled[start : start + size]
            profile = fold(profile, with_tracks(batch + batch[:2]))
        assert profile == expected
        assert features(profile) == features(expected)

    @settings(max_examples=30, deadline=None)
    @given(histories(), st.integers(0, 30), st.integers(0, 30))
    def test_merging_is_commutative_and_associative(self, history, first, second):
        """Profiles of parts merge into the profile of the whole, whatever is merged first."""
        low, high = sorted((first, second))
        a, b, c = (folded(*part) for part in (history[:low], history[low:high], history[high:]))
        assert merge(a, b) == merge(b, a)
        assert merge(merge(a, b), c) == merge(a, merge(b, c)) == folded(*history)

    @settings(max_examples=30, deadline=None)
    @given(histories(), histories(), st.integers(NOON - 7000 * DAY_MS, NOON))
    def test_later_events_do_not_change_the_past(self, history, more, at):
        """No feature at a time changes when events after that time are added."""
        late = [one for one in more if one.occurred_at > at]
        before = profile_at("björk", with_tracks(history), at)
        after = profile_at("björk", with_tracks(history + late), at)
        assert features(before, at) == features(after, at)

    def test_folding_leaves_the_old_profile_alone(self):
        """The profile that is folded into stays as it was."""
        old = folded(event(1), heard(2, 1.0))
        copy = folded(event(1), heard(2, 1.0))
        fold(old, with_tracks([event(3), heard(4, 1.0)]))
        assert old == copy

    def test_another_listeners_event_is_refused(self):
        """An event of another listener never enters a profile."""
        with pytest.raises(WrongListenerError, match="someone"):
            folded(event(user_id="someone"))
        with pytest.raises(WrongListenerError, match="someone"):
            merge(Profile(user_id="björk"), Profile(user_id="someone"))


class TestCounts:
    def test_every_event_counts_once_by_its_type(self):
        """Signals count too, and a copy does not."""
        kinds = [*EventType, EventType.PLAY]
        history = [event(number, kind.value) for number, kind in enumerate(kinds)]
        profile = folded(*history, *history)
        assert profile.events == {kind.value: 1 for kind in EventType} | {"play": 2}
        assert profile.event_count == 8

    def test_listened_time_is_of_the_ends(self):
        """Audible time adds up over the ends of plays, skips included."""
        profile = folded(
            event(1, "complete", listened_ms=200_000),
            event(2, "skip", listened_ms=1_500),
            event(3, "pause", listened_ms=9_999),
        )
        assert profile.listened_ms == 201_500

    def test_first_and_last_seen(self):
        """The oldest and newest times are kept, in whatever order they come."""
        profile = folded(*(event(n, at=NOON + n) for n in (3, 1, 2)))
        assert (profile.first_seen, profile.last_seen) == (NOON + 1, NOON + 3)

    def test_rates_are_none_before_the_first_end(self):
        """Nobody has a skip rate before a play has ended."""
        profile = folded(event())
        assert profile.skip_rate is profile.completion_rate is profile.total_skip_rate is None

    def test_rates_forget_and_totals_do_not(self):
        """A skip one half-life before a completion weighs half of it; in total they are equal."""
        profile = folded(event(1, "skip", at=NOON - HALF_LIFE_MS), event(2, "complete"))
        assert profile.skip_rate == pytest.approx(1 / 3)
        assert profile.completion_rate == pytest.approx(2 / 3)
        assert profile.total_skip_rate == profile.total_completion_rate == 0.5


class TestTaste:
    def test_genres_weigh_by_what_was_heard_and_when(self):
        """Half a track one half-life ago weighs a quarter of a whole one now."""
        profile = folded(
            heard(1, 0.5, track=0, at=NOON - HALF_LIFE_MS), event(2, "complete", track=3)
        )
        assert profile.favourite_genres() == [
            ("pop", pytest.approx(0.8)),
            ("rock", pytest.approx(0.2)),
        ]

    def test_a_tracks_genres_share_its_weight(self):
        """A track of two genres gives half to each; a tie is broken by name."""
        assert folded(event(1, "complete", track=1)).favourite_genres() == [
            ("pop", 0.5),
            ("rock", 0.5),
        ]

    def test_breadth_counts_evenly_used_genres(self):
        """Three genres in equal parts are a breadth of three."""
        profile = folded(event(1, "complete", track=2))
        assert profile.genre_breadth() == pytest.approx(3)

    def test_a_skip_says_nothing_good(self):
        """A skipped track enters neither genres nor artists nor audio features."""
        profile = folded(event(1, "skip", listened_ms=900, duration_ms=1000))
        assert not profile.genres
        assert not profile.audio
        assert not profile.favourite_artists()
        assert profile.skip_rate == 1

    def test_audio_mean_and_spread_are_weighted(self):
        """Mean and standard deviation weigh each value by the share that was heard."""
        profile = folded(heard(1, 1.0, track=0), heard(2, 0.5, track=2))
        assert profile.audio["tempo"].mean == pytest.approx((90 + 0.5 * 104) / 1.5)
        expected = math.sqrt((90**2 + 0.5 * 104**2) / 1.5 - ((90 + 0.5 * 104) / 1.5) ** 2)
        assert profile.audio["tempo"].spread == pytest.approx(expected)

    def test_one_value_has_no_spread(self):
        """Tracks that agree in a feature leave its spread at exactly zero."""
        profile = folded(*(heard(n, 0.1 + 0.2 * n, track=n, at=NOON + n) for n in range(4)))
        assert profile.audio["energy"].spread == 0.0

    def test_an_unknown_track_counts_its_artist_alone(self):
        """A track that the catalogue lacks counts for its artist and leaves features empty."""
        info = {"name": "Jóga", "artists": ["Björk", "Guest"]}
        profile = folded(event(1, "complete", track=99, info=info))
        assert profile.favourite_artists() == [("Björk", 1.0)]
        assert not profile.genres
        assert not profile.audio
        assert profile.genre_unknown > 0

    def test_last_tracks_are_distinct_and_newest_first(self):
        """Playing a track again moves it to the front."""
        profile = folded(*(event(n, at=NOON + n, track=t) for n, t in enumerate((0, 1, 2, 0))))
        assert [int(track) for track in profile.last_tracks] == [0, 2, 1]

    def test_only_the_newest_plays_are_kept(self):
        """However many plays come, a fixed number of the newest stays."""
        profile = folded(*(event(n, at=NOON + n) for n in range(RECENT_PLAYS * 3)))
        assert [play.occurred_at - NOON for play in profile.plays] == list(
            range(RECENT_PLAYS * 2, RECENT_PLAYS * 3)
        )

    def test_a_long_artist_name_is_cut_between_characters(self):
        """A name of any length stays within its bytes and valid text."""
        profile = folded(event(1, "complete", info={"name": "n", "artists": ["宇" * 1000]}))
        ((artist, _),) = profile.favourite_artists()
        assert artist == "宇" * 32

    def test_listening_hours_are_of_plays(self):
        """Hours are UTC hours of plays, as shares."""
        profile = folded(
            event(1), event(2, at=NOON + 60_000), event(3, "skip", at=NOON + DAY_MS // 2)
        )
        hours = profile.listening_hours()
        assert hours[12] == pytest.approx(1)
        assert sum(hours) == pytest.approx(1)


class TestFeatures:
    def test_an_empty_profile_has_a_row(self):
        """Without events every column is there; what cannot be known is None."""
        row = features(Profile(user_id="new"))
        assert set(row) == {"USER_ID", *USER_FIELDS}
        assert row["FAVOURITE_GENRE"] is row["TEMPO"] is row["SKIP_RATE"] is None
        assert row["ACTIVITY"] == "lapsed"

    def test_values_are_of_their_columns_types(self):
        """A full row holds what `USER_FIELDS` promises."""
        row = features(folded(event(1), event(2, "complete", track=1), event(3, "skip")))
        assert {name: type(row[name]) for name in USER_FIELDS} == dict(USER_FIELDS)
        assert row["PEAK_TIME"] == "afternoon"
        assert (row["FAVOURITE_GENRE"], row["SECOND_GENRE"]) == ("pop", "rock")

    @pytest.mark.parametrize(("plays", "level"), [(1, "light"), (12, "regular"), (40, "heavy")])
    def test_activity_is_the_pace_of_plays(self, plays, level):
        """The same pace gives the same level after a week and after a year."""
        for days in (7, 365):
            history = [
                event(day * 100 + n, at=NOON + day * DAY_MS + n)
                for day in range(days)
                for n in range(plays)
            ]
            assert features(folded(*history), NOON + days * DAY_MS)["ACTIVITY"] == level

    def test_a_listener_who_stops_lapses(self):
        """A year of silence makes a heavy listener lapsed."""
        history = [event(n, at=NOON + n) for n in range(40)]
        assert features(folded(*history), NOON + 365 * DAY_MS)["ACTIVITY"] == "lapsed"


def test_weights_hold_from_2000_to_2100():
    """The oldest and newest events that are allowed make a profile that can be read."""
    profile = folded(
        event(1, "complete", at=946_684_800_000, track=1),
        event(2, "complete", at=4_102_444_800_000, track=2),
    )
    assert profile.favourite_genres(1)[0][1] == pytest.approx(1 / 3)
    assert profile.audio["tempo"].mean == pytest.approx(104)
