"""The Lambda proxy integration's event and answer, and parameter mappings."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.gateway.context import Call, new_context, place_context
from musicrec.local.gateway.definition import Method, PlanKey, Resource, Stage
from musicrec.local.gateway.exchange import GatewayError, Request
from musicrec.local.gateway.mapping import (
    METHOD_HEADER,
    mapped_headers,
    request_source,
    response_source,
)
from musicrec.local.gateway.proxy_event import proxy_event, proxy_response

RECEIVED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def call(request, variables=None):
    method = Method("GET", False, False, (), {}, None)
    resource = Resource("abc123", "/users/{id}", {"GET": method})
    context = new_context(
        request, account_id="123456789012", api_id="api", stage="v1", received=RECEIVED
    )
    place_context(context, resource, PlanKey("key-1", "plan", None, None))
    return Call(
        account_id="123456789012",
        api_id="api",
        stage=Stage("v1", variables or {}, {}, {}),
        resource=resource,
        method=method,
        path_parameters={"id": "Björk"},
        request=request,
        context=context,
        received=RECEIVED,
    )


REQUEST = Request(
    method="GET",
    path="/users/Bj%C3%B6rk",
    query=(("a", "1"), ("a", "2"), ("b", "")),
    headers=(("User-Agent", "tests"), ("X-Two", "1"), ("X-Two", "2")),
    host="127.0.0.1:4566",
)


class TestProxyEvent:
    def test_has_the_real_shape(self):
        """All members of format 1.0 are there, single values being the last of several."""
        event = json.loads(proxy_event(call(REQUEST, {"colour": "blue"})))
        assert set(event) == {
            "resource", "path", "httpMethod", "headers", "multiValueHeaders",
            "queryStringParameters", "multiValueQueryStringParameters", "pathParameters",
            "stageVariables", "requestContext", "body", "isBase64Encoded",
        }  # fmt: skip
        assert (event["resource"], event["path"]) == ("/users/{id}", "/users/Björk")
        assert event["queryStringParameters"] == {"a": "2", "b": ""}
        assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
        assert event["headers"]["X-Two"] == "2"
        assert event["multiValueHeaders"]["X-Two"] == ["1", "2"]
        assert event["pathParameters"] == {"id": "Björk"}
        assert event["stageVariables"] == {"colour": "blue"}
        assert event["body"] is None

    def test_request_context_identifies_the_request(self):
        """The request context carries account, API, stage, resource, time and caller."""
        context = json.loads(proxy_event(call(REQUEST)))["requestContext"]
        assert context["accountId"] == "123456789012"
        assert (context["apiId"], context["stage"]) == ("api", "v1")
        assert (context["resourceId"], context["resourcePath"]) == ("abc123", "/users/{id}")
        assert context["path"] == "/v1/users/Bj%C3%B6rk"
        assert context["requestTimeEpoch"] == int(RECEIVED.timestamp() * 1000)
        assert context["requestTime"] == "01/Mar/2026:12:30:00 +0000"
        assert context["identity"]["userAgent"] == "tests"
        assert context["identity"]["apiKeyId"] == "key-1"

    def test_absent_parts_are_null(self):
        """Without query and stage variables the members are null, not empty."""
        event = json.loads(proxy_event(call(Request(method="GET", path="/users/1"))))
        assert event["queryStringParameters"] is None
        assert event["multiValueQueryStringParameters"] is None
        assert event["stageVariables"] is None

    @given(st.binary())
    def test_any_body_makes_an_event(self, body):
        """Bytes that are no UTF-8 are replaced, never a failure."""
        request = Request(method="POST", path="/users/1", body=body)
        event = json.loads(proxy_event(call(request)))
        assert event["body"] == (body.decode("utf-8", "replace") or None)


class TestProxyResponse:
    def test_status_headers_and_body_are_taken_over(self):
        """What the function says is what the client gets."""
        answer = proxy_response(
            json.dumps(
                {
                    "statusCode": 201,
                    "headers": {"X-A": "1", "X-Flag": True},
                    "multiValueHeaders": {"x-a": ["2", "3"]},
                    "body": "ö",
                }
            ).encode()
        )
        assert (answer.status, answer.body) == (201, "ö".encode())
        assert answer.headers == (
            ("Content-Type", "application/json"), ("X-Flag", "true"), ("x-a", "2"), ("x-a", "3"),
        )  # fmt: skip

    def test_base64_body_is_decoded(self):
        """A binary answer comes as bytes."""
        body = base64.b64encode(b"\x00\xff").decode()
        payload = {"statusCode": 200, "body": body, "isBase64Encoded": True}
        assert proxy_response(json.dumps(payload).encode()).body == b"\x00\xff"

    @pytest.mark.parametrize(
        "payload",
        [
            "null",
            "[]",
            '"text"',
            "{}",
            "oops",
            '{"statusCode": "200"}',
            '{"statusCode": 99}',
            '{"statusCode": 200, "body": {"a": 1}}',
            '{"statusCode": 200, "headers": {"a": ["b"]}}',
            '{"statusCode": 200, "body": "!", "isBase64Encoded": true}',
            '{"statusCode": 200, "headers": {"X": "a\\r\\nSet-Cookie: b"}}',
            '{"statusCode": 200, "headers": {"X\\nY": "a"}}',
        ],
    )
    def test_malformed_answers_are_a_bad_gateway(self, payload):
        """An answer of another form, or a header that breaks its line, is a 502."""
        with pytest.raises(GatewayError) as refused:
            proxy_response(payload.encode())
        assert refused.value.status == 502


class TestMappings:
    def test_request_sources(self):
        """Literals, parameters, body, context and stage variables can be mapped."""
        source = request_source(
            {"header": {"X-User": "u"}, "querystring": {"q": "1"}, "path": {}},
            '{"a": {"b": 5}}',
            {"identity": {"sourceIp": "127.0.0.1"}},
            {"colour": "blue"},
        )
        mappings = {
            f"{METHOD_HEADER}A": "'fixed'",
            f"{METHOD_HEADER}B": "method.request.header.x-user",
            f"{METHOD_HEADER}C": "method.request.querystring.q",
            f"{METHOD_HEADER}D": "method.request.body.a.b",
            f"{METHOD_HEADER}E": "context.identity.sourceIp",
            f"{METHOD_HEADER}F": "stageVariables.colour",
            f"{METHOD_HEADER}G": "method.request.path.none",
            "elsewhere.X": "'left out'",
        }
        assert mapped_headers(mappings, METHOD_HEADER, source) == {
            "A": "fixed", "B": "u", "C": "1", "D": "5", "E": "127.0.0.1", "F": "blue",
        }  # fmt: skip

    def test_response_sources(self):
        """Headers and body of the integration's answer can be mapped."""
        source = response_source({"X-Id": "7"}, '{"a": "b"}', {}, {})
        mappings = {
            f"{METHOD_HEADER}A": "integration.response.header.x-id",
            f"{METHOD_HEADER}B": "integration.response.body.a",
            f"{METHOD_HEADER}C": "integration.response.body.none",
        }
        assert mapped_headers(mappings, METHOD_HEADER, source) == {"A": "7", "B": "b"}

    def test_body_that_is_not_json_has_no_values(self):
        """Mapping from a body that is not JSON leaves the header out."""
        source = response_source({}, "{oops", {}, {})
        assert source("integration.response.body.a") is None
