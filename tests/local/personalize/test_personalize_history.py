"""Tables of interactions, histories, event selection, item features: the pieces below the API."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from personalize_data import ITEMS

from musicrec.local.personalize import avro
from musicrec.local.personalize.csv_files import CsvFile, read
from musicrec.local.personalize.event_selection import EventSelection
from musicrec.local.personalize.history import FILTER_WINDOW, recent_by_type
from musicrec.local.personalize.interaction_log import InteractionLog, StreamedEvent
from musicrec.local.personalize.interaction_table import IDENTITY, InteractionTable
from musicrec.local.personalize.item_features import CATEGORY_WEIGHT, FeatureEncoder, item_features
from musicrec.local.personalize.metadata import MetadataRecords
from musicrec.local.personalize.training import Trained
from musicrec.research.models import Popularity

ROWS = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from("abc"),
        st.integers(0, 3),
        st.sampled_from(["play", "skip", None]),
        st.sampled_from([None, 0.0, 0.5]),
    ),
    max_size=30,
)


def table(rows):
    """Rows as a table of identities."""
    names = IDENTITY.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], IDENTITY)


def decoded(found):
    """The rows of an encoded table, None for null."""
    return [
        (
            found.user_ids[user],
            found.item_ids[item],
            int(when),
            found.event_types[kind] if kind >= 0 else None,
            None if np.isnan(value) else float(value),
        )
        for user, item, when, kind, value in zip(
            found.users, found.items, found.timestamps, found.types, found.values, strict=True
        )
    ]


class TestInteractionTable:
    @given(ROWS)
    def test_keeps_each_distinct_row_once_by_user_and_time(self, rows):
        """Duplicates go, nothing else does, and every user's rows are together."""
        found = InteractionTable.encode(table(rows))
        kept = decoded(found)
        assert len(kept) == len(set(kept))
        assert set(kept) == set(rows)
        assert [row[:1] + row[2:3] for row in kept] == sorted(row[:1] + row[2:3] for row in kept)
        for user in found.user_ids:
            assert {row[0] for row in kept[found.places(user)]} == {user}
        assert found.places("stranger") == slice(0, 0)

    @given(ROWS)
    def test_selection_keeps_the_codes(self, rows):
        """What a mask keeps decodes to the same rows."""
        found = InteractionTable.encode(table(rows))
        kept = found.select(found.timestamps > 1)
        assert decoded(kept) == [row for row in decoded(found) if row[2] > 1]
        items = sorted({*found.item_ids, "0", "zz"})
        assert decoded(kept.recode_items(items)) == decoded(kept)


class TestEventSelection:
    SETTINGS = (
        {"solutionConfig": {"eventsConfig": {"eventParametersList": [
            {"eventType": "play", "weight": 0.3},
            {"eventType": "skip", "weight": 1.0, "eventValueThreshold": 0.5}]}}},
        {"eventType": "skip", "solutionConfig": {"eventValueThreshold": "0.5"}},
        {},
    )  # fmt: skip

    @pytest.mark.parametrize("settings", SETTINGS)
    @given(rows=ROWS)
    def test_training_and_request_agree(self, settings, rows):
        """An event counts in a history exactly if it counts in training."""
        selection = EventSelection.of(settings)
        found = InteractionTable.encode(table(rows))
        for row, weight in zip(decoded(found), selection.weights(found), strict=True):
            event = StreamedEvent(
                user_id=row[0],
                session_id="s",
                item_id=row[1],
                timestamp=row[2],
                event_type=row[3] or "",
                value=row[4],
            )
            assert selection.takes(event) == (not np.isnan(weight))

    def test_weights_are_those_of_the_configuration(self):
        """A value below the threshold, or none, does not count."""
        rows = [("u", "a", 1, "play", None), ("u", "a", 2, "skip", 0.4), ("u", "a", 3, "skip", 0.5)]
        weights = EventSelection.of(self.SETTINGS[0]).weights(InteractionTable.encode(table(rows)))
        assert weights[0] == pytest.approx(0.3)
        assert np.isnan(weights[1])
        assert weights[2] == 1.0


class TestRecentByType:
    def test_window_is_by_event_type(self):
        """The newest hundred of each type; a streamed copy takes no place."""
        items = [f"i{n:03}" for n in range(150)]
        rows = [("u", item, n, "play", None) for n, item in enumerate(items)]
        rows += [("u", "i000", 1, "skip", None)]
        log = InteractionLog()
        log.replace_bulk(table(rows))
        log.append(
            StreamedEvent(user_id="u", session_id="s", item_id=item, timestamp=n, event_type="Play")
            for n, item in list(enumerate(items))[-10:]
        )
        trained = Trained(
            model=Popularity(),
            item_ids=items,
            item_index={item: code for code, item in enumerate(items)},
            seen=log.imported,
            selection=EventSelection(),
            mark=0,
        )
        found = recent_by_type(trained, log, "u")
        assert sorted(found["PLAY"]) == list(range(150 - FILTER_WINDOW, 150))
        assert found["SKIP"].tolist() == [0]

    @pytest.mark.parametrize("other", ["play", "Play"])
    def test_imported_copies_take_no_place(self, other):
        """An imported row that stands twice, or once more in other letters, pushes nothing out."""
        items = [f"i{n:03}" for n in range(FILTER_WINDOW)]
        rows = [("u", item, n, "play", None) for n, item in enumerate(items)]
        log = InteractionLog()
        log.replace_bulk(table([*rows, ("u", "i099", 99, other, None)]))
        trained = Trained(
            model=Popularity(),
            item_ids=items,
            item_index={item: code for code, item in enumerate(items)},
            seen=log.imported,
            selection=EventSelection(),
            mark=0,
        )
        assert sorted(recent_by_type(trained, log, "u")["PLAY"]) == list(range(FILTER_WINDOW))


class TestItemFeatures:
    def test_numbers_are_standardised_and_categories_get_columns(self):
        """Null and unknown items stay at zero; excluded columns are left out."""
        records = MetadataRecords(avro.parse(ITEMS), "ITEM_ID")
        content = b"ITEM_ID,GENRE,TEMPO,YEAR\na,x|y,100,\nb,x,120,\nc,,,\n"
        records.replace_bulk(read([CsvFile("i", content)], records.schema))
        index = {"a": 0, "b": 1, "c": 2, "stranger": 3}
        encoder = FeatureEncoder.learned(records, frozenset({"YEAR"}))
        features = item_features(encoder, records, index)
        w = CATEGORY_WEIGHT
        assert features.tolist() == [[w, w, -1], [w, 0, 1], [0, 0, 0], [0, 0, 0]]

    def test_empty_dataset_gives_none(self):
        """Nothing usable, no features."""
        records = MetadataRecords(avro.parse(ITEMS), "ITEM_ID")
        assert item_features(FeatureEncoder.learned(records), records, {"a": 0}) is None
