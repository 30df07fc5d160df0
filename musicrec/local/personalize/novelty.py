"""How new and how little known each item is: what exploration goes by.

An item's age counts from its CREATION_TIMESTAMP; without one from its oldest interaction; without
any interaction it is as young as the newest interaction of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa

from musicrec.local.personalize.newcomers import Anchors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from musicrec.local.personalize.impressions import Impressions
    from musicrec.local.personalize.item_features import FeatureEncoder
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.research.models.base import Interactions

FAMILIAR_AFTER: Final = 10.0
"""Interactions after which an item is half as likely to be explored."""

CREATED: Final = "CREATION_TIMESTAMP"


class PassedOver:
    """How often each item was shown and passed over; reads only what changed since the last look.

    Args:
        counts: of before any impression streamed, by item code.
    """

    def __init__(self, counts: NDArray[np.float32]) -> None:
        self._lock = Lock()
        self._counts = counts
        self._penalties = np.log1p(counts)
        self._read = 0

    def penalties(
        self, impressions: Impressions, item_index: Mapping[str, int]
    ) -> NDArray[np.float32]:
        """What each item loses of the logarithm of its chance: once passed over, half the chance."""
        with self._lock:
            news = impressions.changes(self._read)
            self._read += len(news)
            for item, change in news:
                code = item_index.get(item)
                if code is not None:
                    self._counts[code] += change
                    self._penalties[code] = np.log1p(self._counts[code])
            return self._penalties


@dataclass(frozen=True, eq=False)
class Novelty:
    """What exploration knows of the items.

    Attributes:
        born: epoch seconds by item code.
        meetings: interactions of the training by item code.
        latest: the newest interaction of the training, epoch seconds.
        imported: impressions passed over in what was imported, by item code.
        anchors: by which new items are judged; None without usable metadata.
        passed: impressions passed over, streamed ones too.
    """

    born: NDArray[np.int64]
    meetings: NDArray[np.float32]
    latest: int
    imported: NDArray[np.float32]
    anchors: Anchors | None
    passed: PassedOver

    @cached_property
    def familiarity(self) -> NDArray[np.float32]:
        """What each item loses of the logarithm of its chance for being known."""
        lost: NDArray[np.float32] = np.log1p(self.meetings / np.float32(FAMILIAR_AFTER))
        return lost

    def extended(self, newcomers: pa.Table) -> Self:
        """With new items, in the order of their records."""
        nothing = np.zeros(newcomers.num_rows, dtype=np.float32)
        created = _created(newcomers)
        born = np.where(np.isnan(created), self.latest, created).astype(np.int64)
        imported = np.concatenate([self.imported, nothing])
        return replace(
            self,
            born=np.concatenate([self.born, born]),
            meetings=np.concatenate([self.meetings, nothing]),
            imported=imported,
            passed=PassedOver(imported.copy()),
        )


def learned(
    interactions: Interactions,
    records: MetadataRecords | None,
    features: tuple[FeatureEncoder, NDArray[np.float32]] | None,
    bulk: pa.Table | None,
) -> Novelty:
    """Look at a training's data.

    Args:
        interactions: of the training, by time.
        records: the Items dataset.
        features: item metadata as numbers, by item code, and what made them so.
        bulk: the imported interactions, with all columns.
    """
    count = interactions.n_items
    index = {name: code for code, name in enumerate(interactions.item_ids)}
    latest = int(interactions.timestamps.max(initial=0))
    meetings = np.bincount(interactions.items, minlength=count).astype(np.float32)
    born = np.full(count, latest, dtype=np.int64)
    # Of several values for one place the last stays: the oldest, read from the newest on.
    born[interactions.items[::-1]] = interactions.timestamps[::-1]
    if records is not None:
        table = records.all()
        created = _created(table)
        codes = np.array(
            [index.get(name, -1) for name in table.column(records.id_column).to_pylist()],
            dtype=np.int64,
        )
        known = (codes >= 0) & ~np.isnan(created)
        born[codes[known]] = created[known]
    imported = _imported(bulk, index)
    return Novelty(
        born=born,
        meetings=meetings,
        latest=latest,
        imported=imported,
        anchors=Anchors.of(*features, meetings) if features else None,
        passed=PassedOver(imported.copy()),
    )


def _created(table: pa.Table) -> NDArray[np.float64]:
    """Epoch seconds of each record, NaN for none."""
    names = {name.upper(): name for name in table.column_names}
    if CREATED not in names:
        return np.full(table.num_rows, np.nan)
    numbers: NDArray[np.float64] = table.column(names[CREATED]).cast(pa.float64()).to_numpy()
    return numbers


def _imported(bulk: pa.Table | None, index: Mapping[str, int]) -> NDArray[np.float32]:
    counts = np.zeros(len(index), dtype=np.float32)
    if bulk is None or "IMPRESSION" not in bulk.column_names:
        return counts
    for item, cell in zip(
        bulk.column("ITEM_ID").to_pylist(), bulk.column("IMPRESSION").to_pylist(), strict=True
    ):
        for shown in set(cell.split("|")) - {item} if cell else ():
            if shown in index:
                counts[index[shown]] += 1
    return counts
