"""Two ways to reach the simulation: over HTTP on the loopback interface, or inside the process.

In the process a `requests` session hands spotipy's calls over without preparing requests or opening
sockets, which is four fifths of the time of a poll. spotipy itself, and all that is built on it, runs
unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
import requests
from requests.structures import CaseInsensitiveDict

from musicrec.local.http_server import HttpServer
from musicrec.local.spotify.service import DroppedConnectionError, Reply, SimulatedSpotify
from musicrec.local.wsgi import read_body, respond

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class InProcess(requests.Session):
    """A session whose every request the simulation answers, whatever the host."""

    def __init__(self, spotify: SimulatedSpotify) -> None:
        super().__init__()
        self._spotify = spotify

    def request(self, method: Any, url: Any, *_: Any, **options: Any) -> requests.Response:
        """Answer one request; its response hooks run as usual.

        Raises:
            requests.ConnectionError: the simulation closes the connection.
        """
        parts = urlsplit(url)
        query = urlencode(_present(options.get("params")))
        headers = {name.lower(): value for name, value in (options.get("headers") or {}).items()}
        body = urlencode(_present(options.get("data"))).encode()
        try:
            reply = self._spotify.answer(
                method, f"{parts.path}?{query or parts.query}", headers, body
            )
        except DroppedConnectionError as error:
            raise requests.ConnectionError(str(error)) from error
        response = _Response(url, reply)
        for hook in self.hooks["response"]:
            hook(response)
        return response


class _Response(requests.Response):
    """A reply of the simulation, read already."""

    def __init__(self, url: str, reply: Reply) -> None:
        super().__init__()
        self.status_code = reply.status
        self.headers = CaseInsensitiveDict(reply.headers)
        self.url = url
        self.encoding = "utf-8"
        self._content = reply.body

    def json(self, **_: Any) -> Any:
        return msgspec.json.decode(self.content)


def _present(fields: dict[str, Any] | None) -> dict[str, Any]:
    """As `requests` does, leave out what is None."""
    return {name: value for name, value in (fields or {}).items() if value is not None}


@contextmanager
def serving(spotify: SimulatedSpotify, port: int = 0) -> Iterator[str]:
    """Serve the simulation on a loopback port; yields the base address of both hosts.

    Raises:
        PortTakenError: the port is not free.
    """
    server = HttpServer(port)
    server.start(_Application(spotify))
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()


class _Application:
    """The simulation as a WSGI application."""

    def __init__(self, spotify: SimulatedSpotify) -> None:
        self._spotify = spotify

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        target = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        method = environ["REQUEST_METHOD"]
        try:
            reply = self._spotify.answer(method, target, headers, read_body(environ))
        except DroppedConnectionError:
            # The server closes the connection of an answer that is shorter than it promises.
            start_response("200 OK", [("Content-Length", "1000")])
            return []
        return respond(start_response, reply.status, reply.body, tuple(reply.headers.items()))
