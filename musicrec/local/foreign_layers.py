"""Lambda layers of other accounts, which functions use without anybody having made them here.

moto knows the layers that were published into it and refuses a function that names another. AWS
publishes layers from accounts of its own. Nothing of a layer runs here: functions find what they
import in this interpreter.
"""

from __future__ import annotations

from typing import Any, Final

from moto.awslambda.models import LambdaBackend
from msgspec import Struct

_METHOD: Final = "layers_versions_by_arn"
_original: Final[Any] = getattr(LambdaBackend, _METHOD)
_ACCOUNT: Final = 4
"""Where an ARN has its account."""


class ForeignLayer(Struct, frozen=True):
    """A version of somebody else's layer: what a function's configuration shows of it."""

    arn: str
    code_size: int = 0


def _layer(backend: LambdaBackend, arn: str) -> Any:
    parts = arn.split(":")
    if len(parts) > _ACCOUNT and parts[_ACCOUNT] != backend.account_id:
        return ForeignLayer(arn)
    return _original(backend, arn)


def install() -> None:
    """From now on functions of this process may use layers of other accounts."""
    setattr(LambdaBackend, _METHOD, _layer)


def uninstall() -> None:
    """Give moto its own way back."""
    setattr(LambdaBackend, _METHOD, _original)
