"""The gateway on a stored REST API: import, read-back, keys, validation, integrations, answers."""

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from musicrec import stack
from musicrec.local.gateway import Gateway
from musicrec.local.gateway.exchange import MAX_BODY_BYTES, GatewayError, Request, Response
from musicrec.local.parts import FunctionNotFoundError, InvocationForbiddenError, InvokeResult

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:tunes-recommendations"
ROLE = "arn:aws:iam::123456789012:role/tunes-apigateway"
DOCUMENT = stack.api_document(
    {
        "name": "tunes",
        "region": "us-east-1",
        "stream_name": "tunes-events",
        "gateway_role_arn": ROLE,
        "recommendations_function_arn": FUNCTION,
    }
)
EVENT = {
    "event_id": "00000000-0000-0000-0000-000000000000",
    "user_id": "Björk",
    "session_id": "s",
    "track_id": "a" * 22,
    "event_type": "play",
    "occurred_at": 1_700_000_000_000,
    "source": "live",
    "schema_version": 1,
}
TAKEN = Response(status=200, body=b'{"FailedRecordCount": 0, "Records": [{"ShardId": "s"}]}')


class Stage:
    """A stored API in moto with the gateway over it; actions and functions are recorded."""

    def __init__(self, client):
        self.client = client
        aws = SimpleNamespace(
            account_id="123456789012", endpoint_url="http://127.0.0.1:1", client=lambda _: client
        )
        self.gateway = Gateway(
            aws=aws,
            invoke=self._invoke,
            permit=self._permit,
            act_as=lambda _: aws,
            clock=lambda: self.seconds,
            now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        )
        self.gateway._integrations._actions.call = self._act
        self.begin()
        self.api_id = self.put(DOCUMENT)
        deployment = client.create_deployment(restApiId=self.api_id)["id"]
        client.create_stage(restApiId=self.api_id, stageName="v1", deploymentId=deployment)
        self.key = self.add_key(throttle={"rateLimit": 10, "burstLimit": 20})
        self.changed()

    def begin(self):
        self.actions = []
        self.roles = []
        self.permitted = []
        self.forbidden = False
        self.invocations = []
        self.action_answer = TAKEN
        self.function_answer = InvokeResult(b'{"statusCode": 200, "body": "{}"}')
        self.seconds = 0.0
        self.gateway._meter.reset()

    def put(self, document, api_id=None):
        body = json.dumps(document).encode()
        if api_id is None:
            answer = self.client.import_rest_api(body=body)
            method, path = "POST", "/restapis?mode=import"
        else:
            answer = self.client.put_rest_api(restApiId=api_id, mode="overwrite", body=body)
            method, path = "PUT", f"/restapis/{api_id}?mode=overwrite"
        response = json.dumps({"id": answer["id"]}).encode()
        self.gateway.observe(method, path, body, 201, response)
        return answer["id"]

    def add_key(self, **plan):
        stages = [{"apiId": self.api_id, "stage": "v1"}]
        plan_id = self.client.create_usage_plan(name="plan", apiStages=stages, **plan)["id"]
        key = self.client.create_api_key(name="key", enabled=True)
        self.client.create_usage_plan_key(usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
        self.key_id = key["id"]
        return key["value"]

    def changed(self):
        self.gateway.observe("PATCH", "/apikeys/x", b"", 200, b"")

    def post(self, body, **headers):
        given = {"x-api-key": self.key, "content-type": "application/json"} | headers
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.ask("POST", "/events", headers=given, body=body)

    def ask(self, method, path, headers=None, **parts):
        pairs = tuple((name, value) for name, value in (headers or {}).items() if value is not None)
        return self.gateway.handle(
            self.api_id, "v1", Request(method=method, path=path, headers=pairs, **parts)
        )

    def _permit(self, function, source):
        self.permitted.append((function, source))
        if self.forbidden:
            raise InvocationForbiddenError(f"{function} is not for {source}")

    def _act(self, uri, role, body, headers):
        self.roles.append(role)
        self.actions.append((uri, json.loads(body), headers))
        if isinstance(self.action_answer, Exception):
            raise self.action_answer
        return self.action_answer

    def _invoke(self, function, payload):
        self.invocations.append((function, json.loads(payload)))
        if isinstance(self.function_answer, Exception):
            raise self.function_answer
        return self.function_answer


@pytest.fixture(scope="module")
def client():
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield boto3.client("apigateway", region_name="us-east-1")


@pytest.fixture(scope="module")
def shared(client):
    made = Stage(client)
    yield made
    made.gateway.close()


@pytest.fixture
def stage(shared):
    """The API as imported, with nothing recorded; for tests that leave it as it is."""
    shared.begin()
    return shared


@pytest.fixture
def own(client):
    """An API of the test's own, to change."""
    made = Stage(client)
    yield made
    made.gateway.close()


def told(response):
    return response.status, json.loads(response.body)


class TestIngestion:
    def test_valid_events_become_one_put_records_call(self, stage):
        """A batch becomes one PutRecords call on the stream, with the mapped content type."""
        assert told(stage.post({"events": [EVENT]})) == (200, {"accepted": 1, "failed": 0})
        ((uri, body, headers),) = stage.actions
        assert uri == "arn:aws:apigateway:us-east-1:kinesis:action/PutRecords"
        assert body["StreamName"] == "tunes-events"
        assert body["Records"][0]["PartitionKey"] == "Björk"
        assert headers == {"Content-Type": "application/x-amz-json-1.1"}

    @pytest.mark.parametrize(
        ("sent", "refusal"),
        [
            (({"events": [{**EVENT, "event_type": "hum"}]}, {}), (400, "BAD_REQUEST_BODY", "event_type")),
            (({"events": []}, {}), (400, "BAD_REQUEST_BODY", "events: array is too short")),
            (({"events": [EVENT] * 501}, {}), (400, "BAD_REQUEST_BODY", "events: array is too long")),
            ((b"{oops", {}), (400, "BAD_REQUEST_BODY", "body: could not parse")),
            ((b"", {}), (400, "BAD_REQUEST_BODY", "body: missing")),
            ((b"\xff\xfe", {}), (400, "BAD_REQUEST_BODY", "body: could not parse")),
            (({"events": [EVENT]}, {"x-api-key": None}), (403, "INVALID_API_KEY", "x-api-key")),
            (({"events": [EVENT]}, {"x-api-key": "no"}), (403, "INVALID_API_KEY", "x-api-key")),
            ((b"<a/>", {"content-type": "text/xml"}), (415, "UNSUPPORTED_MEDIA_TYPE", "content-type")),
            ((b" " * (MAX_BODY_BYTES + 1), {}), (413, "REQUEST_TOO_LARGE", "body")),
        ],
        ids=["type", "empty", "501", "broken", "no body", "bytes", "no key", "wrong key", "xml", "10 MB"],
    )  # fmt: skip
    def test_bad_input_is_refused_before_the_stream(self, stage, sent, refusal):
        """Each fault gets its 4xx with a JSON body that names the field, and nothing is put."""
        (body, headers), (status, error, words) = sent, refusal
        answered, problem = told(stage.post(body, **headers))
        assert (answered, problem["error"]) == (status, error)
        assert set(problem) == {"error", "message", "detail"}
        assert words in problem["detail"]
        assert stage.actions == []

    def test_findings_with_quotes_stay_json(self, stage):
        """A finding that quotes the client's own text cannot break the body."""
        body = {"events": [{**EVENT, "event_type": '"}, {"x": "\\'}]}
        assert told(stage.post(body))[0] == 400

    def test_a_content_type_with_charset_is_json(self, stage):
        """Parameters of the content type do not matter."""
        answer = stage.post(
            {"events": [EVENT]}, **{"content-type": "Application/JSON; charset=utf-8"}
        )
        assert answer.status == 200

    def test_a_disabled_key_is_refused(self, own):
        """Switching a key off takes effect at the next request."""
        change = [{"op": "replace", "path": "/enabled", "value": "false"}]
        own.client.update_api_key(apiKey=own.key_id, patchOperations=change)
        own.changed()
        assert own.post({"events": [EVENT]}).status == 403

    def test_the_plan_s_throttle_answers_429(self, stage):
        """Beyond the plan's burst the answer is 429, later the key works again."""
        statuses = [stage.post({"events": [EVENT]}).status for _ in range(21)]
        assert statuses == [200] * 20 + [429]
        stage.seconds = 1
        assert stage.post({"events": [EVENT]}).status == 200

    def test_failing_stream_is_a_bad_gateway(self, stage):
        """When no answer comes from the stream the client gets 502 in the usual form."""
        stage.action_answer = GatewayError("INTEGRATION_FAILURE")
        status, problem = told(stage.post({"events": [EVENT]}))
        assert (status, problem["error"]) == (502, "INTEGRATION_FAILURE")

    def test_partial_failure_overrides_the_status(self, stage):
        """The template's status override reaches the client."""
        stage.action_answer = Response(
            status=200,
            body=b'{"FailedRecordCount": 1, "Records": [{"ErrorCode": "E", "ErrorMessage": "m"}]}',
        )
        status, body = told(stage.post({"events": [EVENT]}))
        assert (status, body["failed"]) == (207, 1)

    def test_selection_pattern_picks_the_answer(self, stage):
        """A Kinesis error goes through the template of its class."""
        stage.action_answer = Response(status=400, body=b'{"__type": "ValidationException"}')
        assert told(stage.post({"events": [EVENT]}))[1]["error"] == "BAD_REQUEST_BODY"


class TestRecommendations:
    def test_the_function_must_let_the_method_invoke_it(self, stage):
        """Without a permission for just this method the answer is AWS's 500."""
        stage.forbidden = True
        answer = stage.ask("GET", "/recommendations", query=(("user_id", "u"),))
        assert answer.status == 500
        assert stage.invocations == []
        source = f"arn:aws:execute-api:us-east-1:123456789012:{stage.api_id}/v1/GET/recommendations"
        assert stage.permitted == [(FUNCTION, source)]

    def test_the_function_answers(self, stage):
        """A valid request reaches the function as a proxy event."""
        answer = stage.ask("GET", "/recommendations", query=(("user_id", "u"),))
        assert (answer.status, answer.body) == (200, b"{}")
        ((function, event),) = stage.invocations
        assert function == FUNCTION
        assert event["queryStringParameters"] == {"user_id": "u"}

    def test_missing_parameter_is_named(self, stage):
        """Without user_id the answer names it, and the function does not run."""
        status, problem = told(stage.ask("GET", "/recommendations"))
        assert (status, problem["error"]) == (400, "BAD_REQUEST_PARAMETERS")
        assert problem["detail"] == "Missing required request parameters: [user_id]"
        assert stage.invocations == []

    @pytest.mark.parametrize(
        ("answer", "status", "error"),
        [
            (InvokeResult(b'{"errorMessage": "boom"}', "Unhandled"), 502, "INTEGRATION_FAILURE"),
            (
                InvokeResult(
                    b'{"errorMessage": "Task timed out after 10.00 seconds"}', "Unhandled"
                ),
                504,
                "INTEGRATION_TIMEOUT",
            ),
            (InvokeResult(b'"text"'), 502, "INTEGRATION_FAILURE"),
            (FunctionNotFoundError("no function"), 502, "INTEGRATION_FAILURE"),
        ],
    )
    def test_failures_of_the_function_are_the_server_s(self, stage, answer, status, error):
        """A crash, a malformed answer or a missing function is 502, a timeout 504."""
        stage.function_answer = answer
        answered, problem = told(stage.ask("GET", "/recommendations", query=(("user_id", "u"),)))
        assert (answered, problem["error"]) == (status, error)

    def test_preflight_is_answered_by_the_mock(self, stage):
        """A browser's OPTIONS gets the CORS headers without a function."""
        answer = stage.ask("OPTIONS", "/recommendations")
        assert answer.status == 204
        assert dict(answer.headers)["Access-Control-Allow-Methods"] == "GET,OPTIONS"
        assert stage.invocations == []

    def test_a_preflight_with_a_foreign_body_is_the_client_s_fault(self, stage):
        """It is no error of the gateway's, as it would be if the body were passed through."""
        answer = stage.ask(
            "OPTIONS", "/recommendations", headers={"content-type": "multipart/form-data"}
        )
        assert told(answer)[0] == 415


class TestAddresses:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", "/events"), ("POST", "/recommendations"), ("GET", "/"), ("POST", "/events/"),
         ("POST", "/Events"), ("HEAD", "/recommendations"), ("DELETE", "/nope")],
    )  # fmt: skip
    def test_unknown_paths_and_methods_are_refused_as_aws_does(self, stage, method, path):
        """What the API lacks is 403 Missing Authentication Token, as from the real service."""
        status, problem = told(stage.ask(method, path, headers={"x-api-key": stage.key}))
        assert (status, problem["error"]) == (403, "MISSING_AUTHENTICATION_TOKEN")

    @pytest.mark.parametrize("address", [("nope", "v1"), (None, "v2")])
    def test_unknown_api_or_stage_is_forbidden(self, stage, address):
        """Another API or stage is 403 Forbidden in the service's own form."""
        api_id, name = address
        answer = stage.gateway.handle(
            api_id or stage.api_id, name, Request(method="GET", path="/events")
        )
        assert told(answer) == (403, {"message": "Forbidden"})


class TestObserve:
    def test_the_import_is_stored_completely(self, stage):
        """Models, validators, key and parameter settings can be read back from the API."""
        client, api = stage.client, stage.api_id
        models = {model["name"] for model in client.get_models(restApiId=api)["items"]}
        assert {"EventBatch", "ListeningEvent"} <= models
        assert len(client.get_request_validators(restApiId=api)["items"]) == 2
        resources = {r["path"]: r for r in client.get_resources(restApiId=api)["items"]}
        post = resources["/events"]["resourceMethods"]["POST"]
        get = resources["/recommendations"]["resourceMethods"]["GET"]
        assert post["apiKeyRequired"] is True
        assert post["requestModels"] == {"application/json": "EventBatch"}
        assert get["requestParameters"]["method.request.querystring.user_id"] is True
        assert post["methodIntegration"]["type"] == "AWS"

    def test_importing_again_replaces_what_was(self, own):
        """Overwriting takes models, validators and gateway responses that are gone with it."""
        document = json.loads(json.dumps(DOCUMENT))
        del document["x-amazon-apigateway-gateway-responses"]["INVALID_API_KEY"]
        document["components"]["schemas"].pop("PartlyAccepted")
        document["info"]["description"] = "Other words"
        del document["paths"]["/events"]["post"]["security"]
        own.put(document, own.api_id)
        assert own.client.get_rest_api(restApiId=own.api_id)["description"] == "Other words"
        models = own.client.get_models(restApiId=own.api_id)["items"]
        assert "PartlyAccepted" not in {model["name"] for model in models}
        assert own.post({"events": [EVENT]}, **{"x-api-key": None}).status == 200

    def test_definition_is_not_read_per_request(self, stage, monkeypatch):
        """After the first request nothing is asked of the control plane until a write."""
        stage.post({"events": [EVENT]})
        calls = []
        monkeypatch.setattr(stage.client, "_make_api_call", lambda *call: calls.append(call))
        stage.post({"events": [EVENT]})
        assert calls == []

    def test_a_default_gateway_response_is_the_service_s(self, own):
        """Without a gateway response of its own, a fault is worded as API Gateway words it."""
        for response in own.client.get_gateway_responses(restApiId=own.api_id)["items"]:
            own.client.delete_gateway_response(
                restApiId=own.api_id, responseType=response["responseType"]
            )
        own.changed()
        answer = own.post({"events": [EVENT]}, **{"x-api-key": None})
        assert told(answer) == (403, {"message": "Forbidden"})
        assert dict(answer.headers)["x-amzn-ErrorType"] == "ForbiddenException"

    @pytest.mark.parametrize("status", [400, 500])
    def test_refused_writes_are_ignored(self, stage, status):
        """An import that moto refused is not completed."""
        stage.gateway.observe("POST", "/restapis", b'{"openapi": "3.0.1"}', status, b"{}")


class TestWsgi:
    def test_path_query_headers_and_body_are_read(self, stage):
        """The WSGI application takes a request apart and answers with status line and length."""
        body = json.dumps({"events": [EVENT]}).encode()
        started = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/execute-api/{stage.api_id}/v1/events",
            "REQUEST_URI": f"/execute-api/{stage.api_id}/v1/events?x=1",
            "QUERY_STRING": "x=1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_X_API_KEY": stage.key,
            "wsgi.input": io.BytesIO(body),
        }
        chunks = stage.gateway(environ, lambda *answer: started.append(answer))
        ((line, headers),) = started
        assert line == "200 OK"
        assert dict(headers)["Content-Length"] == str(len(b"".join(chunks)))
        assert "x-amzn-RequestId" in dict(headers)

    @pytest.mark.parametrize(
        "sent",
        ["/%65xecute-api/{api}/v1/events", "//execute-api/{api}/v1/events",
         "http://host//execute-api/{api}/v1/events", "/execute-api//{api}/v1/events",
         "/execute-api/{api}%2fv1/events"],
    )  # fmt: skip
    def test_a_disguised_prefix_leads_nowhere(self, stage, sent):
        """What was sent decides, not what the server made of it."""
        started = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/execute-api/{stage.api_id}/v1/events",
            "REQUEST_URI": sent.format(api=stage.api_id),
            "HTTP_X_API_KEY": stage.key,
            "wsgi.input": io.BytesIO(),
        }
        stage.gateway(environ, lambda *answer: started.append(answer))
        assert started[0][0] == "403 Forbidden"
        assert stage.actions == []
