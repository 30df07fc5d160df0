"""Typed settings from environment variables, so that a function fails at once when one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

Settings = TypeVar("Settings", bound=Struct)


class MissingSettingError(LookupError):
    """An environment variable that the function needs is not set, or empty."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"environment variable {variable} is not set; the function needs it")
        self.variable = variable


class InvalidSettingError(ValueError):
    """An environment variable holds what its setting cannot be."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"environment variables break the settings' rules: {reason}")


def load(kind: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Read settings, e.g. `load(HotPathSettings, os.environ)`.

    Declare `kind` with `rename="upper"`, so that `queue_url` is read from `QUEUE_URL`. Text is
    converted to the field's type; an empty variable counts as missing.

    Raises:
        MissingSettingError: a variable without default is not set.
        InvalidSettingError: a value is not of its field's type.
    """
    present = {}
    for setting in msgspec.structs.fields(kind):
        value = environ.get(setting.encode_name)
        if value:
            present[setting.encode_name] = value
        elif setting.required:
            raise MissingSettingError(setting.encode_name)
    try:
        return msgspec.convert(present, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSettingError(str(error)) from error
