"""Requests as bytes, for what no HTTP library would send."""

from __future__ import annotations

import contextlib
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

TIMEOUT_S: Final = 10.0
_STATUS: Final = re.compile(rb"(?m)^HTTP/1\.[01] (\d{3}) ")


class Answers(Struct, frozen=True):
    """Everything that came back on one connection: the status of each answer, and the bytes."""

    statuses: list[int]
    content: bytes


def send(url: str, request: bytes) -> Answers:
    """Send bytes to the server of a URL, and read until it closes the connection."""
    address = urlsplit(url)
    port = address.port or 80
    with socket.create_connection((str(address.hostname), port), TIMEOUT_S) as connection:
        content = b""
        # What is refused before its end is cut off; the answer is there to be read all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                content += part
    return Answers([int(status) for status in _STATUS.findall(content)], content)


def request(
    method: str, target: str, *headers: str, host: str, body: bytes = b"", length: bool = True
) -> bytes:
    """One request after which the connection ends; with `length` its `Content-Length` is right."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
