"""Splitting, merging and counting shards."""

import pytest
from kinesis_world import FIRST, HASH_KEYS, HOUR, Kinesis, RefusedError, shard_id


@pytest.fixture
def kinesis():
    return Kinesis()


def low(kinesis, *data):
    return kinesis.put(*data, ExplicitHashKey="0")["Records"][0]


def high(kinesis, *data):
    return kinesis.put(*data, ExplicitHashKey=str(HASH_KEYS - 1))["Records"][0]


class TestSplit:
    def test_children_take_the_halves(self, kinesis):
        """The children share the parent's hash keys and name it; records go to them."""
        middle = kinesis.split()
        parent, left, right = kinesis.shards().values()
        assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
        assert left["ParentShardId"] == right["ParentShardId"] == FIRST
        assert left["HashKeyRange"] == {
            "StartingHashKey": "0",
            "EndingHashKey": str(middle - 1),
        }
        assert right["HashKeyRange"] == {
            "StartingHashKey": str(middle),
            "EndingHashKey": str(HASH_KEYS - 1),
        }
        assert low(kinesis, b"x")["ShardId"] == left["ShardId"]
        assert high(kinesis, b"x")["ShardId"] == right["ShardId"]
        assert (
            kinesis.put(b"x", ExplicitHashKey=str(middle))["Records"][0]["ShardId"]
            == (right["ShardId"])
        )

    def test_old_records_stay_with_the_parent(self, kinesis):
        """A parent is read to its end, which names the children and has no further iterator."""
        kinesis.put(b"old")
        kinesis.split()
        kinesis.put(b"new")
        data, answer = kinesis.read()
        assert data == [b"old"]
        assert "NextShardIterator" not in answer
        assert [child["ShardId"] for child in answer["ChildShards"]] == [shard_id(1), shard_id(2)]
        assert all(child["ParentShards"] == [FIRST] for child in answer["ChildShards"])

    def test_a_read_that_stops_short_goes_on(self, kinesis):
        """A closed shard has an iterator for as long as it has records beyond."""
        kinesis.put(b"1", b"2")
        kinesis.split()
        answer = kinesis.read(limit=1)[1]
        assert "ChildShards" not in answer
        rest = kinesis.call("GetRecords", ShardIterator=answer["NextShardIterator"])
        assert len(rest["Records"]) == 1
        assert "NextShardIterator" not in rest

    def test_sequence_numbers_increase_over_generations(self, kinesis):
        """What a child takes is numbered above the end of its parent."""
        first = int(low(kinesis, b"x")["SequenceNumber"])
        kinesis.split()
        parent = kinesis.shards()[FIRST]["SequenceNumberRange"]
        child = kinesis.shards()[shard_id(1)]["SequenceNumberRange"]
        later = int(low(kinesis, b"x")["SequenceNumber"])
        assert first < int(parent["EndingSequenceNumber"]) < int(child["StartingSequenceNumber"])
        assert later > int(child["StartingSequenceNumber"])

    @pytest.mark.parametrize("key", ["0", str(HASH_KEYS - 1), str(HASH_KEYS)])
    def test_the_middle_must_be_inside(self, kinesis, key):
        """A hash key that leaves a child empty is refused."""
        with pytest.raises(RefusedError, match="is not both greater than one plus") as refused:
            kinesis.call(
                "SplitShard", StreamName="plays", ShardToSplit=FIRST, NewStartingHashKey=key
            )
        assert refused.value.code == "InvalidArgumentException"

    def test_a_closed_shard_is_not_split_again(self, kinesis):
        """Neither is a shard that does not exist."""
        kinesis.split()
        with pytest.raises(RefusedError, match="has already been merged or split"):
            kinesis.split()
        with pytest.raises(RefusedError, match="Could not find shard shardId-9") as refused:
            kinesis.call(
                "SplitShard", StreamName="plays", ShardToSplit="shardId-9", NewStartingHashKey="9"
            )
        assert refused.value.code == "ResourceNotFoundException"


class TestMerge:
    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_one_child_takes_both_ranges(self, order):
        """Neighbours merge in either order; the first that was named is the parent."""
        kinesis = Kinesis(shards=2)
        kinesis.merge(*map(shard_id, order))
        child = kinesis.shards()[shard_id(2)]
        assert (child["ParentShardId"], child["AdjacentParentShardId"]) == tuple(
            map(shard_id, order)
        )
        assert child["HashKeyRange"] == {
            "StartingHashKey": "0",
            "EndingHashKey": str(HASH_KEYS - 1),
        }
        assert {low(kinesis, b"x")["ShardId"], high(kinesis, b"x")["ShardId"]} == {shard_id(2)}

    def test_only_neighbours_merge(self):
        """Shards with another between them are refused, and so is a shard with itself."""
        kinesis = Kinesis(shards=3)
        for second in (shard_id(2), FIRST):
            with pytest.raises(RefusedError, match="not an adjacent pair"):
                kinesis.merge(FIRST, second)


class TestCount:
    @pytest.mark.parametrize(
        ("shards", "target", "total"), [(2, 4, 6), (4, 5, 15), (10, 13, 37), (4, 2, 6), (5, 3, 7)]
    )
    def test_as_many_shards_as_asked_for(self, shards, target, total):
        """Open shards are as many as asked for and cover every hash key without a gap."""
        kinesis = Kinesis(shards=shards)
        answer = kinesis.call("UpdateShardCount", StreamName="plays", TargetShardCount=target,
                              ScalingType="UNIFORM_SCALING")  # fmt: skip
        assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (shards, target)
        assert len(kinesis.shards()) == total
        ranges = sorted(
            (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
            for shard in kinesis.shards(ShardFilter={"Type": "AT_LATEST"}).values()
        )  # fmt: skip
        assert len(ranges) == target
        assert [first for first, _ in ranges] == [0, *(last + 1 for _, last in ranges[:-1])]
        assert ranges[-1][1] == HASH_KEYS - 1

    @pytest.mark.parametrize(("target", "words"), [(9, "up over double"), (1, "down below half")])
    def test_no_further_than_double_or_half(self, target, words):
        """The steps of one call are limited, as AWS limits them."""
        kinesis = Kinesis(shards=4)
        with pytest.raises(RefusedError, match=words):
            kinesis.call("UpdateShardCount", StreamName="plays", TargetShardCount=target,
                         ScalingType="UNIFORM_SCALING")  # fmt: skip
        assert len(kinesis.shards()) == 4


class TestListing:
    def listed(self, kinesis, kind, **more):
        return list(kinesis.shards(ShardFilter={"Type": kind, **more}))

    def test_filters(self, kinesis):
        """Each filter finds the shards that were open at its time, or since."""
        begun = kinesis.now
        kinesis.now += 60
        kinesis.split()
        children = [shard_id(1), shard_id(2)]
        assert self.listed(kinesis, "AT_LATEST") == children
        assert self.listed(kinesis, "AT_TRIM_HORIZON") == [FIRST]
        assert self.listed(kinesis, "FROM_TRIM_HORIZON") == [FIRST, *children]
        assert self.listed(kinesis, "AFTER_SHARD_ID", ShardId=shard_id(1)) == [shard_id(2)]
        assert self.listed(kinesis, "AT_TIMESTAMP", Timestamp=begun + 30) == [FIRST]
        assert self.listed(kinesis, "AT_TIMESTAMP", Timestamp=begun + 90) == children
        assert self.listed(kinesis, "FROM_TIMESTAMP", Timestamp=begun + 30) == [FIRST, *children]
        assert self.listed(kinesis, "FROM_TIMESTAMP", Timestamp=begun + 90) == children

    def test_a_filter_needs_its_argument(self, kinesis):
        """Without the time or shard that it goes by, a filter is refused."""
        for kind in ("AT_TIMESTAMP", "AFTER_SHARD_ID"):
            with pytest.raises(RefusedError, match=kind):
                self.listed(kinesis, kind)

    def test_pages(self):
        """A token goes on where the page ended, for five minutes."""
        kinesis = Kinesis(shards=5)
        page = kinesis.call("ListShards", StreamName="plays", MaxResults=3)
        assert len(page["Shards"]) == 3
        rest = kinesis.call("ListShards", NextToken=page["NextToken"])
        assert [shard["ShardId"] for shard in rest["Shards"]] == [shard_id(3), shard_id(4)]
        assert "NextToken" not in rest
        kinesis.now += 301
        with pytest.raises(RefusedError, match="ExpiredNextTokenException"):
            kinesis.call("ListShards", NextToken=page["NextToken"])

    def test_closed_shards_go_with_their_records(self, kinesis):
        """Once the retention has passed a closed shard is neither listed nor read."""
        kinesis.put(b"old")
        kinesis.split()
        kinesis.now += 24 * HOUR + 1
        assert list(kinesis.shards()) == [shard_id(1), shard_id(2)]
        with pytest.raises(RefusedError, match="does not exist") as refused:
            kinesis.iterator(FIRST)
        assert refused.value.code == "ResourceNotFoundException"
