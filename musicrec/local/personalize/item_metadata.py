"""Item metadata beside recommendations: which columns a request may ask for, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.datasets import ITEMS, of_group, records_of
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.item_columns import ItemColumns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.resources import Campaign, SolutionVersion
    from musicrec.local.personalize.training import Trained

MAX_COLUMNS: Final = 10
MAX_ITEMS: Final = 50
"""Items that one answer, or one list to rank, may have when metadata are asked for."""


def columns_of(region: Region, version: SolutionVersion, trained: Trained) -> ItemColumns | None:
    """Item metadata by the model's codes, made anew after they changed; None without Items."""
    records = records_of(region, version.solution.group, ITEMS)
    if records is None:
        return None
    columns = trained.layouts.items
    if columns is None or not columns.current(records):
        columns = ItemColumns.of(records, trained.item_index)
        trained.layouts.items = columns
    return columns


def requested(
    region: Region, campaign: Campaign, version: SolutionVersion, params: dict[str, Any]
) -> list[str]:
    """The columns of Items that the request asks for, as it spells them; empty without any.

    Raises:
        InvalidInputError: the campaign shows no metadata, or the columns are not those of Items.
    """
    asked: dict[str, list[str]] = params.get("metadataColumns", {})
    names = [name for listed in asked.values() for name in listed]
    if not names:
        return []
    if any(dataset.upper() != ITEMS for dataset in asked):
        raise InvalidInputError(f"metadataColumns takes columns of ITEMS, not of {sorted(asked)}.")
    enabled = campaign.settings.get("campaignConfig", {}).get("enableMetadataWithRecommendations")
    if not enabled and not version.solution.recipe.second_generation:
        raise InvalidInputError(
            f"Campaign {campaign.arn} returns no metadata; "
            "set enableMetadataWithRecommendations in its campaignConfig."
        )
    _check_names(region, version, names)
    return names


def _check_names(region: Region, version: SolutionVersion, names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise InvalidInputError(
            f"metadataColumns may name {MAX_COLUMNS} columns; these are {len(names)}."
        )
    dataset = of_group(region, version.solution.group, ITEMS)
    if dataset is None:
        raise InvalidInputError("metadataColumns needs an Items dataset; the group has none.")
    for name in names:
        if dataset.schema.fields.field(name) is None:
            raise InvalidInputError(f"The ITEMS schema has no column {name}.")


def values(columns: ItemColumns, names: Sequence[str], codes: list[int]) -> list[dict[str, str]]:
    """For each item code its values as text; what is null or unknown is left out."""
    by_name = {name: columns.texts(name.upper(), codes) for name in names}
    return [
        {name: text for name, texts in by_name.items() if (text := texts[place]) is not None}
        for place in range(len(codes))
    ]
