"""Puts a tracker together from the listener's settings, with the real clocks and connections."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import requests

from musicrec.producer.auth import Pkce, TokenFile
from musicrec.producer.clock import Timeline
from musicrec.producer.defaults import ACCOUNTS_URL, API_URL, PLAYING_S
from musicrec.producer.ingest import IngestionApi
from musicrec.producer.outbox import Outbox
from musicrec.producer.spotify import SpotifyPlayer
from musicrec.producer.tracker import Tracker, remembered_since

if TYPE_CHECKING:
    from pathlib import Path

    from musicrec.producer.playback import PlayerEvent


class NotLoggedInError(Exception):
    """Nobody has logged in yet, so it is not known whose player to ask for."""


@contextmanager
def tracker(
    *,
    client_id: str,
    api_url: str,
    api_key: str,
    token_path: Path,
    outbox_path: Path,
    wait: Callable[[float], bool],
    report: Callable[[PlayerEvent, int], object],
    rng: random.Random,
    monotonic: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    playing_s: float = PLAYING_S,
    accounts_url: str = ACCOUNTS_URL,
    spotify_url: str = API_URL,
) -> Iterator[tuple[Tracker, TokenFile]]:
    """A tracker ready to run, and the token that it uses.

    Args:
        client_id: of the listener's Spotify app.
        api_url: base address of the ingestion API.
        api_key: its key.
        token_path: where `musicrec login` put the token.
        outbox_path: file of the outbox.
        wait: waits that many seconds and says whether to stop.
        report: is told of every inferred event, with its time in epoch milliseconds.
        rng: spreads retries.
        monotonic: seconds that never go back.
        wall: seconds since the epoch.
        playing_s: seconds between polls while something plays.
        accounts_url: base address of Spotify's accounts service.
        spotify_url: base address of Spotify's Web API.

    Raises:
        NotLoggedInError: there is no token.
        ApiSettingError: the API's address or key cannot be right.
        OutboxFileError: the outbox cannot be used.
    """
    token = TokenFile(token_path)
    user_id = token.user_id()
    if user_id is None:
        raise NotLoggedInError(f"no token in {token_path}: run `musicrec login` first")
    with (
        requests.Session() as spotify_session,
        requests.Session() as api_session,
        closing(Outbox(outbox_path)) as outbox,
    ):
        # One attempt at a time: the tracker's loop repeats, and must not be kept from polling.
        api = IngestionApi(api_url, api_key, session=api_session, attempts=1)
        timeline = Timeline(monotonic, wall, since=remembered_since(outbox.load(user_id)))
        pkce = Pkce(client_id, token, spotify_session, accounts_url=accounts_url, clock=wall)
        watched = SpotifyPlayer(pkce, spotify_session, timeline, api_url=spotify_url)
        yield (
            Tracker(
                user_id=user_id,
                watched=watched,
                outbox=outbox,
                api=api,
                timeline=timeline,
                wait=wait,
                rng=rng,
                report=report,
                playing_s=playing_s,
            ),
            token,
        )
