"""The simulated Web API and accounts service: routes, tokens, limits and troubles.

Routes that Spotify has taken from apps in development mode answer 403, as they do there.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from msgspec import Struct

from musicrec.local.spotify.accounts import Accounts, AuthorizeError, GrantError
from musicrec.local.spotify.defects import TRUTHFUL, Defects, chance
from musicrec.local.spotify.player import SimulatedPlayer, track_object
from musicrec.local.spotify.timelines import Song

MAX_HISTORY: Final = 50
MAX_SEARCH: Final = 10
"""Development mode allows no more hits on a page."""

DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_PLAYER: Final = "/v1/me/player"
_GONE: Final = ("/v1/audio-features", "/v1/audio-analysis", "/v1/recommendations", "/v1/browse")


class Reply(Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class DroppedConnectionError(ConnectionError):
    """The simulated service closes the connection instead of answering."""


class SimulatedSpotify:
    """Both of Spotify's hosts, for the listeners that it is given.

    Args:
        clock: epoch milliseconds; what is shown follows it alone.
        defects: what the platform gets wrong on the way; a player has its own.
        seed: decides where the defects strike.

    Attributes:
        accounts: consent and tokens.
        calls: how many requests each route has seen.
    """

    def __init__(
        self, clock: Callable[[], int], defects: Defects = TRUTHFUL, *, seed: int = 0
    ) -> None:
        self.accounts = Accounts(lambda: clock() / 1000, defects)
        self.calls: dict[str, int] = defaultdict(int)
        self._clock = clock
        self._defects = defects
        self._seed = seed
        self._players: dict[str, SimulatedPlayer] = {}
        self._songs: dict[str, Song] = {}
        self._called: deque[int] = deque()
        self._refused_minute = -1
        self._routes: dict[str, Callable[[str, Mapping[str, str]], Reply]] = {
            "/v1/me": self._me,
            _PLAYER: self._player,
            f"{_PLAYER}/currently-playing": self._currently_playing,
            f"{_PLAYER}/recently-played": self._recently_played,
            "/v1/search": self._search,
        }

    def add(self, listener: str, player: SimulatedPlayer) -> None:
        """Let a listener have an account and a player."""
        self._players[listener] = player
        for showing in player.timeline.showings:
            if showing.song is not None:
                self._songs[showing.song.track_id] = showing.song

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Reply:
        """Answer one request.

        Args:
            method: `GET` or `POST`.
            target: path and query, of either host.
            headers: the request's, names in lower case.
            body: the request's.

        Raises:
            DroppedConnectionError: a defect closes the connection.
        """
        path, query = _parts(target)
        self.calls[path] += 1
        if (method, path) == ("GET", "/authorize"):
            return self._authorize(query)
        if (method, path) == ("POST", "/api/token"):
            return self._token(body)
        if method != "GET":
            return _error(405, "Method not allowed")
        reply = self._trouble() or self._resource(path, query, headers)
        date = formatdate(self._clock() // 1000, usegmt=True)
        return Reply(reply.status, reply.body, {**reply.headers, "date": date})

    # The accounts service.

    def _authorize(self, query: Mapping[str, str]) -> Reply:
        try:
            return Reply(302, headers={"location": self.accounts.authorize(query)})
        except AuthorizeError as error:
            return Reply(400, str(error).encode(), {"content-type": "text/plain"})

    def _token(self, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        try:
            return _json(self.accounts.token(form))
        except GrantError as error:
            return _json({"error": error.error, "error_description": str(error)}, 400)

    # Troubles that come before any route is looked at.

    def _trouble(self) -> Reply | None:
        now = self._clock()
        minute = now // _MINUTE_MS
        if self._strikes(self._defects.drop, "drop", minute):
            raise DroppedConnectionError("the simulated service closed the connection")
        if self._strikes(self._defects.fail, "fail", minute):
            return _error(503, "Service unavailable")
        if minute != self._refused_minute and self._strikes(self._defects.refuse, "no", minute):
            self._refused_minute = minute
            return _error(401, "Access token missing") if minute % 2 else _error(403, "Forbidden")
        return self._limit(now) or self._quota(now)

    def _limit(self, now: int) -> Reply | None:
        every = round(self._defects.limit_every_s * 1000)
        if not every or now % every >= self._defects.retry_after_s * 1000:
            return None
        left = self._defects.retry_after_s - now % every / 1000
        return _error(429, "API rate limit exceeded", retry_after_s=left)

    def _quota(self, now: int) -> Reply | None:
        if not self._defects.quota_calls:
            return None
        while self._called and self._called[0] <= now - DAY_MS:
            self._called.popleft()
        if len(self._called) < self._defects.quota_calls:
            self._called.append(now)
            return None
        left = (self._called[0] + DAY_MS - now) / 1000
        return _error(429, "Too many requests", reason="QUOTA_EXCEEDED", retry_after_s=left)

    # The Web API.

    def _resource(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        listener = self.accounts.listener(token) if scheme == "Bearer" else None
        if listener is None:
            return _error(401, "The access token expired" if token else "No token provided")
        if listener not in self._players:
            return _error(403, "User not registered in the Developer Dashboard")
        if path in self._routes:
            return self._routes[path](listener, query)
        if path.startswith("/v1/tracks/"):
            return self._track(path.removeprefix("/v1/tracks/"))
        if path == "/v1/tracks" or path.startswith(_GONE):
            return _error(403, "Forbidden")
        return _error(404, "Service not found")

    def _me(self, listener: str, _query: Mapping[str, str]) -> Reply:
        return _json(
            {
                "account_id": listener,
                "display_name": listener,
                "external_urls": {},
                "href": f"https://api.spotify.com/v1/users/{listener}",
                "id": f"name-of-{listener}",
                "images": [],
                "type": "user",
                "uri": f"spotify:user:{listener}",
            }
        )

    def _player(self, listener: str, _query: Mapping[str, str]) -> Reply:
        body = self._players[listener].playback(self._clock())
        return Reply(204) if body is None else _json(body)

    def _currently_playing(self, listener: str, _query: Mapping[str, str]) -> Reply:
        body = self._players[listener].playback(self._clock())
        if body is None:
            return Reply(204)
        hidden = {"device", "repeat_state", "shuffle_state", "smart_shuffle"}
        return _json({name: value for name, value in body.items() if name not in hidden})

    def _recently_played(self, listener: str, query: Mapping[str, str]) -> Reply:
        limit = _number(query, "limit", 20)
        if limit is None or not 1 <= limit <= MAX_HISTORY:
            return _error(400, "Invalid limit")
        if "after" in query and "before" in query:
            return _error(400, "Only one of after and before may be given")
        rows = self._players[listener].history(self._clock())
        rows = [row for row in rows if _within(row, query)][:limit]
        stamps = [_epoch_ms(row["played_at"]) for row in rows]
        cursors = {"after": str(stamps[0]), "before": str(stamps[-1])} if rows else None
        return _json(
            {
                "items": rows,
                # There is no next page behind the last 50 plays.
                "next": None,
                "cursors": cursors,
                "limit": limit,
                "href": f"https://api.spotify.com{_PLAYER}/recently-played?limit={limit}",
            }
        )

    def _track(self, track_id: str) -> Reply:
        song = self._songs.get(track_id)
        return _error(404, "Resource not found") if song is None else _json(track_object(song))

    def _search(self, _listener: str, query: Mapping[str, str]) -> Reply:
        limit, offset = _number(query, "limit", 5), _number(query, "offset", 0)
        if limit is None or not 1 <= limit <= MAX_SEARCH:
            return _error(400, "Invalid limit")
        if offset is None or not 0 <= offset <= 1000 or "q" not in query:
            return _error(400, "Invalid offset" if "q" in query else "No search query")
        words = query["q"].casefold().split()
        hits = [song for song in self._songs.values() if _matches(song, words)]
        page = hits[offset : offset + limit]
        target = urlencode({"q": query["q"], "type": "track"})
        return _json(
            {
                "tracks": {
                    "href": f"https://api.spotify.com/v1/search?{target}",
                    "items": [track_object(song) for song in page],
                    "limit": limit,
                    "next": None,
                    "offset": offset,
                    "previous": None,
                    "total": len(hits),
                }
            }
        )

    def _strikes(self, share: float, *what: str | int) -> bool:
        """Whether something happens that happens in this share of all cases."""
        return share > 0 and chance(self._seed, *what) < share


@lru_cache(maxsize=256)
def _parts(target: str) -> tuple[str, Mapping[str, str]]:
    """Path and query; pollers ask for the same again and again."""
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return url.path.rstrip("/"), query


def _matches(song: Song, words: list[str]) -> bool:
    text = " ".join((song.name, *song.artists, song.album)).casefold()
    return all(word.rpartition(":")[2] in text for word in words)


def _within(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    played_at = _epoch_ms(row["played_at"])
    after, before = _number(query, "after", None), _number(query, "before", None)
    return (after is None or played_at > after) and (before is None or played_at < before)


def _number(query: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = query.get(name)
    if text is None:
        return default
    return int(text) if text.isdecimal() else None


def _epoch_ms(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).astimezone(UTC).timestamp() * 1000)


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    named = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return Reply(status, msgspec.json.encode(body), named)


def _error(
    status: int, message: str, *, reason: str | None = None, retry_after_s: float | None = None
) -> Reply:
    error: dict[str, Any] = {"status": status, "message": message}
    if reason is not None:
        error["reason"] = reason
    wait = {} if retry_after_s is None else {"retry-after": str(max(1, round(retry_after_s)))}
    return _json({"error": error}, status, wait)
