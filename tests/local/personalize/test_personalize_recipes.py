"""What belongs to the service: recipes, algorithms, feature transformations."""

import pytest


class TestRecipes:
    def test_recipes_are_listed_in_alphabetical_pages(self, world):
        """Domain recipes are among them and can be asked for alone."""
        pages = world.control.get_paginator("list_recipes").paginate(
            PaginationConfig={"PageSize": 7}
        )
        names = [entry["name"] for page in pages for entry in page["recipes"]]
        assert names == sorted(names)
        assert {"aws-user-personalization-v2", "aws-vod-top-picks"} <= set(names)
        domain = world.control.list_recipes(domain="ECOMMERCE")["recipes"]
        assert {entry["domain"] for entry in domain} == {"ECOMMERCE"}

    def test_recipe_is_described(self, world):
        """Type and algorithm."""
        found = world.control.describe_recipe(recipeArn="arn:aws:personalize:::recipe/aws-sims")
        assert found["recipe"]["recipeType"] == "RELATED_ITEMS"
        assert found["recipe"]["algorithmArn"] == "arn:aws:personalize:::algorithm/aws-sims"

    def test_legacy_recipes_are_among_them(self, world):
        """Old notebooks look for them."""
        names = {entry["name"] for entry in world.control.list_recipes()["recipes"]}
        assert {"aws-hrnn", "aws-hrnn-metadata", "aws-hrnn-coldstart"} <= names


class TestAlgorithms:
    def test_defaults_and_ranges_are_shown(self, world):
        """By the kind of each hyperparameter."""
        arn = "arn:aws:personalize:::algorithm/aws-user-personalization"
        found = world.control.describe_algorithm(algorithmArn=arn)["algorithm"]
        assert found["defaultHyperParameters"]["hidden_dimension"] == "149"
        ranges = found["defaultHyperParameterRanges"]
        assert ranges["integerHyperParameterRanges"][0] == {
            "name": "hidden_dimension",
            "minValue": 32,
            "maxValue": 256,
            "isTunable": True,
        }
        assert ranges["categoricalHyperParameterRanges"][0]["values"] == ["true", "false"]

    def test_every_recipe_leads_to_both(self, world):
        """No ARN in a recipe points nowhere."""
        for entry in world.control.list_recipes()["recipes"]:
            recipe = world.control.describe_recipe(recipeArn=entry["recipeArn"])["recipe"]
            world.control.describe_algorithm(algorithmArn=recipe["algorithmArn"])
            world.control.describe_feature_transformation(
                featureTransformationArn=recipe["featureTransformationArn"]
            )

    def test_unknown_ones_are_not_found(self, world):
        """As any other resource."""
        missing = world.control.exceptions.ResourceNotFoundException
        with pytest.raises(missing):
            world.control.describe_algorithm(algorithmArn="arn:aws:personalize:::algorithm/magic")
        with pytest.raises(missing):
            world.control.describe_feature_transformation(
                featureTransformationArn="arn:aws:personalize:::feature-transformation/magic"
            )
