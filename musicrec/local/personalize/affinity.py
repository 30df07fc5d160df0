"""How much each user is drawn to an item, or to items with certain attributes.

A user's affinity to an item is the score that the model gives the item after the user's history, in
standard deviations above the mean of that user's scores, so that users compare.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.history import model_history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musicrec.local.personalize.item_columns import ItemColumns
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

MAX_ATTRIBUTES: Final = 10

_ATTRIBUTE: Final = re.compile(r'\s*items\.(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_AND: Final = re.compile(r"and\b", re.IGNORECASE)


def standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of one user with a mean of 0 and a standard deviation of 1; -inf becomes the least."""
    finite = np.isfinite(scores)
    filled = np.where(finite, scores, scores[finite].min(initial=0))
    centred: NDArray[np.float32] = filled - filled.mean(dtype=np.float32)
    return centred / (filled.std(dtype=np.float32) or np.float32(1))


def affinities(
    version: SolutionVersion, trained: Trained, targets: Sequence[NDArray[np.int64]]
) -> NDArray[np.float32]:
    """One row a user that the training knew, one column a target.

    Args:
        version: whose group's streamed events count too.
        trained: the model.
        targets: item codes; the affinity to several items is the mean.
    """
    users = trained.seen.user_ids
    found = np.empty((len(users), len(targets)), dtype=np.float32)
    if not targets:
        return found
    sizes = np.array([len(codes) for codes in targets])
    flat, starts = np.concatenate(targets), np.cumsum(sizes) - sizes
    for row, user in enumerate(users):
        items, times = model_history(trained, version.solution.group.log, user)
        scores = standardised(trained.model.scores(items, times))
        found[row] = np.add.reduceat(scores[flat], starts) / sizes
    return found


def attributes(expression: str) -> list[tuple[str, str]]:
    """The (column, value) pairs of `ITEMS.COLUMN = "value" AND ...`.

    Raises:
        InvalidInputError: it reads otherwise, or has more than `MAX_ATTRIBUTES`.
    """
    pairs, position = [], 0
    while True:
        match = _ATTRIBUTE.match(expression, position)
        if match is None:
            raise InvalidInputError(
                f'itemAttributes must read ITEMS.COLUMN = "value" AND ..., which fails at position '
                f"{position + 1} of {expression!r}."
            )
        pairs.append((match[1].upper(), re.sub(r"\\(.)", r"\1", match[2])))
        position = match.end()
        if position == len(expression):
            break
        joint = _AND.match(expression, position)
        position = joint.end() if joint else position
    if len(pairs) > MAX_ATTRIBUTES:
        raise InvalidInputError(
            f"itemAttributes may name {MAX_ATTRIBUTES} attributes; these are {len(pairs)}."
        )
    return pairs


def items_with(columns: ItemColumns | None, expression: str) -> NDArray[np.int64]:
    """The codes of the items that have all attributes.

    Raises:
        InvalidInputError: the expression is wrong, names an unknown column, or no item fits.
    """
    if columns is None:
        raise InvalidInputError("itemAttributes needs an Items dataset; the group has none.")
    mask = np.ones(columns.n_items, dtype=np.bool_)
    for name, value in attributes(expression):
        if not columns.has(name):
            raise InvalidInputError(f"The ITEMS schema has no column {name}.")
        mask &= columns.with_any(name, [value])
    if not mask.any():
        raise InvalidInputError(f"No item has the attributes {expression}.")
    return np.flatnonzero(mask)
