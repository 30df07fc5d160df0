"""What the simulated Web API shows of a timeline, with and without the platform's defects."""

import pytest

from musicrec.local.spotify import Defects, SimulatedPlayer, Timeline
from musicrec.local.spotify.evenings import DEVICES
from musicrec.local.spotify.timelines import Cause, Medium, Showing, Song

A = Song("A" * 21 + "0", 200_000, "Song A", ("Ana",), "One", "GB-A")
B = Song("B" * 22, 100_000, "Song B", ("Ben",), "Two", "GB-B")
EXACT = Defects(jitter_ms=0)


def player(defects: Defects = EXACT, *, after: Cause = Cause.CLOSE) -> SimulatedPlayer:
    """A from 0 to 200 s, B from 200 to 240 s, then nothing (or paused)."""
    quiet = Showing(
        at=240_000, cause=Cause.CLOSE, medium=Medium.NOTHING, playing=False, moving=False
    )
    paused = Showing(
        at=240_000, cause=Cause.PAUSE, song=B, position_ms=40_000, playing=False, moving=False,
        device=DEVICES[0],
    )  # fmt: skip
    return SimulatedPlayer(
        Timeline(
            [
                Showing(at=0, cause=Cause.BEGIN, song=A, device=DEVICES[0]),
                Showing(at=200_000, cause=Cause.BEGIN, song=B, device=DEVICES[0]),
                quiet if after is Cause.CLOSE else paused,
            ]
        ),
        defects,
        seed=3,
    )


class TestTruthful:
    def test_a_playing_track(self):
        """The body has the documented fields, with the position of the moment."""
        body = player().playback(50_000)
        assert (body["progress_ms"], body["is_playing"], body["timestamp"]) == (50_000, True, 0)
        assert body["item"]["id"] == A.track_id
        assert body["item"]["external_ids"] == {"isrc": "GB-A"}
        assert "popularity" not in body["item"]
        assert body["device"]["type"] == "Smartphone"

    def test_positions_jitter_within_bounds(self):
        """A moving position is off by at most the jitter, and not always by the same."""
        shown = player(Defects(jitter_ms=300))
        off = {shown.playback(50_000)["progress_ms"] - 50_000 for _ in range(50)}
        assert len(off) > 10
        assert max(map(abs, off)) <= 300

    def test_nothing_and_long_pauses_are_204(self):
        """A closed player shows nothing, and so does one that pauses for ten minutes."""
        assert player().playback(240_000) is None
        paused = player(after=Cause.PAUSE)
        assert paused.playback(300_000)["is_playing"] is False
        assert paused.playback(240_000 + 600_001) is None

    def test_the_history_has_what_was_heard_out_by_then(self):
        """A row comes when its play ends, and says when that was."""
        shown = player()
        assert shown.history(199_999) == []
        (row,) = shown.history(200_000)
        assert row["track"]["id"] == A.track_id
        assert row["played_at"] == "1970-01-01T00:03:20.000Z"


class TestDefects:
    def test_stale_answers(self):
        """A change learned late leaves the track before on show, standing or running on."""
        shown = player(Defects(jitter_ms=0, stale=1.0, stale_s=(20, 20)))
        assert shown.playback(219_999)["item"]["id"] == A.track_id
        assert shown.playback(219_999)["timestamp"] == 0
        assert shown.playback(220_001)["item"]["id"] == B.track_id

    def test_zombies(self):
        """A closed player goes on past the track's end, for as long as it is told to."""
        shown = player(Defects(jitter_ms=0, zombie=1.0, zombie_s=600))
        assert shown.playback(400_000)["progress_ms"] == 200_000
        assert shown.playback(400_000)["is_playing"]
        assert shown.playback(240_000 + 600_001) is None

    def test_devices_without_progress(self):
        """A device of that kind always reports 0."""
        bodies = [
            SimulatedPlayer(
                Timeline([Showing(at=0, cause=Cause.BEGIN, song=A, device=DEVICES[0])]),
                Defects(jitter_ms=0, zero_progress=True),
                seed=seed,
            ).playback(50_000)
            for seed in range(20)
        ]
        assert {body["progress_ms"] for body in bodies} == {0, 50_000}

    def test_answers_that_vanish(self):
        """For some seconds of a minute there is a 204 although something plays."""
        shown = player(Defects(jitter_ms=0, vanish=1.0))
        assert shown.playback(60_500) is None
        assert shown.playback(119_000) is not None

    def test_rows_that_never_come(self):
        """A lost row is not in the history."""
        assert player(Defects(lost_history=1.0)).history(300_000) == []

    def test_rows_that_come_late(self):
        """A lagging history shows a play only after the lag."""
        shown = player(Defects(history_lag_s=60))
        assert shown.history(259_999) == []
        assert shown.history(260_000) != []

    def test_other_ids_in_the_history(self):
        """A relinked track is another one by id, name and album."""
        track = player(Defects(relinked=1.0)).history(240_000)[-1]["track"]
        assert track["id"] != A.track_id
        assert track["name"] != A.name
        assert track["duration_ms"] == A.duration_ms


@pytest.mark.parametrize("defects", [EXACT, Defects(), Defects(stale=0.5, vanish=0.5)])
def test_the_same_seed_shows_the_same(defects):
    """Two players of one timeline and seed answer alike."""
    moments = range(0, 260_000, 7_000)
    one, other = player(defects), player(defects)
    assert [one.playback(t) for t in moments] == [other.playback(t) for t in moments]
