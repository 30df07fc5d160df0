"""Simulated listeners: invented people whose listening follows the figures of real ones.

The demo, the tests and a laptop without a Spotify account need listeners with tastes, sessions,
skips and favourites. `demo_listeners(tracks)` makes the demo's; `Simulation` any other population;
`batches` and `with_retries` turn their events into the requests that producers would post.
"""

from musicrec.local.listeners.delivery import Batch, batches, with_retries
from musicrec.local.listeners.simulation import (
    IN_CATALOG,
    Listener,
    Simulation,
    UnknownGenreError,
    UnknownListenerError,
    demo_listeners,
)

__all__ = [
    "IN_CATALOG",
    "Batch",
    "Listener",
    "Simulation",
    "UnknownGenreError",
    "UnknownListenerError",
    "batches",
    "demo_listeners",
    "with_retries",
]
