"""AWS's refusal of a request that its sender has no right to make, in each protocol."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

import msgspec
from msgspec import Struct

from musicrec.local.iam.policies import Verdict
from musicrec.local.wsgi import respond

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from musicrec.local.iam.policies import Ask

_XML: Final = [("Content-Type", "text/xml")]


class Refusal(Struct, frozen=True):
    """One refusal.

    Attributes:
        message: in AWS's words.
    """

    message: str

    @classmethod
    def of(cls, who: str, ask: Ask, verdict: Verdict) -> Refusal:
        """The refusal of what somebody asks for.

        Args:
            who: ARN of the session.
            ask: what is refused.
            verdict: why.
        """
        why = (
            "with an explicit deny in an identity-based policy"
            if verdict is Verdict.DENIED
            else f"because no identity-based policy allows the {ask.action} action"
        )
        return cls(
            f"User: {who} is not authorized to perform: {ask.action} on resource: "
            f"{ask.resource} {why}"
        )

    def answer(
        self, environ: WSGIEnvironment, service: str, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer the request with the refusal.

        Args:
            environ: of the request.
            service: that the request was signed for.
            start_response: of WSGI.
        """
        request_id = str(uuid.uuid4())
        if service == "s3":
            body = (
                "<Error><Code>AccessDenied</Code>"
                f"<Message>{escape(self.message)}</Message><RequestId>{request_id}</RequestId>"
                "</Error>"
            )
            # An answer to HEAD has no body, so that there the status says it all.
            shown = b"" if environ["REQUEST_METHOD"] == "HEAD" else body.encode()
            return respond(start_response, 403, shown, _XML)
        if environ.get("HTTP_X_AMZ_TARGET"):
            return self._json(environ, start_response, 400)
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            body = (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                f"<Message>{escape(self.message)}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
            return respond(start_response, 403, body.encode(), _XML)
        return self._json(environ, start_response, 403)

    def _json(
        self, environ: WSGIEnvironment, start_response: StartResponse, status: int
    ) -> Iterable[bytes]:
        code = "AccessDeniedException"
        kind = environ.get("CONTENT_TYPE") or "application/json"
        headers = [("Content-Type", kind), ("x-amzn-ErrorType", code)]
        body = msgspec.json.encode({"__type": code, "message": self.message})
        return respond(start_response, status, body, headers)
