"""A simulation of Spotify: its accounts service, its Web API and the players of invented listeners.

Nothing here talks to Spotify, and no answer of it is a recording. What the routes answer follows
Spotify's published OpenAPI document and reported behaviour as of late 2026, for an app in
development mode; what is played comes from timelines that the simulation is given. It exists so that
the producer can be run, measured and shown without an account, against a known truth.

`timelines` holds what really happens in a player and `truth` what a perfect observer would report of
it; `evenings` and `replays` make timelines. `player` shows a timeline as the Web API would, with the
platform's `defects` where they are switched on. `accounts` grants tokens, `service` answers the
routes, `transport` serves them: over HTTP on the loopback interface, or inside the process.
"""

from musicrec.local.spotify.accounts import Accounts
from musicrec.local.spotify.clock import SimulatedClock
from musicrec.local.spotify.defects import Defects
from musicrec.local.spotify.player import SimulatedPlayer
from musicrec.local.spotify.service import SimulatedSpotify
from musicrec.local.spotify.timelines import Showing, Song, Timeline
from musicrec.local.spotify.transport import InProcess, serving

__all__ = [
    "Accounts",
    "Defects",
    "InProcess",
    "Showing",
    "SimulatedClock",
    "SimulatedPlayer",
    "SimulatedSpotify",
    "Song",
    "Timeline",
    "serving",
]
