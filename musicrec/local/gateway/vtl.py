"""Mapping templates, run by a Velocity engine with API Gateway's `$input`, `$util` and `$context`.

Python values are given the manners of the Java ones that templates know: `true` and `false` in
lower case, nothing at all for null, `.size()` on lists.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

import airspeed

from musicrec.local.gateway.jsonpath import JsonPathError, select

_ESCAPES: Final = {
    "'": "\\'",  # what JavaScript allows and JSON does not; the real service does the same
    '"': '\\"',
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\n": "\\n",
    "\t": "\\t",
    "\f": "\\f",
    "\r": "\\r",
}


class TemplateFailedError(ValueError):
    """A mapping template could not be read or run."""


class BodyNotJsonError(ValueError):
    """A template asked for a part of a body that is not JSON."""


class JsonArray(list[Any]):
    """A JSON array in a template; elements are wrapped as they are reached."""

    def size(self) -> int:
        """How many elements there are."""
        return len(self)

    def get(self, index: int) -> Any:
        """The element at an index."""
        return self[index]

    def isEmpty(self) -> bool:  # noqa: N802 - templates call Java's names
        """Whether there are no elements."""
        return not self

    def __getitem__(self, index: Any) -> Any:
        return wrap(super().__getitem__(index))

    def __iter__(self) -> Iterator[Any]:
        return map(wrap, super().__iter__())

    def __str__(self) -> str:
        return to_json(list(super().__iter__()))


class JsonObject(dict[str, Any]):
    """A JSON object in a template; members are wrapped as they are reached."""

    def size(self) -> int:
        """How many members there are."""
        return len(self)

    def keySet(self) -> list[str]:  # noqa: N802 - templates call Java's names
        """The members' names."""
        return list(self)

    def containsKey(self, name: str) -> bool:  # noqa: N802 - templates call Java's names
        """Whether there is such a member."""
        return name in self

    def __getitem__(self, name: str) -> Any:
        return wrap(super().__getitem__(name))

    def __str__(self) -> str:
        return "{" + ", ".join(f"{key}={self[key]}" for key in self) + "}"


class JsonBoolean(int):
    """A JSON boolean in a template."""

    def __str__(self) -> str:
        return "true" if self else "false"


def wrap(value: Any) -> Any:
    """Give a JSON value the manners that templates expect."""
    if isinstance(value, bool):
        return JsonBoolean(value)
    if isinstance(value, dict):
        return JsonObject(value)
    return JsonArray(value) if isinstance(value, list) else value


class Input:
    """`$input`: the body, and the request's parameters."""

    def __init__(self, body: str, parameters: dict[str, dict[str, str]]) -> None:
        self.body = body
        self._parameters = parameters
        self._document: Any = None
        self._parsed = False

    def path(self, path: str) -> Any:
        """The value at a JSONPath."""
        return wrap(self._select(path))

    def json(self, path: str) -> str:
        """The value at a JSONPath, as compact JSON; an empty JSON string where nothing is."""
        value = self._select(path)
        return '""' if value is None else to_json(value)

    def params(self, name: str | None = None) -> Any:
        """All parameters by place, or one sought in path, query string and headers."""
        if name is None:
            return JsonObject(self._parameters)
        for place in self._parameters.values():
            if name in place:
                return place[name]
        return ""

    def _select(self, path: str) -> Any:
        if not self._parsed:
            self._document, self._parsed = parse_body(self.body), True
        return select(self._document, path)


class Util:
    """`$util`: encodings."""

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802 - API Gateway's name
        """Escape as Commons Lang does: apostrophes too, and everything outside ASCII."""
        return "".join(map(_escape, str(text)))

    def parseJson(self, text: str) -> Any:  # noqa: N802 - API Gateway's name
        """The value of a JSON text."""
        return wrap(parse_body(text))

    def urlEncode(self, text: Any) -> str:  # noqa: N802 - API Gateway's name
        """Encode as a form field."""
        return quote_plus(str(text))

    def urlDecode(self, text: str) -> str:  # noqa: N802 - API Gateway's name
        """Decode a form field."""
        return unquote_plus(text)

    def base64Encode(self, text: Any) -> str:  # noqa: N802 - API Gateway's name
        """Encode the text's UTF-8 bytes; half a surrogate pair becomes a question mark."""
        return base64.b64encode(str(text).encode("utf-8", errors="replace")).decode("ascii")

    def base64Decode(self, text: str) -> str:  # noqa: N802 - API Gateway's name
        """Decode to text."""
        return base64.b64decode(text).decode("utf-8", errors="replace")


_UTIL: Final = Util()


def render(
    template: str,
    body: str,
    *,
    parameters: dict[str, dict[str, str]],
    context: dict[str, Any],
    stage_variables: dict[str, str],
) -> str:
    """Run a template.

    Args:
        template: VTL; parsed once and kept.
        body: what `$input` reads.
        parameters: by place, in the order in which `$input.params(name)` looks: path, querystring,
            header.
        context: `$context`; a template may write to its `responseOverride`.
        stage_variables: `$stageVariables`.

    Raises:
        BodyNotJsonError: the template reads parts of a body that is not JSON.
        TemplateFailedError: the template is malformed or fails.
    """
    names = {
        "input": Input(body, parameters),
        "util": _UTIL,
        "context": context,
        "stageVariables": stage_variables,
    }
    compiled = _compile(template)
    try:
        return str(compiled.merge(names))
    except airspeed.TemplateError as error:
        if isinstance(error.__cause__, BodyNotJsonError):
            raise error.__cause__ from error
        raise TemplateFailedError(f"mapping template failed: {error}") from error
    except JsonPathError as error:
        raise TemplateFailedError(f"mapping template failed: {error}") from error


def to_json(value: Any) -> str:
    """Compact JSON, characters outside ASCII as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_body(text: str) -> Any:
    """The value of a body; an empty one counts as an empty object.

    Raises:
        BodyNotJsonError: it is not JSON.
    """
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BodyNotJsonError(f"could not parse request body into json: {error}") from error


@lru_cache(maxsize=256)
def _compile(template: str) -> airspeed.Template:
    compiled = airspeed.Template(template)
    try:
        compiled.ensure_compiled()
    except airspeed.TemplateError as error:
        raise TemplateFailedError(f"mapping template is malformed: {error}") from error
    _silence(compiled.root_element)
    return compiled


def _silence(element: Any) -> None:
    """Have every reference write nothing for null, as API Gateway does, and not its own text."""
    if isinstance(element, airspeed.FormalReference):
        element.silent = "!"
    for part in vars(element).values():
        for held in part if isinstance(part, list) else [part]:
            inner = getattr(held, "__self__", held)  # airspeed keeps some parts as bound methods
            if isinstance(inner, airspeed._Element) and inner is not element:  # noqa: SLF001 - the only common base class
                _silence(inner)


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04X}" for at in range(0, len(units), 2))
