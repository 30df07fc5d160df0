"""Mapping templates and the part of JSONPath that they use."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec import stack
from musicrec.local.gateway.jsonpath import JsonPathError, select
from musicrec.local.gateway.vtl import BodyNotJsonError, TemplateFailedError, Util, render

API = {
    "name": "n",
    "region": "us-east-1",
    "stream_name": "tunes",
    "gateway_role_arn": "r",
    "recommendations_function_arn": "f",
}
INTEGRATION = stack.api_document(API)["paths"]["/events"]["post"]["x-amazon-apigateway-integration"]
REQUEST_TEMPLATE = INTEGRATION["requestTemplates"]["application/json"]
AWKWARD = 'Björk\'s "宇多田ヒカル" \\ / \n\t 😀 $x #end ${y} \u2028'


def run(template, body="{}", context=None, **parameters):
    return render(
        template,
        body,
        parameters={"path": {}, "querystring": parameters, "header": {}},
        context={} if context is None else context,
        stage_variables={"colour": "blue"},
    )


def response_template(pattern):
    return INTEGRATION["responses"][pattern]["responseTemplates"]["application/json"]


DOCUMENT = {"a": [{"b": 1}, {"b": 2}], "odd name": {"x": None}, "__type": "T"}


class TestSelect:
    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("$.a[1].b", 2),
            ("$.a[-1].b", 2),
            ("$['odd name']", {"x": None}),
            ('$["a"][0]', {"b": 1}),
            ("$.a[*].b", [1, 2]),
            ("$.__type", "T"),
            ("$.a[9]", None),
            ("$.nope.deeper", None),
            ("$.a.b", None),
        ],
    )
    def test_follows_names_indices_and_wildcards(self, path, value):
        """A path leads to its value, or to nothing."""
        assert select(DOCUMENT, path) == value

    @pytest.mark.parametrize("path", ["a.b", "$..b", "$.a[?(@.b==1)]", "$.a[0:1]", "$.", "$x"])
    def test_other_paths_are_refused(self, path):
        """What is not supported is an error that shows the path, not an empty result."""
        with pytest.raises(JsonPathError, match="JSONPath"):
            select(DOCUMENT, path)


class TestUtil:
    def test_escape_java_script_makes_what_is_not_json(self):
        """Apostrophes come out as backslash-apostrophe, as from the real service."""
        assert Util().escapeJavaScript("it's") == "it\\'s"
        with pytest.raises(json.JSONDecodeError):
            json.loads('"' + Util().escapeJavaScript("it's") + '"')

    def test_escape_java_script_leaves_only_ascii(self):
        """Everything outside ASCII becomes UTF-16 escapes."""
        assert Util().escapeJavaScript('é😀/"\n') == '\\u00E9\\uD83D\\uDE00\\/\\"\\n'

    @given(st.text())
    def test_base64_round_trip(self, text):
        """Text that UTF-8 can express survives encoding and decoding."""
        encoded = Util().base64Encode(text)
        assert Util().base64Decode(encoded) == text

    def test_half_a_surrogate_pair_becomes_a_question_mark(self):
        """What UTF-8 cannot express is replaced, as Java does."""
        assert base64.b64decode(Util().base64Encode("\ud800")) == b"?"

    @given(st.text())
    def test_url_round_trip(self, text):
        """Form encoding is undone by its decoding."""
        assert Util().urlDecode(Util().urlEncode(text)) == text


class TestRender:
    def test_null_writes_nothing(self):
        """A reference without a value leaves no trace, in conditions and strings too."""
        assert run("[$input.path('$.nope')]") == "[]"
        assert run('#set($x = $input.path(\'$.nope\'))#if(("$x") == "")empty#end') == "empty"

    def test_json_values_have_java_s_manners(self):
        """Booleans, lists and maps print and behave as in the real engine."""
        body = '{"t": true, "l": [1, "a"], "o": {"a": {"b": false}}}'
        assert run("$input.path('$.t') $input.path('$.l').size()", body) == "true 2"
        assert run("$input.path('$.l')", body) == '[1,"a"]'
        assert run("$input.path('$.o')", body) == "{a={b=false}}"
        assert run("#if($input.path('$.o').a.b)yes#{else}no#end", body) == "no"

    def test_json_writes_a_value_again(self):
        """`$input.json` keeps characters as they are, and writes nothing as an empty string."""
        assert run("$input.json('$.a')", '{"a": {"b": "é\'"}}') == '{"b":"é\'"}'
        assert run("$input.json('$.nope')") == '""'

    def test_parameters_are_sought_by_name(self):
        """A parameter is found wherever it is, all are there by place."""
        assert run("$input.params('user') $input.params().querystring.user", user="u") == "u u"
        assert run("[$input.params('nope')]") == "[]"

    def test_stage_variables_and_context(self):
        """Stage variables and the context are read; the context's override is written."""
        context = {"requestId": "r", "responseOverride": {"header": {}}}
        template = (
            "#set($context.responseOverride.status = 207)$context.requestId $stageVariables.colour"
        )
        assert run(template, context=context) == "r blue"
        assert context["responseOverride"]["status"] == 207

    def test_body_that_is_not_json_is_told_apart(self):
        """Reading parts of a body that is not JSON is the client's fault, not the template's."""
        with pytest.raises(BodyNotJsonError):
            run("$input.json('$.a')", "{oops")
        assert run("$input.body", "{oops") == "{oops"

    @pytest.mark.parametrize("template", ["#if($x", "#foreach($i in 5)$i#end", "$input.path('x')"])
    def test_broken_template_is_an_error(self, template):
        """A template that cannot be read or run fails as such."""
        with pytest.raises(TemplateFailedError):
            run(template)


class TestEventsTemplate:
    def records(self, events):
        rendered = json.loads(run(REQUEST_TEMPLATE, json.dumps({"events": events})))
        assert rendered["StreamName"] == "tunes"
        return rendered["Records"]

    def test_awkward_text_arrives_exactly(self):
        """Quotes, backslashes, control characters, VTL signs and other scripts survive."""
        event = {"user_id": AWKWARD, "track": {"name": AWKWARD, "artists": [AWKWARD, ""]}}
        (record,) = self.records([event])
        assert json.loads(base64.b64decode(record["Data"]).decode("utf-8")) == event
        assert record["PartitionKey"] == AWKWARD

    @given(st.lists(st.dictionaries(st.text(), st.text()), min_size=1, max_size=4), st.text())
    def test_every_event_is_a_record_of_its_own(self, members, user):
        """Whatever the text, each event is one record with its user as the key, in order."""
        events = [{**member, "user_id": user} for member in members]
        records = self.records(events)
        assert [json.loads(base64.b64decode(r["Data"])) for r in records] == events
        assert {record["PartitionKey"] for record in records} == {user}

    def test_a_full_batch_renders_quickly(self):
        """500 events render in well under 150 ms."""
        event = {"user_id": "u", "track": {"name": AWKWARD, "artists": [AWKWARD] * 3}, "n": 1}
        body = json.dumps({"events": [event] * 500})
        run(REQUEST_TEMPLATE, body)
        times = []
        for _ in range(3):
            started = time.process_time()
            run(REQUEST_TEMPLATE, body)
            times.append(time.process_time() - started)
        assert min(times) < 0.15


class TestAnswerTemplates:
    def answer(self, pattern, body):
        context = {"responseOverride": {"header": {}}}
        text = run(response_template(pattern), json.dumps(body), context)
        return context["responseOverride"].get("status"), json.loads(text)

    def test_full_acceptance(self):
        """When Kinesis took everything the counts say so and the status stays."""
        body = {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "s"}] * 2}
        assert self.answer("default", body) == (None, {"accepted": 2, "failed": 0})

    def test_partial_acceptance_is_told_event_by_event(self):
        """When Kinesis took only part, status 207 carries one result for each event, in order."""
        failed = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": 'rate "x"'}
        taken = {"SequenceNumber": "1", "ShardId": "s"}
        body = {"FailedRecordCount": 1, "Records": [taken, failed, taken]}
        assert self.answer("default", body) == (
            207,
            {
                "accepted": 2,
                "failed": 1,
                "results": [
                    {"index": 0, "status": "accepted"},
                    {
                        "index": 1,
                        "status": "failed",
                        "error": "ProvisionedThroughputExceededException",
                        "message": 'rate "x"',
                    },
                    {"index": 2, "status": "accepted"},
                ],
            },
        )

    @pytest.mark.parametrize(
        ("kind", "status", "error"),
        [
            ("ProvisionedThroughputExceededException", 429, "THROTTLED"),
            ("com.amazonaws.kinesis.v20131202#LimitExceededException", 429, "THROTTLED"),
            ("ValidationException", None, "BAD_REQUEST_BODY"),
            ("InvalidArgumentException", None, "BAD_REQUEST_BODY"),
            ("ResourceNotFoundException", 502, "INTEGRATION_FAILURE"),
            ("AccessDeniedException", 502, "INTEGRATION_FAILURE"),
        ],
    )
    def test_kinesis_errors_are_told_apart(self, kind, status, error):
        """Too much is 429, a bad batch 400, everything else the server's fault."""
        override, body = self.answer(r"4\d{2}", {"__type": kind, "message": "x"})
        assert override == status
        assert body["error"] == error
        assert set(body) == {"error", "message", "detail"}

    def test_kinesis_failure_is_a_bad_gateway(self):
        """A 5xx of Kinesis has the same form of body."""
        assert self.answer(r"5\d{2}", {})[1]["error"] == "INTEGRATION_FAILURE"
