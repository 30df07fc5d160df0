"""Load for `benchmarks.serving`: a process of its own that asks as fast as it is answered.

It shares the server's two cores, so it must cost little, or it would measure itself. boto3 makes and
signs the requests before the clock starts, and plain sockets send their bytes unchanged, each in one
piece as botocore does. Of an answer the status is looked at, and its length, to read all of it.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import numpy as np
from botocore.awsrequest import AWSResponse
from msgspec import Struct
from urllib3 import HTTPResponse

from benchmarks import elsewhere
from musicrec.local.parts import Aws

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest

DISTINCT: Final = 2_000
"""Requests that are signed, for as many users; they are asked in turn."""

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_END: Final = b"\r\n\r\n"


class ConnectionEndedError(RuntimeError):
    """The server closed a connection in the middle of the load."""


class Load(Struct, frozen=True, kw_only=True):
    """What to ask.

    Attributes:
        url: of the server.
        campaign: ARN of what answers.
        filter: ARN of a filter.
        users: there are so many, `user-000000` and on.
        seconds: how long.
        connections: kept open, each with one request at a time.
    """

    url: str
    campaign: str
    filter: str
    users: int
    seconds: float
    connections: int = 4


class Answered(Struct, frozen=True, kw_only=True):
    """What a load came to.

    Attributes:
        good: answers of status 200.
        bad: other answers.
        seconds: from the first request to the last answer.
        processor: seconds of the client's processor time, signing left out.
    """

    good: int
    bad: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


def run(load: Load) -> Answered:
    """Ask from another process."""
    return elsewhere.run("benchmarks.load", load, Answered)


def ask(load: Load) -> Answered:
    """Sign, then ask over every connection at once until the time is up."""
    requests = signed(load)
    address = urlsplit(load.url)
    sockets = [
        socket.create_connection((str(address.hostname), address.port or 80))
        for _ in range(load.connections)
    ]
    counts = [[0, 0] for _ in sockets]
    started, spent = time.perf_counter(), time.process_time()
    deadline = started + load.seconds

    def work(place: int) -> None:
        number = place * len(requests) // load.connections
        while time.perf_counter() < deadline:
            good = _exchange(sockets[place], requests[number % len(requests)])
            counts[place][not good] += 1
            number += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(sockets))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    for connection in sockets:
        connection.close()
    good, bad = (sum(column) for column in zip(*counts, strict=True))
    return Answered(good=good, bad=bad, seconds=seconds, processor=spent)


def signed(load: Load) -> list[bytes]:
    """`GetRecommendations` of chosen users as boto3 puts it on the wire."""
    kept: list[bytes] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        kept.append(_wire(request))
        return AWSResponse(
            request.url, 200, {}, HTTPResponse(BytesIO(b"{}"), preload_content=False)
        )

    client = Aws(load.url).client("personalize-runtime")
    client.meta.events.register("before-send.personalize-runtime.GetRecommendations", keep)
    for user in np.random.default_rng(0).integers(load.users, size=DISTINCT).tolist():
        client.get_recommendations(
            campaignArn=load.campaign, filterArn=load.filter, userId=f"user-{user:06}"
        )
    return kept


def _wire(request: AWSPreparedRequest) -> bytes:
    """The bytes of a request, with the two headers that Python's HTTP client adds."""
    address = urlsplit(request.url)
    headers = {"Host": address.netloc, "Accept-Encoding": "identity", **request.headers}
    texts = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in headers.items()
    }
    lines = [f"{request.method} {address.path} HTTP/1.1", *(f"{n}: {v}" for n, v in texts.items())]
    return "\r\n".join(lines).encode() + _END + request.body


def _exchange(connection: socket.socket, request: bytes) -> bool:
    """Send one request and read its answer; whether the status is 200."""
    connection.sendall(request)
    answer = b""
    missing = 1
    while missing > 0:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionEndedError("the server closed a kept connection: look at its log")
        answer += part
        missing = _missing(answer)
    return answer.startswith(b"HTTP/1.1 200 ")


def _missing(answer: bytes) -> int:
    """How many bytes of an answer are to come, one at least until its length is known."""
    end = answer.find(_END)
    length = _LENGTH.search(answer)
    if end < 0 or length is None:
        return 1
    return end + len(_END) + int(length[1]) - len(answer)


def main() -> None:
    """Take a `Load` as JSON and print what it came to."""
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(ask(load)))


if __name__ == "__main__":
    main()
