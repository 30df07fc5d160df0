"""boto3 clients whose calls end in bounded time, one of each kind for the life of a process.

A function retries within the time that it has left, so botocore neither waits long nor repeats a
call behind its back.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

CONNECT_TIMEOUT_S: Final = 2.0


@cache
def client(
    service: str,
    *,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = 5.0,
    attempts: int = 1,
) -> Any:
    """A client for `service` where the standard AWS settings point.

    Args:
        service: boto3's name of it, e.g. `personalize-events`.
        connect_timeout_s: how long connecting may take, seconds.
        read_timeout_s: how long an answer may take, seconds.
        attempts: calls that botocore may make for one, the first included.
    """
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
    )
    return boto3.client(service, config=config)  # type: ignore[call-overload] # any service's name
