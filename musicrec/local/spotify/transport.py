"""Two ways to reach the simulation: over HTTP on the loopback interface, or inside the process.

In the process a `requests` session hands each request over without a socket, so that what is
measured or played fast runs through spotipy unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from musicrec.local.http_server import HttpServer
from musicrec.local.spotify.service import DroppedConnectionError, Reply, SimulatedSpotify
from musicrec.local.wsgi import read_body, respond

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class InProcess(BaseAdapter):
    """Answers a session's requests from the simulation; mount it for the simulation's address."""

    def __init__(self, spotify: SimulatedSpotify) -> None:
        super().__init__()
        self._spotify = spotify

    def send(  # noqa: PLR0917 - requests' signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002 - requests' signature
        timeout: Any = None,  # noqa: ARG002 - as above
        verify: Any = True,  # noqa: ARG002, FBT002 - as above
        cert: Any = None,  # noqa: ARG002 - as above
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - as above
    ) -> requests.Response:
        """Answer one request.

        Raises:
            requests.ConnectionError: the simulation closes the connection.
        """
        assert request.url is not None
        url = urlsplit(request.url)
        body = request.body or b""
        try:
            reply = self._spotify.answer(
                request.method or "GET",
                f"{url.path}?{url.query}",
                {name.lower(): str(value) for name, value in request.headers.items()},
                body.encode() if isinstance(body, str) else bytes(body),
            )
        except DroppedConnectionError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        return _response(request, reply)

    def close(self) -> None:
        """Nothing is open."""


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


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.headers = CaseInsensitiveDict(reply.headers)
    response.raw = BytesIO(reply.body)
    response._content = reply.body  # noqa: SLF001 - as if it had been read already
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
