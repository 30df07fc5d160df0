"""Solutions, trainings, metrics, campaigns."""

import threading

import pytest
from personalize_data import INTERACTIONS, PER_CLUSTER, item_rows, listening_rows

from musicrec.local.personalize import solution_versions

EVENTS = {
    "eventsConfig": {
        "eventParametersList": [
            {"eventType": "play", "weight": 0.3},
            {"eventType": "complete", "weight": 1.0, "eventValueThreshold": 0.5},
        ]
    }
}


class TestSolutions:
    def test_settings_are_echoed_with_defaults(self, music):
        """Automatic training is on unless switched off, and shown."""
        arn = music.control.list_solutions()["solutions"][0]["solutionArn"]
        found = music.control.describe_solution(solutionArn=arn)["solution"]
        assert found["performAutoTraining"] is True
        assert found["performHPO"] is False
        assert len(found["solutionConfig"]["eventsConfig"]["eventParametersList"]) == 2
        assert found["latestSolutionVersion"]["status"] == "ACTIVE"

    @pytest.mark.parametrize(
        ("recipe", "options", "text"),
        [
            ("aws-next-best-action", {}, "does not emulate the recipe aws-next-best-action"),
            ("aws-sims", {"solutionConfig": EVENTS}, "eventsConfig is not supported"),
            ("aws-user-personalization-v2", {"performAutoML": True}, "performAutoML"),
            (
                "aws-user-personalization",
                {"solutionConfig": {"algorithmHyperParameters": {"bptt": "99"}}},
                "a whole number from 2 to 32",
            ),
            (
                "aws-user-personalization",
                {"solutionConfig": {"algorithmHyperParameters": {"depth": "9"}}},
                "Hyperparameter depth is not supported",
            ),
            (
                "aws-trending-now",
                {
                    "solutionConfig": {
                        "featureTransformationParameters": {"trend_discovery_frequency": "1 week"}
                    }
                },
                "use 30 minutes or 1 hour",
            ),
            (
                "aws-user-personalization",
                {"eventType": "play", "solutionConfig": {"eventValueThreshold": "much"}},
                "'much' is not a number",
            ),
        ],
    )
    def test_settings_that_do_not_fit_are_refused(self, world, recipe, options, text):
        """The message names the setting."""
        world.group()
        with pytest.raises(world.control.exceptions.InvalidInputException, match=text):
            world.solution(recipe, **options)

    def test_unknown_recipe_is_not_found(self, world):
        """Recipes are resources."""
        world.group()
        with pytest.raises(world.control.exceptions.ResourceNotFoundException):
            world.solution("aws-magic")

    def test_update_changes_what_is_trained_next(self, world):
        """Events configuration and automatic training can be changed."""
        world.load()
        arn = world.solution()
        world.control.update_solution(
            solutionArn=arn, performAutoTraining=False, solutionUpdateConfig=EVENTS
        )
        found = world.control.describe_solution(solutionArn=arn)["solution"]
        assert found["performAutoTraining"] is False
        assert found["latestSolutionUpdate"]["status"] == "ACTIVE"
        assert world.train(arn)["solutionConfig"]["eventsConfig"] == EVENTS["eventsConfig"]


class TestTraining:
    def test_metrics_have_aws_s_names_and_four_decimals(self, music):
        """And a model of four separate walks is good by them."""
        version = music.control.list_solution_versions()["solutionVersions"][0]
        found = music.control.get_solution_metrics(
            solutionVersionArn=version["solutionVersionArn"]
        )["metrics"]
        plain = {"coverage", "mean_reciprocal_rank_at_25"} | {
            f"{name}_at_{k}"
            for name in ("normalized_discounted_cumulative_gain", "precision")
            for k in (5, 10, 25)
        }
        weighted = {
            f"normalized_discounted_cumulative_gain_with_event_weights_at_{k}" for k in (5, 10, 25)
        }
        assert found.keys() == plain | weighted
        assert all(0 <= value <= 1 and value == round(value, 4) for value in found.values())
        assert found["normalized_discounted_cumulative_gain_at_25"] > 0.3

    def test_popularity_is_worse_than_personalization(self, music):
        """The recipes really are different models."""
        version = music.train(music.solution("aws-popularity-count", "popular"))
        arn = version["solutionVersionArn"]
        popular = music.control.get_solution_metrics(solutionVersionArn=arn)["metrics"]
        live = music.control.describe_campaign(campaignArn=music.arns["campaign"])["campaign"]
        mine = music.control.get_solution_metrics(solutionVersionArn=live["solutionVersionArn"])
        name = "normalized_discounted_cumulative_gain_at_25"
        assert mine["metrics"][name] > 2 * popular[name]
        assert popular["coverage"] < mine["metrics"]["coverage"]

    @pytest.mark.parametrize(
        ("rows", "config", "reason"),
        [
            (
                listening_rows(users=20, plays=60),
                {},
                "Dataset has fewer than 25 users with at least 2 interactions each.",
            ),
            (
                listening_rows(users=30, plays=25),
                {
                    "eventsConfig": {
                        "eventParametersList": [{"eventType": "complete", "weight": 1.0}]
                    }
                },
                "Dataset has fewer than 1000 interactions after filtering by event type: complete",
            ),
        ],
    )
    def test_minimums_fail_the_training_in_aws_s_words(self, world, rows, config, reason):
        """The version exists and tells why it failed."""
        world.load(interactions=rows)
        done = world.train(world.solution(solutionConfig=config))
        assert (done["status"], done["failureReason"]) == ("CREATE FAILED", reason)
        with pytest.raises(world.control.exceptions.InvalidInputException, match="CREATE FAILED"):
            world.control.get_solution_metrics(solutionVersionArn=done["solutionVersionArn"])

    def test_events_without_a_type_cannot_be_selected(self, world):
        """All event types null is AWS's obscure failure, told in its words."""
        rows = [(user, item, when, "", None) for user, item, when, _, _ in listening_rows()]
        world.group()
        schema = (
            '{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema",'
            '"version":"1.0","fields":[{"name":"USER_ID","type":"string"},'
            '{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},'
            '{"name":"EVENT_TYPE","type":["null","string"]}]}'
        )
        world.dataset("Interactions", schema=schema)
        location = world.put_csv(
            "x.csv", ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"], [row[:4] for row in rows]
        )
        world.import_csv("Interactions", location)
        done = world.train(world.solution(solutionConfig=EVENTS))
        assert "All values in the event_type column" in done["failureReason"]

    def test_reserved_words_are_no_event_types(self, world):
        """AWS's first notebook sends EVENT_TYPE as a type, which cannot be selected."""
        schema = INTERACTIONS.replace(
            '"EVENT_TYPE", "type": "string"', '"EVENT_TYPE", "type": ["null", "string"]'
        )
        rows = [(*row[:3], None, None) for row in listening_rows()]
        world.load(interactions=rows, schema=schema)
        world.send("u001", {"eventType": "EVENT_TYPE", "itemId": "i0-01", "sentAt": 1_800_000_000})
        done = world.train(world.solution(solutionConfig=EVENTS))
        assert "reserved keywords" in done["failureReason"]

    def test_defect_in_a_training_fails_the_version(self, world, monkeypatch):
        """Nobody waits for ever, and the reason points at the log."""
        world.load()

        def broken(*_args):
            raise RuntimeError("broken")

        monkeypatch.setattr(solution_versions, "fit", broken)
        done = world.train(world.solution())
        assert done["status"] == "CREATE FAILED"
        assert "Internal failure" in done["failureReason"]

    def test_update_needs_a_full_version_and_reports_its_metrics(self, world):
        """Only one recipe takes UPDATE."""
        world.load()
        arn = world.solution("aws-user-personalization")
        with pytest.raises(world.control.exceptions.InvalidInputException, match="FULL"):
            world.control.create_solution_version(solutionArn=arn, trainingMode="UPDATE")
        full = world.train(arn)
        update = world.train(arn, trainingMode="UPDATE")
        metrics = [
            world.control.get_solution_metrics(solutionVersionArn=entry["solutionVersionArn"])
            for entry in (full, update)
        ]
        assert metrics[0]["metrics"] == metrics[1]["metrics"]

    def test_training_can_be_stopped_and_nobody_waits_for_it(self, world, monkeypatch):
        """While a model is computed, requests are answered; a stopped one is never ACTIVE."""
        campaign = world.load().campaign()
        started, go = threading.Event(), threading.Event()
        fit = solution_versions.fit

        def slow(*args):
            started.set()
            assert go.wait(30)
            return fit(*args)

        monkeypatch.setattr(solution_versions, "fit", slow)
        solution = world.control.list_solutions()["solutions"][0]["solutionArn"]
        version = world.control.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        assert started.wait(10)
        assert len(world.recommend(campaign, userId="u001")) == 25
        with pytest.raises(world.control.exceptions.ResourceInUseException):
            world.control.create_campaign(name="early", solutionVersionArn=version)
        with pytest.raises(world.control.exceptions.ResourceInUseException):
            world.control.get_solution_metrics(solutionVersionArn=version)
        world.control.stop_solution_version_creation(solutionVersionArn=version)
        go.set()
        done = world.finished(
            lambda: world.control.describe_solution_version(solutionVersionArn=version)[
                "solutionVersion"
            ]
        )
        assert done["status"] == "CREATE STOPPED"
        with pytest.raises(world.control.exceptions.InvalidInputException, match="STOPPED"):
            world.control.create_campaign(name="late", solutionVersionArn=version)


class TestCampaigns:
    def test_campaign_can_follow_its_solution(self, world):
        """With syncWithLatestSolutionVersion the newest version answers."""
        world.load()
        solution = world.solution()
        first = world.train(solution)["solutionVersionArn"]
        options = {"name": "c", "campaignConfig": {"syncWithLatestSolutionVersion": True}}
        with pytest.raises(world.control.exceptions.InvalidInputException, match=r"\$LATEST"):
            world.control.create_campaign(solutionVersionArn=first, **options)
        arn = world.control.create_campaign(solutionVersionArn=f"{solution}/$LATEST", **options)[
            "campaignArn"
        ]
        second = world.train(solution)["solutionVersionArn"]
        found = world.control.describe_campaign(campaignArn=arn)["campaign"]
        assert found["solutionVersionArn"] == second != first

    def test_update_swaps_the_version(self, world):
        """LatestCampaignUpdate appears with the first update."""
        arn = world.load().campaign()
        before = world.control.describe_campaign(campaignArn=arn)["campaign"]
        version = world.train(world.control.list_solutions()["solutions"][0]["solutionArn"])
        world.control.update_campaign(
            campaignArn=arn, solutionVersionArn=version["solutionVersionArn"], minProvisionedTPS=2
        )
        after = world.control.describe_campaign(campaignArn=arn)["campaign"]
        assert "latestCampaignUpdate" not in before
        assert after["latestCampaignUpdate"]["status"] == "ACTIVE"
        assert after["solutionVersionArn"] == version["solutionVersionArn"]
        assert after["minProvisionedTPS"] == 2

    def test_teardown_goes_from_campaign_to_group(self, world):
        """In AWS's order everything goes; out of order nothing does."""
        campaign = world.load(items=item_rows()).campaign()
        kept = world.filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")')
        solution = world.control.list_solutions()["solutions"][0]["solutionArn"]
        control, in_use = world.control, world.control.exceptions.ResourceInUseException
        steps = [
            (control.delete_campaign, {"campaignArn": campaign}),
            (control.delete_solution, {"solutionArn": solution}),
            (control.delete_event_tracker, {"eventTrackerArn": world.arns["tracker"]}),
            (control.delete_filter, {"filterArn": kept}),
            (control.delete_dataset, {"datasetArn": world.arns["Interactions"]}),
            (control.delete_dataset, {"datasetArn": world.arns["Items"]}),
            (control.delete_dataset_group, {"datasetGroupArn": world.arns["group"]}),
        ]
        for delete, params in (steps[1], steps[4], steps[5], steps[6]):
            with pytest.raises(in_use):
                delete(**params)
        for delete, params in steps:
            delete(**params)
        assert control.list_solution_versions()["solutionVersions"] == []

    def test_campaigns_are_listed_by_solution_or_by_version(self, music):
        """AWS's samples give a version's ARN for the solution's, and find the campaign by it."""
        campaign = music.arns["campaign"]
        found = music.control.describe_campaign(campaignArn=campaign)["campaign"]
        version = found["solutionVersionArn"]
        for arn in (version, version.rpartition("/")[0]):
            listed = music.control.list_campaigns(solutionArn=arn)["campaigns"]
            assert [entry["campaignArn"] for entry in listed] == [campaign]
        assert not music.control.list_campaigns(solutionArn=f"{version}0")["campaigns"]


@pytest.mark.parametrize("recipe", ["aws-sims", "aws-similar-items"])
class TestRelatedItems:
    def test_neighbours_are_of_the_same_walk(self, music, recipe):
        """Without scores, and without the item itself."""
        campaign = music.campaign(recipe)
        answer = music.runtime.get_recommendations(
            campaignArn=campaign, itemId="i2-05", numResults=PER_CLUSTER - 1
        )["itemList"]
        ids = {entry["itemId"] for entry in answer}
        assert ids == {f"i2-{n:02}" for n in range(PER_CLUSTER)} - {"i2-05"}
        assert all("score" not in entry for entry in answer)
        assert music.recommend(campaign, itemId="unknown", numResults=5)
