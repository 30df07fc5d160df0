"""A list that follows what is played: asked after each play, resumed, read by genre."""

import pytest
from live_world import LISTS, Live, events_frame, items_frame

from musicrec.personalize.waiting import Patience
from musicrec.research import reaction


@pytest.fixture
def items():
    return items_frame()


@pytest.fixture
def events():
    return events_frame()


class TestReaction:
    def test_best_known_tracks_of_each_genre(self, events, items):
        """Tracks whose first genre it is go first, then those that most listeners heard out."""
        heard = reaction.well_known(events, items, ["punk", "folk"], 5)
        assert [(one.track_id[0], one.genre) for one in heard] == [
            ("b", "punk"), ("a", "folk"), ("b", "folk"),
        ]  # fmt: skip

    def test_unknown_genre_names_those_that_were_played(self, events, items):
        """Whoever misspells a genre reads which there are."""
        with pytest.raises(reaction.UnknownGenreError, match=r"'polka'.*folk, punk"):
            reaction.well_known(events, items, ["polka"], 1)

    def follow(self, live, steps, plays=2, timeout=0.0):
        heard = [reaction.Heard(track_id=LISTS[n], genre="folk") for n in range(plays)]
        reaction.follow(
            live, "arn", "tracker", "session", heard, num_results=2, begin_ms=10**12, steps=steps,
            patience=Patience(timeout=timeout, sleep=lambda _: None, clock=iter(range(99)).__next__),
        )  # fmt: skip

    def test_a_list_after_each_play(self):
        """The list before the first play and after each, a play and its completion a call."""
        live, steps = Live(LISTS[:2], LISTS[1:3], LISTS[2:]), []
        self.follow(live, steps)
        assert [(one.plays, one.genre, one.track_ids) for one in steps] == [
            (0, "", LISTS[:2]), (1, "folk", LISTS[1:3]), (2, "folk", LISTS[2:]),
        ]  # fmt: skip
        calls = live.personalize_events.calls
        assert [[one["eventType"] for one in call["eventList"]] for call in calls] == [
            ["play", "complete"], ["play", "complete"],
        ]  # fmt: skip
        assert not any("userId" in call for call in calls)

    def test_a_later_change_is_waited_for(self):
        """A list that is as before is asked for again, as long as patience lasts."""
        live, steps = Live(LISTS[:2], LISTS[:2], LISTS[:2], LISTS[2:]), []
        self.follow(live, steps, plays=1, timeout=50)
        assert steps[-1].track_ids == LISTS[2:]
        stays, steps = Live(LISTS[:2]), []
        self.follow(stays, steps, plays=1, timeout=3)
        assert steps[-1].track_ids == LISTS[:2]

    def test_goes_on_where_it_ended(self):
        """What an earlier run did is not done again."""
        live, steps = Live(LISTS[:2], LISTS[1:3]), []
        self.follow(live, steps, plays=1)
        self.follow(live, steps, plays=2)
        assert [one.plays for one in steps] == [0, 1, 2]
        assert len(live.personalize_events.calls) == 2

    def test_shares_count_a_track_in_each_of_its_genres(self, items):
        """One of both genres counts for both, one without any for neither."""
        step = reaction.Step(plays=3, genre="folk", track_ids=LISTS)
        table = reaction.shares([step], items, ["folk", "punk"])
        assert table.loc[3].to_dict() == {"folk": 0.5, "punk": 0.5, reaction.REST: 0.25}
