"""The stream's second consumer: listening events into musical profiles."""

from __future__ import annotations

import os
import tempfile
import time
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from msgspec import Struct

from musicrec import records, settings
from musicrec.catalog_cache import CatalogCache
from musicrec.clients import client
from musicrec.processor import profile_batch
from musicrec.processor.profiles import ProfileStore
from musicrec.records import PoisonQueue
from musicrec.retry import Retries
from musicrec.tracing import traced

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()


class Settings(Struct, frozen=True, rename="upper"):
    """The function's environment.

    Attributes:
        profile_table: DynamoDB table of profiles.
        catalog_uri: `s3://` address of the catalogue artefact.
        poison_queue_url: SQS queue of records that cannot be processed.
    """

    profile_table: str
    catalog_uri: str
    poison_queue_url: str


@cache
def load_settings() -> Settings:
    """The settings, read once an environment."""
    return settings.load(Settings, os.environ)


@cache
def catalog_cache() -> CatalogCache:
    """The catalogue, kept between invocations."""
    s3 = client("s3", read_timeout_s=30, attempts=3)
    return CatalogCache(s3, load_settings().catalog_uri, time.monotonic, tempfile.gettempdir())


@cache
def poison_queue() -> PoisonQueue:
    """The queue of poison, which knows what it has."""
    return PoisonQueue(client("sqs"), load_settings().poison_queue_url, "profile_builder")


@traced
@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of the stream into the profiles; what failed is handed back.

    Without a catalogue the whole batch fails: folded without their features, its events would make
    other profiles than a rebuild from the lake.
    """
    given = load_settings()
    catalog = catalog_cache().current()
    batch = records.decode(event)
    outcome = profile_batch.process(
        batch,
        store=ProfileStore(client("dynamodb"), given.profile_table),
        lookup=catalog.get_many,
        queue=poison_queue(),
        retries=Retries(
            remaining_ms=context.get_remaining_time_in_millis,
            wait=time.sleep,
            random=SystemRandom(),
        ),
    )
    _report(batch, outcome)
    return records.response(outcome.failed)


def _report(batch: records.Batch, outcome: profile_batch.Outcome) -> None:
    counts = {
        "BatchSize": len(batch.records) + len(batch.poison),
        "EventsApplied": outcome.applied.events,
        "Duplicates": outcome.applied.duplicates,
        "ProfileWrites": outcome.applied.writes,
        "WriteConflicts": outcome.applied.conflicts,
        "Poison": len(outcome.poison),
        "HandedBack": len(outcome.failed),
    }
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    lag_ms = batch.lag_ms(time.time_ns() // 1_000_000)
    metrics.add_metric("Lag", MetricUnit.Milliseconds, lag_ms)
    if outcome.failed:
        reasons = sorted(set(outcome.applied.failed.values()))
        logger.error("records handed back to the stream", reasons=reasons[:10])
    for poison in outcome.poison:
        logger.warning("poison", sequence_number=poison.sequence_number, reason=poison.reason)
