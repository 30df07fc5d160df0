"""Which of a model's items a filter lets through, for one request.

A null matches no condition, not even a negated one. AWS documents no rule for it.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import filter_values
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.filter_language import (
    CurrentItem,
    Number,
    Placeholder,
    Texts,
)
from musicrec.local.personalize.item_columns import split_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.filter_language import Clause, Condition, FilterExpression
    from musicrec.local.personalize.item_columns import ItemColumns

ANY: Final = ("*",)

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MissingValueError(InvalidInputError):
    """An INCLUDE whose placeholder has no value in the request."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The filter needs a value for ${name}; pass it in filterValues.")
        self.name = name


@dataclass(frozen=True)
class FilterContext:
    """What one request gives a filter to look at.

    Attributes:
        n_items: how many items the model has.
        columns: item metadata, None without an Items dataset.
        recent: item codes of the user's newest interactions by event type in upper case.
        user: the user's record by column name in upper case.
        item: the request's item, likewise.
        values: `filterValues`.
    """

    n_items: int
    columns: ItemColumns | None = None
    recent: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    item: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def allowed_items(expression: FilterExpression, context: FilterContext) -> NDArray[np.bool_]:
    """Mask of the items that the filter lets through: all INCLUDEs joined, less all EXCLUDEs.

    Raises:
        InvalidInputError: an INCLUDE misses a value, or a value has the wrong form.
    """
    included: NDArray[np.bool_] | None = None
    excluded = np.zeros(context.n_items, dtype=np.bool_)
    for clause in expression.clauses:
        if not all(_user_passes(entry, context) for entry in clause.only_if):
            continue
        if clause.include:
            found = _matches(clause, context)
            included = found if included is None else included | found
        elif not _misses_value(clause, context):
            excluded |= _matches(clause, context)
    return ~excluded if included is None else included & ~excluded


def _misses_value(clause: Clause, context: FilterContext) -> bool:
    return any(
        isinstance(entry.operand, Placeholder) and entry.operand.name not in context.values
        for entry in clause.conditions()
    )


def _matches(clause: Clause, context: FilterContext) -> NDArray[np.bool_]:
    mask = np.zeros(context.n_items, dtype=np.bool_)
    for alternative in clause.any_of:
        mask |= np.logical_and.reduce([_matching(entry, context) for entry in alternative])
    return mask


def _matching(condition: Condition, context: FilterContext) -> NDArray[np.bool_]:
    if condition.dataset == "INTERACTIONS":
        return _interacted(condition, context)
    if context.columns is None:
        return np.zeros(context.n_items, dtype=np.bool_)
    if condition.operator in _COMPARE:
        return _compared(condition, context.columns, context)
    return _listed(condition, context.columns, context)


def _interacted(condition: Condition, context: FilterContext) -> NDArray[np.bool_]:
    """Items of interactions whose type is (or is not) in the list; types ignore case."""
    wanted = _texts(condition, context)
    names = {name.upper() for name in wanted}
    negated = condition.operator == "NOT IN"
    mask = np.zeros(context.n_items, dtype=np.bool_)
    for event_type, codes in context.recent.items():
        if (wanted == ANY or event_type in names) != negated:
            mask[codes] = True
    return mask


def _listed(
    condition: Condition, columns: ItemColumns, context: FilterContext
) -> NDArray[np.bool_]:
    wanted = _texts(condition, context)
    present = columns.with_value(condition.field)
    found = present if wanted == ANY else columns.with_any(condition.field, wanted)
    return present & ~found if condition.operator == "NOT IN" else found


def _compared(
    condition: Condition, columns: ItemColumns, context: FilterContext
) -> NDArray[np.bool_]:
    limit = _number(condition, context)
    if limit is None:
        return np.zeros(context.n_items, dtype=np.bool_)
    compare = _COMPARE[condition.operator]
    return columns.compare(condition.field, lambda numbers: compare(numbers, limit))


def _user_passes(condition: Condition, context: FilterContext) -> bool:
    value = context.user.get(condition.field)
    if value is None:
        return False
    if condition.operator in _COMPARE and not isinstance(condition.operand, Texts):
        limit = _number(condition, context)
        return limit is not None and bool(_COMPARE[condition.operator](float(value), limit))
    wanted = _texts(condition, context)
    found = wanted == ANY or bool(set(split_values(value)) & set(wanted))
    return found != (condition.operator in {"NOT IN", "!="})


def _texts(condition: Condition, context: FilterContext) -> tuple[str, ...]:
    operand = condition.operand
    if isinstance(operand, Texts):
        return operand.values
    if isinstance(operand, CurrentItem):
        cell = context.item.get(operand.field)
        return () if cell is None else tuple(split_values(cell))
    assert isinstance(operand, Placeholder)
    return filter_values.texts(operand.name, _value(operand, context))


def _number(condition: Condition, context: FilterContext) -> float | None:
    operand = condition.operand
    if isinstance(operand, Number):
        return operand.value
    if isinstance(operand, CurrentItem):
        cell = context.item.get(operand.field)
        return None if cell is None else float(cell)
    assert isinstance(operand, Placeholder)
    return filter_values.number(operand.name, _value(operand, context))


def _value(placeholder: Placeholder, context: FilterContext) -> str:
    try:
        return context.values[placeholder.name]
    except KeyError:
        raise MissingValueError(placeholder.name) from None
