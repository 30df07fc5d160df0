"""Request validation, its exactness and its wording."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from musicrec import events
from musicrec.local.gateway.definition import Method
from musicrec.local.gateway.exchange import GatewayError, Request
from musicrec.local.gateway.validation import BodyValidator, check_parameters, parse_json

BATCH = {
    "type": "object",
    "properties": {
        "events": {"type": "array", "minItems": 1, "maxItems": 3, "items": events.json_schema()}
    },
    "required": ["events"],
    "additionalProperties": False,
}
EVENT = {
    "event_id": "00000000-0000-0000-0000-000000000000",
    "user_id": "Björk",
    "session_id": "s",
    "track_id": "a" * 22,
    "event_type": "play",
    "occurred_at": 1_700_000_000_000,
    "source": "live",
    "schema_version": 1,
    "track": {"name": "it's true", "artists": ["宇多田ヒカル"]},
}
VALIDATOR = BodyValidator(BATCH)


def finding(**changes):
    """What the validator says of one changed event; `...` leaves a member out."""
    event = {name: value for name, value in (EVENT | changes).items() if value is not ...}
    return batch_finding({"events": [EVENT, event]})


def batch_finding(body):
    with pytest.raises(GatewayError) as refused:
        VALIDATOR.check(body if isinstance(body, str) else json.dumps(body))
    assert refused.value.response_type == "BAD_REQUEST_BODY"
    return refused.value.validation_error


class TestBodyValidator:
    def test_a_valid_batch_passes(self):
        """A batch of events is accepted, whatever characters it holds."""
        VALIDATOR.check(json.dumps({"events": [EVENT] * 3}))
        VALIDATOR.check(json.dumps({"events": [EVENT]}, ensure_ascii=False))

    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"user_id": ...}, "events[1]", 'missing required properties (["user_id"])'),
            ({"user_id": "x" * 300}, "events[1].user_id", "too long (length: 300"),
            ({"user_id": ""}, "events[1].user_id", "too short"),
            ({"user_id": 7}, "events[1].user_id", "instance type (integer)"),
            ({"event_type": "hum"}, "events[1].event_type", 'instance value ("hum") not found'),
            ({"track_id": "-" * 22}, "events[1].track_id", "ECMA 262 regex"),
            ({"occurred_at": 1}, "events[1].occurred_at", "lower than the required minimum"),
            ({"occurred_at": 10**15}, "events[1].occurred_at", "greater than the required maximum"),
            ({"mood": "blue"}, "events[1]", 'not allowed by the schema: ["mood"]'),
            ({"listened_ms": -1}, "events[1].listened_ms", "lower than the required minimum"),
            ({"listened_ms": "1"}, "events[1].listened_ms", "at least one required schema among 2"),
            ({"track": {"artists": []}}, "events[1].track", 'missing required properties (["name"])'),
        ],
    )  # fmt: skip
    def test_findings_name_the_field(self, changes, field, words):
        """Each finding begins with the path of the offending field."""
        found = finding(**changes)
        assert found.startswith(f"[{field}: ")
        assert words in found

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"events": []}, "events: array is too short"),
            ({"events": [EVENT] * 4}, "events: array is too long: must have at most 3"),
            ({}, 'body: object has missing required properties (["events"])'),
            ([], "body: instance type (array)"),
            ("{oops", "body: could not parse request body into json"),
            ("[" * 100_000, "body: could not parse request body into json"),
            ("NaN", "body: could not parse request body into json"),
            ("1" * 5_000, "body: could not parse request body into json"),
        ],
    )
    def test_batches_are_held_against_the_schema(self, body, words):
        """Empty, over-long and malformed bodies are refused by what is wrong with them."""
        assert words in batch_finding(body)

    @pytest.mark.parametrize(
        "changes",
        [
            {"schema_version": True},
            {"occurred_at": 1_700_000_000_000.0},
            {"occurred_at": True},
        ],
    )
    def test_python_s_equalities_do_not_count(self, changes):
        """True is not 1 and 1.0 is no integer in JSON Schema draft 4."""
        assert "events[1]." in finding(**changes)

    def test_many_findings_are_cut_short(self):
        """A hopeless body gets a message of bounded length."""
        schema = {"type": "array", "items": {"type": "integer"}}
        with pytest.raises(GatewayError) as refused:
            BodyValidator(schema).check(json.dumps(["x" * 1000] * 1000))
        assert len(refused.value.validation_error) < 2_000

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                name: st.one_of(
                    st.sampled_from(["play", "live", "a" * 22, "", EVENT["event_id"]]),
                    st.integers(-1, 2),
                    st.sampled_from([1.0, True, None, 1_700_000_000_000, {"name": "x"}, [], {}]),
                )
                for name in (*EVENT, "extra", "listened_ms")
            },
        )
    )
    def test_the_short_cut_never_differs(self, changes):
        """What is accepted is exactly what jsonschema accepts."""
        body = {"events": [EVENT | changes]}
        expected = Draft4Validator(BATCH).is_valid(body)
        try:
            VALIDATOR.check(json.dumps(body))
        except GatewayError:
            assert not expected
        else:
            assert expected


class TestParseJson:
    def test_tells_whether_a_text_is_plain(self):
        """Floats and booleans are noticed, for they compare differently in Python."""
        assert parse_json('{"a": [1, "x", null]}') == ({"a": [1, "x", None]}, True)
        assert parse_json("[1.5]")[1] is False
        assert parse_json("[true]")[1] is False


class TestCheckParameters:
    METHOD = Method("GET", False, False, (("querystring", "user_id"), ("header", "x-a")), {}, None)

    def test_all_missing_parameters_are_named(self):
        """Absent and blank parameters are listed in the service's own words."""
        with pytest.raises(GatewayError) as refused:
            check_parameters(
                self.METHOD, Request(method="GET", path="/", query=(("user_id", " "),)), {}
            )
        assert refused.value.message == "Missing required request parameters: [user_id, x-a]"

    def test_present_parameters_pass(self):
        """Headers are found in any case."""
        request = Request(
            method="GET", path="/", query=(("user_id", "u"),), headers=(("X-A", "1"),)
        )
        check_parameters(self.METHOD, request, {})
