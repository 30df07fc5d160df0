"""JSON from outside, read so that what is accepted can be stored, compared and written again.

Python's reader takes more than the standard (NaN, half a surrogate pair), and gives up on deep
nesting with an error of its own kind.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:
    """The value of a JSON document; bytes are UTF-8.

    Raises:
        ValueError: it is no JSON, nested too deeply, or has text that is not Unicode.
    """
    plain = text if isinstance(text, str) else text.decode()
    try:
        value = json.loads(plain, parse_constant=_refuse_constant)
        if "\\u" in plain:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair has no encoding
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
