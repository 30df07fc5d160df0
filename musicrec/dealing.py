"""Which side of an experiment a listener is on: a stable hash, so that nothing has to be stored.

A listener stays on one side whoever asks and however often, and another experiment deals the same
listeners anew.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_RANGE: Final = 1 << 64


def number(experiment: str, listener: str) -> int:
    """A number from 0 to 2**64 - 1, over many listeners evenly spread."""
    digest = sha256(f"{experiment}\0{listener}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def is_within(share: float, experiment: str, listener: str) -> bool:
    """Whether a listener is among the `share` (0 to 1) of all that an experiment deals first.

    Who is within a share is within every larger one, so an experiment that grows moves nobody back.
    """
    return number(experiment, listener) < share * _RANGE
