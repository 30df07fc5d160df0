"""What hyperparameters and objectives do to a solution's recommendations."""

import numpy as np
import pytest
from personalize_data import avro, item_rows

from musicrec.local.personalize.hyperparameters import tuned
from musicrec.local.personalize.objective import Objective, WithObjective, average_rewards
from musicrec.local.personalize.recipe_list import RECIPES
from musicrec.local.personalize.recipes import PREFIX
from musicrec.research.models import Cooccurrence, ItemKnn, MomentAndTaste, Popularity
from musicrec.research.models.base import Interactions
from musicrec.research.splits import Case

PRICED = avro("Items", "ITEM_ID:string", "GENRE:string|?", "PRICE:float", "TEMPO:float?")
HISTORY = np.array([0] * 30 + [1], dtype=np.int32)


def recipe(name):
    """A recipe by the end of its name."""
    return RECIPES[PREFIX + name]


class TestRecency:
    @pytest.mark.parametrize("model", [Cooccurrence, MomentAndTaste])
    @pytest.mark.parametrize(
        ("name", "parameter"),
        [
            ("aws-user-personalization-v2", "apply_recency_bias"),
            ("aws-user-personalization", "recency_mask"),
        ],
    )
    def test_history_fades_unless_switched_off(self, model, name, parameter):
        """Then the order of the history does not matter."""
        rows = [
            (f"u{number}", f"i{(number + step) % 8}", 100 * step)
            for number in range(8)
            for step in range(4)
        ]
        interactions = Interactions.from_rows(rows)
        history = np.array([0, 3, 1, 7], dtype=np.int32)
        for value, same in (("True", False), ("false", True)):
            fitted = tuned(model(), recipe(name), {parameter: value}).fit(interactions)
            there, back = fitted.scores(history), fitted.scores(history[::-1])
            assert np.allclose(there, back, atol=1e-6) == same

    def test_default_leaves_the_model_as_it_is(self):
        """The documented default is what the model does by itself."""
        for name in ("aws-user-personalization-v2", "aws-similar-items"):
            assert tuned(Cooccurrence(), recipe(name), {}).config == Cooccurrence().config


class TestSims:
    def test_defaults_are_those_of_the_recipe(self):
        """Half the discount, three common users."""
        config = tuned(ItemKnn(), recipe("aws-sims"), {}).config
        assert (config.popularity_discount, config.min_together) == (0.5, 3)

    def test_settings_reach_the_model(self):
        """As numbers."""
        given = {"popularity_discount_factor": "0.1", "min_cointeraction_count": "7"}
        config = tuned(ItemKnn(), recipe("aws-sims"), given).config
        assert (config.popularity_discount, config.min_together) == (0.1, 7)


class TestSimilarItems:
    def test_discount_brings_rarer_items(self):
        """From the model's own discount at 0 to division by all totals at 1."""
        powers = [
            tuned(
                Cooccurrence(), recipe("aws-similar-items"), {"popularity_discount_factor": factor}
            ).config.popularity_discount
            for factor in ("0.0", "0.5", "1.0")
        ]
        assert powers[0] == Cooccurrence().config.popularity_discount
        assert powers == sorted(powers)
        assert powers[2] == 1


class TestOtherModels:
    def test_are_left_alone(self):
        """Nothing of theirs can be set."""
        model = Popularity()
        assert tuned(model, recipe("aws-popularity-count"), {}) is model


class TestObjective:
    @pytest.fixture
    def shop(self, world):
        """Items with a price: the later ones of each genre are dearer."""
        world.load()
        world.dataset("Items", PRICED)
        rows = [(item, genre, float(item[-2:]), tempo) for item, genre, tempo, _ in item_rows()]
        location = world.put_csv("items.csv", ["ITEM_ID", "GENRE", "PRICE", "TEMPO"], rows)
        assert world.import_csv("Items", location)["status"] == "ACTIVE"
        return world

    def trained(self, shop, sensitivity):
        """The mean price of a user's list, and the metrics."""
        goal = {"itemAttribute": "PRICE", "objectiveSensitivity": sensitivity}
        solution = shop.solution(
            "aws-user-personalization",
            sensitivity.lower(),
            solutionConfig={"optimizationObjective": goal},
        )
        arn = shop.train(solution)["solutionVersionArn"]
        campaign = shop.control.create_campaign(
            name=sensitivity.lower(),
            solutionVersionArn=arn,
            campaignConfig={"itemExplorationConfig": {"explorationWeight": "0"}},
        )["campaignArn"]
        found = shop.recommend(campaign, userId="u001", numResults=10)
        metrics = shop.control.get_solution_metrics(solutionVersionArn=arn)["metrics"]
        return np.mean([float(item[-2:]) for item in found]), metrics

    def test_the_more_it_counts_the_more_the_list_brings(self, shop):
        """And a metric says so, also of one that is switched off, for comparison."""
        prices = []
        for sensitivity in ("OFF", "LOW", "HIGH"):
            price, metrics = self.trained(shop, sensitivity)
            prices.append(price)
            assert 0 < metrics["average_rewards_at_k"] <= 1
        assert prices == sorted(prices)
        assert prices[2] > prices[0] + 3

    def test_no_objective_no_metric(self, shop):
        """A solution without one has no rewards to report."""
        version = shop.train(shop.solution("aws-user-personalization", "plain"))
        metrics = shop.control.get_solution_metrics(
            solutionVersionArn=version["solutionVersionArn"]
        )["metrics"]
        assert "average_rewards_at_k" not in metrics

    @pytest.mark.parametrize(
        ("name", "column", "text"),
        [
            ("aws-user-personalization-v2", "PRICE", "not supported by the recipe"),
            ("aws-sims", "PRICE", "not supported by the recipe"),
            ("aws-personalized-ranking", "TEMPO", "'TEMPO' must be a numeric column"),
            ("aws-personalized-ranking", "GENRE", "'GENRE' must be a numeric column"),
            ("aws-personalized-ranking", "COST", "'COST' must be a numeric column"),
        ],
    )
    def test_objectives_that_do_not_fit_are_refused(self, world, name, column, text):
        """By recipe, and by column, also where they are switched off."""
        world.group()
        world.dataset("Items", PRICED)
        goal = {"itemAttribute": column, "objectiveSensitivity": "OFF"}
        with pytest.raises(world.control.exceptions.InvalidInputException, match=text):
            world.solution(name, solutionConfig={"optimizationObjective": goal})
        goal = {"itemAttribute": column, "objectiveSensitivity": "MEDIUM"}
        with pytest.raises(world.control.exceptions.InvalidInputException, match=text):
            world.solution(name, solutionConfig={"optimizationObjective": goal})

    def test_items_without_a_value_keep_their_place(self):
        """Neither helped nor hindered, as the mean is."""
        interactions = Interactions.from_rows([("u", "a", 1), ("u", "b", 2), ("v", "b", 3)])
        objective = Objective(np.array([4.0, 4.0]), 1.0)
        plain = Popularity().fit(interactions).scores(HISTORY)
        scores = WithObjective(Popularity(), objective).fit(interactions).scores(HISTORY)
        assert np.argsort(scores).tolist() == np.argsort(plain).tolist()


class TestAverageRewards:
    def test_share_of_the_rewards_among_what_brings_most(self):
        """Two hits: one among the 25 that bring most, one beyond."""
        rewards = np.arange(40.0)
        cases = [Case(0, np.array([0]), np.array([0]), np.array([30, 10], np.int32))]
        found = average_rewards(Objective(rewards, 1.0), [np.arange(40)], cases)
        assert found == pytest.approx(30 / 40)

    def test_nobody_hit_is_nothing(self):
        """No division by zero."""
        assert average_rewards(Objective(np.arange(3.0), 1.0), [], []) == 0
