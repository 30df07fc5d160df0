"""An embedded Kinesis without a server: requests go straight into the application, by a set clock."""

import base64
import io
import json

from musicrec.local.kinesis import KinesisApp
from musicrec.local.kinesis.app import DEDICATED

ACCOUNT = "123456789012"
BEGINNING = 1_750_000_000.0
HOUR = 3_600.0
FIRST = "shardId-000000000000"
HASH_KEYS = 2**128


class RefusedError(Exception):
    """What Kinesis answered instead of a result."""

    def __init__(self, status, code, message):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


class Kinesis:
    """One application, its clock, and calls that read like boto3's."""

    def __init__(self, shards=1, **settings):
        self.now = BEGINNING
        self.streams = []
        self.app = KinesisApp(
            account_id=ACCOUNT,
            region="us-east-1",
            clock=lambda: self.now,
            announce=lambda *news: self.streams.append(news),
            **settings,
        )
        if shards:
            self.call("CreateStream", StreamName="plays", ShardCount=shards)

    def post(self, target, body, **headers):
        """Post a body; returns status and answer."""
        status = []
        environ = {
            "HTTP_X_AMZ_TARGET": target,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **headers,
        }
        answer = b"".join(self.app(environ, lambda line, _: status.append(int(line.split()[0]))))
        return status[0], json.loads(answer) if answer else None

    def call(self, operation, *, dedicated=False, **params):
        """One operation; bytes become base64 on the way in, as clients do it."""
        headers = {"HTTP_" + DEDICATED.upper().replace("-", "_"): "1"} if dedicated else {}
        body = json.dumps(params, default=lambda data: base64.b64encode(data).decode()).encode()
        status, answer = self.post(f"Kinesis_20131202.{operation}", body, **headers)
        if status != 200:
            raise RefusedError(status, answer["__type"], answer["message"])
        return answer

    def put(self, *data, key="k", **more):
        """PutRecords of payloads with one key."""
        records = [{"Data": each, "PartitionKey": key, **more} for each in data]
        return self.call("PutRecords", StreamName="plays", Records=records)

    def iterator(self, shard_id=FIRST, kind="TRIM_HORIZON", **more):
        """A shard iterator."""
        params = {"ShardId": shard_id, "ShardIteratorType": kind, **more}
        answer = self.call("GetShardIterator", StreamName="plays", dedicated=True, **params)
        return answer["ShardIterator"]

    def read(self, shard_id=FIRST, kind="TRIM_HORIZON", limit=10_000, **more):
        """The payloads from a position on, and the whole answer."""
        iterator = self.iterator(shard_id, kind, **more)
        answer = self.call("GetRecords", ShardIterator=iterator, Limit=limit, dedicated=True)
        return [base64.b64decode(record["Data"]) for record in answer["Records"]], answer

    def shards(self, **more):
        """ListShards, by id."""
        answer = self.call("ListShards", StreamName="plays", **more)
        return {shard["ShardId"]: shard for shard in answer["Shards"]}

    def split(self, shard_id=FIRST):
        """Split a shard in the middle."""
        keys = self.shards()[shard_id]["HashKeyRange"]
        middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2 + 1
        self.call(
            "SplitShard", StreamName="plays", ShardToSplit=shard_id, NewStartingHashKey=str(middle)
        )
        return middle

    def merge(self, first, second):
        """Merge two shards."""
        self.call(
            "MergeShards", StreamName="plays", ShardToMerge=first, AdjacentShardToMerge=second
        )


def shard_id(number):
    """The id of a stream's shard."""
    return f"shardId-{number:012d}"
