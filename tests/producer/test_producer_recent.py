"""What the play history adds: nothing that was watched, and everything that was not."""

import pytest

from musicrec.producer import recent
from musicrec.producer.playback import (
    Item,
    Kind,
    KnownPlay,
    PastPlay,
    Play,
    PlayerState,
    Snapshot,
)
from musicrec.producer.player import Player

HOUR = 3_600_000
LENGTHS = {"A": 200, "B": 180, "C": 240, "S": 45}


def item(letter: str, **changes) -> Item:
    fields = {
        "uri": f"spotify:track:{letter}",
        "duration_ms": 1000 * LENGTHS[letter],
        "track_id": letter * 22,
        "isrc": f"XX-{letter}",
        "name": f"Song {letter}",
        "artists": ("Ana",),
    }
    return Item(**(fields | changes))


def state(
    *plays: tuple[str, float, float], playing: tuple[str, float] | None = None
) -> PlayerState:
    """What a player knows: letter, start and end in seconds; and what plays since when."""
    made = PlayerState(player_id="p")
    for letter, started, ended in plays:
        recent.remember(made, item(letter), round(1000 * started), round(1000 * ended))
    if playing is not None:
        letter, since = playing
        made.play = Play(
            play_id="x", session_id="s", item=item(letter), from_ms=0, started_t=round(1000 * since)
        )
    return made


def row(letter: str, ended: float, **changes) -> PastPlay:
    return PastPlay(item(letter, **changes), round(1000 * ended))


def taken(of: PlayerState, *rows: PastPlay, now: float = 10_000) -> list[tuple]:
    """Letter, start, end in seconds and whether heard out."""
    unseen = recent.take_unseen(of, rows, round(1000 * now))
    return [
        (play.item.name[-1], play.started_t / 1000, play.ended_t / 1000, play.to_the_end)
        for play in unseen
    ]


class TestWatched:
    def test_the_rows_of_watched_plays_add_nothing(self):
        """Each play is found in the history once more, and that is all."""
        known = state(("A", 0, 200), ("B", 200, 380))
        assert taken(known, row("B", 380.4), row("A", 199)) == []

    @pytest.mark.parametrize(
        "stamp",
        [
            pytest.param(0.5, id="the start instead of the end"),
            pytest.param(800, id="the end, ten minutes of pause in it"),
            pytest.param(825, id="half a minute late"),
        ],
    )
    def test_stamps_that_differ(self, stamp):
        """The history's time may be the start, the end, or somewhat beside it."""
        assert taken(state(("A", 0, 800)), row("A", stamp)) == []

    def test_what_plays_now_is_watched_too(self):
        """A row of a track whose end the next poll will show is that play."""
        assert taken(state(playing=("A", 0)), row("A", 200), now=200.5) == []

    def test_another_id(self):
        """A row with another id, name and album is still the play that ended then."""
        changed = {"uri": "x", "isrc": None, "name": "Song A - Live"}
        assert taken(state(("A", 0, 200)), row("A", 201, **changed)) == []

    def test_a_short_song_three_times(self):
        """Repeats are matched one to one, also where starts are stamped."""
        known = state(("S", 0, 45), ("S", 45, 90), ("S", 90, 135))
        for stamps in ((45, 90, 135), (0, 45, 90)):
            assert taken(known, *(row("S", stamp) for stamp in stamps)) == []

    def test_the_future_is_not_known(self):
        """A row of a time to come is a mistake of some clock."""
        assert taken(state(), row("A", 200), now=100) == []

    def test_nothing_ends_in_the_middle_of_a_watched_play(self):
        """A row that claims it cannot be true."""
        assert taken(state(("C", 0, 240)), row("A", 120)) == []


class TestUnseen:
    def test_a_gap(self):
        """What the history has between two watched plays was played unseen, once."""
        known = state(("A", 0, 55), playing=("C", 800))
        rows = (row("B", 430), row("A", 630))
        assert taken(known, *rows) == [("B", 250, 430, True), ("A", 430, 630, True)]
        assert taken(known, *rows) == []

    def test_too_short_to_be_heard_out(self):
        """With less time than the track needs since the play before, it was not heard to its end."""
        known = state(("A", 0, 200), playing=("C", 290))
        assert taken(known, row("B", 290)) == [("B", 200, 290, False)]

    def test_paused_at_its_end_and_played_out_later(self):
        """A track that counts as heard out when paused is no second play minutes later."""
        of = state()
        player = Player(of)
        shown = [(0, Kind.PLAY, 190), *((9 + 30 * n, Kind.PAUSE, 199) for n in range(11))]
        for t, kind, position in shown:
            snap = Snapshot(t=1000 * t, kind=kind, item=item("A"), position_ms=1000 * position)
            player.observe(snap)
        assert taken(of, row("A", 325)) == []
        assert taken(of, row("A", 480)) == [("A", 309, 480, False)]

    def test_two_rows_and_one_play(self):
        """A short song played twice and watched once is unseen once."""
        known = state(("S", 0, 45), playing=("A", 300))
        assert taken(known, row("S", 45), row("S", 200)) == [("S", 155, 200, True)]

    def test_the_first_start(self):
        """Before anything was watched, the history is all there is."""
        assert taken(state(), row("B", 380), row("A", 200)) == [
            ("A", 0, 200, True),
            ("B", 200, 380, True),
        ]

    def test_a_private_session_stays_private(self):
        """Rows of a time that was private are never taken, in whatever order they come."""
        known = state(("A", 0, 55))
        recent.hide(known, 55_000, 60_000)
        recent.hide(known, 60_000, 400_000)
        assert taken(known, row("B", 240), row("C", 390), row("A", 500)) == []
        assert known.hidden == [(55_000, 400_000)]
        assert taken(known, row("B", 900)) == [("B", 720, 900, True)]


class TestMemory:
    def test_old_plays_are_forgotten_and_their_rows_left_alone(self):
        """What is too old to be matched is too old to be added."""
        known = state(("A", 0, 200), ("B", 7 * 3600, 7 * 3600 + 180))
        assert [play.item.name for play in known.known] == ["Song B"]
        assert taken(known, row("A", 200), row("C", 210), now=8 * 3600) == []

    def test_memory_is_bounded(self):
        """However many plays, only the last ones are kept."""
        known = state(*(("S", 10 * n, 10 * n + 5) for n in range(300)))
        assert len(known.known) == recent.MAX_KNOWN
        assert known.forgotten_t is not None

    def test_known_plays_are_slim(self):
        """Kept is only what tells recordings apart."""
        (known,) = state(("A", 0, 200)).known
        assert isinstance(known, KnownPlay)
        assert known.item.album is None

    @pytest.mark.parametrize(("since", "hole"), [(210, False), (230, True)])
    def test_a_hole(self, since, hole):
        """More than twenty seconds before the open play are a hole."""
        assert recent.has_hole(state(("A", 0, 200), playing=("B", since))) is hole
