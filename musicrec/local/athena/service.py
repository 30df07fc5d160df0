"""What the operations share: the engine, the executions, the work groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from musicrec.local.athena.engine import Database, Engine
from musicrec.local.athena.executions import Executions
from musicrec.local.athena.work_groups import WorkGroups

if TYPE_CHECKING:
    from musicrec.local.parts import Aws

Operation = Callable[["Service", dict[str, Any]], dict[str, Any]]
"""Takes checked parameters, gives the members of the answer."""


class Shared:
    """What one embedded Athena has, whoever calls it.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.database = Database()
        self.executions = Executions(clock)
        self.work_groups = WorkGroups(clock)

    def reset(self) -> None:
        """Forget everything."""
        self.executions.reset()
        self.work_groups.reset()

    def close(self) -> None:
        """End everything."""
        self.executions.close()
        self.database.close()


class Service:
    """One embedded Athena as one caller has it: it reads and writes with the caller's rights.

    Args:
        shared: what all callers share.
        caller: the embedded AWS as the caller sees it.
        patience: seconds that a look at an execution may wait for its end.
    """

    def __init__(self, shared: Shared, caller: Aws, patience: float) -> None:
        self.account_id = caller.account_id
        self.patience = patience
        self.engine = Engine(
            shared.database, caller.client("glue"), caller.client("s3"), shared.clock
        )
        self.executions = shared.executions
        self.work_groups = shared.work_groups
