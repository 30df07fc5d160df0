"""Recommenders of domain dataset groups: trained, answering, switched off and on."""

import time

import pytest
from personalize_data import HEADERS, VIDEOS, avro, item_rows, watching_rows
from personalize_domain import add_dataset, add_group, described, fill, listed, recommender

from musicrec.local.personalize.life_cycle import LifeCycle

SHOP = avro("Items", "ITEM_ID:string", "PRICE:float", "CATEGORY_L1:string|")


def watched(user):
    """What the user watched."""
    return {row[1] for row in watching_rows() if row[0] == user and row[3] == "Watch"}


@pytest.fixture(scope="module")
def videos(embedded):
    """A region with a domain group, its data and some recommenders; not to be changed."""
    world = embedded.world()
    fill(world)
    for recipe in ("aws-vod-top-picks", "aws-vod-most-popular", "aws-vod-more-like-x"):
        world.arns[recipe] = recommender(
            world, recipe, recipe, enableMetadataWithRecommendations=True
        )
        assert described(world, world.arns[recipe])["status"] == "ACTIVE"
    return world


class TestSchemas:
    def test_group_and_schema_are_of_one_domain(self, world):
        """A schema of another domain, or of none, is refused."""
        add_group(world)
        with pytest.raises(world.control.exceptions.InvalidInputException, match="same domain"):
            add_dataset(world, "Items", SHOP, domain="ECOMMERCE")
        with pytest.raises(world.control.exceptions.InvalidInputException, match="same domain"):
            world.dataset("Users")

    def test_a_dataset_stays_in_its_domain(self, world):
        """Also when its schema is replaced."""
        add_group(world)
        add_dataset(world, "Items", VIDEOS)
        other = world.control.create_schema(name="other", schema=VIDEOS)["schemaArn"]
        with pytest.raises(world.control.exceptions.InvalidInputException, match="same domain"):
            world.control.update_dataset(datasetArn=world.arns["Items"], schemaArn=other)

    @pytest.mark.parametrize(
        ("domain", "schema", "reason"),
        [
            ("ECOMMERCE", VIDEOS, "CATEGORY_L1"),
            ("ECOMMERCE", SHOP.replace('"categorical": true', '"textual": true'), "must be categorical"),
            ("ECOMMERCE", avro("Items", "ITEM_ID:string", "PRICE:int", "CATEGORY_L1:string|"), "PRICE"),
            ("ECOMMERCE", avro("Interactions", "USER_ID:string", "ITEM_ID:string", "TIMESTAMP:long"), "EVENT_TYPE"),
            ("VIDEO_ON_DEMAND", SHOP, "GENRES"),
            ("VIDEO_ON_DEMAND", avro("Users", "USER_ID:string", "SUBSCRIPTION_MODEL:string"), "must be categorical"),
        ],
    )  # fmt: skip
    def test_domain_asks_for_columns(self, world, domain, schema, reason):
        """What its pages require; outside of a domain the same schema may do."""
        with pytest.raises(world.control.exceptions.InvalidInputException, match=reason):
            world.control.create_schema(name="s", schema=schema, domain=domain)


class TestCreate:
    def test_recipe_and_group_are_of_one_domain(self, world):
        """Custom groups have no recommenders, domains none of another's, and solutions no use case."""
        refused = world.control.exceptions.InvalidInputException
        world.group()
        with pytest.raises(refused, match="domain"):
            recommender(world, "aws-vod-top-picks")
        with pytest.raises(refused, match="make a recommender"):
            world.solution("aws-vod-top-picks")
        add_group(world)
        with pytest.raises(refused, match="domain"):
            recommender(world, "aws-ecomm-recommended-for-you")
        with pytest.raises(refused, match="domain"):
            recommender(world, "aws-user-personalization")

    def test_needs_its_datasets(self, world):
        """More-like-X learns from Items too."""
        add_group(world)
        refused = world.control.exceptions.InvalidInputException
        with pytest.raises(refused, match="INTERACTIONS"):
            recommender(world, "aws-vod-top-picks")
        add_dataset(world, "Interactions")
        with pytest.raises(refused, match="ITEMS"):
            recommender(world, "aws-vod-more-like-x")

    def test_too_few_events_of_its_type_fail_the_training(self, world):
        """There are clicks, but nothing was watched; the reason is AWS's."""
        add_group(world)
        add_dataset(world, "Interactions")
        clicks = [row for row in watching_rows() if row[3] == "Click"]
        world.import_csv("Interactions", world.put_csv("i.csv", HEADERS["Interactions"], clicks))
        found = described(world, recommender(world, "aws-vod-most-popular"))
        assert found["status"] == "CREATE FAILED"
        assert "1000 interactions after filtering by event type: Watch" in found["failureReason"]

    def test_is_described_and_listed(self, videos):
        """With its configuration, defaults included, and metrics."""
        arn = videos.arns["aws-vod-top-picks"]
        found = described(videos, arn)
        assert found["recommenderConfig"] == {
            "minRecommendationRequestsPerSecond": 1,
            "enableMetadataWithRecommendations": True,
        }
        assert 0 < found["modelMetrics"]["coverage"] <= 1
        shown = videos.control.list_recommenders(datasetGroupArn=videos.arns["group"])
        assert [entry["name"] for entry in shown["recommenders"]] == [
            "aws-vod-top-picks",
            "aws-vod-most-popular",
            "aws-vod-more-like-x",
        ]


class TestAnswers:
    def test_what_the_user_watched_is_left_out(self, videos):
        """Without any filter; a filter then takes from what is left."""
        arn = videos.arns["aws-vod-top-picks"]
        found = listed(videos, arn, userId="u001", numResults=100)
        assert set(found) == {item for item, *_ in item_rows()} - watched("u001")
        kept = videos.filter('INCLUDE ItemID WHERE Items.GENRES IN ("g1")', "g1")
        filtered = listed(videos, arn, userId="u001", numResults=100, filterArn=kept)
        assert set(filtered) == {item for item in found if item.startswith("i1")}

    def test_answers_have_no_scores_and_may_have_metadata(self, videos):
        """As those of all use cases."""
        answer = videos.runtime.get_recommendations(
            recommenderArn=videos.arns["aws-vod-more-like-x"],
            itemId="i1-03",
            userId="u001",
            metadataColumns={"ITEMS": ["GENRES"]},
        )
        assert all(entry["itemId"] not in watched("u001") for entry in answer["itemList"])
        assert answer["itemList"][0]["metadata"]["GENRES"].endswith("|all")
        assert not any("score" in entry for entry in answer["itemList"])

    def test_most_popular_counts_what_was_watched(self, videos):
        """The first item has most users who watched it."""
        first = listed(videos, videos.arns["aws-vod-most-popular"], userId="nobody")[0]
        users = {}
        for user, item, _, kind, _ in watching_rows():
            if kind == "Watch":
                users.setdefault(item, set()).add(user)
        assert len(users[first]) == max(map(len, users.values()))

    @pytest.mark.parametrize("recipe", ["aws-vod-most-popular", "aws-vod-more-like-x"])
    def test_user_is_required(self, videos, recipe):
        """Also where the model does not ask."""
        refused = videos.runtime.exceptions.InvalidInputException
        with pytest.raises(refused, match="userId is required"):
            listed(videos, videos.arns[recipe], itemId="i1-03")

    def test_promotions_take_places(self, videos):
        """As with campaigns."""
        kept = videos.filter("INCLUDE ItemID WHERE Items.GENRES IN ($GENRE)", "promoted")
        answer = videos.runtime.get_recommendations(
            recommenderArn=videos.arns["aws-vod-top-picks"],
            userId="u001",
            numResults=10,
            promotions=[
                {
                    "name": "third",
                    "percentPromotedItems": 20,
                    "filterArn": kept,
                    "filterValues": {"GENRE": '"g3"'},
                }
            ],
        )
        promoted = [entry["itemId"] for entry in answer["itemList"] if "promotionName" in entry]
        assert len(promoted) == 2
        assert all(item.startswith("i3") for item in promoted)

    def test_campaign_or_recommender(self, videos):
        """One of them, not both."""
        refused = videos.runtime.exceptions.InvalidInputException
        arn = videos.arns["aws-vod-top-picks"]
        for params in ({}, {"recommenderArn": arn, "campaignArn": arn}):
            with pytest.raises(refused, match="campaignArn or a recommenderArn"):
                videos.runtime.get_recommendations(userId="u001", **params)


class TestLife:
    def test_stopped_it_answers_no_more(self, world):
        """INACTIVE until it is started; each step only from the other."""
        fill(world)
        refused = world.control.exceptions.InvalidInputException
        arn = recommender(world, "aws-vod-top-picks")
        described(world, arn)
        with pytest.raises(refused, match="not INACTIVE"):
            world.control.start_recommender(recommenderArn=arn)
        assert world.control.stop_recommender(recommenderArn=arn)["recommenderArn"] == arn
        found = world.control.describe_recommender(recommenderArn=arn)["recommender"]
        assert found["status"] == "INACTIVE"
        with pytest.raises(world.runtime.exceptions.InvalidInputException, match="INACTIVE"):
            listed(world, arn, userId="u001")
        world.control.start_recommender(recommenderArn=arn)
        assert listed(world, arn, userId="u001")

    def test_switching_takes_its_time(self, embedded_at):
        """Under slow transitions, by the server's clock."""
        server, clock = embedded_at
        world = server.world()
        fill(world)
        arn = recommender(world, "aws-vod-top-picks")
        described(world, arn)
        server.app.life_cycle = LifeCycle(transitions="slow")
        world.control.stop_recommender(recommenderArn=arn)
        seen = []
        for seconds in (0, 60, 300):
            clock.now += seconds
            found = world.control.describe_recommender(recommenderArn=arn)["recommender"]
            seen.append(found["status"])
        assert seen == ["STOP PENDING", "STOP IN_PROGRESS", "INACTIVE"]

    def test_update_of_columns_trains_anew(self, world):
        """Other settings hold at once; the columns' come with the new model."""
        fill(world)
        arn = recommender(world, "aws-vod-top-picks")
        described(world, arn)
        config = {"enableMetadataWithRecommendations": True}
        world.control.update_recommender(recommenderArn=arn, recommenderConfig=config)
        found = described(world, arn)
        assert found["latestRecommenderUpdate"]["status"] == "ACTIVE"
        assert found["recommenderConfig"] == {"minRecommendationRequestsPerSecond": 1} | config
        config = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRES"]}}}
        world.control.update_recommender(recommenderArn=arn, recommenderConfig=config)
        deadline = time.monotonic() + 60
        while described(world, arn)["latestRecommenderUpdate"]["status"] != "ACTIVE":
            assert time.monotonic() < deadline
            assert listed(world, arn, userId="u001")
        assert config.items() <= described(world, arn)["recommenderConfig"].items()

    def test_it_keeps_its_group(self, world):
        """Which can be deleted once it is gone; the datasets, once nothing is learnt from them."""
        add_group(world)
        add_dataset(world, "Interactions")
        arn = recommender(world, "aws-vod-top-picks")
        described(world, arn)
        world.control.delete_dataset(datasetArn=world.arns["Interactions"])
        in_use = world.control.exceptions.ResourceInUseException
        with pytest.raises(in_use, match="recommender/r"):
            world.control.delete_dataset_group(datasetGroupArn=world.arns["group"])
        world.control.delete_recommender(recommenderArn=arn)
        with pytest.raises(world.control.exceptions.ResourceNotFoundException):
            world.control.describe_recommender(recommenderArn=arn)
        world.control.delete_dataset_group(datasetGroupArn=world.arns["group"])

    def test_five_a_group(self, world):
        """The sixth is one too many."""
        add_group(world)
        add_dataset(world, "Interactions")
        for number in range(5):
            recommender(world, "aws-vod-top-picks", f"r{number}")
        with pytest.raises(world.control.exceptions.LimitExceededException, match="More than 5"):
            recommender(world, "aws-vod-top-picks", "r5")
