"""Which shards a consumer may read, given what it has read."""

import pytest

from musicrec.local.kinesis.lineage import Lineage


def shard(name, *parents, closed=False):
    numbers = {"StartingSequenceNumber": "0"} | ({"EndingSequenceNumber": "9"} if closed else {})
    named = zip(("ParentShardId", "AdjacentParentShardId"), parents, strict=False)
    return {"ShardId": name, "SequenceNumberRange": numbers, **dict(named)}


SPLIT = [shard("a", closed=True), shard("b", "a"), shard("c", "a")]


@pytest.fixture
def lineage():
    return Lineage()


class TestOrder:
    def test_children_wait_for_their_parent(self, lineage):
        """A split shard is read first, its children when it is finished."""
        lineage.update(SPLIT)
        assert lineage.readable() == ["a"]
        lineage.finish("a")
        assert lineage.readable() == ["b", "c"]

    def test_a_merged_shard_waits_for_both_parents(self, lineage):
        """One finished parent is not enough."""
        lineage.update([shard("a", closed=True), shard("b", closed=True), shard("c", "a", "b")])
        lineage.finish("b")
        assert lineage.readable() == ["a"]
        lineage.finish("a")
        assert lineage.readable() == ["c"]

    def test_parents_that_are_gone_are_not_waited_for(self, lineage):
        """Records beyond the retention cannot be read, so the children begin."""
        lineage.update(SPLIT[1:])
        assert lineage.readable() == ["b", "c"]

    def test_a_listing_without_the_parent_keeps_nothing_of_it(self, lineage):
        """What was finished is forgotten with the shard, in case its name comes again."""
        lineage.update(SPLIT)
        lineage.finish("a")
        lineage.update(SPLIT[1:])
        lineage.update(SPLIT)
        assert lineage.readable() == ["a"]


class TestBeginning:
    def test_a_late_consumer_leaves_closed_shards_out(self, lineage):
        """Who begins with the latest records has nothing to read in closed shards."""
        lineage.update(SPLIT, skip_closed=True)
        assert lineage.readable() == ["b", "c"]

    def test_shards_that_close_later_are_not_left_out(self, lineage):
        """Only what was closed at the first look is skipped."""
        lineage.update([shard("a")], skip_closed=True)
        lineage.update(SPLIT, skip_closed=True)
        assert lineage.readable() == ["a"]

    def test_newcomers(self, lineage):
        """Shards that appear after the first look are read from their first record."""
        lineage.update([shard("a")])
        lineage.update(SPLIT)
        assert [lineage.is_newcomer(name) for name in "abc"] == [False, True, True]
