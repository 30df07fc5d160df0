"""Automatic updates: every two hours a deployed version of a recipe that explores takes in new items.

As AWS documents them: of the latest fully trained version only, without training anything, and only
if there is something new. Nothing runs in the background: the first request after two hours by the
server's clock makes the update and is answered with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from musicrec.local.personalize.datasets import ITEMS, records_of
from musicrec.local.personalize.newcomers import WithNewcomers
from musicrec.local.personalize.resources import ACTIVE
from musicrec.local.personalize.solutions import versions_of
from musicrec.local.personalize.training import Layouts

if TYPE_CHECKING:
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.novelty import Novelty
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import SolutionVersion
    from musicrec.local.personalize.training import Trained

INTERVAL: Final = 7200.0
"""Seconds between two updates."""


@dataclass(frozen=True, eq=False)
class Refreshed:
    """A version as its last automatic update left it.

    Attributes:
        number: how many intervals had passed since the version was ready.
        metadata: version of the Items dataset that was looked at.
        trained: the model with all items.
    """

    number: int
    metadata: int
    trained: Trained


def current(region: Region, version: SolutionVersion) -> Trained:
    """The version's model, with the items of the updates that were due by now."""
    last = version.refreshed
    number = int((region.clock() - _ready(version)) // INTERVAL)
    if number > (last.number if last else 0) and is_latest(region, version):
        records = records_of(region, version.solution.group, ITEMS)
        last = _refreshed(version, number, records) if records else last
        version.refreshed = last
    if last:
        return last.trained
    assert version.trained  # a campaign is made of an ACTIVE version only
    return version.trained


def with_new_items(region: Region, version: SolutionVersion) -> Trained:
    """The version's model with the items of this moment, as a batch job updates it for itself."""
    assert version.trained  # a job is made of an ACTIVE version only
    records = records_of(region, version.solution.group, ITEMS)
    if records is None or not is_latest(region, version):
        return version.trained
    return _with_newcomers(version.trained, records)


def _refreshed(version: SolutionVersion, number: int, records: MetadataRecords) -> Refreshed:
    last, seen = version.refreshed, records.version
    if last and last.metadata == seen:
        return replace(last, number=number)
    assert version.trained  # as above
    return Refreshed(number, seen, _with_newcomers(version.trained, records))


def is_latest(region: Region, version: SolutionVersion) -> bool:
    """Whether the version is of a recipe that explores, and its solution's latest full one."""
    if not version.solution.recipe.explores:
        return False
    full = [
        entry
        for entry in versions_of(region, version.solution)
        if entry.status == ACTIVE and entry.settings["trainingMode"] != "UPDATE"
    ]
    return bool(full) and full[-1] is version


def _ready(version: SolutionVersion) -> float:
    """When the version became ACTIVE, epoch seconds."""
    return max(version.updated, version.passage.reached) if version.passage else version.updated


def _with_newcomers(trained: Trained, records: MetadataRecords) -> Trained:
    """The training's model with all items of Items that it lacks."""
    table = records.all()
    ids = table.column(records.id_column)
    known = pa.array(trained.item_ids, pa.string())
    newcomers = table.filter(pc.invert(pc.is_in(ids, value_set=known)))
    if newcomers.num_rows == 0 or trained.novelty is None:
        return trained
    newcomers = newcomers.sort_by(records.id_column)
    item_ids = trained.item_ids + newcomers.column(records.id_column).to_pylist()
    links = _links(trained.novelty, newcomers, trained.known)
    return replace(
        trained,
        model=WithNewcomers(trained.model, links),
        item_ids=item_ids,
        item_index={name: code for code, name in enumerate(item_ids)},
        novelty=trained.novelty.extended(newcomers),
        layouts=Layouts(),
    )


def _links(novelty: Novelty, newcomers: pa.Table, n_items: int) -> sparse.csr_array:
    if novelty.anchors is None:
        return sparse.csr_array((newcomers.num_rows, n_items), dtype=np.float32)
    return novelty.anchors.links(newcomers, n_items)
