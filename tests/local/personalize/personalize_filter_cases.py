"""Filters as data: written down in the filter language, and judged item by item in plain Python."""

from __future__ import annotations

import operator
from dataclasses import dataclass

from hypothesis import strategies as st

SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
GENRES = ["g0", "g1", "g2", "all", "none"]
EVENTS = ["play", "PLAY", "complete", "skip", "gone"]
COUNTRIES = ["DE", "FR", "XX"]


@dataclass(frozen=True)
class Term:
    """One condition; `given` is a placeholder's name when the operand comes with the request."""

    dataset: str
    column: str
    sign: str
    operand: object
    given: str | None = None

    def text(self):
        """In the language."""
        if self.sign in SIGNS and not isinstance(self.operand, str):
            right = f"${self.given}" if self.given else str(self.operand)
        elif self.sign in SIGNS:
            right = f'"{self.operand}"'
        else:
            listed = ", ".join(f'"{value}"' for value in self.operand)
            right = f"(${self.given})" if self.given else f"({listed})"
        return f"{self.dataset}.{self.column} {self.sign} {right}"

    def value(self):
        """What a request brings for the placeholder."""
        if isinstance(self.operand, tuple):
            return ",".join(f'"{value}"' for value in self.operand)
        return str(self.operand)

    def holds(self, cell):
        """Whether a cell fulfils it; null never does."""
        if cell is None:
            return False
        if self.sign in SIGNS and not isinstance(self.operand, str):
            return SIGNS[self.sign](float(cell), float(self.operand))
        wanted = (self.operand,) if isinstance(self.operand, str) else self.operand
        found = wanted == ("*",) or bool(set(str(cell).split("|")) & set(wanted))
        return found != (self.sign in {"NOT IN", "!="})


@dataclass(frozen=True)
class Part:
    """One INCLUDE or EXCLUDE; alternatives of conjunctions."""

    verb: str
    any_of: tuple[tuple[Term, ...], ...]
    only_if: tuple[Term, ...] = ()

    def text(self):
        """In the language."""
        condition = " OR ".join(
            " AND ".join(term.text() for term in terms) for terms in self.any_of
        )
        limit = " IF " + " AND ".join(term.text() for term in self.only_if) if self.only_if else ""
        return f"{self.verb} ItemID WHERE {condition}{limit}"

    def terms(self):
        """All conditions."""
        return [*(term for terms in self.any_of for term in terms), *self.only_if]

    def applies(self, user):
        """Whether the conditions on the user hold."""
        return all(term.holds(user.get(term.column)) for term in self.only_if)

    def takes(self, row, events):
        """Whether it speaks of an item.

        Args:
            row: of the Items dataset, empty for none.
            events: types of the user's interactions with the item.
        """
        return any(all(_holds(term, row, events) for term in terms) for terms in self.any_of)


def _holds(term, row, events):
    if term.dataset != "Interactions":
        return term.holds(row.get(term.column))
    types = {name.upper() for name in events}
    wanted = {name.upper() for name in term.operand}
    if term.operand == ("*",):
        return bool(types) and term.sign == "IN"
    return bool(types & wanted if term.sign == "IN" else types - wanted)


@dataclass(frozen=True)
class Case:
    """A whole filter."""

    parts: tuple[Part, ...]

    def text(self):
        """In the language."""
        return " | ".join(part.text() for part in self.parts)

    def terms(self):
        """All conditions."""
        return [term for part in self.parts for term in part.terms()]

    def datasets(self):
        """Which datasets the group needs for it."""
        names = {term.dataset for term in self.terms()}
        return {"Users" if name == "CurrentUser" else name for name in names}

    def needs_user(self):
        """Whether a request must name a user."""
        return bool(self.datasets() - {"Items"})

    def values(self):
        """What a request may bring for the placeholders."""
        return {term.given: term.value() for term in self.terms() if term.given}

    def lets(self, row, events, user):
        """Whether an item passes for a request that brings all values."""
        parts = [part for part in self.parts if part.applies(user)]
        includes = [part.takes(row, events) for part in parts if part.verb == "INCLUDE"]
        excludes = [part.takes(row, events) for part in parts if part.verb == "EXCLUDE"]
        return (any(includes) or not includes) and not any(excludes)


def _listed(dataset, column, values):
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=3).map(tuple)
    if dataset != "CurrentUser":
        chosen = st.one_of(chosen, st.just(("*",)))
    return st.builds(
        Term, *map(st.just, (dataset, column)), st.sampled_from(["IN", "NOT IN"]), chosen
    )


def _compared(dataset, column, numbers):
    signs, limits = st.sampled_from(sorted(SIGNS)), st.sampled_from(numbers)
    return st.builds(Term, st.just(dataset), st.just(column), signs, limits)


ITEM_TERMS = st.one_of(
    _listed("Items", "GENRE", GENRES),
    _compared("Items", "TEMPO", [80.5, 90, -1, 120.25]),
    _compared("Items", "YEAR", [1990, 1991, 3000]),
)
EVENT_TERMS = _listed("Interactions", "EVENT_TYPE", EVENTS)
USER_TERMS = st.one_of(
    _listed("CurrentUser", "COUNTRY", COUNTRIES),
    _compared("CurrentUser", "AGE", [18, 20, 99]),
    st.builds(
        Term,
        st.just("CurrentUser"),
        st.just("COUNTRY"),
        st.sampled_from(["=", "!="]),
        st.sampled_from(COUNTRIES),
    ),
)


@st.composite
def parts(draw, *, users=True):
    """One INCLUDE or EXCLUDE."""
    terms = draw(st.sampled_from([ITEM_TERMS, EVENT_TERMS]))
    any_of = draw(st.lists(st.lists(terms, min_size=1, max_size=2), min_size=1, max_size=2))
    only_if = draw(st.lists(USER_TERMS, max_size=1)) if users else []
    verb = draw(st.sampled_from(["INCLUDE", "EXCLUDE"]))
    return Part(verb, tuple(map(tuple, any_of)), tuple(only_if))


@st.composite
def cases(draw):
    """A filter, with placeholders for some of its operands."""
    found = Case(tuple(draw(st.lists(parts(), min_size=1, max_size=2))))
    if draw(st.booleans()):
        return found
    numbered = iter(range(100))
    return Case(
        tuple(
            Part(
                part.verb,
                tuple(tuple(_given(term, numbered) for term in terms) for terms in part.any_of),
                part.only_if,
            )
            for part in found.parts
        )
    )


def _given(term, numbered):
    if term.sign == "NOT IN" or isinstance(term.operand, str) or term.operand == ("*",):
        return term
    return Term(term.dataset, term.column, term.sign, term.operand, f"P{next(numbered)}")
