"""Kinesis Data Streams: shards that hold records, split, merge, throttle and forget as AWS's do."""

from musicrec.local.kinesis.app import KinesisApp

__all__ = ["KinesisApp"]
