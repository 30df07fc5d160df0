"""Tables for notebooks: what a row and a column mean."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musicrec.catalog import AUDIO_FEATURES, KAGGLE_COLUMNS, Track
from musicrec.events import ListeningEvent, new_event_id
from musicrec.research import frames
from musicrec.research.evaluation import Evaluation

SAMPLE = Path(__file__).parents[2] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"


def track(letter, *genres, **features):
    return Track(track_id=letter * 22, name=f"Song {letter}", artists=("Ann",), genres=genres,
                 popularity=50, duration_ms=200_000, explicit=False, features=features)  # fmt: skip


def play(user, letter, second, kind="play"):
    return ListeningEvent(
        event_id=new_event_id(user, letter, second, kind), schema_version=1, user_id=user,
        session_id="s", track_id=letter * 22, event_type=kind, source="simulated",
        occurred_at=1_767_571_200_000 + 1000 * second,
        listened_ms=None if kind == "play" else 50_000, duration_ms=200_000,
    )  # fmt: skip


@pytest.fixture
def items():
    return frames.items_frame(
        [track("a", "jazz", energy=0.2, tempo=90.0), track("b", "jazz", "soul", energy=0.4),
         track("c", "punk", energy=1.0, tempo=180.0), track("d")]
    )  # fmt: skip


class TestRawFindings:
    @pytest.fixture
    def findings(self):
        """Five rows: track x three times, once copied and once more popular; y without beat; z unnamed."""
        plain = dict.fromkeys(KAGGLE_COLUMNS, 1) | {
            "track_name": "n",
            "artists": "a",
            "album_name": "l",
        }
        rows = [
            plain | {"track_id": "x"}, plain | {"track_id": "x"},
            plain | {"track_id": "x", "popularity": 2},
            plain | {"track_id": "y", "tempo": 0, "time_signature": 0},
            plain | {"track_id": "z", "track_name": None, "duration_ms": 0, "popularity": 0},
        ]  # fmt: skip
        return frames.raw_findings(pd.DataFrame(rows))

    def test_counts_rows(self, findings):
        """Every finding counts the rows that have it."""
        assert findings["rows"].to_dict() == {
            "track in another row too": 3,
            "track in an earlier row": 2,
            "equal to an earlier row": 1,
            "popularity differs between rows": 3,
            "popularity 0": 1,
            "no name, artist or album": 1,
            "length 0": 1,
            "tempo 0": 1,
            "time signature 0": 1,
        }

    def test_shares_are_of_all_rows(self, findings):
        """Three of five rows are a share of 0.6."""
        assert findings.loc["track in another row too", "share"] == 0.6

    def test_names_that_look_like_nothing_are_kept(self):
        """A track called 'NA' or 'None' is not missing; only an empty cell is."""
        raw = frames.raw_tracks(SAMPLE)
        assert raw[["artists", "album_name", "track_name"]].isna().sum().tolist() == [1, 1, 1]


class TestItemsFrame:
    def test_row_a_track(self, items):
        """Tracks are rows by id, features columns, the unknown NaN."""
        assert items.index.name == "track_id"
        assert items.loc["a" * 22, "energy"] == 0.2
        assert np.isnan(items.loc["b" * 22, "tempo"])
        assert items.loc["b" * 22, "genre"] == "jazz"

    def test_no_tracks_keep_their_columns(self):
        """An empty catalogue has all the columns and no rows."""
        empty = frames.items_frame([])
        assert len(empty) == 0
        assert set(AUDIO_FEATURES) <= set(empty.columns)


class TestEventsFrame:
    def test_oldest_first_with_aware_times(self):
        """Events are sorted by time, which is UTC."""
        table = frames.events_frame([play("u", "a", 60), play("u", "b", 0, "skip")])
        assert table["event_type"].tolist() == ["skip", "play"]
        assert str(table["occurred_at"].iloc[0]) == "2026-01-05 00:00:00+00:00"
        assert table["listened_ratio"].iloc[0] == 0.25
        assert np.isnan(table["listened_ratio"].iloc[1])


class TestGenres:
    def test_means_count_a_track_in_each_genre(self, items):
        """A track of two genres stands behind both means."""
        means = frames.genre_means(items)
        assert means["tracks"].to_dict() == {"jazz": 2, "punk": 1, "soul": 1}
        assert means.loc["jazz", "energy"] == pytest.approx(0.3)

    def test_variance_between_genres(self):
        """A feature that the genre decides is explained whole, one that varies within it is not."""
        table = frames.items_frame(
            [track("a", "jazz", energy=0.2, valence=0.0), track("b", "jazz", energy=0.2, valence=1.0),
             track("c", "punk", energy=0.9, valence=0.0), track("d", "punk", energy=0.9, valence=1.0)]
        )  # fmt: skip
        explained = frames.explained_by_genre(table)
        assert explained.index[0] == "energy"
        assert explained["energy"] == pytest.approx(1)
        assert explained["valence"] == pytest.approx(0)

    def test_only_strong_correlations_are_listed(self):
        """Pairs come with their sign, the strongest first."""
        rng = np.random.default_rng(0)
        table = pd.DataFrame(rng.normal(size=(500, 9)), columns=list(AUDIO_FEATURES))
        table["energy"] = -table["acousticness"]
        table["loudness"] = table["tempo"] + rng.normal(size=500)
        found = frames.correlated_features(table, at_least=0.5)
        assert found.index.tolist() == ["energy and acousticness", "loudness and tempo"]
        assert found.iloc[0] == pytest.approx(-1)

    def test_shares_of_listeners(self, items):
        """Plays are split over a track's genres, and each listener's row sums to 1."""
        events = frames.events_frame(
            [play("u", "b", 0), play("u", "b", 50, "skip"), play("u", "c", 100), play("v", "a", 0),
             play("w", "d", 0), play("x", "e", 0)]
        )  # fmt: skip
        shares = frames.genre_shares(events, items)
        assert shares.index.tolist() == ["u", "v"]
        assert shares.loc["u"].to_dict() == {"jazz": 0.25, "punk": 0.5, "soul": 0.25}
        assert shares.loc["v", "jazz"] == 1

    def test_shares_of_a_list(self, items):
        """Tracks without a genre and unknown ids do not count."""
        ids = [letter * 22 for letter in "abde"]
        assert frames.list_genre_shares(ids, items).to_dict() == {"jazz": 0.75, "soul": 0.25}
        assert frames.list_genre_shares(["d" * 22], items).empty


class TestItemFeatures:
    def test_rows_follow_the_ids(self, items):
        """Row n belongs to id n; an unknown id is a row of zeros."""
        ids = ["c" * 22, "nobody", "a" * 22]
        rows = frames.item_features(items, ids)
        assert rows.dtype == np.float32
        assert rows.shape == (3, len(AUDIO_FEATURES) + 2)
        assert not rows[1].any()
        energy = list(AUDIO_FEATURES).index("energy")
        assert rows[0, energy] == pytest.approx(1.0)
        assert rows[2, energy] == pytest.approx(-1.0)

    def test_sharing_a_genre_makes_alike(self, items):
        """A jazz track is more like another jazz track than like punk."""
        rows = frames.item_features(items, [letter * 22 for letter in "abc"])
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        assert unit[0] @ unit[1] > unit[0] @ unit[2]


class TestWithEventWeights:
    def test_types_without_weight_are_left_out(self):
        """A type that the configuration does not name is not learnt from."""
        table = pd.DataFrame({"EVENT_TYPE": ["play", "skip", "complete"]})
        weighted = frames.with_event_weights(table, {"play": 0.3, "complete": 1.0})
        assert weighted["WEIGHT"].tolist() == [0.3, 1.0]


class TestResults:
    @pytest.fixture
    def evaluations(self):
        """Two models on four users with histories of 5, 20, 99 and 100."""
        lengths = np.array([5, 20, 99, 100], dtype=np.int32)
        users = np.arange(4, dtype=np.int32)
        return [
            Evaluation("low", users, lengths, {"ndcg_at_10": np.array([0.0, 0.1, 0.1, 0.2])}, {}),
            Evaluation("high", users, lengths, {"ndcg_at_10": np.array([0.4, 0.4, 0.6, 0.6])}, {}),
        ]

    def test_best_model_first(self, evaluations):
        """Means come with their intervals, sorted downwards."""
        table = frames.results_frame(evaluations, "ndcg_at_10", np.random.default_rng(0))
        assert table.index.tolist() == ["high", "low"]
        assert table.loc["high", "mean"] == 0.5
        assert (table["low"] <= table["mean"]).all()
        assert (table["mean"] <= table["high"]).all()

    def test_segments_by_history(self, evaluations):
        """Bounds belong to the upper segment: 20 and 99 are one segment of [20, 100]."""
        users = frames.users_frame(evaluations, list("abcd"))
        table = frames.segments(users, "ndcg_at_10", [20, 100], np.random.default_rng(0))
        assert table["segment"].unique().tolist() == ["under 20", "20 to 99", "100 and more"]
        high = table[table["model"] == "high"]
        assert high["mean"].tolist() == [0.4, 0.5, 0.6]
        assert high["users"].tolist() == [1, 2, 1]
        assert ((high["low"] <= high["mean"]) & (high["mean"] <= high["high"])).all()
        assert users.loc[users["model"] == "low", "user_id"].tolist() == list("abcd")

    def test_segments_without_users_are_left_out(self, evaluations):
        """Nobody has a history of a thousand, so there is no such row."""
        users = frames.users_frame(evaluations, list("abcd"))
        table = frames.segments(users, "ndcg_at_10", [1000], np.random.default_rng(0))
        assert table["segment"].unique().tolist() == ["under 1000"]
