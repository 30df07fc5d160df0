"""Load for `benchmarks.api`: a process of its own that sends requests when they are due.

Requests are due at even distances, whether those before were answered or not, and a request's time
counts from when it was due: a server that falls behind cannot hide it.
"""

from __future__ import annotations

import itertools
import socket
import sys
import threading
import time
from collections import Counter
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
import numpy as np
from msgspec import Struct

from benchmarks import elsewhere

CONNECTIONS: Final = 16
"""Fewer than the embedded gateway takes at once, see `musicrec.local.gateway.concurrency`."""

EVERY: Final = 4
"""Of so many requests one asks for a list."""

EVENTS: Final = "POST /events"
LISTS: Final = "GET /recommendations"

_END: Final = b"\r\n\r\n"


class ConnectionEndedError(RuntimeError):
    """The server closed a connection in the middle of the load."""


class Load(Struct, frozen=True, kw_only=True):
    """What to send.

    Attributes:
        url: of the API's stage.
        key: of the ingestion.
        rate: requests a second.
        users: whom each request is about.
        bodies: what each request posts, if it is one that posts.
    """

    url: str
    key: str
    rate: float
    users: list[str]
    bodies: list[bytes]


class Kind(Struct, frozen=True, kw_only=True):
    """Requests of one kind: how many, and their time, milliseconds."""

    count: int
    p50: float
    p99: float


class Measured(Struct, frozen=True, kw_only=True):
    """What a load came to.

    Attributes:
        asked: requests a second that were due.
        rate: answers a second.
        seconds: from the first request to the last answer.
        failed: answers of another status than 200.
        statuses: how many of each of those.
        kinds: by method and path.
    """

    asked: float
    rate: float
    seconds: float
    failed: int
    statuses: dict[int, int]
    kinds: dict[str, Kind]


def run(load: Load) -> Measured:
    """Send from another process."""
    return elsewhere.run("benchmarks.api_load", load, Measured)


def send(load: Load) -> Measured:
    """Send every request when it is due, or as soon as one of the connections is free."""
    made = [_wire(load, number) for number in range(len(load.users))]
    numbers = itertools.count()
    answered: list[tuple[str, int, float]] = []
    started = time.perf_counter() + 0.1

    def work() -> None:
        address = urlsplit(load.url)
        with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
            while (number := next(numbers)) < len(made):
                due = started + number / load.rate
                time.sleep(max(0.0, due - time.perf_counter()))
                kind, request = made[number]
                status = _exchange(connection, request)
                answered.append((kind, status, 1000 * (time.perf_counter() - due)))

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _measured(load, answered, time.perf_counter() - started)


def _measured(load: Load, answered: list[tuple[str, int, float]], seconds: float) -> Measured:
    statuses = Counter(status for _, status, _ in answered if status != 200)
    times = {kind: [ms for of, _, ms in answered if of == kind] for kind in (EVENTS, LISTS)}
    return Measured(
        asked=load.rate,
        rate=len(answered) / seconds,
        seconds=seconds,
        failed=len(load.users) - len(answered) + statuses.total(),
        statuses=dict(statuses),
        kinds={
            kind: Kind(
                count=len(taken),
                p50=float(np.quantile(taken, 0.5)),
                p99=float(np.quantile(taken, 0.99)),
            )
            for kind, taken in times.items()
        },
    )


def _wire(load: Load, number: int) -> tuple[str, bytes]:
    """The kind of a request, and its bytes."""
    address, user = urlsplit(load.url), load.users[number]
    if number % EVERY == EVERY - 1:
        target = f"{address.path}/recommendations?user_id={quote(user)}"
        return LISTS, f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
    body = load.bodies[number]
    head = (
        f"POST {address.path}/events HTTP/1.1\r\nHost: {address.netloc}\r\nx-api-key: {load.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return EVENTS, head.encode() + body


def _exchange(connection: socket.socket, request: bytes) -> int:
    """Send one request and read its whole answer; returns the status."""
    connection.sendall(request)
    answer = b""
    while (end := answer.find(_END)) < 0:
        answer += _received(connection)
    head = answer[:end].lower()
    length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
    while len(answer) < end + len(_END) + length:
        answer += _received(connection)
    return int(answer[9:12])


def _received(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionEndedError("the server closed a kept connection: look at its log")
    return part


def main() -> None:
    """Take a `Load` as JSON and print what it came to."""
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(send(load)))


if __name__ == "__main__":
    main()
