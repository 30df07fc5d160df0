"""User features under test: tables, halves, stability and what later events change."""

import pandas as pd
import pytest

from musicrec import events
from musicrec.catalog import Track
from musicrec.events import ListeningEvent
from musicrec.research import user_features as uf

SONG = Track(
    track_id="a" * 22,
    name="Jóga",
    artists=("Björk",),
    genres=("electronic",),
    features={"energy": 0.25, "danceability": 0.5},
)


def complete(user: str, minute: int, track: str = SONG.track_id) -> ListeningEvent:
    return events.from_mapping(
        {
            "event_id": events.new_event_id(user, minute),
            "schema_version": 1,
            "user_id": user,
            "session_id": "s",
            "track_id": track,
            "event_type": "complete",
            "occurred_at": 1_767_600_000_000 + minute * 60_000,
            "source": "simulated",
            "listened_ms": 200_000,
            "duration_ms": 200_000,
        }
    )


class TestFeatureTable:
    def test_has_a_row_for_each_listener(self):
        """Listeners are rows by id; tracks outside the catalogue leave the audio features open."""
        played = [complete("b", 1), complete("a", 2, track="z" * 22)]
        table = uf.feature_table(played, {SONG.track_id: SONG})
        assert list(table.index) == ["a", "b"]
        assert table.loc["b", "ENERGY"] == pytest.approx(0.25)
        assert table.loc["b", "FAVOURITE_GENRE"] == "electronic"
        assert pd.isna(table.loc["a", "ENERGY"])

    def test_without_events_is_empty_with_columns(self):
        """No events give no rows, and still every column."""
        assert set(uf.feature_table([], {}).columns) == {*uf.NUMERIC, *uf.CATEGORICAL}


class TestHalves:
    def test_cuts_each_history_at_its_own_middle(self):
        """Whoever listened early and whoever listened late both have two halves."""
        played = [complete("early", n) for n in range(4)] + [
            complete("late", 90 + n) for n in (1, 0)
        ]
        first, second = uf.halves(played)
        assert [e.occurred_at for e in first] == [played[0].occurred_at, played[1].occurred_at,
                                                  played[5].occurred_at]  # fmt: skip
        assert {*first} | {*second} == {*played}


class TestStability:
    def table(self, energy: list[float], genre: list[str]) -> pd.DataFrame:
        frame = pd.DataFrame(dict.fromkeys(uf.NUMERIC, tuple(energy)), index=list("wxyz"))
        return frame.assign(**dict.fromkeys(uf.CATEGORICAL, genre))

    def test_is_one_for_what_does_not_change(self):
        """The same halves are perfectly stable."""
        table = self.table([0.1, 0.2, 0.3, 0.4], ["rock", "pop", "rock", "jazz"])
        assert set(uf.stability(table, table)["stability"]) == {1.0}

    def test_is_negative_for_what_turns_round(self):
        """A reversed order of listeners is the opposite of stable."""
        first = self.table([0.1, 0.2, 0.3, 0.4], ["rock", "rock", "pop", "pop"])
        second = self.table([0.4, 0.3, 0.2, 0.1], ["pop", "pop", "rock", "rock"])
        assert set(uf.stability(first, second)["stability"]) == {-1.0}

    def test_agreement_by_chance_counts_nothing(self):
        """Half of the categories alike where chance gives half is a stability of zero."""
        first = self.table([1, 2, 3, 4], ["rock", "rock", "pop", "pop"])
        second = self.table([1, 2, 3, 4], ["rock", "pop", "rock", "pop"])
        result = uf.stability(first, second).set_index("feature")["stability"]
        assert result["FAVOURITE_GENRE"] == pytest.approx(0)


def test_changed_by_later_events_counts_listeners():
    """A listener whose feature later events moved counts, one whose did not does not."""
    before = pd.DataFrame({name: [0.1, 0.9] for name in uf.NUMERIC}, index=["a", "b"]).assign(
        **dict.fromkeys(uf.CATEGORICAL, ("rock", "pop"))
    )
    whole = before.assign(ENERGY=[0.1, 0.5], FAVOURITE_GENRE=["jazz", "pop"])
    changed = uf.changed_by_later_events(before, whole)
    assert changed["ENERGY"] == changed["FAVOURITE_GENRE"] == 0.5
    assert changed["VALENCE"] == 0
