"""Rules that ask for recommendations, and what must hold of every answer."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import strategies as st
from hypothesis.stateful import rule
from personalize_data import RECIPE
from personalize_inputs import ITEMS, USERS, rarely
from personalize_model import interactions_of
from personalize_player import Player

from musicrec.local.personalize.auto_update import current
from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.datasets import of_group
from musicrec.local.personalize.exploration import Exploration
from musicrec.local.personalize.resources import Campaign, Recommender


class Listener(Player):
    """Recommendations and rankings, with filters, promotions and metadata."""

    def campaign(self, recipe):
        """The campaign that `fill` made of a recipe."""
        arns = self.model.of("Campaign")
        recipes = [self.model.view(self.model.view(arn)["solutionVersionArn"]) for arn in arns]
        return arns[[view["recipeArn"] for view in recipes].index(RECIPE + recipe)]

    def new_filter(self, name, case):
        """A filter in place of the last one of that name, and its values, for a request."""
        group = self.model.of("DatasetGroup")[0]
        arn = group.replace("dataset-group/one", f"filter/{name}")
        self.wire.send("DeleteFilter", {"filterArn": arn})
        params = {"name": name, "datasetGroupArn": group, "filterExpression": case.text()}
        assert self.wire.send("CreateFilter", params).code is None
        self.filters[arn] = case
        return {"filterArn": arn} | ({"filterValues": case.values()} if case.values() else {})

    def filter_of(self, data):
        """A filter and its values, or none."""
        if not self.filters or data.draw(st.booleans()):
            return {}
        arn = self.some(data, "Filter")
        values = self.filters[arn].values() if arn in self.filters else {}
        for name in [name for name in values if rarely(data)]:
            del values[name]
        return {"filterArn": arn} | ({"filterValues": values} if values else {})

    @rule(
        data=st.data(),
        user=st.sampled_from(USERS),
        item=st.sampled_from(ITEMS),
        count=st.sampled_from([None, 1, 5, 20, 50, 500]),
    )
    def recommend(self, data, user, item, count):
        params = (
            self.recommending(data)
            | {
                "userId": None if rarely(data) else user,
                "itemId": None if rarely(data) else item,
                "numResults": count,
                "metadataColumns": data.draw(
                    st.sampled_from([None, None, None, {"ITEMS": ["GENRE", "TEMPO"]}])
                ),
            }
            | self.filter_of(data)
        )
        promotion = self.filter_of(data) if data.draw(st.booleans()) else {}
        if promotion:
            share = data.draw(st.sampled_from([1, 20, 50, 100]))
            promotion |= {"name": "ours", "percentPromotedItems": share}
            params["promotions"] = [promotion]
        answer = self.call("GetRecommendations", **params)
        if answer.code is None:
            self.check_items(params, answer.content["itemList"])

    def recommending(self, data):
        """What is asked: a campaign, or a recommender where there is one."""
        if self.model.of("Recommender") and data.draw(st.booleans()):
            return {"recommenderArn": self.some(data, "Recommender")}
        return {"campaignArn": self.campaign_of(data, ranking=False)}

    @rule(
        data=st.data(),
        user=st.sampled_from(USERS),
        items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=8),
    )
    def rank(self, data, user, items):
        params = {
            "campaignArn": self.campaign_of(data, ranking=True),
            "userId": user,
            "inputList": items,
        } | self.filter_of(data)
        answer = self.call("GetPersonalizedRanking", **params)
        if answer.code is None:
            self.check_ranking(params, answer.content["personalizedRanking"])

    def check_ranking(self, params, listed):
        """Each item once, best first, the shares one in all, and none that the filter takes out."""
        items = params["inputList"]
        self._check_passing([entry["itemId"] for entry in listed], params)
        names = {entry["itemId"] for entry in listed}
        assert len(names) == len(listed)
        assert names <= set(items)
        assert "filterArn" in params or names == set(items)
        shares = [entry["score"] for entry in listed if "score" in entry]
        assert shares == sorted(shares, reverse=True)
        assert not shares or abs(sum(shares) - 1) < 1e-6 * len(shares)

    def check_items(self, params, listed):
        """Known items, each once, as many as asked for at most, promoted or let through."""
        names = [entry["itemId"] for entry in listed]
        count = params.get("numResults") or 25
        assert len(names) <= count
        assert len(set(names)) == len(names)
        assert set(names) <= self.known_items(params)
        ordinary = [entry for entry in listed if "promotionName" not in entry]
        promoted = [entry for entry in listed if "promotionName" in entry]
        self._check_shares(promoted, 0)
        chosen = [entry for entry in ordinary if "reason" not in entry]
        self._check_shares(chosen, self._explored(params, count))
        assert sum(entry.get("score", 0) for entry in listed) < 1 + 1e-6 * len(listed)
        self._check_passing([entry["itemId"] for entry in ordinary], params)
        if not params.get("promotions"):
            assert not promoted
            return
        promotion = params["promotions"][0]
        assert len(promoted) <= count * promotion["percentPromotedItems"] / 100
        self._check_passing(
            [e["itemId"] for e in promoted], params | {"filterValues": {}} | promotion
        )

    def _check_shares(self, entries, explored):
        """All have one or none, and they fall, but for so many that are there by chance."""
        shares = [entry["score"] for entry in entries if "score" in entry]
        assert len(shares) in {0, len(entries)}
        assert len(shares) - longest_fall(shares) <= explored

    def _explored(self, params, count):
        """How many of the places may be explored and not say so."""
        version, trained = self._version(params), self._trained(params)
        if version.solution.recipe.second_generation:
            return 0
        campaign = self._campaign(params)
        config = campaign.settings.get("campaignConfig", {})
        explored = Exploration.of(version.solution.recipe, config, newcomers=False)
        if explored.share == 0:
            return 0
        # Newcomers also come last where the other items do not suffice.
        return int(explored.share * count) + 1 + len(trained.item_ids) - trained.known

    def _campaign(self, params):
        region = self.wire.region
        if "recommenderArn" in params:
            return region.get(Recommender, params["recommenderArn"]).deployed
        return region.get(Campaign, params["campaignArn"])

    def _version(self, params):
        return serving(self.wire.region, self._campaign(params))

    def _trained(self, params):
        return current(self.wire.region, self._version(params))

    def known_items(self, params):
        """The items of the serving version: those it was trained on, and those that came later."""
        return set(self._trained(params).item_ids)

    def _check_passing(self, names, params):
        case = self.filters.get(params.get("filterArn"))
        given = params.get("filterValues") or {}
        if case is None or case.values().keys() - given.keys():
            return  # none, or an EXCLUDE that does not apply
        assert set(names) <= set(self.passing(params, names)), case.text()

    def passing(self, params, names=None):
        """Of the items, or of all that are known, those that the filter lets through.

        As plain Python reads the filter, the datasets and the user's interactions.
        """
        case = self.filters[params["filterArn"]]
        group, user = self._version(params).solution.group, params.get("userId")
        items = self._rows(group, "ITEMS", "ITEM_ID")
        person = self._rows(group, "USERS", "USER_ID").get(user, {})
        events = interactions_of(group.log, user) if user else {}
        return [
            name
            for name in (self.known_items(params) if names is None else names)
            if case.lets(items.get(name, {}), events.get(name, set()), person)
        ]

    def _rows(self, group, kind, column):
        """A group's items or users by id, as they are stored."""
        dataset = of_group(self.wire.region, group, kind)
        rows = dataset.records.all().to_pylist() if dataset else []
        return {row[column]: row for row in rows}


def longest_fall(numbers):
    """The length of the longest subsequence that never rises."""
    tails = []
    for number in numbers:
        place = bisect_right(tails, -number)
        tails[place : place + 1] = [-number]
    return len(tails)
