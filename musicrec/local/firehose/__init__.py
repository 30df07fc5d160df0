"""Delivers what moto's Firehose only stores: from a Kinesis stream to objects in S3."""

from musicrec.local.firehose.animator import DeliveryStreams

__all__ = ["DeliveryStreams"]
