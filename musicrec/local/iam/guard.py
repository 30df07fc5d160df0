"""Stands before every service: a request signed with a role's keys needs the role's rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from musicrec.local.iam import calls
from musicrec.local.iam.needs import needs
from musicrec.local.iam.policies import Verdict
from musicrec.local.iam.refusals import Refusal
from musicrec.local.iam.s3_needs import listing
from musicrec.local.wsgi import read_body

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from musicrec.local.iam.needs import Lookups
    from musicrec.local.iam.rights import Rights
    from musicrec.local.iam.sessions import Session, Sessions


class Signature(Struct, frozen=True):
    """What the signature of a request says; empty texts for a request without one.

    Attributes:
        access_key: of the signer.
        region: that was signed for.
        service: likewise.
    """

    access_key: str = ""
    region: str = ""
    service: str = ""


class Guard:
    """Lets through what may pass. Keys that are no session's pass: the developer's, and ours.

    Args:
        sessions: who signs.
        rights: what roles may do.
        lookups: what requests name by ids.
    """

    def __init__(self, sessions: Sessions, rights: Rights, lookups: Lookups) -> None:
        self._sessions = sessions
        self._rights = rights
        self._lookups = lookups

    def around(
        self, application: WSGIApplication, environ: WSGIEnvironment, signature: Signature
    ) -> WSGIApplication:
        """The application that is to answer a request: the one it is for, or a refusal."""
        session = self._sessions.of(signature.access_key)
        if session is None:
            return application
        call = calls.read(environ, read_body(environ), signature.service, signature.region)
        for ask in needs(call, self._lookups):
            verdict = self._rights.verdict(session.role_arn, ask)
            if verdict is not Verdict.ALLOWED:
                return _answering(Refusal.of(session.arn, ask, verdict), signature.service)
        if signature.service == "s3" and call.operation in {"GetObject", "HeadObject"}:
            return self._discreet(application, session, call)
        return application

    def _discreet(
        self, application: WSGIApplication, session: Session, call: calls.Call
    ) -> WSGIApplication:
        """S3 says that an object is not there to those only who may list its bucket."""
        ask = listing(call.params.text("Bucket"))

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            started: list[Any] = []
            body = b"".join(application(environ, lambda *given: _keep(started, given)))
            if started[0].startswith("404"):
                verdict = self._rights.verdict(session.role_arn, ask)
                if verdict is not Verdict.ALLOWED:
                    refusal = Refusal.of(session.arn, ask, verdict)
                    return refusal.answer(environ, "s3", start_response)
            start_response(*started)
            return [body]

        return answer


def _keep(started: list[Any], given: tuple[Any, ...]) -> Callable[[bytes], None]:
    started[:] = given
    return _unused


def _unused(_: bytes) -> None:
    """WSGI's old way of writing, which nobody here uses."""


def _answering(refusal: Refusal, service: str) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return refusal.answer(environ, service, start_response)

    return answer
