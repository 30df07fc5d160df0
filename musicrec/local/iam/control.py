"""The access control of one embedded AWS: its parts, put together for the server."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from musicrec.local.iam.function_roles import FunctionRoles
from musicrec.local.iam.guard import Guard
from musicrec.local.iam.invocations import Invocations
from musicrec.local.iam.rights import Rights
from musicrec.local.iam.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from musicrec.local.iam.guard import Signature
    from musicrec.local.iam.needs import Lookups
    from musicrec.local.parts import ActAs, Aws, Permit
    from musicrec.local.router import Exchange

_READS: Final = re.compile(rb"(?:^|&)Action=(?:Get|List|Simulate)")


class AccessControl:
    """Who signs, what they may do, and what services do in their names.

    Args:
        aws: where roles, policies and functions are stored.
        lookups: what requests name by ids.
        changed: told when something has changed in IAM.
    """

    def __init__(self, aws: Aws, lookups: Lookups, changed: Callable[[], None]) -> None:
        self.sessions = Sessions(aws)
        self.rights = Rights(aws)
        self.functions = FunctionRoles(aws, self.sessions, self.rights)
        self._invocations = Invocations(aws)
        self._guard = Guard(self.sessions, self.rights, lookups)
        self._changed = changed

    def act_as(self, service: str) -> ActAs:
        """How a service takes roles; its sessions bear the first part of its name."""
        name = service.partition(".")[0]
        return lambda role_arn: self.sessions.acting(role_arn, service=service, name=name)

    def permit(self, service: str) -> Permit:
        """How it is checked that a service may invoke a function."""
        return partial(self._invocations.permit, service)

    def around(
        self, application: WSGIApplication, environ: WSGIEnvironment, signature: Signature
    ) -> WSGIApplication:
        """The application that answers a request: first of all the caller's rights are asked."""
        checked = self.functions.around(application, environ, signature)
        return self._guard.around(checked, environ, signature)

    def observe_iam(self, exchange: Exchange) -> None:
        """Notice that roles or policies have changed."""
        if not _READS.search(exchange.body):
            self.sessions.forget_trust()
            self.rights.forget()
            self._changed()

    def observe_lambda(self, exchange: Exchange) -> None:
        """Notice that functions, and so perhaps their policies, have changed."""
        if exchange.method != "GET":
            self._invocations.forget()

    def reset(self) -> None:
        """Forget everything, when the embedded AWS is emptied."""
        self.sessions.reset()
        self.rights.reset()
        self._invocations.forget()

    def close(self) -> None:
        """Close every connection."""
        self.sessions.close()
