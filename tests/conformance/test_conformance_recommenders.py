"""Recommenders: made for a use case of a domain, asked, changed, switched off and on, deleted."""

import pytest
from botocore.exceptions import ClientError
from personalize_data import RECIPE, SCHEMAS, watching_rows
from personalize_target import names

operation = pytest.mark.operation

RECOMMENDERS = 5
"""In a dataset group, at most."""


def watched(user):
    """What the data say that the user watched."""
    return {row[1] for row in watching_rows() if row[0] == user and row[3] == "Watch"}


def refused(target, group, recipe, name="refused", **config):
    """Check that no such recommender can be made; the code of the refusal."""
    with pytest.raises(ClientError) as caught:
        target.control.create_recommender(
            name=target.name(name),
            datasetGroupArn=group,
            recipeArn=RECIPE + recipe,
            recommenderConfig=config,
        )
    return caught.value.response["Error"]["Code"]


class TestCreate:
    @operation("CreateRecommender", "DescribeRecommender")
    def test_recommender_is_described_with_its_metrics(self, target, cinema, picks):
        """A recommender has its use case, its group, and metrics once it is ACTIVE; no update yet."""
        found = target.control.describe_recommender(recommenderArn=picks)["recommender"]
        assert picks.endswith(f":recommender/{target.name('picks')}")
        assert found["recipeArn"] == RECIPE + "aws-vod-top-picks"
        assert found["datasetGroupArn"] == cinema.group
        assert "coverage" in found["modelMetrics"]
        assert "latestRecommenderUpdate" not in found

    @operation("ListRecommenders")
    def test_list_can_be_narrowed(self, target, cinema, group, picks, alike):
        """Recommenders are listed by their dataset group, each on one page."""
        pages = target.control.get_paginator("list_recommenders").paginate(
            datasetGroupArn=cinema.group, PaginationConfig={"PageSize": 1}
        )
        shown = [entry["recommenderArn"] for page in pages for entry in page["recommenders"]]
        assert {picks, alike} <= set(shown)
        assert len(shown) == len(set(shown))
        assert target.control.list_recommenders(datasetGroupArn=group)["recommenders"] == []

    @operation("CreateRecommender")
    def test_name_is_taken_once(self, target, cinema, picks):
        """A recommender that exists is not made again: ResourceAlreadyExistsException."""
        assert picks
        code = refused(target, cinema.group, "aws-vod-top-picks", "picks")
        assert code == "ResourceAlreadyExistsException"

    @operation("CreateRecommender")
    def test_custom_group_has_none(self, target, music):
        """A dataset group without a domain is refused with InvalidInputException."""
        assert refused(target, music.group, "aws-vod-top-picks") == "InvalidInputException"

    @operation("CreateRecommender")
    @pytest.mark.parametrize(
        "recipe", ["aws-ecomm-recommended-for-you", "aws-user-personalization"]
    )
    def test_use_case_is_of_the_domain(self, target, cinema, recipe):
        """A use case of another domain, and a custom recipe, are an InvalidInputException."""
        assert refused(target, cinema.group, recipe) == "InvalidInputException"

    @operation("CreateSolution")
    def test_use_case_has_no_solution(self, target, music):
        """A use case of a domain is no recipe of a custom group's solution."""
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_solution(
                name=target.name("use-case"),
                datasetGroupArn=music.group,
                recipeArn=RECIPE + "aws-vod-top-picks",
            )

    @operation("CreateDataset")
    def test_schema_is_of_the_domain(self, target, cinema):
        """A dataset of a domain group does not take a schema of no domain."""
        schema = target.schema(SCHEMAS["Users"], "of-no-domain")
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.create_dataset(
                name=target.name("users"),
                schemaArn=schema,
                datasetGroupArn=cinema.group,
                datasetType="Users",
            )

    @operation("CreateRecommender")
    @pytest.mark.parametrize(
        ("recipe", "config"),
        [
            pytest.param(
                "aws-vod-top-picks",
                {"itemExplorationConfig": {"explorationWeight": "1.5"}},
                id="weight above 1",
            ),
            pytest.param(
                "aws-vod-most-popular",
                {"itemExplorationConfig": {"explorationWeight": "0.5"}},
                id="use case that does not explore",
            ),
        ],
    )
    def test_bad_configuration_is_refused(self, target, cinema, recipe, config):
        """An exploration that the use case cannot have is an InvalidInputException."""
        assert refused(target, cinema.group, recipe, **config) == "InvalidInputException"


class TestAnswers:
    @operation("GetRecommendations")
    def test_watched_videos_are_left_out(self, target, picks):
        """Top picks holds nothing that the user watched, and its items have no scores."""
        answer = target.runtime.get_recommendations(recommenderArn=picks, userId="u001")
        assert len(answer["itemList"]) == 25
        assert not watched("u001") & set(names(answer))
        assert not any("score" in entry for entry in answer["itemList"])

    @operation("GetRecommendations", "PutEvents")
    def test_what_is_watched_leaves_the_answers(self, target, cinema, picks):
        """A streamed Watch event takes its item out of the answers that follow."""
        params = {"recommenderArn": picks, "userId": "u002"}
        first = names(target.runtime.get_recommendations(**params))[0]
        target.events.put_events(
            trackingId=cinema.tracking_id,
            userId="u002",
            sessionId="s",
            eventList=[{"eventType": "Watch", "itemId": first, "sentAt": 1_800_000_000}],
        )
        target.until(lambda: first not in names(target.runtime.get_recommendations(**params)))

    @operation("GetRecommendations", "CreateFilter")
    def test_filter_takes_from_what_is_left(self, target, cinema, picks):
        """A filter with a value holds for a recommender as for a campaign."""
        kept = target.filter(
            cinema.group, "INCLUDE ItemID WHERE Items.GENRES IN ($G)", "cinema-genre"
        )
        found = names(
            target.runtime.get_recommendations(
                recommenderArn=picks, userId="u001", filterArn=kept, filterValues={"G": '"g2"'}
            )
        )
        assert found
        assert {item[:2] for item in found} == {"i2"}

    @operation("GetRecommendations")
    def test_more_like_x_asks_for_item_and_user(self, target, alike):
        """More-like-X answers for an item and a user, and without either is refused."""
        params = {"itemId": "i1-03", "userId": "u001"}
        found = names(target.runtime.get_recommendations(recommenderArn=alike, **params))
        assert found
        assert not watched("u001") & set(found)
        for missing in params:
            rest = {key: value for key, value in params.items() if key != missing}
            with pytest.raises(target.runtime.exceptions.InvalidInputException):
                target.runtime.get_recommendations(recommenderArn=alike, **rest)

    @operation("GetRecommendations")
    def test_metadata_need_consent(self, target, picks, alike):
        """A recommender shows columns where its configuration says so, and refuses elsewhere."""
        columns = {"metadataColumns": {"ITEMS": ["GENRES"]}, "userId": "u001"}
        (entry,) = target.runtime.get_recommendations(
            recommenderArn=picks, numResults=1, **columns
        )["itemList"]
        assert list(entry["metadata"].values()) == [f"g{entry['itemId'][1]}|all"]
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_recommendations(recommenderArn=alike, itemId="i1-03", **columns)

    @operation("GetRecommendations")
    def test_promoted_items_are_named(self, target, cinema, picks):
        """A promotion takes its share of a recommender's places."""
        kept = target.filter(
            cinema.group, 'INCLUDE ItemID WHERE Items.GENRES IN ("g3")', "cinema-promoted"
        )
        promotion = {"name": "third", "percentPromotedItems": 20, "filterArn": kept}
        answer = target.runtime.get_recommendations(
            recommenderArn=picks, userId="u001", numResults=10, promotions=[promotion]
        )["itemList"]
        chosen = [entry["itemId"] for entry in answer if entry.get("promotionName") == "third"]
        assert len(chosen) == 2
        assert {item[:2] for item in chosen} == {"i3"}

    @operation("GetRecommendations")
    def test_one_of_campaign_and_recommender(self, target, campaign, picks):
        """Neither a campaign nor a recommender is refused, and so are both."""
        for params in ({}, {"campaignArn": campaign, "recommenderArn": picks}):
            with pytest.raises(target.runtime.exceptions.InvalidInputException):
                target.runtime.get_recommendations(userId="u001", **params)

    @operation("GetRecommendations")
    def test_unknown_recommender_is_not_found(self, target, picks):
        """An unknown recommender is a ResourceNotFoundException."""
        with pytest.raises(target.runtime.exceptions.ResourceNotFoundException):
            target.runtime.get_recommendations(recommenderArn=picks + "-not", userId="u")


class TestOrderOfDeletion:
    @operation("DeleteDatasetGroup")
    def test_recommender_keeps_its_group(self, target, cinema, picks):
        """The dataset group of a recommender is not deletable."""
        assert picks
        with pytest.raises(target.control.exceptions.ResourceInUseException):
            target.control.delete_dataset_group(datasetGroupArn=cinema.group)


@pytest.fixture(scope="class")
def changed(target, cinema):
    """A recommender that may be changed, and goes at the end."""
    return target.recommender(cinema.group, "aws-vod-top-picks", "changed")


class TestChanges:
    @operation("UpdateRecommender", "DescribeRecommender")
    @pytest.mark.parametrize(
        "config",
        [
            pytest.param({"minRecommendationRequestsPerSecond": 2}, id="capacity"),
            pytest.param({"itemExplorationConfig": {"explorationWeight": "0"}}, id="exploration"),
            pytest.param(
                {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRES"]}}},
                id="columns, which trains anew",
            ),
        ],
    )
    def test_update_takes_effect(self, target, changed, config):
        """An update is ACTIVE in the end, the configuration with it; until then the old one answers."""
        control = target.control
        answer = control.update_recommender(recommenderArn=changed, recommenderConfig=config)
        assert answer["recommenderArn"] == changed
        params = {"recommenderArn": changed, "userId": "u001"}
        assert target.runtime.get_recommendations(**params)["itemList"]

        def done():
            found = control.describe_recommender(recommenderArn=changed)["recommender"]
            assert found["status"] == "ACTIVE"
            assert config.items() <= found["latestRecommenderUpdate"]["recommenderConfig"].items()
            return found["latestRecommenderUpdate"]["status"] == "ACTIVE" and found

        assert config.items() <= target.until(done)["recommenderConfig"].items()
        assert target.runtime.get_recommendations(**params)["itemList"]

    @operation("UpdateRecommender")
    def test_bad_update_is_refused(self, target, changed):
        """An exploration weight above 1 is an InvalidInputException, and changes nothing."""
        config = {"itemExplorationConfig": {"explorationWeight": "1.5"}}
        with pytest.raises(target.control.exceptions.InvalidInputException):
            target.control.update_recommender(recommenderArn=changed, recommenderConfig=config)
        found = target.control.describe_recommender(recommenderArn=changed)["recommender"]
        assert found["recommenderConfig"].get("itemExplorationConfig") != config

    @operation("StopRecommender", "StartRecommender", "GetRecommendations")
    def test_stopped_it_answers_no_more(self, target, changed):
        """A stopped recommender is INACTIVE and refuses; started, it is ACTIVE and answers again."""
        control, params = target.control, {"recommenderArn": changed, "userId": "u001"}

        def reaches(status):
            return target.until(
                lambda: (
                    control.describe_recommender(recommenderArn=changed)["recommender"]["status"]
                    == status
                )
            )

        with pytest.raises(ClientError):
            control.start_recommender(recommenderArn=changed)
        assert control.stop_recommender(recommenderArn=changed)["recommenderArn"] == changed
        assert reaches("INACTIVE")
        with pytest.raises(ClientError):
            target.runtime.get_recommendations(**params)
        with pytest.raises(ClientError):
            control.stop_recommender(recommenderArn=changed)
        assert control.start_recommender(recommenderArn=changed)["recommenderArn"] == changed
        assert reaches("ACTIVE")
        assert target.runtime.get_recommendations(**params)["itemList"]

    @operation("TagResource", "UntagResource", "ListTagsForResource")
    def test_recommender_can_be_tagged(self, target, changed):
        """A recommender takes a tag, shows it and loses it."""
        tag = {"tagKey": "conformance", "tagValue": "1"}
        target.control.tag_resource(resourceArn=changed, tags=[tag])
        assert target.control.list_tags_for_resource(resourceArn=changed)["tags"] == [tag]
        target.control.untag_resource(resourceArn=changed, tagKeys=["conformance"])
        assert target.control.list_tags_for_resource(resourceArn=changed)["tags"] == []

    @operation("DeleteRecommender", "DescribeRecommender", "GetRecommendations")
    def test_deleted_recommender_is_gone(self, target, changed):
        """A deleted recommender is not found, neither described nor asked."""
        control = target.control
        target.gone(
            control.delete_recommender, control.describe_recommender, recommenderArn=changed
        )
        with pytest.raises(target.runtime.exceptions.ResourceNotFoundException):
            target.runtime.get_recommendations(recommenderArn=changed, userId="u001")


class TestQuota:
    @operation("CreateRecommender")
    def test_group_has_five_recommenders(self, target, cinema, picks, alike):
        """A sixth recommender of a dataset group is refused with LimitExceededException."""
        assert {picks, alike}
        listed = target.control.list_recommenders(datasetGroupArn=cinema.group)["recommenders"]
        added = [
            target.recommender(cinema.group, "aws-vod-most-popular", f"quota-{number}")
            for number in range(RECOMMENDERS - len(listed))
        ]
        code = refused(target, cinema.group, "aws-vod-most-popular", "quota")
        assert code == "LimitExceededException"
        for arn in added:
            target.gone(
                target.control.delete_recommender,
                target.control.describe_recommender,
                recommenderArn=arn,
            )
