"""Recommendations and rankings: what is asked for, filtered, scored, refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from personalize_data import PER_CLUSTER, item_rows

from musicrec.local.personalize.ranking import best, shown_scores


@pytest.fixture(scope="module")
def ranking(music):
    """A campaign that ranks."""
    return music.campaign("aws-personalized-ranking-v2", "ranking")


@pytest.fixture(scope="module")
def promotion(music):
    """A fifth of the places for another genre than the user's."""
    kept = music.filter("INCLUDE ItemID WHERE Items.GENRE IN ($G)", "promoted")
    return {
        "name": "new",
        "percentPromotedItems": 20,
        "filterArn": kept,
        "filterValues": {"G": '"g3"'},
    }


class TestBest:
    @given(
        hnp.arrays(
            np.float32,
            st.integers(0, 40),
            elements=st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]),
        ),
        st.integers(0, 50),
    )
    def test_same_as_a_full_sort(self, scores, count):
        """Best first, ties by code, what is -inf never."""
        expected = [
            code for code in np.lexsort((np.arange(len(scores)), -scores)) if scores[code] > -np.inf
        ]
        assert best(scores, count).tolist() == expected[:count]

    @given(
        hnp.arrays(
            np.float32, st.integers(0, 40), elements=st.sampled_from([-np.inf, 0.0, 0.5, 1.0])
        ),
        st.integers(0, 50),
        st.integers(0),
    )
    def test_among_some_as_if_the_others_had_no_score(self, scores, count, seed):
        """A mask chooses like -inf does."""
        among = np.random.default_rng(seed).random(len(scores)) < 0.5
        masked = np.where(among, scores, np.float32(-np.inf))
        assert best(scores, count, among).tolist() == best(masked, count).tolist()


class TestShownScores:
    def test_shares_of_all_scored_items_make_one(self):
        """-inf counts for nothing."""
        scores = np.array([3, 1, -np.inf, 2], dtype=np.float32)
        shares = shown_scores(scores, np.array([0, 3, 1]))
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1, abs=1e-6)

    def test_equal_scores_have_equal_shares(self):
        """No division by a spread of zero."""
        assert shown_scores(np.ones(4, dtype=np.float32), np.arange(4)) == [0.25] * 4


class TestGetRecommendations:
    def test_default_is_25(self, music):
        """As documented."""
        assert len(music.recommend(music.arns["campaign"], userId="u001")) == 25

    def test_unknown_user_gets_what_is_popular(self, music):
        """And no error."""
        cold = music.recommend(music.arns["campaign"], userId="nobody", numResults=5)
        assert cold == music.recommend(music.arns["campaign"], userId="somebody", numResults=5)
        assert len(cold) == 5

    @pytest.mark.parametrize(
        ("params", "text"),
        [
            ({}, "userId is required"),
            ({"userId": "u", "numResults": 501}, "at most 500"),
            ({"userId": "u", "filterValues": {"A": "1"}}, "needs a filterArn"),
            ({"userId": "u", "metadataColumns": {"ITEMS": ["MOOD"]}}, "no column MOOD"),
            ({"userId": "u", "metadataColumns": {"USERS": ["AGE"]}}, "columns of ITEMS"),
            (
                {"userId": "u", "metadataColumns": {"ITEMS": ["GENRE"]}, "numResults": 51},
                "at most 50 with metadataColumns",
            ),
            ({"userId": "u", "promotions": [{"name": "p"}]}, "lacks percentPromotedItems"),
        ],
    )
    def test_request_that_cannot_be_served(self, music, params, text):
        """The message says why."""
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match=text):
            music.recommend(music.arns["campaign"], **params)

    def test_ranking_campaign_gives_no_recommendations(self, music, ranking):
        """And the other way round."""
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match="GetPersonalized"):
            music.recommend(ranking, userId="u001")
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match="GetRecommend"):
            music.runtime.get_personalized_ranking(
                campaignArn=music.arns["campaign"], userId="u", inputList=["i0-00"]
            )

    def test_items_nobody_met_have_a_place(self, embedded):
        """A new item of the Items dataset can be recommended by its metadata."""
        new = ("brand-new", "g1|all", 101.0, 1991)
        world = embedded.world().load(items=[*item_rows(), new])
        found = world.recommend(world.campaign(), userId="u001", numResults=PER_CLUSTER + 1)
        assert "brand-new" in found

    def test_popularity_needs_no_user(self, music):
        """Everyone gets the same list."""
        popular = music.campaign("aws-popularity-count", "top")
        assert music.recommend(popular) == music.recommend(popular, userId="u001")


class TestFilters:
    def test_streamed_skip_is_filtered_at_once(self, music):
        """The next answer lacks the item, in any case of the event type."""
        campaign, user = music.arns["campaign"], "u010"
        kept = music.filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("SKIP")', "no-skips")
        before = music.recommend(campaign, userId=user, filterArn=kept)
        music.send(user, {"eventType": "skip", "itemId": before[0], "sentAt": 1_800_000_000})
        after = music.recommend(campaign, userId=user, filterArn=kept)
        assert before[0] not in after

    def test_imported_history_is_filtered_too(self, music):
        """Nothing is left of what a user ever met."""
        kept = music.filter('EXCLUDE ItemID WHERE Interactions.event_type IN ("*")', "unheard")
        found = music.recommend(music.arns["campaign"], userId="u021", filterArn=kept)
        assert found
        heard = {row["ITEM_ID"] for row in music.export(name="heard") if row["USER_ID"] == "u021"}
        assert not heard & set(found)

    def test_metadata_filter_takes_values(self, music):
        """FilterValues fill the placeholders."""
        kept = music.filter(
            "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE) AND Items.YEAR > $YEAR", "by-genre"
        )
        found = music.recommend(
            music.arns["campaign"],
            userId="u000",
            filterArn=kept,
            filterValues={"GENRE": '"g1","g2"', "YEAR": "1991"},
        )
        assert {item[:2] for item in found} == {"i2"}

    def test_condition_on_the_user(self, music):
        """Users below 18 lose a genre, others keep it."""
        kept = music.filter(
            'EXCLUDE ItemID WHERE Items.GENRE IN ("g1") IF CurrentUser.AGE < 18', "youth"
        )
        params = {"filterArn": kept, "numResults": 200}
        young = music.recommend(music.arns["campaign"], userId="u001", **params)
        old = music.recommend(music.arns["campaign"], userId="u005", **params)
        assert not any(item.startswith("i1") for item in young)
        assert any(item.startswith("i1") for item in old)

    def test_condition_on_the_current_item(self, music):
        """Related items of the same year only; no personal recipe takes such a filter."""
        kept = music.filter("INCLUDE ItemID WHERE Items.YEAR = CurrentItem.YEAR", "same-year")
        campaign = music.campaign("aws-similar-items", "related")
        found = music.recommend(campaign, itemId="i1-00", filterArn=kept, numResults=100)
        assert {item[:2] for item in found} == {"i1"}
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match="CurrentItem"):
            music.recommend(music.arns["campaign"], userId="u001", filterArn=kept)

    def test_filter_of_another_group_is_refused(self, music):
        """Filters belong to a dataset group."""
        own = dict(music.arns)
        try:
            music.group("elsewhere")
            music.dataset("Items", name="elsewhere-items")
            kept = music.filter("INCLUDE ItemID WHERE Items.YEAR > 1", "foreign")
        finally:
            music.arns.update(own)
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match="another dataset"):
            music.recommend(music.arns["campaign"], userId="u001", filterArn=kept)

    @pytest.mark.parametrize(
        ("expression", "text"),
        [
            ("INCLUDE ItemID WHERE Items.MOOD IN ($M)", "no field MOOD"),
            ("INCLUDE ItemID WHERE Items.GENRE < 5", "compares numbers"),
            ("INCLUDE UserID WHERE Users.COUNTRY = 5", "compares numbers"),
            ("INCLUDE ItemID WHERE", "ends where"),
        ],
    )
    def test_expression_is_held_against_the_schemas(self, music, expression, text):
        """A filter that could never work is refused when made."""
        with pytest.raises(music.control.exceptions.InvalidInputException, match=text):
            music.filter(expression, "bad")


class TestGetPersonalizedRanking:
    def test_order_follows_the_user_and_strangers_come_last(self, music, ranking):
        """Scores of the known sum to one; unknown items have none."""
        wanted = ["stranger", "i0-01", "i1-01", "i2-01", "i3-01"]
        answer = music.runtime.get_personalized_ranking(
            campaignArn=ranking, userId="u002", inputList=wanted
        )["personalizedRanking"]
        assert answer[0]["itemId"] == "i2-01"
        assert answer[-1] == {"itemId": "stranger"}
        assert sorted(entry["itemId"] for entry in answer) == sorted(wanted)
        assert sum(entry.get("score", 0) for entry in answer) == pytest.approx(1, abs=1e-5)

    def test_list_may_have_500_items(self, music, ranking):
        """Fifty when metadata are asked for."""
        refused = music.runtime.exceptions.InvalidInputException
        with pytest.raises(refused, match="1 to 500 items, not 501"):
            music.runtime.get_personalized_ranking(
                campaignArn=ranking, userId="u", inputList=["i"] * 501
            )
        with pytest.raises(refused, match="1 to 50 items, not 51"):
            music.runtime.get_personalized_ranking(
                campaignArn=ranking,
                userId="u",
                inputList=["i"] * 51,
                metadataColumns={"ITEMS": ["GENRE"]},
            )

    def test_metadata_stand_beside_known_items(self, music, ranking):
        """What the Items dataset lacks has none."""
        answer = music.runtime.get_personalized_ranking(
            campaignArn=ranking,
            userId="u",
            inputList=["i1-02", "stranger"],
            metadataColumns={"ITEMS": ["GENRE"]},
        )["personalizedRanking"]
        assert [entry["metadata"] for entry in answer] == [{"GENRE": "g1|all"}, {}]


class TestMetadata:
    def test_second_generation_shows_columns_as_text(self, music):
        """Numbers are written as in the file; the names are those of the request."""
        item = music.runtime.get_recommendations(
            campaignArn=music.arns["campaign"],
            userId="u001",
            numResults=1,
            metadataColumns={"ITEMS": ["GENRE", "tempo", "YEAR"]},
        )["itemList"][0]
        name, genre, tempo, year = next(row for row in item_rows() if row[0] == item["itemId"])
        assert name
        assert item["metadata"] == {"GENRE": genre, "tempo": f"{tempo:g}", "YEAR": str(year)}

    def test_first_generation_needs_the_campaign_s_consent(self, music):
        """Switched on by an update, the same request is answered."""
        campaign = music.campaign("aws-user-personalization", "first")
        request = {"userId": "u001", "metadataColumns": {"ITEMS": ["GENRE"]}}
        with pytest.raises(music.runtime.exceptions.InvalidInputException, match="enableMetadata"):
            music.recommend(campaign, **request)
        music.control.update_campaign(
            campaignArn=campaign, campaignConfig={"enableMetadataWithRecommendations": True}
        )
        assert music.recommend(campaign, **request)


class TestPromotions:
    def ask(self, music, promotion, **params):
        """The entries of an answer with the promotion."""
        return music.runtime.get_recommendations(
            campaignArn=music.arns["campaign"], promotions=[promotion], **params
        )["itemList"]

    def test_share_of_the_places_is_promoted(self, music, promotion):
        """They are named, keep their order, and appear once."""
        items = self.ask(music, promotion, userId="u005", numResults=10)
        chosen = [entry for entry in items if entry.get("promotionName") == "new"]
        assert len(items) == len({entry["itemId"] for entry in items}) == 10
        assert len(chosen) == 2
        assert all(entry["itemId"].startswith("i3") for entry in chosen)
        assert all(entry["reason"] == ["Promoted item"] for entry in chosen)
        assert chosen[0]["score"] >= chosen[1]["score"]

    def test_request_s_filter_spares_promoted_items(self, music, promotion):
        """The promotion's own filter alone decides about them."""
        kept = music.filter('EXCLUDE ItemID WHERE Items.GENRE IN ("g3")', "no-g3")
        items = self.ask(music, promotion, userId="u009", numResults=10, filterArn=kept)
        assert sum(entry["itemId"].startswith("i3") for entry in items) == 2

    def test_places_differ_by_request_and_repeat_with_it(self, music, promotion):
        """Random, but from the request alone."""
        users = [f"u{n:03}" for n in range(1, 30, 4)]
        places = {
            user: [
                tuple(
                    place
                    for place, entry in enumerate(
                        self.ask(music, promotion, userId=user, numResults=20)
                    )
                    if "promotionName" in entry
                )
                for _ in range(2)
            ]
            for user in users
        }
        assert all(first == again for first, again in places.values())
        assert len({first for first, _ in places.values()}) > 1

    def test_too_few_promoted_items_leave_room_for_others(self, music):
        """The answer keeps its length."""
        kept = music.filter("INCLUDE ItemID WHERE Items.YEAR > 9000", "nothing")
        promotion = {"name": "none", "percentPromotedItems": 50, "filterArn": kept}
        items = self.ask(music, promotion, userId="u001", numResults=10)
        assert len(items) == 10
        assert not any("promotionName" in entry for entry in items)
