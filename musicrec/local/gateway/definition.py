"""A stored REST API in the form that requests are run on: read once, then only looked up."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct


class IntegrationResponse(Struct, frozen=True):
    """How one class of integration answers becomes a method response.

    Attributes:
        status: status code of the method response.
        pattern: matched against the integration's status code; None for the default.
        templates: VTL by content type.
        parameters: response header mappings.
    """

    status: int
    pattern: re.Pattern[str] | None
    templates: dict[str, str]
    parameters: dict[str, str]


class Integration(Struct, frozen=True):
    """What stands behind a method.

    Attributes:
        type: AWS, AWS_PROXY or MOCK.
        uri: ARN of the action or function; empty for MOCK.
        credentials: ARN of the role that performs an action; empty without one.
        passthrough: WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER.
        request_templates: VTL by content type.
        request_parameters: mappings of the integration request's headers, path and query.
        timeout: seconds.
        responses: in the order in which their patterns are tried, the default last.
    """

    type: str
    uri: str
    credentials: str
    passthrough: str
    request_templates: dict[str, str]
    request_parameters: dict[str, str]
    timeout: float
    responses: tuple[IntegrationResponse, ...]


class Method(Struct, frozen=True):
    """One method of a resource.

    Attributes:
        api_key_required: whether a usage plan key must come with the request.
        validates_body: whether the body is held against the model of its content type.
        required_parameters: checked before the integration, as (place, name); empty when the
            method has no validator of parameters.
        request_models: model name by content type.
        integration: None when the method was made without one.
    """

    http_method: str
    api_key_required: bool
    validates_body: bool
    required_parameters: tuple[tuple[str, str], ...]
    request_models: dict[str, str]
    integration: Integration | None


class Resource(Struct, frozen=True):
    """One path of the API; methods by upper-case name, `ANY` among them."""

    id: str
    path: str
    methods: dict[str, Method]

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts; the root has none."""
        return tuple(part for part in self.path.split("/") if part)


class GatewayResponse(Struct, frozen=True):
    """How the gateway words an answer of its own; status None keeps the standard one."""

    status: int | None
    parameters: dict[str, str]
    templates: dict[str, str]


class Throttle(Struct, frozen=True):
    """Requests a second, and how many may come at once."""

    rate: float
    burst: int


class Quota(Struct, frozen=True):
    """Requests in a DAY, WEEK or MONTH."""

    limit: int
    period: str


class PlanKey(Struct, frozen=True):
    """An API key as one usage plan knows it."""

    key_id: str
    plan_id: str
    throttle: Throttle | None
    quota: Quota | None


class Stage(Struct, frozen=True):
    """A deployed stage.

    Attributes:
        variables: `$stageVariables`.
        throttles: by method path such as `recommendations/GET`, `*/*` for all methods.
        keys: the enabled keys of the stage's usage plans, by value.
    """

    name: str
    variables: dict[str, str]
    throttles: dict[str, Throttle]
    keys: dict[str, PlanKey]


class ApiDefinition(Struct, frozen=True):
    """A REST API as stored.

    Attributes:
        models: JSON Schema by model name, references resolved to `#/definitions/<model name>`.
    """

    id: str
    resources: tuple[Resource, ...]
    models: dict[str, dict[str, Any]]
    gateway_responses: dict[str, GatewayResponse]
    stages: dict[str, Stage]
