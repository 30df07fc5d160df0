"""The daily rule's target: builds the three Personalize datasets and starts their imports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from musicrec.datasets import daily
from musicrec.datasets.engines import EngineChoice
from musicrec.personalize.clients import connect
from musicrec.tracing import traced

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from musicrec.datasets.manifest import Manifest

logger = Logger()
metrics = Metrics()


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """The function's environment.

    Attributes:
        stack: name of the stack whose datasets are built.
        engine: who reads and writes the lake: `lambda`, `athena`, or `auto` for the rule by size.
    """

    stack: str
    engine: EngineChoice = "auto"


class ScheduledEvent(msgspec.Struct, frozen=True):
    """What EventBridge sends, as far as it matters here.

    Attributes:
        time: when the rule fired, e.g. `2026-03-02T03:00:00Z`; its date is the run's.
    """

    time: str

    @property
    def run_date(self) -> str:
        """`YYYY-MM-DD`, by UTC."""
        return self.time[:10]


settings = msgspec.convert(dict(os.environ), Settings)
clients = connect()


@traced
@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Build the datasets of the day on which the rule fired."""
    run_date = msgspec.convert(event, ScheduledEvent).run_date
    manifest = daily.build(clients, settings.stack, run_date, engine=settings.engine)
    _report(run_date, manifest)
    answer: dict[str, Any] = msgspec.to_builtins(manifest)
    return answer


def _report(run_date: str, manifest: Manifest) -> None:
    """What was built, for the log; that it was, for the alarm on a day without."""
    rows = {kind: built.rows for kind, built in manifest.datasets.items()}
    for finding in manifest.findings:
        logger.warning(finding.message, check=finding.check, dataset=finding.dataset)
    plans = {kind: msgspec.to_builtins(built.plan) for kind, built in manifest.datasets.items()}
    logger.info(
        "datasets built", run_date=run_date, rows=rows, dropped=manifest.dropped, plans=plans
    )
    metrics.add_metric("DatasetsBuilt", MetricUnit.Count, 1)
    for kind, count in rows.items():
        metrics.add_metric(f"{kind.title()}Rows", MetricUnit.Count, count)
