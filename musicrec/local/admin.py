"""What the embedded AWS offers beside AWS: health, draining, firing a rule now, functions' output."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec

from musicrec.local.parts import FunctionNotRunnableError
from musicrec.local.router import ADMIN_PREFIX
from musicrec.local.schedules import FiredTarget, RuleNotFoundError, UnsupportedRuleError
from musicrec.local.wsgi import respond_json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from musicrec.local.iam.rights import Access
    from musicrec.local.personalize.app import PersonalizeApp

DRAIN_LIMIT_S: Final = 300.0
"""How long a drain may take unless the request says otherwise (`?timeout=`, in seconds)."""

ROUTES: Final = (
    "GET /_musicrec/health",
    "POST /_musicrec/drain?timeout=<seconds>",
    "POST /_musicrec/rules/<rule name>/fire",
    "GET /_musicrec/functions/<function name>/log",
    "GET /_musicrec/accesses",
    "GET /_musicrec/personalize/life-cycle",
    "PUT /_musicrec/personalize/life-cycle",
    "POST /_musicrec/personalize/clock/advance?seconds=<seconds>",
)

_Answer = tuple[HTTPStatus, Any]


class Admin:
    """The routes below `/_musicrec`, a WSGI application.

    Args:
        drain: waits, up to a number of seconds, until every event has been processed; returns
            what each part has processed so far.
        fire: delivers a rule's scheduled event to its targets.
        log: the newest lines that a function printed.
        personalize: whose life cycle can be read and replaced, and whose clock can be advanced.
        accesses: what roles have asked for.
    """

    def __init__(
        self,
        *,
        drain: Callable[[float], Mapping[str, Any]],
        fire: Callable[[str], list[FiredTarget]],
        log: Callable[[str], list[str]],
        personalize: PersonalizeApp,
        accesses: Callable[[], list[Access]],
    ) -> None:
        self._drain = drain
        self._fire = fire
        self._log = log
        self._personalize = personalize
        self._accesses = accesses
        self._started = time.monotonic()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; an unknown route gets 404 and the list of routes."""
        path = environ["PATH_INFO"].removeprefix(ADMIN_PREFIX).strip("/")
        match environ["REQUEST_METHOD"], *path.split("/"):
            case "GET", "health":
                seconds = round(time.monotonic() - self._started, 3)
                answer: _Answer = HTTPStatus.OK, {"status": "ok", "uptime_s": seconds}
            case "POST", "drain":
                answer = self._drained(environ.get("QUERY_STRING", ""))
            case "POST", "rules", rule, "fire":
                answer = self._fired(rule)
            case "GET", "functions", name, "log":
                answer = HTTPStatus.OK, {"function": name, "lines": self._log(name)}
            case "GET", "accesses":
                answer = HTTPStatus.OK, {"accesses": [one.shown() for one in self._accesses()]}
            case "GET", "personalize", "life-cycle":
                answer = HTTPStatus.OK, msgspec.to_builtins(self._personalize.life_cycle)
            case "PUT", "personalize", "life-cycle":
                answer = self._replaced_life_cycle(environ)
            case "POST", "personalize", "clock", "advance":
                answer = self._advanced(environ.get("QUERY_STRING", ""))
            case method, *_:
                message = f"no route {method} {environ['PATH_INFO']}"
                answer = HTTPStatus.NOT_FOUND, {"message": message, "routes": ROUTES}
        return respond_json(start_response, *answer)

    def _drained(self, query: str) -> _Answer:
        value = parse_qs(query).get("timeout", [str(DRAIN_LIMIT_S)])[0]
        try:
            limit = float(value)
        except ValueError:
            message = f"timeout={value!r} is not a number of seconds"
            return HTTPStatus.BAD_REQUEST, {"message": message}
        try:
            return HTTPStatus.OK, {"processed": self._drain(limit)}
        except TimeoutError as error:
            return HTTPStatus.GATEWAY_TIMEOUT, {"message": str(error)}

    def _replaced_life_cycle(self, environ: WSGIEnvironment) -> _Answer:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        kind = type(self._personalize.life_cycle)
        try:
            self._personalize.life_cycle = msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            return HTTPStatus.BAD_REQUEST, {"message": f"no life cycle: {error}"}
        return HTTPStatus.OK, msgspec.to_builtins(self._personalize.life_cycle)

    def _advanced(self, query: str) -> _Answer:
        value = parse_qs(query).get("seconds", [""])[0]
        if not value.isdecimal():
            message = f"seconds={value!r} is not a whole number of seconds"
            return HTTPStatus.BAD_REQUEST, {"message": message}
        self._personalize.advance(int(value))
        return HTTPStatus.OK, {"now": self._personalize.now}

    def _fired(self, rule: str) -> _Answer:
        try:
            targets = self._fire(rule)
        except RuleNotFoundError as error:
            return HTTPStatus.NOT_FOUND, {"message": str(error)}
        except (FunctionNotRunnableError, UnsupportedRuleError) as error:
            return HTTPStatus.BAD_GATEWAY, {"message": str(error)}
        failed = any(target.result.error for target in targets)
        status = HTTPStatus.BAD_GATEWAY if failed else HTTPStatus.OK
        return status, {"rule": rule, "targets": [_described(target) for target in targets]}


def _described(target: FiredTarget) -> dict[str, Any]:
    return {
        "id": target.target_id,
        "arn": target.arn,
        "error": target.result.error,
        "answer": msgspec.Raw(target.result.payload),
    }
