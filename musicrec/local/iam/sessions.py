"""Who has taken which role: the sessions that STS has given out, by access key.

Functions and services take their roles as on AWS, by temporary keys, if the role's trust policy lets
them. Whoever assumes a role with STS himself is held to its policies likewise.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.local.iam.conditions import MalformedPolicyError
from musicrec.local.iam.policies import Ask, Verdict, evaluate, parse
from musicrec.local.parts import Credentials

if TYPE_CHECKING:
    from musicrec.local.parts import Aws
    from musicrec.local.router import Exchange

_MEMBER: Final = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Arn)>([^<]+)<")
_SESSION_NAME: Final = (2, 64)
"""Characters that STS takes for the name of a session."""


class RoleNotAssumableError(PermissionError):
    """A service may not take a role: there is no such role, or it does not trust the service."""

    def __init__(self, role_arn: str, service: str, why: str) -> None:
        super().__init__(f"{service} cannot assume {role_arn}: {why}")


class Session(Struct, frozen=True):
    """Somebody who has taken a role.

    Attributes:
        role_arn: the role.
        arn: of the session, as messages name it.
        credentials: that it signs with.
    """

    role_arn: str
    arn: str
    credentials: Credentials


class Sessions:
    """The sessions of an embedded AWS.

    Args:
        aws: where roles and their trust policies are read, and sessions are begun.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._by_key: dict[str, Session] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._views: dict[str, Aws] = {}
        self._trusted: set[tuple[str, str]] = set()
        self._generation = 0

    def of(self, access_key: str) -> Session | None:
        """The session that an access key belongs to; None for a key that is no session's."""
        return self._by_key.get(access_key)

    def acting(self, role_arn: str, *, service: str, name: str) -> Aws:
        """The embedded AWS as a service sees it that has taken a role; one for each session.

        Args:
            role_arn: the role.
            service: that takes it, e.g. `firehose.amazonaws.com`.
            name: of the session.

        Raises:
            RoleNotAssumableError: the role does not trust the service, or does not exist.
        """
        self._require_trust(role_arn, service)
        known = self.view(self._keys.get((role_arn, name), ""))
        if known is not None:
            return known
        access_key = self._assume(role_arn, name)
        with self._lock:
            access_key = self._keys.setdefault((role_arn, name), access_key)
        made = self.view(access_key)
        assert made is not None  # the answer that gave the key has been observed
        return made

    def view(self, access_key: str) -> Aws | None:
        """The embedded AWS as a session sees it; None for a key that is no session's."""
        session = self.of(access_key)
        if session is None:
            return None
        with self._lock:
            if access_key not in self._views:
                self._views[access_key] = self._aws.signed_by(session.credentials)
            return self._views[access_key]

    def observe(self, exchange: Exchange) -> None:
        """Take note of the session that an answer of STS has begun."""
        form = parse_qs(exchange.body.decode())
        if exchange.status == 200 and form.get("Action") == ["AssumeRole"]:
            given = dict(_MEMBER.findall(exchange.response.decode()))
            credentials = Credentials(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
            )
            session = Session(form["RoleArn"][0], given["Arn"], credentials)
            self._by_key[credentials.access_key] = session

    def forget_trust(self) -> None:
        """Ask again whom roles trust: something has changed in IAM."""
        with self._lock:
            self._generation += 1
            self._trusted.clear()

    def reset(self) -> None:
        """Forget every session."""
        self.forget_trust()
        with self._lock:
            self._by_key.clear()
            self._keys.clear()
        self.close()

    def close(self) -> None:
        """Close the connections of all sessions."""
        with self._lock:
            views, self._views = list(self._views.values()), {}
        for view in views:
            view.close()

    def _assume(self, role_arn: str, name: str) -> str:
        least, most = _SESSION_NAME
        answer = self._aws.client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName=name[:most].ljust(least, "-")
        )
        access_key: str = answer["Credentials"]["AccessKeyId"]
        return access_key

    def _require_trust(self, role_arn: str, service: str) -> None:
        with self._lock:
            generation = self._generation
            if (role_arn, service) in self._trusted:
                return
        if not role_arn:
            raise RoleNotAssumableError("no role", service, "none is named")
        iam = self._aws.client("iam")
        try:
            role = iam.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
            trust = parse(role["AssumeRolePolicyDocument"])
        except ClientError as error:
            raise RoleNotAssumableError(role_arn, service, str(error)) from error
        except MalformedPolicyError as error:
            raise RoleNotAssumableError(role_arn, service, f"its trust policy: {error}") from error
        ask = Ask(
            "sts:AssumeRole",
            role["Arn"],
            (("aws:sourceaccount", self._aws.account_id),),
            principal=service,
        )
        if evaluate([trust], ask) is not Verdict.ALLOWED:
            raise RoleNotAssumableError(role_arn, service, "its trust policy does not name it")
        with self._lock:
            if generation == self._generation:
                self._trusted.add((role_arn, service))
