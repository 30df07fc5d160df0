"""Making, describing and deleting streams, and what hangs on them."""

import pytest
from kinesis_world import ACCOUNT, BEGINNING, Kinesis, RefusedError, shard_id

ARN = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/plays"


@pytest.fixture
def kinesis():
    return Kinesis(shards=2)


def summary(kinesis):
    answer = kinesis.call("DescribeStreamSummary", StreamName="plays")
    return answer["StreamDescriptionSummary"]


class TestLife:
    def test_a_stream_as_it_is_described(self, kinesis):
        """Everything that clients and Terraform read of a new stream."""
        assert summary(kinesis) == {
            "StreamName": "plays",
            "StreamARN": ARN,
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "StreamCreationTimestamp": BEGINNING,
            "RetentionPeriodHours": 24,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "EncryptionType": "NONE",
            "OpenShardCount": 2,
            "ConsumerCount": 0,
            "MaxRecordSizeInKiB": 1024,
        }

    def test_names_are_taken_once(self, kinesis):
        """A second stream of the name is refused until the first is deleted."""
        with pytest.raises(RefusedError, match="ResourceInUseException"):
            kinesis.call("CreateStream", StreamName="plays", ShardCount=1)
        kinesis.put(b"x")
        kinesis.call("DeleteStream", StreamARN=ARN)
        kinesis.call("CreateStream", StreamName="plays", ShardCount=1)
        assert kinesis.read()[0] == []
        assert kinesis.streams == [
            ("us-east-1", "plays", True),
            ("us-east-1", "plays", False),
            ("us-east-1", "plays", True),
        ]

    def test_a_provisioned_stream_needs_its_shards(self, kinesis):
        """Without a number of shards nothing is made."""
        with pytest.raises(RefusedError, match="ShardCount is required"):
            kinesis.call("CreateStream", StreamName="other")

    def test_an_account_has_so_many_shards(self, kinesis):
        """Making or growing a stream beyond the account's shards is refused."""
        with pytest.raises(RefusedError, match="Current shard count for the account: 2") as refused:
            kinesis.call("CreateStream", StreamName="huge", ShardCount=20_000)
        assert refused.value.code == "LimitExceededException"
        assert kinesis.call("ListStreams")["StreamNames"] == ["plays"]

    def test_streams_of_other_regions_are_other_streams(self, kinesis):
        """The signature's region says where a stream is looked for."""
        scope = "AWS4-HMAC-SHA256 Credential=test/20260701/eu-west-1/kinesis/aws4_request"
        _, answer = kinesis.post("Kinesis_20131202.ListStreams", b"{}", HTTP_AUTHORIZATION=scope)
        assert answer["StreamNames"] == []

    def test_listing_in_pages(self):
        """Streams come by name, as many as asked for, and go on behind a name."""
        kinesis = Kinesis(shards=0)
        for name in ("c", "a", "b"):
            kinesis.call("CreateStream", StreamName=name, ShardCount=1)
        first = kinesis.call("ListStreams", Limit=2)
        assert (first["StreamNames"], first["HasMoreStreams"]) == (["a", "b"], True)
        rest = kinesis.call("ListStreams", ExclusiveStartStreamName="b")
        assert (rest["StreamNames"], rest["HasMoreStreams"]) == (["c"], False)

    def test_description_in_pages(self, kinesis):
        """DescribeStream pages through the shards."""
        answer = kinesis.call("DescribeStream", StreamName="plays", Limit=1)["StreamDescription"]
        assert answer["HasMoreShards"]
        rest = kinesis.call(
            "DescribeStream", StreamName="plays", ExclusiveStartShardId=shard_id(0)
        )["StreamDescription"]
        assert [shard["ShardId"] for shard in rest["Shards"]] == [shard_id(1)]

    def test_a_reset_forgets_everything(self, kinesis):
        """After a reset there are no streams."""
        kinesis.app.reset()
        assert kinesis.call("ListStreams")["StreamNames"] == []


class TestTransitions:
    @pytest.fixture
    def slow(self):
        return Kinesis(shards=2, transition_s=30.0)

    def test_states_follow_the_clock(self, slow):
        """A stream is CREATING, ACTIVE, UPDATING and DELETING for the time that these take."""
        assert summary(slow)["StreamStatus"] == "CREATING"
        slow.now += 30
        assert summary(slow)["StreamStatus"] == "ACTIVE"
        slow.split()
        assert summary(slow)["StreamStatus"] == "UPDATING"
        assert slow.put(b"x")["FailedRecordCount"] == 0
        slow.now += 30
        slow.call("DeleteStream", StreamName="plays")
        assert summary(slow)["StreamStatus"] == "DELETING"
        slow.now += 30
        with pytest.raises(RefusedError, match="not found"):
            summary(slow)

    def test_one_change_at_a_time(self, slow):
        """While a stream changes it takes no other change."""
        for refused in (slow.split, lambda: slow.merge(shard_id(0), shard_id(1))):
            with pytest.raises(RefusedError, match="instead in state CREATING") as error:
                refused()
            assert error.value.code == "ResourceInUseException"


class TestSettings:
    def test_tags_by_stream_and_by_arn(self, kinesis):
        """Both families of operations see the same tags, at most fifty."""
        kinesis.call("AddTagsToStream", StreamName="plays", Tags={"a": "1", "b": "2"})
        kinesis.call("TagResource", ResourceARN=ARN, Tags={"c": "3"})
        kinesis.call("UntagResource", ResourceARN=ARN, TagKeys=["a"])
        kinesis.call("RemoveTagsFromStream", StreamName="plays", TagKeys=["b", "nothing"])
        tags = [{"Key": "c", "Value": "3"}]
        assert kinesis.call("ListTagsForResource", ResourceARN=ARN)["Tags"] == tags
        assert kinesis.call("ListTagsForStream", StreamName="plays") == {
            "Tags": tags,
            "HasMoreTags": False,
        }
        with pytest.raises(RefusedError, match="more than 50 tags"):
            kinesis.call("TagResource", ResourceARN=ARN, Tags={str(n): "" for n in range(50)})

    def test_monitoring_and_encryption_are_kept(self, kinesis):
        """What is switched on is described, until it is switched off."""
        kinesis.call(
            "EnableEnhancedMonitoring", StreamName="plays", ShardLevelMetrics=["IncomingBytes"]
        )
        kinesis.call("StartStreamEncryption", StreamName="plays", EncryptionType="KMS", KeyId="key")
        assert summary(kinesis)["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]
        assert (summary(kinesis)["EncryptionType"], summary(kinesis)["KeyId"]) == ("KMS", "key")
        kinesis.call("DisableEnhancedMonitoring", StreamName="plays", ShardLevelMetrics=["ALL"])
        kinesis.call("StopStreamEncryption", StreamName="plays", EncryptionType="KMS", KeyId="key")
        assert summary(kinesis)["EnhancedMonitoring"] == [{"ShardLevelMetrics": []}]
        assert summary(kinesis)["EncryptionType"] == "NONE"

    def test_consumers_hold_a_stream(self, kinesis):
        """A stream with consumers is deleted only with them."""
        consumer = kinesis.call("RegisterStreamConsumer", StreamARN=ARN, ConsumerName="reader")
        arn = consumer["Consumer"]["ConsumerARN"]
        described = kinesis.call("DescribeStreamConsumer", ConsumerARN=arn)
        assert described["ConsumerDescription"]["StreamARN"] == ARN
        with pytest.raises(RefusedError, match="registered consumers"):
            kinesis.call("DeleteStream", StreamName="plays")
        kinesis.call("DeregisterStreamConsumer", StreamARN=ARN, ConsumerName="reader")
        kinesis.call("DeleteStream", StreamName="plays")

    def test_limits_count_what_there_is(self, kinesis):
        """Open shards and on-demand streams are counted."""
        mode = {"StreamMode": "ON_DEMAND"}
        kinesis.call("CreateStream", StreamName="bursts", StreamModeDetails=mode)
        limits = kinesis.call("DescribeLimits")
        assert (limits["OpenShardCount"], limits["OnDemandStreamCount"]) == (6, 1)
