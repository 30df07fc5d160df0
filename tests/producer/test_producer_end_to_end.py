"""From the login in the browser to events at the API: the whole producer against simulated Spotify."""

import random
import threading

import pytest
import requests

from musicrec.events import from_mapping
from musicrec.local.spotify import Defects, SimulatedClock, SimulatedPlayer, SimulatedSpotify
from musicrec.local.spotify.evenings import evening, songs
from musicrec.local.spotify.transport import serving
from musicrec.local.spotify.truth import truth
from musicrec.producer.login import log_in
from musicrec.producer.setup import tracker

START_MS = 1_767_600_000_000


@pytest.fixture
def timeline():
    """Forty minutes with a skip or two in them."""
    rng = random.Random(11)
    return evening(rng, songs(rng, 30), start_ms=START_MS, hours=0.7)


@pytest.fixture
def clock():
    return SimulatedClock(START_MS)


@pytest.fixture
def spotify(clock, timeline, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    defects = Defects(token_life_s=600, scopeless=True)
    simulated = SimulatedSpotify(clock.milliseconds, defects)
    simulated.add("ana", SimulatedPlayer(timeline))
    simulated.accounts.at_browser = "ana"
    with serving(simulated) as simulated.url:
        yield simulated


def test_an_evening_over_http(clock, timeline, spotify, api, tmp_path):
    """Login by PKCE, an evening of polls and token refreshes by spotipy, every long play at the API."""
    visits = []

    def browser(url: str) -> None:
        visits.append(threading.Thread(target=requests.get, args=(url,), kwargs={"timeout": 10}))
        visits[-1].start()

    where = {"accounts_url": spotify.url, "client_id": "client"}
    user_id = log_in(
        token_path=tmp_path / "token.json",
        show=browser,
        port=0,
        clock=clock.seconds,
        api_url=spotify.url,
        **where,
    )
    visits[0].join()

    def wait(seconds: float) -> bool:
        clock.advance(seconds)
        return clock.now_ms > timeline.showings[-1].at + 60_000

    with tracker(
        api_url=api.url,
        api_key="key",
        token_path=tmp_path / "token.json",
        outbox_path=tmp_path / "outbox.sqlite",
        wait=wait,
        report=lambda *_: None,
        rng=random.Random(1),
        monotonic=clock.seconds,
        wall=clock.seconds,
        spotify_url=spotify.url,
        **where,
    ) as (running, _):
        running.run()

    assert running.status.waiting == 0
    assert spotify.calls["/api/token"] >= 4
    events = [from_mapping(row) for body in api.bodies for row in body]
    assert {event.user_id for event in events} == {user_id} == {"ana"}
    heard = {(e.song.track_id, e.signal) for e in truth(timeline) if (e.listened_ms or 0) > 30_000}
    assert heard <= {(event.track_id, event.event_type) for event in events}
