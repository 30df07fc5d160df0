"""One listener's history: read, counted, and recommended from."""

import pandas as pd
import pytest

from musicrec.local import exports
from musicrec.research import frames, own_history, plots
from musicrec.research.own_history import NothingHeldOutError, Recommender

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def export(sample_tracks, tmp_path_factory):
    """A simulated export of some months."""
    path = tmp_path_factory.mktemp("own") / "x.zip"
    played = exports.one_listener(sample_tracks, 2_500, seed=3)
    exports.write_extended(path, played, sample_tracks, seed=3)
    return path


@pytest.fixture(scope="module")
def events(export, sample_tracks):
    return own_history.read([export], sample_tracks)[0]


@pytest.fixture(scope="module")
def plays(events):
    return own_history.plays_frame(events)


@pytest.fixture(scope="module")
def items(sample_tracks):
    return frames.items_frame(sample_tracks)


@pytest.fixture(scope="module")
def recommender(plays, items):
    return Recommender(plays, items)


class TestLooking:
    def test_a_row_is_a_play(self, events, plays):
        """Plays stand in order, each with its end, and skips count nothing."""
        assert len(plays) == len(events) / 2
        assert plays["at"].is_monotonic_increasing
        assert not plays.loc[plays["ending"] == "skip", "share"].any()

    def test_years_add_up(self, plays):
        """Every play is in one year under one ending."""
        assert own_history.ends_by_year(plays).to_numpy().sum() == len(plays)

    def test_the_profile_is_of_all_plays(self, events, sample_tracks):
        """The fold takes in every event of the export."""
        profile = own_history.profile_of(events, sample_tracks)
        assert profile.event_count == len(events)
        assert profile.favourite_genres(1)

    def test_genres_are_shares(self, plays, items):
        """No quarter has more than a whole, and the largest genre comes first."""
        shares = own_history.genres_over_time(plays, items, genres=5)
        assert (shares.sum(axis=1) <= 1 + 1e-9).all()
        assert shares.shape[1] == 5

    def test_sound_is_beside_the_catalogue(self, events, items, sample_tracks):
        """A listener of the whole catalogue sounds like it: differences are small numbers."""
        differences = own_history.sound(own_history.profile_of(events, sample_tracks), items)
        assert set(differences.index) <= set(items.columns)
        assert differences.abs().max() < 3

    def test_figures_are_drawn(self, events, plays, items, sample_tracks):
        """Each figure takes what the tables give."""
        profile = own_history.profile_of(events, sample_tracks)
        made = [
            plots.hours(profile.listening_hours()),
            plots.genres_over_time(own_history.genres_over_time(plays, items)),
            plots.sound(own_history.sound(profile, items)),
        ]
        assert [len(figure.axes) for figure in made] == [1, 1, 1]
        assert len(made[0].axes[0].patches) == 24


class TestRecommending:
    def test_nothing_that_was_played(self, recommender, plays, items):
        """Neither a track of the history nor the same recording under another id is offered."""
        offered = recommender.new(50)
        assert len(set(offered)) == 50
        assert not set(offered) & set(plays["track_id"])
        played = set(zip(plays["title"].str.lower(), plays["artist"].str.lower(), strict=True))
        for track_id in offered:
            row = items.loc[track_id]
            assert (row["name"].lower(), row["artists"][0].lower()) not in played

    def test_not_the_most_played(self, recommender, plays):
        """The list is not a list of what one hears anyway."""
        assert not set(recommender.new(25)) & set(own_history.most_played(plays, 25))

    def test_few_of_one_artist(self, recommender, items):
        """A list of one artist would be no discovery."""
        artists = items.loc[recommender.new(30, per_artist=2), "artists"].str[0]
        assert artists.value_counts().max() <= 2

    def test_in_the_listeners_genres(self, recommender, plays, items):
        """Genres of the list are those of the history far more often than by chance."""
        heard = frames.list_genre_shares(own_history.most_played(plays, len(plays)), items)
        offered = frames.list_genre_shares(recommender.new(100), items)
        favourites = heard.index[:10]
        assert offered.reindex(favourites).sum() > 3 * 10 / items["genre"].nunique()

    def test_with_a_reason_that_was_heard(self, recommender, plays, items):
        """Each recommended track is explained by one that was listened to."""
        table = own_history.beside_most_played(recommender.new(10), plays, items, recommender)
        names = set(plays["title"] + " (" + plays["artist"] + ")")
        assert set(table["because you listen to"]) <= names

    def test_forgotten_tracks_were_not_heard_lately(self, recommender, plays):
        """What is worth hearing again was listened to, but not in the last days."""
        forgotten = recommender.forgotten(5, days=14)
        listened = plays[plays["share"] >= own_history.LISTENED_SHARE]
        last = listened.groupby("track_id")["at"].max()[forgotten]
        assert len(forgotten) == 5
        assert (last < listened["at"].max() - pd.Timedelta(days=14)).all()

    def test_the_same_history_gives_the_same_list(self, recommender, plays, items):
        """Nothing is drawn by chance."""
        assert Recommender(plays, items).new(25) == recommender.new(25)


class TestForesight:
    def test_taste_foretells_discoveries(self, plays, items):
        """What was discovered later stood far before the middle."""
        table = own_history.foresight(plays, items, share=0.3)
        assert table.loc["your own taste", "mean rank"] > 0.65

    def test_without_discoveries_says_so(self, plays, items):
        """A part too short to hold a new track is refused by name."""
        with pytest.raises(NothingHeldOutError, match="larger share"):
            own_history.foresight(plays, items.iloc[:0], share=0.3)
