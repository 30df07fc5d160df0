"""Calls an AWS action with a rendered body: what an `AWS` integration does after its template."""

from __future__ import annotations

import logging
import re
import socket
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from musicrec.local.gateway.exchange import GatewayError, Response
from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.parts import ActAs, Aws

_LOG: Final = logging.getLogger(__name__)
_ACTION: Final = re.compile(
    r"arn:aws:apigateway:(?P<region>[\w-]+):(?P<service>[\w.-]+):action/(?P<action>\w+)"
)
_POOL: Final = 32
_NO_DELAY: Final[Any] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
"""Without it a call takes 40 ms longer, for head and body of the request travel apart."""

_TIMEOUT_SECONDS: Final = 29
"""The longest that API Gateway lets an integration take."""


class ActionCaller:
    """Sends JSON-protocol actions to the embedded AWS, over pooled connections.

    Args:
        aws: where to.
        act_as: takes the roles of integrations.
    """

    def __init__(self, aws: Aws, act_as: ActAs) -> None:
        self._aws = aws
        self._act_as = act_as
        self._session = URLLib3Session(
            proxies={},
            timeout=_TIMEOUT_SECONDS,
            max_pool_connections=_POOL,
            socket_options=_NO_DELAY,
        )

    def call(self, uri: str, role: str, body: bytes, headers: dict[str, str]) -> Response:
        """Perform the action that an integration's URI names.

        Args:
            uri: e.g. `arn:aws:apigateway:us-east-1:kinesis:action/PutRecords`.
            role: ARN of the role that performs it.
            body: the action's input as AWS JSON.
            headers: mapped headers of the integration request.

        Raises:
            GatewayError: `API_CONFIGURATION_ERROR`, the URI names no JSON action, or API Gateway
                cannot take the role; `INTEGRATION_TIMEOUT` and `INTEGRATION_FAILURE`, no answer came.
        """
        match = _ACTION.fullmatch(uri)
        if match is None:
            raise GatewayError("API_CONFIGURATION_ERROR")
        request = AWSRequest("POST", self._aws.endpoint_url, data=body, headers=headers)
        for name, value in _protocol_headers(match["service"], match["action"]).items():
            request.headers[name] = value
        self._sign(request, self._credentials(role), match["service"], match["region"])
        return self._send(request)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _credentials(self, role: str) -> Credentials:
        try:
            given = self._act_as(role).credentials
        except RoleNotAssumableError as error:
            _LOG.warning("%s", error)
            raise GatewayError("API_CONFIGURATION_ERROR") from error
        return Credentials(given.access_key, given.secret_key, given.token)

    def _sign(
        self, request: AWSRequest, credentials: Credentials, service: str, region: str
    ) -> None:
        request.headers["Host"] = urlsplit(self._aws.endpoint_url).netloc
        SigV4Auth(credentials, service, region).add_auth(request)

    def _send(self, request: AWSRequest) -> Response:
        try:
            answer = self._session.send(request.prepare())
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise GatewayError("INTEGRATION_TIMEOUT") from error
        except BotoCoreError as error:
            raise GatewayError("INTEGRATION_FAILURE") from error
        headers = tuple((str(k), str(v)) for k, v in answer.headers.items())
        return Response(status=answer.status_code, headers=headers, body=answer.content)


@cache
def _protocol_headers(service: str, action: str) -> dict[str, str]:
    """The headers that name an action in the AWS JSON protocol.

    Raises:
        GatewayError: `API_CONFIGURATION_ERROR`; no such service, or it speaks another protocol.
    """
    session = botocore.session.Session()
    if service not in session.get_available_services():
        raise GatewayError("API_CONFIGURATION_ERROR")
    metadata: dict[str, Any] = session.get_service_model(service).metadata
    if metadata["protocol"] != "json":
        raise GatewayError("API_CONFIGURATION_ERROR")
    return {
        "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
        "X-Amz-Target": f"{metadata['targetPrefix']}.{action}",
    }
