"""Event ids in bulk beside what Python says of each."""

import re
import uuid

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from musicrec.processor import event_ids

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ids = st.uuids().map(str)
odd = st.sampled_from(["", "x", "-" * 36, "0" * 36, "é" * 18, str(uuid.UUID(int=5)).upper()])


def cut(texts, at=3):
    """A column in two chunks, the second a slice of something longer."""
    whole = pa.array(["before", *texts], pa.string())
    return pa.chunked_array([whole.slice(1, at), whole.slice(1 + at)])


def firsts(texts):
    """The oracle: which texts have no copy before them."""
    return [text not in texts[:place] for place, text in enumerate(texts)]


class TestWellFormed:
    @given(st.lists(ids), st.lists(st.none() | odd | ids, max_size=3))
    def test_says_what_the_pattern_says(self, good, others):
        """Any mixture, absent ones and texts of other lengths among them."""
        texts = good + others
        found = event_ids.well_formed(cut(texts)).to_pylist()
        assert found == [None if text is None else bool(UUID.fullmatch(text)) for text in texts]

    def test_every_wrong_character_is_found_wherever_it_stands(self):
        """One character beside the digits or in a dash's place is enough."""
        good = str(uuid.UUID(int=0x0123456789ABCDEF0123456789ABCDEF))
        for place in range(36):
            for wrong in "/:`gGA-0":
                text = good[:place] + wrong + good[place + 1 :]
                found = event_ids.well_formed(cut([good, text])).to_pylist()
                assert found == [True, bool(UUID.fullmatch(text))]


class TestIsFirst:
    @given(st.lists(st.sampled_from([str(uuid.UUID(int=number)) for number in range(9)])))
    def test_copies_are_told_from_what_stands_first(self, texts):
        """Any number of copies in any order."""
        assert event_ids.is_first(cut(texts)).tolist() == firsts(texts)

    def test_ids_of_one_hash_are_still_different_ids(self, monkeypatch):
        """Whoever makes ids up so that their hashes are equal gains nothing."""
        monkeypatch.setattr(event_ids, "_hashes", lambda texts: np.zeros(len(texts), np.uint64))
        texts = [str(uuid.UUID(int=number % 7)) for number in range(40)]
        assert event_ids.is_first(cut(texts)).tolist() == firsts(texts)


class TestTaken:
    @given(st.lists(ids, min_size=1), st.data())
    def test_gives_the_chosen_ids(self, texts, data):
        """In the order asked for, as often as asked for."""
        rows = data.draw(st.lists(st.integers(0, len(texts) - 1)))
        taken = event_ids.taken(cut(texts), np.array(rows, np.int64))
        assert taken.to_pylist() == [texts[row] for row in rows]
