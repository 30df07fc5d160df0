"""Every constraint of botocore's models is enforced in every operation: one bad request for each."""

from __future__ import annotations

import json

import pytest
from personalize_models import MODELS
from test_personalize_validation import raw

from musicrec.local.personalize.errors import InvalidInputError, MalformedRequestError
from musicrec.local.personalize.operations import OPERATIONS
from musicrec.local.personalize.validation import check

FITTING = {
    "S3Location": "s3://bucket/key",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "Arn": "arn:aws:personalize:r:123456789012:x/y",
    "KmsKeyArn": "arn:aws:kms:r:123456789012:key/k",
    "SchedulingExpression": "rate(7 days)",
    "DatasetType": "ITEMS",
}
"""Texts for the shapes with a pattern that letters alone do not fit."""

MISFIT = "!é"
"""A text that no pattern of the models takes."""

WRONG_TYPE = {"string": 5, "boolean": "true", "structure": [], "map": [], "list": {}}
"""A JSON value of another type; for numbers a text."""

NUMBERS = {"integer", "long", "float", "double"}


def fitting(shape):
    """A small value that the shape takes."""
    least = shape.metadata.get("min", 0)
    if shape.type_name == "structure":
        return {name: fitting(shape.members[name]) for name in shape.required_members}
    if shape.type_name == "list":
        return [fitting(shape.member)] * int(least)
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        choices = shape.metadata.get("enum")
        return choices[0] if choices else FITTING.get(shape.name, "ab").ljust(int(least), "a")
    return True if shape.type_name == "boolean" else least


def violations(shape, path=""):
    """(path, value, what the message says of it) for each constraint of the shape and below.

    A value of another type is refused for that, and says nothing: None.
    """
    yield path, WRONG_TYPE.get(shape.type_name, "1"), None
    yield from of_size(shape, path)
    if "enum" in shape.metadata:
        yield path, "NOTHING_OF_THE_KIND", "satisfy enum value set"
    if "pattern" in shape.metadata:
        yield path, MISFIT, "satisfy regular expression pattern"
    if shape.type_name == "structure":
        yield from of_members(shape, path)
    elif shape.type_name == "list":
        rest = fitting(shape)[1:]
        for inner, value, text in violations(shape.member, f"{path}.1.member"):
            yield inner, [value, *rest], text
    elif shape.type_name == "map":
        yield from of_entries(shape, path)


def of_size(shape, path):
    """Values just beyond the bounds."""
    measure = "value" if shape.type_name in NUMBERS else "length"
    for bound, step, relation in (("min", -1, "greater"), ("max", 1, "less")):
        limit = shape.metadata.get(bound)
        if limit is not None and (measure == "value" or limit + step >= 0):
            text = f"have {measure} {relation} than or equal to {limit}"
            yield path, sized(shape, int(limit) + step), text


def sized(shape, size):
    """A value of that length, or that number."""
    if shape.type_name == "string":
        return fitting(shape).ljust(size, "a")[:size]
    if shape.type_name == "list":
        return [fitting(shape.member)] * size
    if shape.type_name == "map":
        names = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(size)]
        return dict.fromkeys(names, fitting(shape.value))
    return size


def of_members(shape, path):
    """Required members left out, then what is wrong inside of each member."""
    good, prefix = fitting(shape), f"{path}." if path else ""
    for name in shape.required_members:
        rest = {key: value for key, value in good.items() if key != name}
        yield prefix + name, rest, "not be null"
    for name, member in shape.members.items():
        for inner, value, text in violations(member, prefix + name):
            yield inner, good | {name: value}, text


def of_entries(shape, path):
    """What is wrong in a key or a value of a map; JSON has no keys but texts."""
    for inner, key, text in violations(shape.key, f"{path}.key"):
        if isinstance(key, str):
            yield inner, {key: fitting(shape.value)}, text
    name = fitting(shape.key)
    for inner, value, text in violations(shape.value, f"{path}.{name}"):
        yield inner, {name: value}, text


def refusal(shape, params):
    """The message of the refusal; None if there is none."""
    try:
        check(shape, params)
    except (InvalidInputError, MalformedRequestError) as error:
        return error.message
    return None


@pytest.mark.parametrize("name", MODELS)
class TestEveryOperation:
    def test_smallest_request_passes(self, name):
        """Required members only, each at its smallest, break no rule."""
        shape = MODELS[name].input_shape
        check(shape, fitting(shape))

    def test_each_constraint_is_enforced(self, name):
        """A request that breaks one rule is refused, and told the member and the rule."""
        shape = MODELS[name].input_shape
        for path, params, text in violations(shape):
            message = refusal(shape, params)
            wanted = f"at '{path}' failed to satisfy constraint: Member must {text}"
            assert message, (path, params)
            assert wanted in message if text else f"'{path or 'request'}' must be" in message

    def test_bounds_themselves_are_allowed(self, name):
        """The largest and the smallest size that the model gives pass."""
        shape = MODELS[name].input_shape
        for member, inner in shape.members.items():
            for bound in ("min", "max"):
                limit = inner.metadata.get(bound)
                if limit is not None and "enum" not in inner.metadata:
                    check(shape, fitting(shape) | {member: sized(inner, int(limit))})

    def test_server_checks_before_anything_else(self, world, name):
        """Over HTTP too a bad member is refused, whether or not the operation is emulated."""
        model = MODELS[name]
        path, params, _ = next(case for case in violations(model.input_shape) if case[2])
        status, kind, body = send(world, model, params)
        assert (status, kind) == (400, "InvalidInputException")
        assert f"'{path}'" in body["message"]


class TestNotEmulated:
    @pytest.mark.parametrize(
        "name",
        [
            *sorted(MODELS.keys() - OPERATIONS.keys()),
        ],
    )
    def test_refusal_says_so_by_a_declared_exception(self, world, name):
        """What is left out answers with InvalidInput, which every operation of the kind declares."""
        model = MODELS[name]
        status, kind, body = send(world, model, fitting(model.input_shape))
        assert (status, kind) == (400, "InvalidInputException")
        assert kind in {shape.name for shape in model.error_shapes}
        assert "does not emulate" in body["message"]


def send(world, model, params):
    """Status, error type and body of a raw request."""
    if model.service_model.metadata["protocol"] == "rest-json":
        return raw(world, model.http["requestUri"], json.dumps(params))
    target = f"{model.service_model.metadata['targetPrefix']}.{model.name}"
    return raw(world, "/", json.dumps(params), {"X-Amz-Target": target})
