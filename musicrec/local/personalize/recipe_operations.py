"""Operations on what belongs to the service: recipes, algorithms and feature transformations.

They are the same in every region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import ResourceNotFoundError
from musicrec.local.personalize.operation import Operation, list_page
from musicrec.local.personalize.recipe_list import RECIPES, recipe_of
from musicrec.local.personalize.resources import ACTIVE, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musicrec.local.personalize.recipes import Hyperparameter, Recipe
    from musicrec.local.personalize.region import Region

PAGE_SIZE: Final = 11
"""Recipes of a page unless the caller wants another number, as in a recorded answer of AWS."""

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
    return list_page(listed, "recipes", params, usual=PAGE_SIZE)


def describe_algorithm(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
    """`DescribeAlgorithm`: the defaults and ranges of the hyperparameters."""
    arn = params["algorithmArn"]
    recipe = next((entry for entry in RECIPES.values() if entry.algorithm_arn == arn), None)
    if recipe is None:
        raise ResourceNotFoundError(arn)
    return {
        "algorithm": {
            "name": arn.rpartition("/")[2],
            "algorithmArn": arn,
            "defaultHyperParameters": _defaults(recipe.hyperparameters),
            "defaultHyperParameterRanges": _ranges(recipe.hyperparameters),
            "creationDateTime": RELEASED,
            "lastUpdatedDateTime": RELEASED,
        }
    }


def describe_feature_transformation(region: Region, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - one signature for all operations
    """`DescribeFeatureTransformation`: the defaults of its parameters in all recipes that use it."""
    arn = params["featureTransformationArn"]
    users = [entry for entry in RECIPES.values() if entry.feature_transformation_arn == arn]
    if not users:
        raise ResourceNotFoundError(arn)
    parameters: dict[str, str] = {}
    for recipe in users:
        parameters |= _defaults(recipe.transformation)
    return {
        "featureTransformation": {
            "name": arn.rpartition("/")[2],
            "featureTransformationArn": arn,
            "defaultParameters": parameters,
            "status": ACTIVE,
            "creationDateTime": RELEASED,
            "lastUpdatedDateTime": RELEASED,
        }
    }


def _defaults(parameters: Iterable[tuple[str, Hyperparameter]]) -> dict[str, str]:
    return {name: parameter.default for name, parameter in parameters}


def _ranges(parameters: Iterable[tuple[str, Hyperparameter]]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"integer": [], "continuous": [], "categorical": []}
    for name, parameter in parameters:
        if parameter.low is None or parameter.high is None:
            entry = {"name": name, "values": list(parameter.choices), "isTunable": True}
            found["categorical"].append(entry)
        else:
            number = float if "." in parameter.default else int
            kind = "continuous" if number is float else "integer"
            bounds = {"minValue": number(parameter.low), "maxValue": number(parameter.high)}
            found[kind].append({"name": name, "isTunable": True} | bounds)
    return {f"{kind}HyperParameterRanges": entries for kind, entries in found.items()}


def _resource(recipe: Recipe, sequence: int) -> Resource:
    settings = {
        "name": recipe.name,
        "algorithmArn": recipe.algorithm_arn,
        "featureTransformationArn": recipe.feature_transformation_arn,
        "description": recipe.description,
        "recipeType": recipe.kind,
        "domain": recipe.domain,
    }
    return _Listed(
        arn=recipe.arn, settings=settings, created=RELEASED, updated=RELEASED, sequence=sequence
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeAlgorithm": describe_algorithm,
    "DescribeFeatureTransformation": describe_feature_transformation,
    "DescribeRecipe": describe,
    "ListRecipes": list_recipes,
}
