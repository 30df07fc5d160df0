"""What the operations share: the engine, the executions, the work groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from musicrec.local.athena.engine import Engine
from musicrec.local.athena.executions import Executions
from musicrec.local.athena.work_groups import WorkGroups

if TYPE_CHECKING:
    from musicrec.local.parts import Aws

Operation = Callable[["Service", dict[str, Any]], dict[str, Any]]
"""Takes checked parameters, gives the members of the answer."""


class Service:
    """One embedded Athena.

    Args:
        aws: how it reaches Glue and S3.
        clock: epoch seconds.
        patience: seconds that a look at an execution may wait for its end.
    """

    def __init__(self, aws: Aws, clock: Callable[[], float], patience: float) -> None:
        self.account_id = aws.account_id
        self.patience = patience
        self.engine = Engine(aws.client("glue"), aws.client("s3"), clock)
        self.executions = Executions(self.engine, clock)
        self.work_groups = WorkGroups(clock)

    def reset(self) -> None:
        """Forget everything."""
        self.executions.reset()
        self.work_groups.reset()

    def close(self) -> None:
        """End everything."""
        self.executions.close()
        self.engine.close()
