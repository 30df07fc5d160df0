"""The functions' traces in X-Ray: what was called and how long it took, never what it was about.

Answers and errors can name a listener or quote what somebody sent, so neither leaves the function
with a trace. Of the libraries that X-Ray's SDK can watch only botocore is watched: looking for the
others would double the time that a function takes to start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from aws_lambda_powertools import Tracer
from aws_xray_sdk.core.emitters.udp_emitter import (  # type: ignore[import-untyped] # ships none
    UDPEmitter,
)

WATCHED: Final = ("botocore",)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class DiscreetEmitter(UDPEmitter):  # type: ignore[misc] # its base has no types
    """Sends to X-Ray's daemon what the SDK recorded, less the messages of exceptions."""

    def send_entity(self, entity: Any) -> None:
        """Send one segment or subsegment; the kind of an exception stays, and where it came from."""
        if isinstance(entity.cause, dict):
            for exception in entity.cause.get("exceptions", ()):
                exception.message = None
        super().send_entity(entity)


def traced(handler: Handler) -> Handler:
    """Record each call of a handler, and of AWS by it, as part of the invocation's trace.

    The record says whether the environment was new. Where Lambda does not sample the invocation
    nothing is sent; outside Lambda nothing is recorded.
    """
    decorated: Handler = _tracer().capture_lambda_handler(
        handler, capture_response=False, capture_error=False
    )
    return decorated


@cache
def _tracer() -> Tracer:
    tracer = Tracer(patch_modules=WATCHED)
    recorder: Any = tracer.provider
    recorder.configure(emitter=DiscreetEmitter())
    return tracer
