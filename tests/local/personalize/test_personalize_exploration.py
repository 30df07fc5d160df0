"""How much is explored, which items are drawn, and popular ones that fill up."""

from types import SimpleNamespace

import numpy as np
import pytest
from personalize_shop import (
    DAY,
    LATEST,
    event,
    learned,
)

from musicrec.local.personalize import exploration, selection
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.exploration import LIGHT, LIGHT_FOR_NEWCOMERS, Exploration
from musicrec.local.personalize.impressions import Impressions
from musicrec.local.personalize.ranking import best
from musicrec.local.personalize.recipe_list import RECIPES
from musicrec.local.personalize.recipes import PREFIX


class TestExploration:
    def test_weight_decides_how_much_is_explored(self, first):
        """None at 0, all places at 1, as far as there are young items."""
        for number in range(30):
            first.put(f"new-{number:02}")
        first.wait()
        lists = {
            weight: first.ids(first.campaign(f"w{number}", explorationWeight=weight), count=20)
            for number, weight in enumerate(["0", "0.5", "1"])
        }
        explored = {
            weight: sum(item.startswith("new") for item in found) for weight, found in lists.items()
        }
        assert explored == {"0": 0, "0.5": 10, "1": 20}

    def test_age_decides_which_items_are_explored(self, first):
        """Before the newest interaction of all; without a creation time an unmet item is young."""
        first.put("old", creationTimestamp=LATEST - 40 * DAY)
        first.put("young", creationTimestamp=LATEST - 20 * DAY)
        first.put("ageless")
        first.wait()
        live, wide = first.campaign(), first.campaign("wide", explorationItemAgeCutOff="50")
        new = {"old", "young", "ageless"}
        assert new & set(first.ids(live)) == {"young", "ageless"}
        assert new & set(first.ids(wide)) == new

    def test_same_state_gives_the_same_list(self, first):
        """Until the user does something."""
        for number in range(40):
            first.put(f"new-{number:02}")
        first.wait()
        live = first.campaign(explorationWeight="0.5")
        before = first.ids(live, count=20)
        assert first.ids(live, count=20) == before
        first.world.send("u001", {"eventType": "play", "itemId": "i1-03", "sentAt": 1_800_000_000})
        assert first.ids(live, count=20) != before

    def test_second_generation_explores_lightly(self, second):
        """A list of the usual length mostly has nothing of the kind."""
        for number in range(30):
            second.put(f"new-{number:02}", genre=f"g{number % 4}|all")
        second.wait()
        live = second.campaign()
        entries = [
            entry for user in range(60) for entry in second.list(live, f"u{user:03}", count=25)
        ]
        share = sum("reason" in entry for entry in entries) / len(entries)
        assert LIGHT_FOR_NEWCOMERS / 3 < share < LIGHT_FOR_NEWCOMERS * 3

    @pytest.mark.parametrize(
        ("config", "text"),
        [
            ({"explorationWeight": "1.5"}, "from 0 to 1, not '1.5'"),
            ({"explorationWeight": "much"}, "not 'much'"),
            ({"explorationItemAgeCutOff": "0.5"}, "from 1, not '0.5'"),
            ({"explorationItemAgeCutOff": "nan"}, "not 'nan'"),
            ({"explorationweight": "0.3"}, "not \\['explorationweight'\\]"),
        ],
    )
    def test_bad_settings_are_refused(self, config, text):
        """The message says what would do."""
        recipe = RECIPES[PREFIX + "aws-user-personalization"]
        with pytest.raises(InvalidInputError, match=text):
            exploration.check(recipe, {"itemExplorationConfig": config})

    def test_other_recipes_take_no_settings(self):
        """They do not explore."""
        with pytest.raises(InvalidInputError, match="not supported by aws-sims"):
            exploration.check(
                RECIPES[PREFIX + "aws-sims"],
                {"itemExplorationConfig": {"explorationWeight": "0.3"}},
            )

    def test_shares(self):
        """As the recipe and the campaign say."""
        v1, v2, sims = (
            RECIPES[PREFIX + name]
            for name in ("aws-user-personalization", "aws-user-personalization-v2", "aws-sims")
        )
        given = {"itemExplorationConfig": {"explorationWeight": "0.7"}}
        assert Exploration.of(v1, {}, newcomers=True).share == 0.3
        assert Exploration.of(v1, given, newcomers=True).share == 0.7
        assert Exploration.of(v2, given, newcomers=False).share == LIGHT
        assert Exploration.of(sims, given, newcomers=True).share == 0

    def test_places_are_the_share_on_average(self):
        """Rounded by chance."""
        chance = np.random.default_rng(0)
        drawn = [exploration.places(Exploration(0.31), 10, chance) for _ in range(2000)]
        assert set(drawn) == {3, 4}
        assert np.mean(drawn) == pytest.approx(3.1, abs=0.05)


@pytest.mark.usefixtures("few")
class TestPopularItems:
    @pytest.fixture
    def few(self, monkeypatch):
        """Lists are made of the 20 best items for the user."""
        monkeypatch.setattr(selection, "CANDIDATES", 20)

    def test_fill_up_where_a_filter_leaves_too_few(self, second):
        """They have a reason and no score; the second generation's candidates come first."""
        live = second.campaign()
        kept = second.world.filter("INCLUDE ItemID WHERE Items.GENRE IN ($G)")
        values = {"G": '"g1","g2"'}
        found = second.list(live, count=40, filterArn=kept, filterValues=values)
        chosen = [entry for entry in found if "reason" not in entry]
        popular = [entry for entry in found if "reason" in entry]
        assert len(found) == 40
        assert 1 < len(chosen) <= 20
        assert found == chosen + popular
        assert all("score" in entry for entry in chosen)
        assert all(entry["reason"] == ["Popular item"] for entry in popular)
        assert not any("score" in entry for entry in popular)
        assert len({entry["itemId"] for entry in found}) == 40

    def test_need_a_filter(self, second):
        """A plain list has scores to its end."""
        found = second.list(second.campaign(), count=20)
        assert all("score" in entry for entry in found)

    def test_first_generation_has_none(self, first):
        """It scores the whole catalogue."""
        live = first.campaign()
        kept = first.world.filter("INCLUDE ItemID WHERE Items.GENRE IN ($G)")
        found = first.list(live, filterArn=kept, filterValues={"G": '"g2"'})
        assert len(found) == 30
        assert all("score" in entry and "reason" not in entry for entry in found)


class TestDrawn:
    def draw(self, impressions=(), seed=0, count=1):
        """How often each of three equal items is drawn in many states."""
        found, _, _ = learned(rows=[("u", name, 1) for name in "abc"])
        log = SimpleNamespace(impressions=Impressions())
        for shown in impressions:
            log.impressions.record(event("a", IMPRESSION=shown))
        version = SimpleNamespace(solution=SimpleNamespace(group=SimpleNamespace(log=log)))
        trained = SimpleNamespace(novelty=found, item_index={"a": 0, "b": 1, "c": 2})
        counts = np.zeros(3)
        for lot in range(600):
            chance = np.random.default_rng([seed, lot])
            lots = exploration.drawn(version, trained, np.ones(3, np.float32), chance)
            counts[best(lots, count, np.array([True, True, False]))] += 1
        return counts / 600

    def test_equal_items_have_equal_chances(self):
        """And what must not be drawn has none."""
        assert self.draw() == pytest.approx([0.5, 0.5, 0], abs=0.06)

    def test_item_passed_over_loses_chance(self):
        """The more, the oftener."""
        once, often = self.draw(["b"]), self.draw(["b"] * 20)
        assert 0.2 < once[1] < 0.42
        assert often[1] < 0.1

    def test_no_more_than_there_are(self):
        """Two candidates fill two places of three."""
        assert self.draw(count=3).tolist() == [1, 1, 0]
