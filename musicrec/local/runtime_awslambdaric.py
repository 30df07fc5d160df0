"""Runs a handler under AWS's own runtime client, `awslambdaric`, behind a shared port.

This file runs inside the function's process, as a script with the handler's name as its argument.
All functions share the embedded AWS's one port, so `AWS_LAMBDA_RUNTIME_API` is `host:port/prefix`.
awslambdaric's compiled client copes with the prefix; the one request that it makes in Python, the
report of a failed start, takes the value for a host name, and is told better here.
"""

from __future__ import annotations

import sys
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient


class PrefixedRuntimeClient(LambdaRuntimeClient):  # type: ignore[misc] # awslambdaric has no types
    """AWS's client, with the path prefix of its address on requests made in Python too."""

    lambda_runtime_address: str

    def call_rapid(self, http_method: str, endpoint: str, *args: Any, **kwargs: Any) -> None:
        """Send one request to the runtime API (awslambdaric's name for it)."""
        address = self.lambda_runtime_address
        self.lambda_runtime_address, _, prefix = address.partition("/")
        try:
            super().call_rapid(http_method, f"/{prefix}{endpoint}", *args, **kwargs)
        finally:
            self.lambda_runtime_address = address


def main() -> None:
    """Serve invocations until the runtime API ends."""
    config = LambdaConfigProvider(sys.argv)
    bootstrap.run(
        config.handler, PrefixedRuntimeClient(config.api_address, config.use_thread_polling)
    )


if __name__ == "__main__":
    main()
