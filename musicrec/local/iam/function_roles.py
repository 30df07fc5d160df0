"""Functions and their roles: what Lambda itself does with them, and what it asks of them."""

from __future__ import annotations

import re
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
from botocore.exceptions import ClientError

from musicrec.local.iam.needs import log_arn
from musicrec.local.iam.policies import ANY, Ask, Verdict
from musicrec.local.iam.sessions import RoleNotAssumableError
from musicrec.local.parts import FunctionRoleError
from musicrec.local.wsgi import read_body, respond_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from musicrec.local.function_log import FunctionLog
    from musicrec.local.iam.guard import Signature
    from musicrec.local.iam.rights import Rights
    from musicrec.local.iam.sessions import Sessions
    from musicrec.local.parts import Aws
    from musicrec.local.stored_function import StoredFunction

SERVICE: Final = "lambda.amazonaws.com"

STREAM_READS: Final = (
    "GetRecords",
    "GetShardIterator",
    "DescribeStream",
    "ListShards",
    "DescribeStreamSummary",
)
"""What Lambda asks of a function's role before it takes a Kinesis mapping, in its own order."""

_MAPPINGS: Final = re.compile(r"/2015-03-31/event-source-mappings/?")
_SETTINGS: Final = re.compile(r"/2015-03-31/functions(?:/(?P<name>[^/]+)/configuration)?/?")


class FunctionRoles:
    """The roles of functions.

    Args:
        aws: where functions are stored.
        sessions: in which functions take their roles.
        rights: what the roles may do.
    """

    def __init__(self, aws: Aws, sessions: Sessions, rights: Rights) -> None:
        self._aws = aws
        self._sessions = sessions
        self._rights = rights

    def acting(self, function: StoredFunction) -> Aws:
        """The embedded AWS as a function sees it.

        Raises:
            FunctionRoleError: Lambda cannot take the role.
        """
        try:
            return self._sessions.acting(function.role, service=SERVICE, name=function.name)
        except RoleNotAssumableError as error:
            message = f"The role defined for the function cannot be assumed by Lambda. ({error})"
            raise FunctionRoleError(message) from error

    def log(self, function: StoredFunction, stream: str, log: FunctionLog) -> RoleLog:
        """A log that keeps what the function prints if its role may write to CloudWatch Logs.

        Args:
            function: whose output it is.
            stream: name of the log stream.
            log: keeps it.
        """
        group = f"/aws/lambda/{function.name}"
        arn = partial(log_arn, self._aws.region, self._aws.account_id, group)
        asks = (Ask("logs:CreateLogStream", arn()), Ask("logs:PutLogEvents", arn(stream)))
        return RoleLog(log, lambda: all(self._may(function.role, ask) for ask in asks))

    def around(
        self, application: WSGIApplication, environ: WSGIEnvironment, signature: Signature
    ) -> WSGIApplication:
        """The application that answers a request to Lambda: that, or one that says what a role lacks."""
        if signature.service != "lambda" or environ["REQUEST_METHOD"] not in {"POST", "PUT"}:
            return application
        lacking = self._lacking(environ)
        return application if lacking is None else partial(_refuse, lacking)

    def _lacking(self, environ: WSGIEnvironment) -> str | None:
        """What is wrong with the role that a request is about, in Lambda's words."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "POST" and _MAPPINGS.fullmatch(path):
            return self._lacking_for_mapping(_document(environ))
        settings = _SETTINGS.fullmatch(path)
        if settings is None:
            return None
        asked = _document(environ)
        if (asked.get("TracingConfig") or {}).get("Mode") != "Active":
            return None
        role = asked.get("Role") or self._role_of(settings["name"])
        if role is None or self._may(role, Ask("xray:PutTraceSegments", ANY)):
            return None
        return (
            "The provided execution role does not have permissions to call PutTraceSegments on XRAY"
        )

    def _lacking_for_mapping(self, asked: dict[str, Any]) -> str | None:
        stream, role = asked.get("EventSourceArn") or "", self._role_of(asked.get("FunctionName"))
        if ":kinesis:" not in stream or role is None:
            return None
        if all(self._may(role, Ask(f"kinesis:{action}", stream)) for action in STREAM_READS):
            return None
        actions = f"{', '.join(STREAM_READS[:-1])}, and {STREAM_READS[-1]}"
        return (
            f"Cannot access stream {stream}. Please ensure the role can perform the {actions} "
            "Actions on your stream in Kinesis."
        )

    def _may(self, role: str, ask: Ask) -> bool:
        return self._rights.verdict(role, ask) is Verdict.ALLOWED

    def _role_of(self, function: str | None) -> str | None:
        """A function's role; None without one, of which Lambda itself will tell."""
        if not function:
            return None
        try:
            answer = self._aws.client("lambda").get_function_configuration(FunctionName=function)
        except ClientError:
            return None
        return str(answer["Role"])


class RoleLog:
    """What a function's processes print, as far as its role lets Lambda write it down.

    Args:
        log: keeps it.
        may_write: whether the role has the rights now.
    """

    def __init__(self, log: FunctionLog, may_write: Callable[[], bool]) -> None:
        self._log = log
        self._may_write = may_write
        self._told = threading.Event()

    def open(self) -> None:
        """Begin: Lambda itself has something to write as soon as a process starts."""
        if not self._may_write():
            self._lose()

    def write(self, line: str) -> None:
        """Keep one line of output, or lose it as AWS does; that it is lost is said once."""
        if self._may_write():
            self._log.write(line)
        else:
            self._lose()

    def _lose(self) -> None:
        if not self._told.is_set():
            self._told.set()
            self._log.write(
                "(the function's output is lost from here on: its role lacks "
                "logs:CreateLogStream or logs:PutLogEvents)"
            )


def _document(environ: WSGIEnvironment) -> dict[str, Any]:
    try:
        return msgspec.json.decode(read_body(environ), type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _refuse(
    message: str, _environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    headers = [("x-amzn-ErrorType", "InvalidParameterValueException")]
    return respond_json(start_response, 400, {"Type": "User", "message": message}, headers)
