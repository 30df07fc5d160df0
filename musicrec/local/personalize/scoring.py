"""How each recipe scores all items for one request, live or in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from musicrec.local.personalize import recipes
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.trends import trending

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.history import History
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained


def all_scores(
    version: SolutionVersion,
    trained: Trained,
    params: dict[str, Any],
    history: History,
    now: float,
) -> NDArray[np.float32]:
    """A score for every item code; -inf for what is never recommended.

    Args:
        version: says by which recipe.
        trained: its model.
        params: `userId` or `itemId`, as the recipe's type asks.
        history: of that user.
        now: epoch seconds.

    Raises:
        InvalidInputError: what the recipe needs is missing.
    """
    recipe = version.solution.recipe
    if recipe.needs_user:
        _required(recipe, params, "userId")
    if recipe.kind == recipes.RELATED_ITEMS:
        return _related(trained, _required(recipe, params, "itemId"))
    if recipe.method == "aws-trending-now":
        return trending(version, trained, now)
    if recipe.kind == recipes.POPULAR_ITEMS:
        return trained.model.scores(np.empty(0, dtype=np.int32))
    _required(recipe, params, "userId")
    return of_user(trained, params, history)


def of_user(trained: Trained, params: dict[str, Any], history: History) -> NDArray[np.float32]:
    """A score for every item code after the user's history, in the request's `context`."""
    scores = trained.model.scores(history.items, history.times)
    context = params.get("context")
    if not context:
        return scores
    return trained.contexts.applied(scores, context, cold=len(history.items) == 0)


def _required(recipe: recipes.Recipe, params: dict[str, Any], name: str) -> str:
    value = params.get(name)
    if not value:
        raise InvalidInputError(f"{name} is required by the recipe {recipe.name}.")
    return str(value)


def _related(trained: Trained, item_id: str) -> NDArray[np.float32]:
    """Neighbours of an item without itself; popular items for one that the model does not know."""
    code = trained.item_index.get(item_id)
    history = np.array([] if code is None else [code], dtype=np.int32)
    scores = trained.model.scores(history)
    scores[history] = -np.inf
    return scores
