"""What a campaign answers: recommendations and rankings."""

import re

import pytest
from personalize_data import item_rows
from personalize_target import names

operation = pytest.mark.operation


class TestRecommendations:
    @operation("GetRecommendations")
    def test_default_is_25_with_falling_scores(self, target, campaign):
        """25 items by default, scores falling but for explored ones, seven decimals, and an RID."""
        answer = target.runtime.get_recommendations(campaignArn=campaign, userId="u001")
        scores = [entry["score"] for entry in answer["itemList"]]
        assert len(scores) == 25
        assert all(score == round(score, 7) for score in scores)
        chosen = [entry["score"] for entry in answer["itemList"] if not entry.get("reason")]
        assert len(chosen) > 12
        assert chosen == sorted(chosen, reverse=True)
        assert re.match(r"RID-", answer["recommendationId"])

    @operation("GetRecommendations")
    @pytest.mark.parametrize(
        "params",
        [
            pytest.param({}, id="no userId"),
            pytest.param({"userId": "u", "numResults": 501}, id="501 results"),
            pytest.param(
                {"userId": "u", "numResults": 51, "metadataColumns": {"ITEMS": ["GENRE"]}},
                id="51 results with metadata",
            ),
            pytest.param(
                {"userId": "u", "metadataColumns": {"ITEMS": ["MOOD"]}}, id="unknown column"
            ),
            pytest.param(
                {"userId": "u", "metadataColumns": {"ITEMS": ["GENRE"] * 11}}, id="11 columns"
            ),
            pytest.param(
                {"userId": "u", "promotions": [{"name": "a"}, {"name": "b"}]}, id="two promotions"
            ),
            pytest.param(
                {"userId": "u", "filterValues": {f"P{n}": "1" for n in range(26)}},
                id="26 filter values",
            ),
            pytest.param(
                {"userId": "u", "context": {f"K{n}": "1" for n in range(151)}}, id="context of 151"
            ),
        ],
    )
    def test_bad_request_is_refused(self, target, campaign, params):
        """A request outside the limits is refused with InvalidInputException."""
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_recommendations(campaignArn=campaign, **params)

    @operation("GetRecommendations")
    def test_unknown_campaign_is_not_found(self, target, campaign):
        """An unknown campaign is a ResourceNotFoundException."""
        with pytest.raises(target.runtime.exceptions.ResourceNotFoundException):
            target.runtime.get_recommendations(campaignArn=campaign + "-not", userId="u")

    @operation("GetRecommendations")
    def test_unknown_user_is_answered(self, target, campaign):
        """An unknown user gets items and no error."""
        assert names(target.runtime.get_recommendations(campaignArn=campaign, userId="nobody"))

    @operation("GetRecommendations")
    def test_metadata_are_texts(self, target, campaign):
        """Metadata come as text, without the campaign's consent for a recipe of version 2."""
        item = target.runtime.get_recommendations(
            campaignArn=campaign, userId="u001", numResults=1, metadataColumns={"ITEMS": ["YEAR"]}
        )["itemList"][0]
        years = {row[0]: str(row[3]) for row in item_rows()}
        assert list(item["metadata"].values()) == [years[item["itemId"]]]

    @operation("CreateFilter", "GetRecommendations")
    def test_filter_takes_values(self, target, music, campaign):
        """Values in double quotes fill a placeholder; INCLUDE without them is refused."""
        kept = target.filter(music.group, "INCLUDE ItemID WHERE Items.GENRE IN ($G)", "genre")
        found = target.runtime.get_recommendations(
            campaignArn=campaign,
            userId="u000",
            numResults=60,
            filterArn=kept,
            filterValues={"G": '"g1","g2"'},
        )
        assert {item[:2] for item in names(found)} == {"i1", "i2"}
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_recommendations(campaignArn=campaign, userId="u0", filterArn=kept)

    @operation("GetRecommendations")
    def test_promoted_items_are_named(self, target, music, campaign):
        """A promotion fills its share of the places and names its items."""
        kept = target.filter(music.group, 'INCLUDE ItemID WHERE Items.GENRE IN ("g3")', "promote")
        promotion = {"name": "new", "percentPromotedItems": 50, "filterArn": kept}
        answer = target.runtime.get_recommendations(
            campaignArn=campaign, userId="u001", numResults=10, promotions=[promotion]
        )["itemList"]
        chosen = [entry["itemId"] for entry in answer if entry.get("promotionName") == "new"]
        assert len(chosen) == 5
        assert {item[:2] for item in chosen} == {"i3"}

    @operation("GetPersonalizedRanking")
    def test_ranking_holds_every_item_and_its_scores_make_one(self, target, ranking):
        """The input list comes back ranked; scores sum to 1."""
        wanted = ["i0-01", "i1-01", "i2-01", "i3-01"]
        answer = target.runtime.get_personalized_ranking(
            campaignArn=ranking, userId="u002", inputList=wanted
        )["personalizedRanking"]
        assert sorted(entry["itemId"] for entry in answer) == wanted
        assert sum(entry["score"] for entry in answer) == pytest.approx(1, abs=1e-5)

    @operation("GetPersonalizedRanking")
    @pytest.mark.parametrize(
        "params",
        [
            pytest.param({"inputList": ["i"] * 501}, id="501 items"),
            pytest.param(
                {"inputList": ["i"] * 51, "metadataColumns": {"ITEMS": ["GENRE"]}},
                id="51 items with metadata",
            ),
        ],
    )
    def test_long_list_is_refused(self, target, ranking, params):
        """A list beyond the limit is refused with InvalidInputException."""
        with pytest.raises(target.runtime.exceptions.InvalidInputException):
            target.runtime.get_personalized_ranking(campaignArn=ranking, userId="u", **params)

    @operation("GetPersonalizedRanking", "GetRecommendations")
    def test_recipe_decides_the_operation(self, target, campaign, ranking):
        """A ranking campaign gives no recommendations, and the other one ranks nothing."""
        bad = target.runtime.exceptions.InvalidInputException
        with pytest.raises(bad):
            target.runtime.get_recommendations(campaignArn=ranking, userId="u001")
        with pytest.raises(bad):
            target.runtime.get_personalized_ranking(
                campaignArn=campaign, userId="u001", inputList=["i0-00"]
            )

    @operation("GetPersonalizedRanking")
    def test_metadata_stand_beside_the_ranks(self, target, ranking):
        """Each ranked item has the column that was asked for."""
        answer = target.runtime.get_personalized_ranking(
            campaignArn=ranking,
            userId="u001",
            inputList=["i0-01", "i1-01"],
            metadataColumns={"ITEMS": ["YEAR"]},
        )["personalizedRanking"]
        found = {entry["itemId"]: list(entry["metadata"].values()) for entry in answer}
        assert found == {"i0-01": ["1990"], "i1-01": ["1991"]}
