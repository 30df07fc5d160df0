"""Which operation of which service a request names, read off botocore's service models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, parse_qsl

import msgspec
from botocore.exceptions import UnknownServiceError
from msgspec import Struct

from musicrec.local.service_models import service_model

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from botocore.model import OperationModel

_SEVERAL: Final = {
    "monitoring": ("cloudwatch",),
    "personalize": ("personalize", "personalize-events", "personalize-runtime"),
}
"""boto3's names of the services that sign with a name that is not theirs alone."""

_PLACEHOLDER: Final = re.compile(r"\{([^}+]+)(\+?)\}")


class Call(Struct, frozen=True):
    """One request, understood as far as rights are concerned.

    Attributes:
        service: the name that it is signed with, e.g. `personalize`.
        region: likewise.
        operation: the operation's name; empty if the request names none.
        params: members of its input; of a REST request those in path and query as well.
        headers: of the request, as WSGI spells them.
    """

    service: str
    region: str
    operation: str
    params: Params
    headers: Mapping[str, Any]


class Params:
    """Members of a request's input, each decoded when it is asked for.

    A request may carry megabytes, and its rights depend on a name or two.

    Args:
        plain: members that came as text.
        body: a JSON object, or something else.
    """

    def __init__(self, plain: Mapping[str, str], body: bytes = b"") -> None:
        self._plain = plain
        self._body = body
        self._raw: dict[str, msgspec.Raw] | None = None

    def get(self, name: str) -> Any:
        """A member; None without it."""
        if name in self._plain:
            return self._plain[name]
        if self._raw is None:
            self._raw = _members(self._body)
        raw = self._raw.get(name)
        return None if raw is None else msgspec.json.decode(raw)

    def text(self, name: str) -> str:
        """A member; empty if there is none, or none that is text."""
        value = self.get(name)
        return value if isinstance(value, str) else ""

    def mapping(self, name: str) -> dict[str, Any]:
        """A member; empty if there is none, or none that has members itself."""
        value = self.get(name)
        return value if isinstance(value, dict) else {}

    def mappings(self, name: str) -> list[dict[str, Any]]:
        """The entries of a list that have members themselves."""
        value = self.get(name)
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

    def texts(self, name: str) -> list[str]:
        """The entries of a list that are text."""
        value = self.get(name)
        return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

    @property
    def body(self) -> bytes:
        """The request's body as sent."""
        return self._body


def _members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def read(environ: WSGIEnvironment, body: bytes, service: str, region: str) -> Call:
    """Understand a signed request.

    Args:
        environ: the WSGI environment.
        body: the request's.
        service: that the request is signed for.
        region: likewise.
    """
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(service, region, target.rpartition(".")[2], Params({}, body), environ)
    for name in _SEVERAL.get(service, (service,)):
        if _protocol(name) == "query":
            form = dict(parse_qsl(body.decode(errors="replace") or environ["QUERY_STRING"]))
            return Call(service, region, form.get("Action", ""), Params(form), environ)
        found = _rest_operation(name, environ)
        if found is not None:
            return Call(service, region, found[0], Params(found[1], body), environ)
    return Call(service, region, "", Params({}), environ)


@cache
def _protocol(service: str) -> str:
    try:
        return str(service_model(service).metadata["protocol"])
    except UnknownServiceError:
        return ""


class _Route(Struct, frozen=True):
    """What a request to a REST operation looks like.

    Attributes:
        fixed: what the query must hold, with empty values where any will do.
        headers: that must be there, as WSGI spells them.
    """

    operation: str
    path: re.Pattern[str]
    members: tuple[str, ...]
    fixed: tuple[tuple[str, str], ...]
    headers: tuple[str, ...]

    def fits(self, query: Mapping[str, list[str]], environ: WSGIEnvironment) -> bool:
        return all(
            name in query and value in {"", *query[name]} for name, value in self.fixed
        ) and all(name in environ for name in self.headers)

    @property
    def rank(self) -> int:
        """Of the operations that fit, the one that asks for most is meant."""
        return len(self.fixed) + len(self.headers)


def _rest_operation(service: str, environ: WSGIEnvironment) -> tuple[str, dict[str, str]] | None:
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    for route in _routes(service).get(environ["REQUEST_METHOD"], ()):
        match = route.path.fullmatch(path) if route.fits(query, environ) else None
        if match is not None:
            named = {name: values[0] for name, values in query.items()}
            return route.operation, named | dict(zip(route.members, match.groups(), strict=True))
    return None


@cache
def _routes(service: str) -> dict[str, list[_Route]]:
    """A service's routes by HTTP method, those first that ask for most."""
    if not _protocol(service).startswith("rest"):
        return {}
    model = service_model(service)
    routes: dict[str, list[_Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        routes.setdefault(operation.http["method"], []).append(_route(operation))
    for listed in routes.values():
        listed.sort(key=lambda route: -route.rank)
    return routes


def _route(operation: OperationModel) -> _Route:
    uri, _, query = operation.http["requestUri"].partition("?")
    required = list(_required(operation))
    fixed = [*parse_qsl(query, keep_blank_values=True)]
    fixed += [(name, "") for place, name in required if place == "querystring"]
    headers = [name for place, name in required if place == "header"]
    return _Route(
        operation=operation.name,
        path=re.compile(_pattern(uri), re.DOTALL),
        members=tuple(name for name, _ in _PLACEHOLDER.findall(uri)),
        fixed=tuple(fixed),
        headers=tuple("HTTP_" + name.upper().replace("-", "_") for name in headers),
    )


def _pattern(uri: str) -> str:
    at, pattern = 0, ""
    for match in _PLACEHOLDER.finditer(uri):
        pattern += re.escape(uri[at : match.start()]) + ("(.+)" if match[2] else "([^/]+)")
        at = match.end()
    return pattern + re.escape(uri[at:]).removesuffix("/") + "/?"


def _required(operation: OperationModel) -> Iterator[tuple[str, str]]:
    """Place and name of the members that a request must carry outside its path and body."""
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        serialization: dict[str, str] = shape.members[name].serialization  # type: ignore[union-attr]  # there is one
        if "location" in serialization:
            yield serialization["location"], serialization["name"]
