"""Operations on recipes, which belong to the service and are the same in every region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.operation import Operation, list_page
from musicrec.local.personalize.recipes import RECIPES, Recipe, recipe_of
from musicrec.local.personalize.resources import Resource

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region

RELEASED: Final = 1_559_347_200.0
"""The recipes' creation time: June 2019, when the service became generally available."""


class _Listed(Resource):
    arn_key = "recipeArn"


def describe(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
    """`DescribeRecipe`."""
    return {"recipe": _resource(recipe_of(params["recipeArn"]), 0).view()}


def list_recipes(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
    """`ListRecipes`, alphabetical."""
    listed = [
        _resource(recipe, sequence)
        for sequence, recipe in enumerate(RECIPES.values(), start=1)
        if "domain" not in params or recipe.domain == params["domain"]
    ]
    return list_page(listed, "recipes", params)


def _resource(recipe: Recipe, sequence: int) -> Resource:
    settings = {
        "name": recipe.name,
        "algorithmArn": f"arn:aws:personalize:::algorithm/{recipe.name}",
        "featureTransformationArn": "arn:aws:personalize:::feature-transformation/"
        + recipe.feature_transformation,
        "description": recipe.description,
        "recipeType": recipe.kind,
        "domain": recipe.domain,
    }
    return _Listed(
        arn=recipe.arn, settings=settings, created=RELEASED, updated=RELEASED, sequence=sequence
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeRecipe": describe,
    "ListRecipes": list_recipes,
}
