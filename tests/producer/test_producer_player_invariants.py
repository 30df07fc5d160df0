"""What holds for the player state machine whatever a player shows."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from player_stories import LENGTHS

from musicrec.producer.playback import Item, Kind, PlayerState, Signal, Snapshot
from musicrec.producer.player import Player

TERMINALS = {Signal.COMPLETE, Signal.SKIP, Signal.STOP}


@st.composite
def evenings(draw) -> list[Snapshot]:
    """Any sequence of answers, however unlikely."""
    t, snaps = 0, []
    for _ in range(draw(st.integers(1, 40))):
        t += draw(st.sampled_from([1_000, 4_000, 10_000, 30_000, 100_000, 2_000_000]))
        kind = draw(st.sampled_from([*[Kind.PLAY] * 6, Kind.PAUSE, Kind.PAUSE, *Kind]))
        track = draw(st.sampled_from("ABSX"))
        position = draw(st.integers(0, LENGTHS[track] * 1000 + 20_000))
        if snaps and snaps[-1].item and draw(st.booleans()):
            track = snaps[-1].item.uri
            position = snaps[-1].position_ms + t - snaps[-1].t
        shown = kind in {Kind.PLAY, Kind.PAUSE}
        snaps.append(
            Snapshot(
                t=t,
                kind=kind,
                item=Item(track, LENGTHS[track] * 1000, track_id=track * 22) if shown else None,
                position_ms=draw(st.sampled_from([position, 0])),
                repeat=draw(st.sampled_from(["off", "off", "track"])),
                device=draw(st.sampled_from(["d1", "d1", "d2", None])),
                slept=draw(st.integers(0, 9)) == 0,
            )
        )
    return snaps


class TestInvariants:
    @given(evenings())
    @settings(max_examples=60, deadline=None)
    def test_every_play_has_exactly_one_terminal(self, snaps):
        """Whatever is polled, plays open and close in turn, inside sessions, in order of time."""
        player = Player(PlayerState(player_id="p"))
        open_play, session, before = None, None, None
        for event in [event for snap in snaps for event in player.observe(snap)]:
            assert before is None or event.t >= before
            before = event.t
            if event.signal is Signal.SESSION_START:
                assert session is None
                session = event.session_id
            elif event.signal is Signal.SESSION_END:
                assert session == event.session_id
                session = None
            elif event.signal is Signal.PLAY:
                assert open_play is None
                assert session == event.session_id
                open_play = event.play.play_id
            else:
                assert event.play.play_id == open_play
                open_play = None if event.signal in TERMINALS else open_play
        assert (player.state.play.play_id if player.state.play else None) == open_play

    @given(evenings())
    @settings(max_examples=50, deadline=None)
    def test_terminals_keep_their_definitions(self, snaps):
        """Ratios lie in 0..1, a complete has half heard and an end near the end."""
        player = Player(PlayerState(player_id="p"))
        for event in [event for snap in snaps for event in player.observe(snap)]:
            if event.ending is None:
                continue
            assert event.ending.listened_ms >= 0
            assert 0 <= event.ending.ratio <= 1
            assert event.ending.end_pos <= event.play.item.duration_ms
            if event.signal is Signal.COMPLETE:
                assert event.ending.ratio >= 0.5
                assert event.play.item.duration_ms - event.ending.end_pos <= 15_000

    @given(evenings(), st.data())
    @settings(max_examples=50, deadline=None)
    def test_a_restart_changes_nothing(self, snaps, data):
        """A machine that is stored and read back between two polls tells the same story."""
        cut = data.draw(st.integers(0, len(snaps)))
        whole = Player(PlayerState(player_id="p"))
        expected = [event for snap in snaps for event in whole.observe(snap)]
        first = Player(PlayerState(player_id="p"))
        events = [event for snap in snaps[:cut] for event in first.observe(snap)]
        stored = msgspec.json.decode(msgspec.json.encode(first.state), type=PlayerState)
        second = Player(stored)
        events += [event for snap in snaps[cut:] for event in second.observe(snap)]
        assert events == expected

    @given(evenings(), st.integers(0, 10**12))
    @settings(max_examples=50, deadline=None)
    def test_the_axis_has_no_origin(self, snaps, shift):
        """The same evening at another time tells the same story at that time."""
        here = Player(PlayerState(player_id="p"))
        there = Player(PlayerState(player_id="p"))
        moved = [msgspec.structs.replace(snap, t=snap.t + shift) for snap in snaps]
        told_here = [(e.signal, e.t, e.ending) for s in snaps for e in here.observe(s)]
        told_there = [(e.signal, e.t - shift, e.ending) for s in moved for e in there.observe(s)]
        assert told_there == told_here
