"""The one HTTP port of the embedded AWS: waitress on the loopback device, stopped promptly."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST: Final = "127.0.0.1"
THREADS: Final = 64
"""Each idle Lambda environment and each waiting invocation holds one."""

CONNECTIONS: Final = 1_000
END_S: Final = 5.0


class PortTakenError(RuntimeError):
    """Another program listens on the port."""


class _Parser(HTTPRequestParser):  # type: ignore[misc] # waitress ships no types
    """Does not wait for a body of no length, and refuses one of two lengths.

    S3 clients announce an empty upload with `Expect: 100-continue`; waitress would invite it and
    wait for bytes that never come. A request with both `Content-Length` and `Transfer-Encoding`, or
    with the latter before HTTP/1.1, ends where each reader thinks it does: that is how requests are
    smuggled past one of them (RFC 9112, section 6.1).
    """

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        two_lengths = self.chunked and "CONTENT_LENGTH" in self.headers
        if two_lengths or "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("the length of the body is ambiguous")
        if self.content_length == 0 and not self.chunked:
            self.expect_continue = False


class _Channel(HTTPChannel):  # type: ignore[misc] # as above
    parser_class = _Parser


class HttpServer:
    """Serves a WSGI application with kept-alive connections.

    Args:
        port: where to listen; 0 for any free port.

    Raises:
        PortTakenError: the port is not free.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
        except OSError as error:
            self._socket.close()
            raise PortTakenError(
                f"cannot listen on {HOST}:{port} ({error.strerror}): choose another port, or 0 for "
                "any free one"
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self._map: dict[int, Any] = {}
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self, application: WSGIApplication) -> None:
        """Begin to answer requests."""
        self._server = create_server(
            application,
            map=self._map,
            sockets=[self._socket],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,  # select() ends at 1,024 file descriptors
            channel_timeout=3_600,  # a function may compute for 15 minutes before it answers
            ident="musicrec",
            clear_untrusted_proxy_headers=True,
        )
        self._server.channel_class = _Channel
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; requests in progress get five seconds to end."""
        self._stopping.set()
        if self._server is None:
            self._socket.close()
            return
        self._server.pull_trigger()
        assert self._thread is not None
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=END_S)
        wasyncore.close_all(self._map)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=self._map, count=1)
