"""Batches and retries: what is posted, in which order, and that nothing is lost or invented."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.events import EventType, ListeningEvent, Source, new_event_id
from musicrec.local.listeners import batches, demo_listeners, with_retries

DAY = 86_400_000
MONDAY = 1_767_571_200_000


def event(user: int, occurred_at: int) -> ListeningEvent:
    return ListeningEvent(
        event_id=new_event_id("test", user, occurred_at),
        user_id=f"user-{user}",
        session_id="s",
        track_id="0" * 22,
        event_type=EventType.PLAY,
        occurred_at=occurred_at,
        source=Source.SIMULATED,
        schema_version=1,
    )


streams = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3 * DAY)), unique=True, max_size=60
).map(lambda pairs: [event(user, MONDAY + at) for user, at in sorted(pairs, key=lambda p: p[1])])


class TestBatches:
    @given(streams, st.integers(1, 7))
    def test_each_event_is_in_one_batch_and_each_listener_in_order(self, stream, most):
        """Batching loses nothing, repeats nothing and keeps every listener's order."""
        posted = [e for batch in batches(stream, most) for e in batch]
        assert Counter(e.event_id for e in posted) == Counter(e.event_id for e in stream)
        before, after = defaultdict(list), defaultdict(list)
        for e in stream:
            before[e.user_id].append(e)
        for e in posted:
            after[e.user_id].append(e)
        assert after == before

    @given(streams, st.integers(1, 7))
    def test_a_batch_is_one_listeners_day_within_the_limit(self, stream, most):
        """No batch mixes listeners or days or is larger than allowed."""
        for batch in batches(stream, most):
            assert 1 <= len(batch) <= most
            assert len({(e.user_id, e.occurred_on) for e in batch}) == 1

    def test_listeners_are_mixed(self, sample_tracks):
        """On a day of many listeners consecutive batches are mostly of different people."""
        posted = batches(demo_listeners(sample_tracks, listeners=30, days=3).events())
        assert [batch[-1].occurred_at for batch in posted] == sorted(
            batch[-1].occurred_at for batch in posted
        )
        users = [batch[0].user_id for batch in posted]
        same = sum(a == b for a, b in pairwise(users))
        assert same < len(users) / 5

    def test_a_limit_of_nothing_is_refused(self):
        """A batch must hold at least one event."""
        with pytest.raises(ValueError, match="max_events=0"):
            batches([], 0)


class TestWithRetries:
    @given(streams, st.floats(0, 1), st.integers(0, 99))
    def test_repeats_only_what_was_posted_before(self, stream, share, seed):
        """First posts keep their order, and a copy equals a batch posted within the last four."""
        requests = batches(stream, 3)
        firsts, seen = [], set()
        for batch in with_retries(requests, share=share, seed=seed):
            if batch[0].event_id in seen:
                assert batch in firsts[-4:]
            else:
                seen.update(e.event_id for e in batch)
                firsts.append(batch)
        assert firsts == requests

    def test_a_share_of_about_that_size_is_repeated(self):
        """Of a thousand batches about a tenth is posted twice, the same for the same seed."""
        requests = [[event(0, MONDAY + at)] for at in range(1000)]
        posted = list(with_retries(requests, share=0.1, seed=1))
        assert 1070 <= len(posted) <= 1130
        assert posted == list(with_retries(requests, share=0.1, seed=1))

    @pytest.mark.parametrize(("share", "posts"), [(0.0, 1), (1.0, 2)])
    def test_none_and_all_are_exact(self, share, posts):
        """Share 0 repeats nothing, share 1 everything once."""
        requests = [[event(0, MONDAY + at)] for at in range(20)]
        counts = Counter(b[0].event_id for b in with_retries(requests, share=share, seed=1))
        assert set(counts.values()) == {posts}

    def test_an_impossible_share_is_refused(self):
        """A share is between 0 and 1."""
        with pytest.raises(ValueError, match="share=2"):
            list(with_retries([], share=2, seed=1))
