"""Runs a method's integration: MOCK, an AWS action between two templates, or a Lambda proxy."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from musicrec.local.gateway.aws_action import ActionCaller
from musicrec.local.gateway.context import Call
from musicrec.local.gateway.definition import Integration, IntegrationResponse
from musicrec.local.gateway.exchange import GatewayError, Response
from musicrec.local.gateway.mapping import (
    INTEGRATION_HEADER,
    METHOD_HEADER,
    mapped_headers,
    request_source,
    response_source,
)
from musicrec.local.gateway.proxy_event import proxy_event, proxy_response
from musicrec.local.gateway.vtl import BodyNotJsonError, TemplateFailedError, render
from musicrec.local.parts import (
    FunctionNotRunnableError,
    InvocationForbiddenError,
    Invoke,
    InvokeResult,
    Permit,
)

_LOG: Final = logging.getLogger(__name__)
_WORKERS: Final = 64


class Integrations:
    """What stands behind the methods.

    Args:
        actions: performs AWS actions.
        invoke: runs Lambda functions.
        permit: checks that a method may invoke a function.
    """

    def __init__(self, actions: ActionCaller, invoke: Invoke, permit: Permit) -> None:
        self._actions = actions
        self._invoke = invoke
        self._permit = permit
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="lambda-proxy")

    def run(self, call: Call) -> Response:
        """Answer a call.

        Raises:
            GatewayError: the integration is missing, misconfigured, failed or too slow, or the
                request's body does not suit its template.
        """
        integration = call.method.integration
        runners: dict[str, Callable[[Call, Integration], Response]] = {
            "AWS": self._aws,
            "AWS_PROXY": self._proxy,
            "MOCK": self._mock,
        }
        if integration is None or integration.type not in runners:
            raise GatewayError("API_CONFIGURATION_ERROR")
        return runners[integration.type](call, integration)

    def close(self) -> None:
        """End the threads; functions that still run are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._actions.close()

    def _aws(self, call: Call, integration: Integration) -> Response:
        body = _request_body(call, integration)
        source = request_source(
            call.parameters, call.request.text, call.context, call.stage.variables
        )
        headers = mapped_headers(integration.request_parameters, INTEGRATION_HEADER, source)
        answer = self._actions.call(
            integration.uri, integration.credentials, body.encode("utf-8", "replace"), headers
        )
        return _method_response(call, integration, answer)

    def _mock(self, call: Call, integration: Integration) -> Response:
        body = _request_body(call, integration)
        try:
            status = int(json.loads(body)["statusCode"])
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        return _method_response(call, integration, Response(status=status))

    def _proxy(self, call: Call, integration: Integration) -> Response:
        function = integration.uri.partition("/functions/")[2].removesuffix("/invocations")
        future = self._threads.submit(self._invoke_permitted, function, call)
        try:
            result = future.result(timeout=integration.timeout)
        except FutureTimeoutError as error:
            raise GatewayError("INTEGRATION_TIMEOUT") from error
        except InvocationForbiddenError as error:
            _LOG.warning("%s", error)
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        except FunctionNotRunnableError as error:
            _LOG.warning("%s could not run: %s", function, error)
            raise GatewayError("INTEGRATION_FAILURE") from error
        if result.error:
            shown = result.payload.decode("utf-8", "replace")
            _LOG.warning("%s failed: %s", function, shown)
            timed_out = "Task timed out" in shown
            raise GatewayError("INTEGRATION_TIMEOUT" if timed_out else "INTEGRATION_FAILURE")
        return proxy_response(result.payload)

    def _invoke_permitted(self, function: str, call: Call) -> InvokeResult:
        """Invoke the function, if it lets the API's method do so."""
        self._permit(function, call.method_arn(function.split(":")[3]))
        return self._invoke(function, proxy_event(call))


def _request_body(call: Call, integration: Integration) -> str:
    """The integration request's body: rendered, or passed through where that is allowed."""
    template = integration.request_templates.get(call.request.content_type)
    if template is not None:
        return _render(call, template, call.request.text)
    refused = integration.passthrough == "NEVER" or (
        integration.passthrough == "WHEN_NO_TEMPLATES" and integration.request_templates
    )
    if refused:
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
    return call.request.text


def _method_response(call: Call, integration: Integration, answer: Response) -> Response:
    chosen = _choose(integration, answer.status)
    text = answer.body.decode("utf-8", "replace")
    body = _response_body(call, chosen, text)
    source = response_source(dict(answer.headers), text, call.context, call.stage.variables)
    headers = mapped_headers(chosen.parameters, METHOD_HEADER, source)
    override = call.context["responseOverride"]
    headers |= {name: str(value) for name, value in override["header"].items()}
    return Response(
        status=int(override.get("status", chosen.status)),
        headers=(("Content-Type", "application/json"), *headers.items()),
        body=body.encode(),
    )


def _response_body(call: Call, chosen: IntegrationResponse, text: str) -> str:
    template = chosen.templates.get("application/json")
    if template is None:
        return text
    try:
        return _render(call, template, text)
    except GatewayError as error:
        raise GatewayError("API_CONFIGURATION_ERROR") from error


def _choose(integration: Integration, status: int) -> IntegrationResponse:
    for response in integration.responses:
        if response.pattern is None or response.pattern.fullmatch(str(status)):
            return response
    raise GatewayError("API_CONFIGURATION_ERROR")


def _render(call: Call, template: str, body: str) -> str:
    try:
        return render(
            template,
            body,
            parameters=call.parameters,
            context=call.context,
            stage_variables=call.stage.variables,
        )
    except BodyNotJsonError as error:
        raise GatewayError("BAD_REQUEST_BODY", validation_error=f"[body: {error}]") from error
    except TemplateFailedError as error:
        _LOG.warning("%s %s: %s", call.method.http_method, call.resource.path, error)
        raise GatewayError("API_CONFIGURATION_ERROR") from error
