"""What the API refuses, on the wire: each refusal leaves nothing on the stream."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import api_wire
import msgspec
import pytest
import requests
from local_helpers import records_held

from musicrec import events
from musicrec.local.running import RunningStack, running

pytestmark = pytest.mark.slow

JSON: Final = "Content-Type: application/json"
MAX_BODY: Final = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A deployed stack; nothing here gets as far as a catalogue."""
    with running() as stack:
        yield stack


@pytest.fixture
def nothing_arrives(stack: RunningStack) -> Iterator[None]:
    """The stream holds after the test what it held before."""
    before = on_stream(stack)
    yield
    assert on_stream(stack) == before


def on_stream(stack: RunningStack) -> int:
    return records_held(stack.server, stack.deployment.stream)


def batch(count: int = 1) -> bytes:
    """A body of valid events."""
    made = [
        {
            "event_id": events.new_event_id("refusals", number),
            "schema_version": 1,
            "user_id": "u",
            "session_id": "s",
            "track_id": "a" * 22,
            "event_type": "play",
            "occurred_at": 1_767_600_000_000 + number,
            "source": "live",
        }
        for number in range(count)
    ]
    return msgspec.json.encode({"events": made})


def chunked(body: bytes) -> bytes:
    """A body in one chunk."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def where(stack: RunningStack) -> tuple[str, str]:
    """The host, and the path of the API's stage."""
    parts = urlsplit(stack.deployment.api_url)
    return parts.netloc, parts.path


def test_the_same_request_without_a_trick_is_taken(stack: RunningStack):
    """The refusals below would also pass on a server that refuses everything."""
    host, base = where(stack)
    before = on_stream(stack)
    sent = api_wire.request(
        "POST", f"{base}/events", f"x-api-key: {stack.api_key}", JSON, host=host, body=batch()
    )
    assert api_wire.send(stack.deployment.api_url, sent).statuses == [200]
    assert on_stream(stack) == before + 1


@pytest.mark.usefixtures("nothing_arrives")
class TestKeys:
    @pytest.mark.parametrize(
        ("headers", "query"),
        [
            ((), ""),
            (("x-api-key:",), ""),
            (("x-api-key: wrong",), ""),
            (("x-api-key: {key}x",), ""),
            (("x-api-key: {KEY}",), ""),
            (("x-api-key: {key}, {key}",), ""),
            (("x-api-key: wrong", "x-api-key: {key}"), ""),
            (("x_api_key: {key}",), ""),
            (("Authorization: {key}",), ""),
            (("Authorization: Bearer {key}",), ""),
            (("Cookie: x-api-key={key}",), ""),
            (("X-Foo: a\r\n x-api-key: {key}",), ""),
            ((), "?x-api-key={key}"),
            ((), "?api_key={key}"),
            (("x-api-key: *",), ""),
            (('x-api-key: "{key}"',), ""),
            (("x-api-key: {id}",), ""),
        ],
        ids=lambda value: "+".join(value) if isinstance(value, tuple) else value,
    )  # fmt: skip
    def test_without_the_key_in_its_header_nothing_is_taken(
        self, stack: RunningStack, headers: tuple[str, ...], query: str
    ):
        """Missing, wrong, changed, doubled, or in another place: 403 that names the header."""
        host, base = where(stack)
        known = {"key": stack.api_key, "KEY": stack.api_key.swapcase()}
        known["id"] = stack.deployment.api_key_id
        given = [header.format(**known) for header in headers]
        target = f"{base}/events{query.format(**known)}"
        sent = api_wire.request("POST", target, *given, JSON, host=host, body=batch())
        answer = api_wire.send(stack.deployment.api_url, sent)
        assert answer.statuses == [403]
        assert b"INVALID_API_KEY" in answer.content

    @pytest.mark.parametrize("change", ["disabled", "deleted", "without a plan"])
    def test_a_key_that_is_no_more(self, stack: RunningStack, change: str):
        """A key counts as long as it is enabled and in a plan of the stage."""
        key_id, value = added_key(stack, planned=change != "without a plan")
        gateway = stack.server.aws.client("apigateway")
        if change == "disabled":
            operation = {"op": "replace", "path": "/enabled", "value": "false"}
            gateway.update_api_key(apiKey=key_id, patchOperations=[operation])
        elif change == "deleted":
            gateway.delete_api_key(apiKey=key_id)
        assert posted(stack, value).status_code == 403


class TestLimits:
    """A plan of its own for each test; what is within the limit arrives, and nothing else."""

    @pytest.mark.parametrize(
        ("limits", "error"),
        [
            ({"quota": {"limit": 2, "period": "MONTH"}}, "QUOTA_EXCEEDED"),
            ({"throttle": {"rateLimit": 0.001, "burstLimit": 2}}, "THROTTLED"),
        ],
    )
    def test_beyond_it_nothing_is_taken(
        self, stack: RunningStack, limits: dict[str, Any], error: str
    ):
        """Quota exhausted, or burst and rate exceeded: 429, and only the first two arrive."""
        _, value = added_key(stack, **limits)
        before = on_stream(stack)
        answers = [posted(stack, value) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert answers[-1].json()["error"] == error
        assert on_stream(stack) == before + 2

    @pytest.mark.usefixtures("nothing_arrives")
    def test_refused_bodies_cannot_be_tried_for_free(self, stack: RunningStack):
        """A request with a valid key counts against its plan whatever its body is."""
        _, value = added_key(stack, quota={"limit": 1, "period": "MONTH"})
        answers = [posted(stack, value, body=b"{}").status_code for _ in range(2)]
        assert answers == [400, 429]


def added_key(stack: RunningStack, *, planned: bool = True, **plan: Any) -> tuple[str, str]:
    """Another key of the stage, in a plan of its own: its id and value."""
    gateway = stack.server.aws.client("apigateway")
    key = gateway.create_api_key(name="another", enabled=True)
    if planned:
        _, base = where(stack)
        _, _, api_id, stage = base.split("/")
        stages = [{"apiId": api_id, "stage": stage}]
        plan_id = gateway.create_usage_plan(name="another", apiStages=stages, **plan)["id"]
        gateway.create_usage_plan_key(usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
    return key["id"], key["value"]


def posted(stack: RunningStack, key: str, body: bytes | None = None) -> requests.Response:
    """The answer to valid events with a key."""
    headers = {"x-api-key": key, "content-type": "application/json"}
    return requests.post(
        f"{stack.deployment.api_url}/events",
        data=batch() if body is None else body,
        headers=headers,
        timeout=30,
    )


@pytest.mark.usefixtures("nothing_arrives")
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (batch(501), 400),
            (batch(1)[:-1] + b" " * MAX_BODY + b"}", 413),
            (b"[" * 100_000, 400),
            (b'{"events": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
            (batch() + b"{}", 400),
            (b"\xef\xbb\xbf" + batch(), 400),
            (batch().decode().encode("utf-16"), 400),
            (gzip.compress(batch()), 400),
        ],
        ids=[
            "501 events", "over 10 MB", "deep", "deep in events", "two documents", "byte order mark",
            "UTF-16", "gzip",
        ],
    )  # fmt: skip
    def test_what_is_no_batch_of_events(self, stack: RunningStack, body: bytes, status: int):
        """Too many, too large, too deep, or in another encoding than UTF-8."""
        assert posted(stack, stack.api_key, body).status_code == status

    def test_an_oversize_body_in_chunks(self, stack: RunningStack):
        """A body that does not say its length has the same limit."""
        host, base = where(stack)
        sent = api_wire.request(
            "POST", f"{base}/events", f"x-api-key: {stack.api_key}", JSON,
            "Transfer-Encoding: chunked", host=host, length=False,
            body=chunked(batch() + b" " * MAX_BODY),
        )  # fmt: skip
        assert api_wire.send(stack.deployment.api_url, sent).statuses == [413]

    @pytest.mark.parametrize(
        "kind",
        [
            "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
            "application/json-patch+json", "application/jsonx", "application/json, text/plain",
            "application/x-amz-json-1.1", "*/*", "json",
        ],
    )  # fmt: skip
    def test_another_content_type(self, stack: RunningStack, kind: str):
        """Anything but application/json is 415, whatever the body is."""
        headers = {"x-api-key": stack.api_key, "content-type": kind}
        url = f"{stack.deployment.api_url}/events"
        answer = requests.post(url, data=batch(), headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.usefixtures("nothing_arrives")
class TestPathsAndMethods:
    @pytest.mark.parametrize(
        "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "POSTS"]
    )
    @pytest.mark.parametrize("override", ["", "X-HTTP-Method-Override: POST"])
    def test_other_methods(self, stack: RunningStack, method: str, override: str):
        """Only POST puts events, and no header makes another method one."""
        host, base = where(stack)
        headers = [f"x-api-key: {stack.api_key}", JSON, *([override] if override else [])]
        sent = api_wire.request(method, f"{base}/events", *headers, host=host, body=batch())
        (status,) = api_wire.send(stack.deployment.api_url, sent).statuses
        assert status in {400, 403}

    @pytest.mark.parametrize(
        "target",
        [
            "{base}//events", "{base}/events/", "{base}/./events", "{base}/x/../events", "{base}/Events",
            "{base}/%2e/events", "{base}/%2e%2e/{stage}/events", "{base}/..%2f{stage}/events",
            "{base}%2fevents", "{base}/%2fevents", "{base}/events%2f", "{base}/events%00",
            "{base}/events%20", "{base}/%252e/events", "{base}/events;x=1", "{base}\\events",
            "{base}/%5cevents", "{base}/%c0%ae/events", "{base}/events/../events", "{base}/events#x/y",
            "/execute-api/{api}/{STAGE}/events", "/execute-api/{api}/v2/events",
            "/execute-api/{api}//events", "/execute-api/{api}/events", "/execute-api/{api}/",
            "/execute-api//{api}/{stage}/events", "/execute-api/other/{stage}/events",
            "/execute-api/{api}%2f{stage}/events", "/execute-api/x/../{api}/{stage}/events",
            "//execute-api/{api}/{stage}/events", "/%65xecute-api/{api}/{stage}/events",
            "http://{host}//execute-api/{api}/{stage}/events",
            "{base}/recommendations", "{base}/recommendations/../events",
        ],
    )  # fmt: skip
    def test_other_paths(self, stack: RunningStack, target: str):
        """A path that is not exactly the resource's, in a stage of this API, leads nowhere."""
        host, base = where(stack)
        _, _, api, stage = base.split("/")
        known = {"base": base, "api": api, "stage": stage, "STAGE": stage.upper(), "host": host}
        path = target.format(**known)
        headers = (f"x-api-key: {stack.api_key}", JSON)
        sent = api_wire.request("POST", path, *headers, host=host, body=batch())
        (status,) = api_wire.send(stack.deployment.api_url, sent).statuses
        assert 400 <= status < 500

    @pytest.mark.parametrize(
        "target",
        ["/{stage}/events", "/events", "*", "execute-api/{api}/{stage}/events",
         "/EXECUTE-API/{api}/{stage}/events", "/x/../execute-api/{api}/{stage}/events"],
    )  # fmt: skip
    def test_paths_of_other_services(self, stack: RunningStack, target: str):
        """What is not below the API's address is not the gateway's, and leads to no stream either."""
        host, base = where(stack)
        _, _, api, stage = base.split("/")
        headers = (f"x-api-key: {stack.api_key}", JSON)
        path = target.format(api=api, stage=stage)
        sent = api_wire.request("POST", path, *headers, host=host, body=batch())
        (status,) = api_wire.send(stack.deployment.api_url, sent).statuses
        assert status >= 400

    @pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"])
    def test_no_header_leads_elsewhere(self, stack: RunningStack, header: str):
        """A path in a header is no path."""
        host, base = where(stack)
        headers = (f"x-api-key: {stack.api_key}", JSON, f"{header}: {base}/events")
        sent = api_wire.request(
            "POST", f"{base}/recommendations", *headers, host=host, body=batch()
        )
        assert api_wire.send(stack.deployment.api_url, sent).statuses == [403]


@pytest.mark.usefixtures("nothing_arrives")
class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            "X-Foo: a\nx-api-key: {key}",
            "X-Foo: a\rx-api-key: {key}",
            "X-Foo: a\x00\r\nx-api-key : {key}",
            "x-api-key : {key}",
        ],
        ids=["line feed", "carriage return", "blank before colon", "blank alone"],
    )
    def test_a_broken_header_brings_no_key(self, stack: RunningStack, header: str):
        """Half a line end, or blanks where none may be: 400, whatever they were to smuggle in."""
        host, base = where(stack)
        lines = [header.format(key=stack.api_key), JSON]
        sent = api_wire.request("POST", f"{base}/events", *lines, host=host, body=batch())
        (status,) = api_wire.send(stack.deployment.api_url, sent).statuses
        assert status in {400, 403}

    @pytest.mark.parametrize(
        "lengths",
        [
            ("Content-Length: {n}", "Content-Length: 5"),
            ("Content-Length: {n}", "Content-Length: {n}"),
            ("Content-Length: {n}, {n}",),
            ("Content-Length: +{n}",),
            ("Content-Length: -1",),
            ("Content-Length: 0x10",),
            ("Content-Length: 1e3",),
            ("Content-Length: {n} {n}",),
            ("Content-Length: {n}", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", "Content-Length: 0"),
            ("Transfer-Encoding: xchunked",),
            ("Transfer-Encoding: chunked, identity",),
            ("Transfer-Encoding: gzip, chunked",),
            ("Transfer-Encoding: \x0bchunked",),
            ("Transfer-Encoding : chunked",),
        ],
        ids="+".join,
    )
    def test_two_lengths_are_none(self, stack: RunningStack, lengths: tuple[str, ...]):
        """A request whose end can be read in two ways is refused, and so is what hides behind it."""
        host, base = where(stack)
        headers = (f"x-api-key: {stack.api_key}", JSON)
        hidden = api_wire.request("POST", f"{base}/events", *headers, host=host, body=batch())
        body = b"0\r\n\r\n" + hidden
        given = [length.format(n=len(body)) for length in lengths]
        sent = api_wire.request(
            "POST", f"{base}/events", *headers, *given, host=host, body=body, length=False
        )
        answers = api_wire.send(
            stack.deployment.api_url, sent.replace(b"Connection: close\r\n", b"", 1)
        )
        assert answers.statuses[0] in {400, 501}
        assert 200 not in answers.statuses

    def test_chunks_before_they_existed(self, stack: RunningStack):
        """HTTP/1.0 has no chunks, so such a request has no length either."""
        host, base = where(stack)
        sent = api_wire.request(
            "POST", f"{base}/events", f"x-api-key: {stack.api_key}", JSON,
            "Transfer-Encoding: chunked", host=host, body=chunked(batch()), length=False,
        ).replace(b"HTTP/1.1", b"HTTP/1.0")  # fmt: skip
        assert api_wire.send(stack.deployment.api_url, sent).statuses == [400]

    @pytest.mark.parametrize(
        "hosts",
        [("evil.example",), ("evil.example:80",), ("127.0.0.1.evil.example",), ("{host}", "x")],
    )
    def test_other_hosts(self, stack: RunningStack, hosts: tuple[str, ...]):
        """A name that was made to resolve here, or two of them, gets nowhere."""
        host, base = where(stack)
        first, *more = (name.format(host=host) for name in hosts)
        headers = (f"x-api-key: {stack.api_key}", JSON, *(f"Host: {name}" for name in more))
        sent = api_wire.request("POST", f"{base}/events", *headers, host=first, body=batch())
        (status,) = api_wire.send(stack.deployment.api_url, sent).statuses
        assert status in {400, 403}

    def test_text_of_the_client_makes_no_header(self, stack: RunningStack):
        """Line ends in a parameter stay in the body, as JSON writes them."""
        url = f"{stack.deployment.api_url}/recommendations"
        user = "u\r\nSet-Cookie: x=1\r\n\r\n<script>"
        answer = requests.get(url, params={"user_id": user, "num_results": user}, timeout=30)
        assert answer.status_code == 400
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
