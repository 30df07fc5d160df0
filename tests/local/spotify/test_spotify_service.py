"""The simulated Spotify's routes, asked by the real spotipy, inside the process and over HTTP."""

import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import spotipy

from musicrec.local.spotify import Defects, InProcess, SimulatedClock, SimulatedPlayer
from musicrec.local.spotify.evenings import DEVICES
from musicrec.local.spotify.service import SimulatedSpotify
from musicrec.local.spotify.timelines import Cause, Medium, Showing, Song, Timeline
from musicrec.local.spotify.transport import serving
from musicrec.producer.auth import SCOPES, LoginRequiredError, Pkce, TokenFile
from musicrec.producer.clock import Timeline as Axis
from musicrec.producer.login import LoginFailedError, log_in
from musicrec.producer.playback import Kind
from musicrec.producer.spotify import (
    NotAllowedError,
    QuotaExceededError,
    RateLimitedError,
    SpotifyPlayer,
    UnavailableError,
)

START_MS = 1_767_600_000_000
ADDRESS = "http://spotify.simulated"
A = Song("A" * 22, 200_000, "Song A", ("Ana",), "One", "GB-A")
B = Song("B" * 22, 100_000, "Song B", ("Ben",), "Two", "GB-B")


def timeline() -> Timeline:
    """A, then B, then nothing, from the start on."""
    at = START_MS
    return Timeline(
        [
            Showing(at=at, cause=Cause.BEGIN, song=A, device=DEVICES[0]),
            Showing(at=at + 200_000, cause=Cause.BEGIN, song=B, device=DEVICES[0]),
            Showing(
                at=at + 300_000,
                cause=Cause.CLOSE,
                medium=Medium.NOTHING,
                playing=False,
                moving=False,
            ),
        ]
    )


class World:
    """A simulated Spotify with one listener, and clients of it."""

    def __init__(self, defects: Defects, home) -> None:
        self.clock = SimulatedClock(START_MS)
        self.spotify = SimulatedSpotify(self.clock.milliseconds, defects, seed=1)
        self.spotify.add("ana", SimulatedPlayer(timeline(), Defects(jitter_ms=0)))
        self.session = InProcess(self.spotify)
        self.file = TokenFile(home / "token.json")
        token = self.spotify.accounts.grant("ana", scope=" ".join(SCOPES))
        token["expires_at"] = self.clock.seconds() + token["expires_in"]
        self.file.begin(token, authorized_at=self.clock.seconds(), user_id="ana")
        self.pkce = Pkce(
            "client", self.file, self.session, accounts_url=ADDRESS, clock=self.clock.seconds
        )
        self.player = SpotifyPlayer(self.pkce, self.session, self.axis(), api_url=ADDRESS)
        self.spotipy = spotipy.Spotify(auth_manager=self.pkce, requests_session=self.session)
        self.spotipy.prefix = f"{ADDRESS}/v1/"

    def axis(self) -> Axis:
        """A producer's clock."""
        return Axis(self.clock.seconds, self.clock.seconds)

    def get(self, target: str, **headers: str):
        """Ask with a good token, past spotipy; the status and the body."""
        token = self.file.get_cached_token()["access_token"]
        named = {"authorization": f"Bearer {token}", **headers}
        reply = self.spotify.answer("GET", target, named)
        return reply.status, json.loads(reply.body) if reply.body else None


@pytest.fixture
def world(tmp_path, request):
    world = World(getattr(request, "param", Defects()), tmp_path)
    yield world
    world.session.close()


def with_defects(**defects):
    """A world in which these defects are switched on."""
    return pytest.mark.parametrize("world", [Defects(**defects)], indirect=True)


class TestRoutes:
    def test_the_player_moves_with_the_clock(self, world):
        """What is shown depends on the simulated clock alone."""
        world.clock.advance(50)
        assert world.player.poll().position_ms == 50_000
        world.clock.advance(160)
        assert world.player.poll().item.name == "Song B"
        world.clock.advance(100)
        assert world.player.poll().kind is Kind.IDLE

    def test_currently_playing_has_no_device(self, world):
        """The narrower route leaves out what only the player route has."""
        body = world.spotipy.currently_playing()
        assert body["item"]["id"] == A.track_id
        assert not {"device", "repeat_state", "shuffle_state"} & body.keys()

    def test_history(self, world):
        """The play history has ended plays, newest first, with cursors; none has null cursors."""
        assert world.spotipy.current_user_recently_played()["cursors"] is None
        world.clock.advance(301)
        body = world.spotipy.current_user_recently_played(limit=50)
        assert [row["track"]["name"] for row in body["items"]] == ["Song B", "Song A"]
        newest = body["cursors"]["after"]
        assert world.spotipy.current_user_recently_played(after=newest)["items"] == []
        older = world.spotipy.current_user_recently_played(before=newest)["items"]
        assert [row["track"]["name"] for row in older] == ["Song A"]

    def test_history_limits(self, world):
        """More than 50 rows, and both cursors at once, are refused."""
        assert world.get("/v1/me/player/recently-played?limit=51")[0] == 400
        assert world.get("/v1/me/player/recently-played?after=1&before=2")[0] == 400

    def test_profile(self, world):
        """The account is named by its immutable id, and has no fields that were taken away."""
        body = world.spotipy.me()
        assert body["account_id"] == "ana"
        assert not {"country", "email", "product"} & body.keys()

    def test_tracks(self, world):
        """One track is answered, an unknown one is a 404."""
        assert world.spotipy.track(B.track_id)["name"] == "Song B"
        assert world.get("/v1/tracks/none")[0] == 404

    @pytest.mark.parametrize("route", ["tracks?ids=x", "audio-features/x", "recommendations"])
    def test_routes_that_are_gone(self, world, route):
        """What development mode has lost answers 403."""
        assert world.get(f"/v1/{route}")[0] == 403

    def test_search(self, world):
        """Hits match every word, and a page has ten at most."""
        found = world.spotipy.search("track:song artist:ben", limit=10)
        assert [hit["name"] for hit in found["tracks"]["items"]] == ["Song B"]
        assert world.get("/v1/search?q=song&limit=11")[0] == 400
        assert world.get("/v1/search?limit=1")[0] == 400

    def test_strangers(self, world):
        """Without a token it is a 401, with one of a listener off the app's list a 403."""
        assert world.spotify.answer("GET", "/v1/me", {}).status == 401
        token = world.spotify.accounts.grant("zoe")["access_token"]
        assert world.get("/v1/me", authorization=f"Bearer {token}")[0] == 403


class TestTroubles:
    @with_defects(limit_every_s=600, retry_after_s=30)
    def test_rate_limits(self, world):
        """A limit says how long it lasts, and is over by then."""
        world.clock.now_ms = START_MS - START_MS % 600_000
        with pytest.raises(RateLimitedError) as caught:
            world.player.poll()
        assert caught.value.retry_after_s == 30
        world.clock.advance(30)
        world.player.poll()

    @with_defects(quota_calls=3)
    def test_quota(self, world):
        """After the day's calls it is a quota error that lasts until the first call is a day old."""
        for _ in range(3):
            world.player.poll()
            world.clock.advance(1000)
        with pytest.raises(QuotaExceededError) as caught:
            world.player.poll()
        assert caught.value.retry_after_s == 86_400 - 3000

    @with_defects(fail=1.0)
    def test_failures(self, world):
        """A failing service is a 503."""
        with pytest.raises(UnavailableError, match="503"):
            world.player.poll()

    @with_defects(drop=1.0)
    def test_dropped_connections(self, world):
        """A dropped connection is no answer."""
        with pytest.raises(UnavailableError, match="ConnectionError"):
            world.player.poll()

    @with_defects(refuse=1.0)
    def test_mistaken_refusals(self, world):
        """The first call of a minute is refused by mistake: 401 is cured by a refresh."""
        world.clock.now_ms += 60_000 if (world.clock.now_ms // 60_000) % 2 == 0 else 0
        assert world.player.poll().kind in {Kind.PLAY, Kind.IDLE}
        world.clock.advance(60)
        with pytest.raises(NotAllowedError):
            world.player.poll()
        world.player.poll()


class TestTokens:
    def test_an_access_token_lasts_an_hour(self, world):
        """An expired token is refreshed, and the answer brings no new refresh token."""
        before = world.file.get_cached_token()
        world.clock.advance(3_700)
        world.player.poll()
        after = world.file.get_cached_token()
        assert after["access_token"] != before["access_token"]
        assert after["refresh_token"] == before["refresh_token"]

    def test_a_revoked_access_token(self, world):
        """A token that looks good and is not is refreshed after the 401."""
        world.spotify.accounts.revoke_access()
        assert world.player.poll().kind is Kind.PLAY

    @with_defects(rotating=True)
    def test_rotation(self, world):
        """Where refresh tokens rotate, the new one is kept and the old one is dead."""
        before = world.file.get_cached_token()
        for _ in range(2):
            world.clock.advance(3_700)
            world.player.poll()
        assert world.file.get_cached_token()["refresh_token"] != before["refresh_token"]

    @with_defects(scopeless=True)
    def test_answers_without_scope(self, world):
        """A refresh that names no scope leaves a token that still works."""
        for _ in range(2):
            world.clock.advance(3_700)
            world.player.poll()

    def test_consent_dies_after_six_months(self, world):
        """However often it is refreshed, a token needs a new login after half a year."""
        for _ in range(26):
            world.clock.advance(7 * 86_400)
            world.player.poll()
        world.clock.advance(86_400)
        with pytest.raises(LoginRequiredError):
            world.player.poll()


class Browser:
    """Follows the address that it is shown, in a thread of its own, as a desktop browser would."""

    def __init__(self, change=lambda url: url) -> None:
        self.change = change
        self.pages: list[requests.Response] = []
        self.thread: threading.Thread | None = None

    def __call__(self, url: str) -> None:
        self.url = self.change(url)
        self.thread = threading.Thread(target=self.visit)
        self.thread.start()

    def visit(self) -> None:
        self.pages.append(requests.get(self.url, timeout=5))

    def wait(self) -> None:
        self.thread.join()


@pytest.fixture
def address(world, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(world.spotify) as url:
        yield url


class TestOverHttp:
    def login(self, world, address, home, browser):
        """Log in as a listener does."""
        try:
            return log_in(
                "client",
                home / "fresh.json",
                show=browser,
                port=0,
                timeout_s=5.0,
                clock=world.clock.seconds,
                accounts_url=address,
                api_url=address,
            )
        finally:
            browser.wait()

    def test_login_and_poll(self, world, address, tmp_path):
        """PKCE in the browser, back to the loopback listener, then the player, by real spotipy."""
        world.spotify.accounts.at_browser = "ana"
        browser = Browser()
        assert self.login(world, address, tmp_path, browser) == "ana"
        assert browser.pages[0].status_code == 200
        assert "logged in" in browser.pages[0].text
        world.clock.advance(50)
        with requests.Session() as session:
            file = TokenFile(tmp_path / "fresh.json")
            pkce = Pkce("client", file, session, accounts_url=address, clock=world.clock.seconds)
            player = SpotifyPlayer(pkce, session, world.axis(), api_url=address)
            assert player.poll().position_ms == 50_000
            world.clock.advance(300)
            assert player.poll().kind is Kind.IDLE
            assert len(player.history(0)) == 2

    def test_denial(self, world, address, tmp_path):
        """A listener who denies comes back without a code."""
        with pytest.raises(LoginFailedError, match="access_denied"):
            self.login(world, address, tmp_path, Browser())

    def test_another_verifier(self, world, address, tmp_path):
        """A code is redeemed only by who asked for it."""
        world.spotify.accounts.at_browser = "ana"
        challenge = "code_challenge="

        def tamper(url: str) -> str:
            query = parse_qs(urlsplit(url).query)
            return url.replace(challenge + query["code_challenge"][0], challenge + "x" * 43)

        with pytest.raises(LoginFailedError, match="no longer takes"):
            self.login(world, address, tmp_path, Browser(tamper))

    def test_insecure_redirects(self, address):
        """An app that wants to be called back on a name or unencrypted is shown an error."""
        for redirect in ("http://localhost:1/callback", "http://example.test/callback"):
            query = {"response_type": "code", "client_id": "x", "redirect_uri": redirect}
            page = requests.get(f"{address}/authorize", params=query, timeout=5)
            assert (page.status_code, "Insecure" in page.text) == (400, True)

    @with_defects(drop=1.0)
    def test_connections_cut_short(self, address):
        """A defect that drops the connection cuts the answer short over HTTP."""
        with pytest.raises(requests.RequestException):
            requests.get(f"{address}/v1/me", timeout=5)
