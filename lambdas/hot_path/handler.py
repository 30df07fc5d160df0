"""The stream's hot consumer: listening events to Personalize while they are fresh."""

from __future__ import annotations

import os
import time
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from msgspec import Struct

from musicrec import records, settings
from musicrec.clients import client
from musicrec.parameters import Parameters
from musicrec.processor import hot_path
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
        tracking_id_parameter: SSM parameter that holds the event tracker's id.
        poison_queue_url: SQS queue of records that cannot be processed.
    """

    tracking_id_parameter: str
    poison_queue_url: str


@cache
def load_settings() -> Settings:
    """The settings, read once an environment."""
    return settings.load(Settings, os.environ)


@cache
def parameters() -> Parameters:
    """SSM parameters, kept between invocations."""
    return Parameters(client("ssm", attempts=3), time.monotonic)


@cache
def poison_queue() -> PoisonQueue:
    """The queue of poison, which knows what it has."""
    return PoisonQueue(client("sqs"), load_settings().poison_queue_url, "hot_path")


@traced
@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Send a batch of the stream to Personalize; what failed is handed back."""
    given = load_settings()
    batch = records.decode(event)
    outcome = hot_path.process(
        batch,
        personalize=client("personalize-events"),
        tracking_id=parameters().get(given.tracking_id_parameter),
        queue=poison_queue(),
        retries=Retries(
            remaining_ms=context.get_remaining_time_in_millis,
            wait=time.sleep,
            random=SystemRandom(),
        ),
    )
    if outcome.tracker_unknown:
        parameters().forget(given.tracking_id_parameter)
    _report(batch, outcome)
    return records.response(outcome.failed)


def _report(batch: records.Batch, outcome: hot_path.Outcome) -> None:
    counts = {
        "BatchSize": len(batch.records) + len(batch.poison),
        "InteractionsSent": outcome.sent,
        "InteractionsHeldBack": outcome.held_back,
        "PutEventsCalls": outcome.calls,
        "Poison": len(outcome.poison),
        "HandedBack": len(outcome.failed),
    }
    for name, count in counts.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    for size in outcome.groups:
        metrics.add_metric("EventsPerCall", MetricUnit.Count, size)
    lag_ms = batch.lag_ms(time.time_ns() // 1_000_000)
    metrics.add_metric("Lag", MetricUnit.Milliseconds, lag_ms)
    if outcome.held_back:
        logger.warning("no event tracker yet: the daily import brings these events to Personalize")
    if outcome.failed:
        logger.error("records handed back to the stream", reason=outcome.error)
    for poison in outcome.poison:
        logger.warning("poison", sequence_number=poison.sequence_number, reason=poison.reason)
