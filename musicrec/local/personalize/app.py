"""The way in: one WSGI application for the three services of Amazon Personalize."""

from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import auto_training
from musicrec.local.personalize.errors import (
    InternalFailureError,
    NotEmulatedError,
    PersonalizeError,
)
from musicrec.local.personalize.life_cycle import LifeCycle
from musicrec.local.personalize.operations import OPERATIONS
from musicrec.local.personalize.protocol import (
    answer,
    content_type,
    declared,
    read_call,
    refusal,
    refusal_status,
)
from musicrec.local.personalize.region import Region
from musicrec.local.personalize.validation import check
from musicrec.local.personalize.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botocore.model import OperationModel

    from musicrec.local.parts import ActAs, Aws
    from musicrec.local.personalize.protocol import Call

logger: Final = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds that a describe waits for a running job, so that a short one is ACTIVE at first sight."""

INSTANT: Final = LifeCycle()
"""The settings unless others are given."""

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
}


class PersonalizeApp:
    """Serves the three services; made by `create_app`.

    Attributes:
        life_cycle: may be replaced at any time; changes that are under way keep their pace.
    """

    def __init__(
        self,
        *,
        aws: Aws,
        act_as: ActAs,
        clock: Callable[[], float],
        patience: float,
        life_cycle: LifeCycle,
        seed: int,
    ) -> None:
        self.life_cycle = life_cycle
        self._aws = aws
        self._act_as = act_as
        self._clock = clock
        self._patience = patience
        self._seed = seed
        self._advanced = 0.0
        self._workers = Workers()
        self._lock = Lock()
        # Two lists made at once hand the interpreter's lock to and fro, and both take longer. In one
        # thread the scratch memory of one list is also still at hand, and warm, for the next.
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="personalize-runtime")
        self._regions: dict[str, Region] = {}

    def reset(self) -> None:
        """Forget everything, and go by the clock again. Jobs that still run end unseen."""
        with self._lock:
            self._regions = {}
            self._advanced = 0.0

    @property
    def now(self) -> float:
        """Epoch seconds by the service's clock."""
        return self._clock() + self._advanced

    def advance(self, seconds: float) -> None:
        """Move the service's clock on; from now on solutions train by themselves."""
        self._advanced += seconds

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve one request."""
        operation: OperationModel | None = None
        refused: PersonalizeError | None = None
        status, body = 200, b""
        try:
            call = read_call(environ, self._aws.region)
            operation = call.operation
            body = answer(operation, self._perform(call))
        except PersonalizeError as error:
            refused = error if operation is None else declared(operation, error)
            status = refusal_status(operation, refused)
        except Exception:
            logger.exception("%s broke", operation and operation.name)
            refused, status = InternalFailureError(), 500
        headers = []
        if refused is not None:
            body = refusal(refused)
            headers = [("x-amzn-ErrorType", refused.code)]
        headers += [
            ("Content-Type", content_type(operation)),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
        ]
        start_response(f"{status} {_REASONS[status]}", headers)
        return [body]

    def _perform(self, call: Call) -> dict[str, Any]:
        shape = call.operation.input_shape
        assert shape  # every operation of the three services has one
        check(shape, call.params)
        perform = OPERATIONS.get(call.name)
        if perform is None:
            raise NotEmulatedError(f"the operation {call.name}")
        region = self._region(call.region)
        region.settle()
        auto_training.run(region)
        if call.operation.service_model.service_name != "personalize-runtime":
            return perform(region, call.params)
        return self._computing.submit(perform, region, call.params).result()

    def _region(self, name: str) -> Region:
        with self._lock:
            if name not in self._regions:
                self._regions[name] = Region(
                    name=name,
                    account=self._aws.account_id,
                    aws=self._aws,
                    act_as=self._act_as,
                    workers=self._workers,
                    clock=lambda: self.now,
                    patience=self._patience,
                    trains_by_itself=self._trains_by_itself,
                    seed=self._seed,
                    life_cycle=lambda: self.life_cycle,
                )
            return self._regions[name]

    def _trains_by_itself(self) -> bool:
        return self.life_cycle.transitions == "slow" or self._advanced > 0


def create_app(
    *,
    aws: Aws,
    act_as: ActAs | None = None,
    clock: Callable[[], float] = time.time,
    patience: float = PATIENCE,
    life_cycle: LifeCycle = INSTANT,
    seed: int = 0,
) -> PersonalizeApp:
    """A WSGI application for personalize, personalize-events and personalize-runtime.

    Args:
        aws: the embedded AWS.
        act_as: takes the roles with which jobs reach S3; without it all reach it by `aws`.
        clock: epoch seconds, for creation times and slow transitions.
        patience: seconds that a describe may wait for a running job.
        life_cycle: how resources come and go.
        seed: of exploration: the same state and seed give the same lists.
    """
    return PersonalizeApp(
        aws=aws,
        act_as=act_as or (lambda _: aws),
        clock=clock,
        patience=patience,
        life_cycle=life_cycle,
        seed=seed,
    )
