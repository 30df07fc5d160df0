"""The filter language: text to syntax tree, with errors that point at the position.

    filter  := expr ("|" expr)*
    expr    := (INCLUDE | EXCLUDE) (ItemID | UserID) WHERE cond ((AND | OR) cond)*
               [IF user (AND user)*]
    cond    := Dataset.FIELD [NOT] IN (list)  |  Dataset.FIELD IN CurrentItem.FIELD
             | Dataset.FIELD (= | != | < | <= | > | >=) (number | $P | CurrentItem.FIELD)
    list    := "text" ("," "text")*  |  $P  |  "*"
    user    := CurrentUser.FIELD (comparison value | [NOT] IN (list))

Keywords, datasets and fields ignore case. AND binds tighter than OR. AWS publishes no grammar: this
is a reading of its page on filter expressions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from musicrec.local.personalize.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
CURRENT_USER: Final = "CURRENTUSER"
CURRENT_ITEM: Final = "CURRENTITEM"

_DATASETS: Final = frozenset({"INTERACTIONS", "ITEMS", "USERS"})
_TOKENS: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<placeholder>\$[A-Za-z0-9_]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=|>=|!=|=|<|>|\(|\)|,|\||\.)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Placeholder:
    """`$NAME`: its value comes with each request."""

    name: str


@dataclass(frozen=True)
class Texts:
    """A list of strings; `("*",)` stands for any value."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Number:
    """A number in the expression."""

    value: float


@dataclass(frozen=True)
class CurrentItem:
    """A field of the item that the request names."""

    field: str


Operand = Placeholder | Texts | Number | CurrentItem


@dataclass(frozen=True)
class Condition:
    """One comparison.

    Attributes:
        dataset: `INTERACTIONS`, `ITEMS`, `USERS` or `CURRENTUSER`.
        field: the column, upper case.
        operator: `IN`, `NOT IN` or a comparison sign.
        operand: what the column is held against.
    """

    dataset: str
    field: str
    operator: str
    operand: Operand


@dataclass(frozen=True)
class Clause:
    """One INCLUDE or EXCLUDE.

    Attributes:
        include: the verb.
        subject: `ITEMID` or `USERID`.
        any_of: alternatives, each a conjunction of conditions.
        only_if: conditions on the current user; all must hold, or the clause does not apply.
    """

    include: bool
    subject: str
    any_of: tuple[tuple[Condition, ...], ...]
    only_if: tuple[Condition, ...] = ()

    @property
    def dataset(self) -> str:
        """The one dataset that the clause looks at."""
        return self.any_of[0][0].dataset

    def conditions(self) -> Iterator[Condition]:
        """All conditions, those on the user last."""
        for alternative in self.any_of:
            yield from alternative
        yield from self.only_if


@dataclass(frozen=True)
class FilterExpression:
    """A parsed filter."""

    clauses: tuple[Clause, ...]

    def conditions(self) -> Iterator[Condition]:
        """All conditions of all clauses."""
        for clause in self.clauses:
            yield from clause.conditions()

    def fields(self) -> set[tuple[str, str]]:
        """The distinct (dataset, field) pairs, with the current user's among Users."""
        return {
            ("USERS" if entry.dataset == CURRENT_USER else entry.dataset, entry.field)
            for entry in self.conditions()
        }

    def needs_user(self) -> bool:
        """Whether the filter looks at the user's history or attributes."""
        return any(entry.dataset in {"INTERACTIONS", CURRENT_USER} for entry in self.conditions())

    def needs_item(self) -> bool:
        """Whether the filter compares with the current item."""
        return any(isinstance(entry.operand, CurrentItem) for entry in self.conditions())


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def upper(self) -> str:
        return self.text.upper()


def parse(expression: str) -> FilterExpression:
    """Parse a filter expression.

    Raises:
        InvalidInputError: it is not well-formed; the message tells the position, from 1.
    """
    return _Parser(expression).filter()


class _Parser:
    """Recursive descent, one method a rule of the grammar."""

    def __init__(self, expression: str) -> None:
        self._tokens = list(_tokens(expression))
        self._next = 0

    def filter(self) -> FilterExpression:
        clauses = [self._clause()]
        while self._accept("|"):
            clauses.append(self._clause())
        self._expect_end()
        return FilterExpression(tuple(clauses))

    def _clause(self) -> Clause:
        verb = self._expect("INCLUDE", "EXCLUDE")
        subject = self._expect("ITEMID", "USERID")
        self._expect("WHERE")
        start = self._here()
        any_of = self._alternatives(subject)
        if len({entry.dataset for alternative in any_of for entry in alternative}) > 1:
            raise _error("One expression may look at one dataset only; join two by |", start)
        only_if: tuple[Condition, ...] = ()
        condition = self._here()
        if self._accept("IF"):
            if subject == "USERID":
                raise _error("IF compares the user who asks; a segment has none", condition)
            only_if = self._user_conditions()
        return Clause(verb == "INCLUDE", subject, any_of, only_if)

    def _alternatives(self, subject: str) -> tuple[tuple[Condition, ...], ...]:
        found: list[list[Condition]] = [[self._condition(subject)]]
        while True:
            if self._accept("AND"):
                found[-1].append(self._condition(subject))
            elif self._accept("OR"):
                found.append([self._condition(subject)])
            else:
                return tuple(tuple(conditions) for conditions in found)

    def _user_conditions(self) -> tuple[Condition, ...]:
        found = [self._user_condition()]
        while self._accept("AND"):
            found.append(self._user_condition())
        return tuple(found)

    def _condition(self, subject: str) -> Condition:
        start = self._here()
        dataset, field = self._column()
        if dataset not in _DATASETS or (dataset == "USERS") != (subject == "USERID"):
            raise _error(f"{subject} cannot be filtered by {dataset}.{field}", start)
        if dataset == "INTERACTIONS" and field != "EVENT_TYPE":
            raise _error("Interactions can be filtered by EVENT_TYPE only", start)
        operator = self._operator()
        if dataset == "INTERACTIONS" and operator in COMPARISONS:
            raise _error(f"EVENT_TYPE takes IN and NOT IN, not {operator}", start)
        return Condition(dataset, field, operator, self._operand(operator))

    def _user_condition(self) -> Condition:
        start = self._here()
        dataset, field = self._column()
        if dataset != CURRENT_USER:
            raise _error("IF takes conditions on CurrentUser only", start)
        operator = self._operator()
        token = self._peek()
        if operator in COMPARISONS and token and token.kind == "text":
            if operator not in {"=", "!="}:
                raise _error(f"{operator} compares numbers, not text", token)
            return Condition(dataset, field, operator, Texts((self._text(),)))
        return Condition(dataset, field, operator, self._operand(operator))

    def _column(self) -> tuple[str, str]:
        dataset = self._word("a dataset")
        self._expect(".")
        return dataset, self._word("a field")

    def _operator(self) -> str:
        if self._accept("NOT"):
            self._expect("IN")
            return "NOT IN"
        return self._expect("IN", *sorted(COMPARISONS))

    def _operand(self, operator: str) -> Operand:
        if operator in COMPARISONS:
            return self._compared()
        if not self._accept("("):
            if operator == "NOT IN":
                self._expect("(")
            return self._current_item()
        operand = self._list(operator)
        self._expect(")")
        return operand

    def _compared(self) -> Operand:
        token = self._take("a number, a placeholder or CurrentItem.FIELD")
        if token.kind == "number":
            return Number(float(token.text))
        if token.kind == "placeholder":
            return Placeholder(token.text[1:])
        self._next -= 1
        return self._current_item()

    def _current_item(self) -> CurrentItem:
        token = self._take("( or CurrentItem")
        if token.upper != CURRENT_ITEM:
            raise _error(f"Unexpected {token.text!r}", token)
        self._expect(".")
        return CurrentItem(self._word("a field"))

    def _list(self, operator: str) -> Operand:
        token = self._peek()
        if token and token.kind == "placeholder":
            if operator == "NOT IN":
                raise InvalidInputError(
                    f"Invalid input symbol: {token.text}. "
                    "Placeholders are not allowed with NOT_IN operator."
                )
            self._next += 1
            return Placeholder(token.text[1:])
        values = [self._text()]
        while self._accept(","):
            values.append(self._text())
        return Texts(tuple(values))

    def _text(self) -> str:
        token = self._take('a string in double quotes, "*" or one placeholder')
        if token.kind != "text":
            raise _error(f"Expected a string in double quotes, not {token.text!r}", token)
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])

    def _word(self, wanted: str) -> str:
        token = self._take(wanted)
        if token.kind != "word":
            raise _error(f"Expected {wanted}, not {token.text!r}", token)
        return token.upper

    def _expect(self, *choices: str) -> str:
        wanted = " or ".join(choices)
        token = self._take(wanted)
        if token.kind == "text" or token.upper not in choices:
            raise _error(f"Expected {wanted}, not {token.text!r}", token)
        return token.upper

    def _accept(self, choice: str) -> bool:
        token = self._peek()
        if token is None or token.kind == "text" or token.upper != choice:
            return False
        self._next += 1
        return True

    def _expect_end(self) -> None:
        token = self._peek()
        if token is not None:
            raise _error(f"Unexpected {token.text!r}", token)

    def _take(self, wanted: str) -> _Token:
        token = self._peek()
        if token is None:
            raise _error(f"The expression ends where {wanted} is expected", self._here())
        self._next += 1
        return token

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _here(self) -> _Token:
        """The next token, or the end."""
        token = self._peek()
        if token is not None:
            return token
        last = self._tokens[-1] if self._tokens else _Token("end", "", 0)
        return _Token("end", "", last.position + len(last.text))


def _tokens(expression: str) -> Iterator[_Token]:
    position = 0
    while position < len(expression):
        match = _TOKENS.match(expression, position)
        if match is None:
            raise _error(f"Invalid input symbol: {expression[position]}", _Token("", "", position))
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "", match.group(), position)
        position = match.end()


def _error(message: str, token: _Token) -> InvalidInputError:
    return InvalidInputError(f"{message} (at position {token.position + 1} of the expression).")
