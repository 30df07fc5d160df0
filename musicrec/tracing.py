"""The functions' traces in X-Ray: what was called and how long it took, never what it was about.

Answers and errors can name a listener or quote what somebody sent, so neither leaves the function
with a trace. Of the libraries that X-Ray's SDK can watch only botocore is watched. Powertools' tracer
and that SDK are loaded by the first invocation that Lambda samples, since loading them is a tenth of
the time that a function takes to start, and most invocations are not sampled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final

WATCHED: Final = ("botocore",)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def traced(handler: Handler) -> Handler:
    """Record each call of a handler, and of AWS by it, as part of the invocation's trace.

    The record says whether the environment was new. Where Lambda does not sample the invocation
    nothing is sent; outside Lambda nothing is recorded.
    """
    cold = True

    @wraps(handler)
    def recorded(event: dict[str, Any], context: Any) -> dict[str, Any]:
        nonlocal cold
        new, cold = cold, False
        if not _sampled(os.environ):
            return handler(event, context)
        return _recording(handler, new=new)(event, context)

    return recorded


def _sampled(environ: Mapping[str, str]) -> bool:
    """Whether Lambda keeps a trace of the invocation in progress."""
    in_lambda = "LAMBDA_TASK_ROOT" in environ
    return in_lambda and "Sampled=1" in environ.get("_X_AMZN_TRACE_ID", "").split(";")


def _recording(handler: Handler, *, new: bool) -> Handler:
    from aws_lambda_powertools.tracing import tracer as powertools  # noqa: PLC0415 # see above

    powertools.is_cold_start = new  # it has not seen the invocations that were not sampled
    decorated: Handler = _tracer().capture_lambda_handler(
        handler, capture_response=False, capture_error=False
    )
    return decorated


@cache
def _tracer() -> Any:
    from aws_lambda_powertools import Tracer  # noqa: PLC0415 # see above

    tracer = Tracer(patch_modules=WATCHED)
    recorder: Any = tracer.provider
    recorder.configure(emitter=_discreet_emitter())
    return tracer


def _discreet_emitter() -> Any:
    """Sends to X-Ray's daemon what the SDK recorded, less the messages of exceptions."""
    from aws_xray_sdk.core.emitters.udp_emitter import (  # type: ignore[import-untyped] # noqa: PLC0415 # ships no types; see above
        UDPEmitter,
    )

    class DiscreetEmitter(UDPEmitter):  # type: ignore[misc] # its base has no types
        def send_entity(self, entity: Any) -> None:
            """Send one segment or subsegment; the kind of an exception stays, and its place."""
            if isinstance(entity.cause, dict):
                for exception in entity.cause.get("exceptions", ()):
                    exception.message = None
            super().send_entity(entity)

    return DiscreetEmitter()
