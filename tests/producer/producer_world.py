"""Loopback stand-ins for the two services that the producer talks to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Reply = tuple[int, Any, dict[str, str]]
"""Status, body (JSON unless a string) and headers; None drops the connection."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server's `service` and writes the reply."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        reply = self.server.service.reply(self, raw)
        if reply is None:
            self.close_connection = True
            return
        status, body, headers = reply
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        data = b"" if status == 204 else data
        self.send_response_only(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@contextmanager
def served(service: Any) -> Iterator[str]:
    """Serve on a free loopback port; yields the base address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.service = service
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Api:
    """A scripted ingestion API: answers in turn, then accepts everything."""

    script: list[Reply | None] = field(default_factory=list)
    bodies: list[list[dict[str, Any]]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    poison: str | None = None
    url: str = ""

    def answer(self, status: int, body: Any, **headers: str) -> None:
        """Script the next reply."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append((status, body, named))

    def drop(self) -> None:
        """Script a connection that closes without a reply."""
        self.script.append(None)

    def ids(self, request: int) -> list[str]:
        """The event ids of one request."""
        return [event["event_id"] for event in self.bodies[request]]

    def reply(self, request: Handler, raw: bytes) -> Reply | None:
        """Answer one POST as scripted; a batch that holds the poisoned event is a 400."""
        assert request.path == "/v1/events"
        self.bodies.append(json.loads(raw)["events"])
        self.keys.append(request.headers["x-api-key"])
        self.connections.add(request.client_address)
        if self.script:
            return self.script.pop(0)
        if self.poison in self.ids(-1):
            return 400, {"error": "BAD", "message": "Invalid request body", "detail": "poison"}, {}
        return 200, {"accepted": len(self.bodies[-1]), "failed": 0}, {}


@dataclass
class FakeSpotify:
    """Spotify's accounts service and Web API for one listener; replies can be scripted by route."""

    player: Any = None
    history: list[dict[str, Any]] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=lambda: {"account_id": "acc-1", "id": "ana"})
    scripts: dict[str, list[Reply | None]] = field(default_factory=lambda: defaultdict(list))
    calls: list[str] = field(default_factory=list)
    access: str = "access-0"
    refresh: str | None = "refresh-0"
    granted: int = 0
    consent: bool = True
    challenge: str = ""
    redirect: str = ""
    url: str = ""
    refresh_extras: dict[str, Any] = field(default_factory=dict)

    def script(self, route: str, status: int, body: Any = None, **headers: str) -> None:
        """Script the next reply of a route."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.scripts[route].append((status, {} if body is None else body, named))

    def reply(self, request: Handler, raw: bytes) -> Reply | None:
        """Answer one request."""
        url = urlsplit(request.path)
        route = url.path
        self.calls.append(route)
        if self.scripts[route]:
            return self.scripts[route].pop(0)
        if route == "/authorize":
            return self._authorize(parse_qs(url.query))
        if route == "/api/token":
            return self._token(parse_qs(raw.decode()))
        if request.headers["authorization"] != f"Bearer {self.access}":
            return 401, {"error": {"status": 401, "message": "The access token expired"}}, {}
        return self._resource(route)

    def _authorize(self, query: dict[str, list[str]]) -> Reply:
        assert query["code_challenge_method"] == ["S256"]
        self.challenge, self.redirect = query["code_challenge"][0], query["redirect_uri"][0]
        told = {"code": "code-1"} if self.consent else {"error": "access_denied"}
        answer = urlencode({**told, "state": query["state"][0]})
        return 302, "", {"location": f"{self.redirect}?{answer}"}

    def _token(self, form: dict[str, list[str]]) -> Reply:
        self.granted += 1
        if form["grant_type"] == ["authorization_code"]:
            digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge != self.challenge or form["redirect_uri"] != [self.redirect]:
                return 400, {"error": "invalid_grant"}, {}
            extras = {"refresh_token": self.refresh, "scope": form.get("scope", [""])[0] or None}
        elif form["refresh_token"] != [self.refresh]:
            return 400, {"error": "invalid_grant", "error_description": "revoked"}, {}
        else:
            extras = dict(self.refresh_extras)
        self.access = f"access-{self.granted}"
        token = {"access_token": self.access, "token_type": "Bearer", "expires_in": 3600, **extras}
        return 200, {name: value for name, value in token.items() if value is not None}, {}

    def _resource(self, route: str) -> Reply:
        if route.rstrip("/") == "/v1/me":
            return 200, self.profile, {}
        if route == "/v1/me/player":
            body = self.player() if callable(self.player) else self.player
            return (204, "", {}) if body is None else (200, body, {})
        if route == "/v1/me/player/recently-played":
            return 200, {"items": self.history, "next": None, "cursors": None, "limit": 50}, {}
        return 404, {"error": {"status": 404, "message": "no such route"}}, {}


def playback(letter: str, position_ms: int, **changes: Any) -> dict[str, Any]:
    """The body of `GET /me/player` while a track plays."""
    return {
        "device": {
            "id": "d1",
            "is_active": True,
            "is_private_session": False,
            "is_restricted": False,
            "name": "Kitchen",
            "type": "Speaker",
            "volume_percent": 50,
            "supports_volume": True,
        },
        "shuffle_state": False,
        "smart_shuffle": False,
        "repeat_state": "off",
        "timestamp": 1_767_600_000_000,
        "context": {
            "type": "playlist",
            "href": "https://api.spotify.com/v1/playlists/x",
            "external_urls": {},
            "uri": "spotify:playlist:x",
        },
        "progress_ms": position_ms,
        "is_playing": True,
        "item": track(letter),
        "currently_playing_type": "track",
        "actions": {"disallows": {"resuming": True}},
        **changes,
    }


def track(letter: str, duration_ms: int = 200_000) -> dict[str, Any]:
    """A track object as in playback and history; `letter` makes its id."""
    return {
        "id": letter * 22,
        "uri": f"spotify:track:{letter * 22}",
        "name": f"Song {letter}",
        "type": "track",
        "duration_ms": duration_ms,
        "explicit": False,
        "is_local": False,
        "external_ids": {"isrc": f"GB-{letter}"},
        "artists": [{"id": "x", "name": "Ana", "uri": "spotify:artist:x", "type": "artist"}],
        "album": {"id": "y", "name": "Album", "album_type": "album", "images": []},
    }
