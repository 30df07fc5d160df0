"""Training: from a group's data to an immutable model that a campaign serves.

Everything that is read is taken once at the beginning, no lock is held afterwards, and the result
appears as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import novelty
from musicrec.local.personalize.avro import RESERVED
from musicrec.local.personalize.contexts import Contexts
from musicrec.local.personalize.item_features import FeatureEncoder, item_features
from musicrec.local.personalize.models import new_model, uses_metadata
from musicrec.local.personalize.objective import Objective, WithObjective
from musicrec.local.personalize.workers import JobFailedError
from musicrec.research.models.base import Interactions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.event_selection import EventSelection
    from musicrec.local.personalize.interaction_log import InteractionLog
    from musicrec.local.personalize.interaction_table import InteractionTable
    from musicrec.local.personalize.item_columns import ItemColumns
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.novelty import Novelty
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.research.models.base import Model

MIN_INTERACTIONS: Final = 1000
MIN_USERS: Final = 25
MIN_USERS_SHARE: Final = 0.01
"""Users with at least two interactions each: how many, and of all users that share."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training and its evaluation look at.

    Attributes:
        interactions: coded and weighted.
        seen: the same rows by user, with event types and values.
        features: item metadata as numbers, by item code.
        mark: streamed events before this mark are among the interactions.
        catalogue_size: distinct items in all datasets.
        parameters: hyperparameters of the solution.
        objective: beside relevance.
        contexts: what the circumstances of interactions say.
        novelty: for recipes that explore.
    """

    interactions: Interactions
    seen: InteractionTable
    features: NDArray[np.float32] | None
    mark: int
    catalogue_size: int
    parameters: Mapping[str, str]
    objective: Objective | None
    contexts: Contexts
    novelty: Novelty | None = None


@dataclass(eq=False)
class Layouts:
    """What was imported, by a model's codes; made anew when it changes.

    Attributes:
        items: metadata by item code.
        users: metadata by the training's user codes.
    """

    items: ItemColumns | None = None
    users: ItemColumns | None = None
    _imported: tuple[InteractionTable, NDArray[np.int64]] | None = None

    def imported_codes(
        self, table: InteractionTable, item_index: Mapping[str, int]
    ) -> NDArray[np.int64]:
        """The model's code of each item of a table, -1 for those that it does not know."""
        kept = self._imported
        if kept is None or kept[0] is not table:
            codes = [item_index.get(name, -1) for name in table.item_ids]
            kept = self._imported = table, np.array(codes, dtype=np.int64)
        return kept[1]


@dataclass(frozen=True, eq=False)
class Trained:
    """A model with what it needs to answer; never changed once made, layouts aside.

    Attributes:
        model: fitted.
        item_ids: by code; those of the training first, then those that an automatic update added.
        item_index: codes by id.
        seen: the histories known at training, in the model's codes.
        selection: which events make a history.
        mark: streamed events before this mark are in `seen`.
        contexts: what circumstances say.
        novelty: how new the items are, for recipes that explore.
        layouts: metadata at hand.
    """

    model: Model
    item_ids: list[str]
    item_index: dict[str, int]
    seen: InteractionTable
    selection: EventSelection
    mark: int
    contexts: Contexts = field(default_factory=lambda: Contexts({}))
    novelty: Novelty | None = None
    layouts: Layouts = field(default_factory=Layouts)

    @property
    def known(self) -> int:
        """How many items the training knew: later ones have this code and higher ones."""
        return len(self.seen.item_ids)


def collect(
    recipe: Recipe,
    selection: EventSelection,
    log: InteractionLog,
    items: MetadataRecords | None,
    *,
    excluded: frozenset[str],
    config: Mapping[str, Any],
    contexts: Collection[str] = (),
) -> TrainingData:
    """Take what is there now.

    Args:
        recipe: decides whether item metadata are used.
        selection: which interactions count.
        log: the group's interactions.
        items: the group's Items dataset.
        excluded: item columns that the solution leaves out.
        config: the `solutionConfig`.
        contexts: columns of Interactions that tell circumstances.

    Raises:
        JobFailedError: the data do not reach AWS's minimums.
    """
    mark = log.length
    table = log.table(mark)
    weights = selection.weights(table)
    kept = ~np.isnan(weights)
    seen, weights = table.select(kept), weights[kept]
    _check_minimums(seen, table, selection)
    met = {seen.item_ids[code] for code in np.unique(seen.items)}
    described = set(items.all().column("ITEM_ID").to_pylist()) if items else set()
    item_ids = sorted(met | described) if uses_metadata(recipe) else sorted(met)
    seen = seen.recode_items(item_ids)
    index = {name: code for code, name in enumerate(item_ids)}
    encoder = FeatureEncoder.learned(items, excluded) if items and uses_metadata(recipe) else None
    features = item_features(encoder, items, index) if items and encoder else None
    interactions = _interactions(seen, weights)
    return TrainingData(
        interactions=interactions,
        seen=seen,
        features=features,
        mark=mark,
        catalogue_size=len(described.union(table.item_ids)),
        parameters=config.get("algorithmHyperParameters", {}),
        objective=Objective.of(config, items, index),
        contexts=Contexts.learned(log, mark, contexts, index),
        novelty=_novelty(interactions, items, encoder, features, log) if recipe.explores else None,
    )


def unfitted(recipe: Recipe, data: TrainingData) -> Model:
    """The model that the recipe and the solution's configuration ask for."""
    model = new_model(recipe, data.parameters)
    if data.objective is None or not data.objective.emphasis:
        return model
    return WithObjective(model, data.objective)


def fit(recipe: Recipe, selection: EventSelection, data: TrainingData) -> Trained:
    """Train the recipe's model on all of the data."""
    return Trained(
        model=unfitted(recipe, data).fit(data.interactions, data.features),
        item_ids=data.interactions.item_ids,
        item_index={name: code for code, name in enumerate(data.interactions.item_ids)},
        seen=data.seen,
        selection=selection,
        mark=data.mark,
        contexts=data.contexts,
        novelty=data.novelty,
    )


def _novelty(
    interactions: Interactions,
    items: MetadataRecords | None,
    encoder: FeatureEncoder | None,
    features: NDArray[np.float32] | None,
    log: InteractionLog,
) -> Novelty:
    described = (encoder, features) if encoder and features is not None else None
    return novelty.learned(interactions, items, described, log.bulk)


def _interactions(seen: InteractionTable, weights: NDArray[np.float32]) -> Interactions:
    order = np.lexsort((seen.items, seen.users, seen.timestamps))
    return Interactions(
        users=seen.users[order],
        items=seen.items[order],
        timestamps=seen.timestamps[order],
        weights=weights[order],
        user_ids=seen.user_ids,
        item_ids=seen.item_ids,
    )


def _names_events(table: InteractionTable) -> bool:
    """Whether any interaction has an event type that is not a reserved word."""
    usable = [code for code, name in enumerate(table.event_types) if name.upper() not in RESERVED]
    return bool(np.isin(table.types, usable).any())


def _check_minimums(
    seen: InteractionTable, everything: InteractionTable, selection: EventSelection
) -> None:
    if selection.rules is not None and not _names_events(everything):
        raise JobFailedError(
            "All values in the event_type column are either reserved keywords or null."
        )
    if len(seen) < MIN_INTERACTIONS:
        after = "" if selection.rules is None else f" after filtering by event type: {selection}"
        raise JobFailedError(f"Dataset has fewer than {MIN_INTERACTIONS} interactions{after}")
    repeating = int((np.diff(seen.offsets) >= 2).sum())
    if repeating < MIN_USERS:
        raise JobFailedError(
            f"Dataset has fewer than {MIN_USERS} users with at least 2 interactions each."
        )
    users = int((np.diff(seen.offsets) >= 1).sum())
    if repeating < MIN_USERS_SHARE * users:
        raise JobFailedError(
            f"Dataset has fewer than {MIN_USERS_SHARE:.0%} of {users} users with at least "
            "2 interactions each."
        )
