"""The real spotipy against a loopback Spotify: credentials, answers and errors."""

import json
import logging
import socket
import stat
import traceback

import pytest
import requests
from producer_world import playback, track

from musicrec.producer.auth import (
    LoginRequiredError,
    Pkce,
    SpotifyError,
    TokenFile,
    UnavailableError,
)
from musicrec.producer.clock import Timeline
from musicrec.producer.playback import Kind
from musicrec.producer.spotify import (
    NotAllowedError,
    QuotaExceededError,
    RateLimitedError,
    SpotifyPlayer,
)

NOW_S = 1_767_600_000
PLAYER = "/v1/me/player"
TOKEN = "/api/token"


def token(**changes):
    return {
        "access_token": "access-0",
        "refresh_token": "refresh-0",
        "expires_at": 9_999_999_999,
        "expires_in": 3600,
        "token_type": "Bearer",
        "scope": "user-read-playback-state user-read-currently-playing "
        "user-read-recently-played user-read-private",
        "authorized_at": NOW_S,
        "user_id": "acc-1",
    } | changes


@pytest.fixture
def stored(tmp_path):
    file = TokenFile(tmp_path / "token.json")
    file.path.write_text(json.dumps(token()))
    return file


@pytest.fixture
def timeline():
    """The producer's clock, which stands at 123 seconds."""
    return Timeline(lambda: 123.0, lambda: 123.0)


@pytest.fixture
def player(spotify, stored, timeline):
    session = requests.Session()
    pkce = Pkce("client", stored, session, accounts_url=spotify.url, clock=lambda: NOW_S)
    yield SpotifyPlayer(pkce, session, timeline, api_url=spotify.url)
    session.close()


class TestAnswers:
    def test_a_playing_track(self, spotify, player):
        """Track, position, device, repeat mode, context and mark of change are read."""
        spotify.player = playback("A", 50_000, repeat_state="track")
        snap = player.poll()
        assert (snap.kind, snap.position_ms, snap.repeat) == (Kind.PLAY, 50_000, "track")
        assert (snap.device, snap.device_type) == ("d1", "Speaker")
        assert snap.context_uri == "spotify:playlist:x"
        assert snap.timestamp == 1_767_600_000_000
        assert 122_000 < snap.t <= 123_000
        item = snap.item
        assert (item.track_id, item.isrc, item.duration_ms) == ("A" * 22, "GB-A", 200_000)
        assert (item.name, item.artists, item.album) == ("Song A", ("Ana",), "Album")

    def test_a_paused_track(self, spotify, player):
        """Not playing is a pause."""
        spotify.player = playback("A", 50_000, is_playing=False)
        assert player.poll().kind is Kind.PAUSE

    def test_nothing(self, player):
        """204 is idle."""
        assert player.poll().kind is Kind.IDLE

    def test_an_advertisement(self, spotify, player):
        """An ad names no item."""
        spotify.player = playback("A", 5, currently_playing_type="ad", item=None)
        snap = player.poll()
        assert (snap.kind, snap.item) == (Kind.AD, None)

    def test_an_episode(self, spotify, player):
        """A podcast is another medium, whether or not its item is named."""
        item = {"uri": "spotify:episode:e", "type": "episode", "show": {}, "duration_ms": 5}
        for named in (item, None):
            spotify.player = playback("A", 5, currently_playing_type="episode", item=named)
            assert player.poll().kind is Kind.EPISODE

    def test_a_private_session_shows_nothing(self, spotify, player):
        """Of a private session not even the track is read."""
        device = {"id": "d1", "type": "Speaker", "is_private_session": True}
        spotify.player = playback("A", 5, device=device)
        snap = player.poll()
        assert (snap.kind, snap.item, snap.context_uri) == (Kind.PRIVATE, None, None)

    def test_a_local_file_has_no_id(self, spotify, player):
        """A listener's own file is shown by its URI."""
        item = track("A") | {"id": None, "uri": "spotify:local:a:b:c:200", "is_local": True}
        spotify.player = playback("A", 5, item=item)
        snap = player.poll()
        assert (snap.kind, snap.item.track_id) == (Kind.PLAY, None)
        assert snap.item.uri == "spotify:local:a:b:c:200"

    @pytest.mark.parametrize("changes", [{"item": None}, {"progress_ms": None}])
    def test_an_answer_without_a_position_says_nothing(self, spotify, player, changes):
        """Playing, but neither what nor where: no state can be read from that."""
        spotify.player = playback("A", 5, **changes)
        assert player.poll().kind is Kind.ERROR

    def test_missing_fields_are_tolerated(self, spotify, player):
        """A track with nothing but its URI is still a track."""
        spotify.player = {"is_playing": True, "progress_ms": 1, "item": {"uri": "spotify:track:z"}}
        snap = player.poll()
        assert (snap.kind, snap.device, snap.item.duration_ms) == (Kind.PLAY, None, 0)

    def test_a_track_that_the_api_cannot_name(self, spotify, player):
        """The old answer to local files, 400 invalid id, is another medium."""
        spotify.script(PLAYER, 400, {"error": {"status": 400, "message": "invalid id"}})
        assert player.poll().kind is Kind.EPISODE

    def test_the_history(self, spotify, player):
        """Rows become plays that ended on the producer's axis."""
        spotify.history = [{"track": track("A"), "played_at": "2026-01-05T08:00:00.123Z"}]
        (past,) = player.history(offset_ms=1_767_600_000_000)
        assert (past.item.track_id, past.ended_t) == ("A" * 22, 123)

    def test_the_history_is_read_by_spotifys_clock(self, spotify, player):
        """A machine whose clock is an hour off still knows how long ago a play ended."""
        rows = [{"track": track("A"), "played_at": "2026-01-05T08:00:00.000Z"}]
        date = "Mon, 05 Jan 2026 08:00:20 GMT"
        spotify.script("/v1/me/player/recently-played", 200, {"items": rows}, date=date)
        (past,) = player.history(offset_ms=1_767_603_600_000)
        assert past.ended_t == 123_000 - 20_000

    @pytest.mark.parametrize("status", [200, 400])
    def test_every_answer_tells_the_time(self, spotify, player, timeline, status):
        """Spotify's clock decides how long the machine slept, once it has been heard."""
        for date in ("Mon, 05 Jan 2026 08:00:00 GMT", "Mon, 05 Jan 2026 09:00:00 GMT"):
            body = playback("A", 0) if status == 200 else {"error": {"message": "invalid id"}}
            spotify.script(PLAYER, status, body, date=date)
            snap = player.poll()
        assert timeline.take_slept()
        assert 3_722_000 < snap.t <= 3_723_000

    def test_a_failure_tells_no_time(self, spotify, player, timeline):
        """Who fails may not be Spotify at all."""
        for status, hour in ((200, 8), (502, 12)):
            date = f"Mon, 05 Jan 2026 {hour:02}:00:00 GMT"
            spotify.script(PLAYER, status, playback("A", 0), date=date)
        player.poll()
        with pytest.raises(UnavailableError):
            player.poll()
        assert not timeline.take_slept()


class TestErrors:
    def test_a_rate_limit_says_how_long(self, spotify, player):
        """The true status and Retry-After arrive, at once."""
        body = {"error": {"status": 429, "message": "API rate limit exceeded"}}
        spotify.script(PLAYER, 429, body, Retry_After="17")
        with pytest.raises(RateLimitedError, match="17 s") as caught:
            player.poll()
        assert caught.value.retry_after_s == 17.0
        assert not isinstance(caught.value, QuotaExceededError)
        assert spotify.calls == [PLAYER]

    def test_a_used_up_quota_is_told_apart(self, spotify, player):
        """The reason QUOTA_EXCEEDED is another situation."""
        body = {"error": {"status": 429, "message": "Too many", "reason": "QUOTA_EXCEEDED"}}
        spotify.script(PLAYER, 429, body, Retry_After="50000")
        with pytest.raises(QuotaExceededError, match=r"13\.9 h"):
            player.poll()

    def test_a_refusal(self, spotify, player):
        """403 says what the owner has to do."""
        spotify.script(PLAYER, 403, {"error": {"status": 403, "message": "Premium required"}})
        with pytest.raises(NotAllowedError, match="Premium required"):
            player.poll()

    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (500, {"error": {"status": 500, "message": "oops"}}, "application/json"),
            (503, "<html>busy</html>", "text/html"),
            (500, {"error": "a string"}, "application/json"),
            (500, ["a list"], "application/json"),
            (200, "", "application/json"),
            (200, "<html>hotel</html>", "text/html"),
            (200, '{"is_playing": tr', "application/json"),
            (200, ["a list"], "application/json"),
            (200, {"item": {"uri": 5}}, "application/json"),
        ],
    )
    def test_anything_else_is_no_answer(self, spotify, player, status, body, kind):
        """Failures and foreign pages are never taken for an idle player."""
        spotify.script(PLAYER, status, body, content_type=kind)
        with pytest.raises(UnavailableError):
            player.poll()

    def test_a_dropped_connection_is_no_answer(self, spotify, player):
        """A connection that closes is an outage."""
        spotify.scripts[PLAYER].append(None)
        with pytest.raises(UnavailableError):
            player.poll()


class TestTokens:
    def test_a_401_is_refreshed_once(self, spotify, player, stored):
        """An access token that Spotify refuses is replaced, and the poll succeeds."""
        spotify.access = "brand-new"
        spotify.player = playback("A", 1)
        assert player.poll().kind is Kind.PLAY
        assert spotify.calls == [PLAYER, TOKEN, PLAYER]
        assert stored.get_cached_token()["access_token"] == "access-1"

    def test_a_fresh_token_that_is_refused_needs_a_login(self, spotify, player):
        """After one refresh there is no second."""
        for _ in range(2):
            spotify.script(PLAYER, 401, {"error": {"status": 401, "message": "no"}})
        with pytest.raises(LoginRequiredError, match="musicrec login"):
            player.poll()
        assert spotify.calls.count(TOKEN) == 1

    def test_an_expired_token_is_refreshed(self, spotify, player, stored):
        """A refresh answer without refresh token and scope loses neither, nor the login's date."""
        stored.path.write_text(json.dumps(token(expires_at=5)))
        spotify.player = playback("A", 1)
        assert player.poll().kind is Kind.PLAY
        saved = stored.get_cached_token()
        assert saved["refresh_token"] == "refresh-0"
        assert "user-read-playback-state" in saved["scope"]
        assert (saved["authorized_at"], saved["user_id"]) == (NOW_S, "acc-1")
        assert saved["expires_at"] == NOW_S + 3600
        player.poll()
        assert spotify.calls.count(TOKEN) == 1

    def test_a_dead_refresh_token_needs_a_login(self, player, stored):
        """invalid_grant is told, and the file is left for the listener to see."""
        stored.path.write_text(json.dumps(token(expires_at=5, refresh_token="old")))
        with pytest.raises(LoginRequiredError):
            player.poll()
        assert stored.path.exists()

    def test_a_failing_accounts_service_is_no_dead_token(self, spotify, player, stored):
        """A 503 of the token endpoint is an outage."""
        stored.path.write_text(json.dumps(token(expires_at=5)))
        spotify.script(TOKEN, 503, {"error": "server_error"})
        with pytest.raises(UnavailableError):
            player.poll()

    @pytest.mark.parametrize("content", [None, "", "{", "[]", '{"access_token": "x"}'])
    def test_a_missing_or_damaged_token_never_opens_a_browser(
        self, player, stored, monkeypatch, content
    ):
        """Without a token the daemon says so, whatever spotipy would like."""
        monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("opened a browser"))
        monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked for input"))
        stored.path.unlink()
        if content is not None:
            stored.path.write_text(content)
        with pytest.raises(LoginRequiredError):
            player.poll()

    def test_secrets_are_in_no_log_and_no_traceback(self, spotify, player, caplog):
        """Even with everything logged at DEBUG, no token is written or raised, nor in a cause."""
        caplog.set_level(logging.DEBUG)
        messages = []
        spotify.access = "brand-new"
        for status in (401, 403, 429, 500):
            spotify.script(PLAYER, status, {"error": {"status": status, "message": "no"}})
            try:
                player.poll()
            except SpotifyError as error:
                messages += [repr(error), *traceback.format_exception(error)]
        everything = caplog.text + " ".join(messages)
        assert messages
        for secret in ("access-", "refresh-", "brand-new"):
            assert secret not in everything


class TestTokenFile:
    def test_is_private(self, tmp_path):
        """Only the owner may read the token, from the first byte on."""
        file = TokenFile(tmp_path / "home" / "token.json")
        file.begin({"access_token": "a", "refresh_token": "r"}, authorized_at=1.5, user_id="ana")
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert file.user_id() == "ana"

    def test_is_written_whole_or_not_at_all(self, stored):
        """A failure while saving leaves the old token and no litter."""
        with pytest.raises(TypeError):
            stored.save_token_to_cache({"access_token": object()})
        assert stored.get_cached_token()["access_token"] == "access-0"
        assert list(stored.path.parent.iterdir()) == [stored.path]

    def test_tells_how_long_the_token_lives(self, stored):
        """Six months from consent, whatever was refreshed since."""
        assert stored.days_left(NOW_S) == 182
        assert stored.days_left(NOW_S + 150 * 86_400) == 32
        stored.path.write_text(json.dumps({"access_token": "a", "refresh_token": "r"}))
        assert stored.days_left(NOW_S) is None


def test_an_unreachable_spotify_is_no_answer(stored):
    """Nobody listening is an outage."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        session = requests.Session()
        pkce = Pkce("client", stored, session, accounts_url=url)
        with pytest.raises(UnavailableError, match="ConnectionError"):
            SpotifyPlayer(pkce, session, Timeline(*2 * [lambda: 0.0]), api_url=url).poll()
