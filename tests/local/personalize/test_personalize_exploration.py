"""New items, exploration, popular items that fill up, and what was shown and passed over."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from personalize_data import avro, item_rows, listening_rows
from personalize_world import ROLE, Clock, Embedded

from musicrec.local.personalize import avro as schemas
from musicrec.local.personalize import exploration, novelty, selection
from musicrec.local.personalize.auto_update import INTERVAL
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.exploration import LIGHT, LIGHT_FOR_NEWCOMERS, Exploration
from musicrec.local.personalize.impressions import KEPT_LISTS, Impressions
from musicrec.local.personalize.interaction_log import StreamedEvent
from musicrec.local.personalize.item_features import FeatureEncoder, item_features
from musicrec.local.personalize.metadata import MetadataRecords
from musicrec.local.personalize.newcomers import WithNewcomers
from musicrec.local.personalize.ranking import best
from musicrec.local.personalize.recipe_list import RECIPES
from musicrec.local.personalize.recipes import PREFIX
from musicrec.research.models import Popularity
from musicrec.research.models.base import Interactions

ITEMS = avro(
    "Items",
    "ITEM_ID:string",
    "GENRE:string|?",
    "TEMPO:float?",
    "YEAR:int?",
    "CREATION_TIMESTAMP:long?",
)
HEADER = ["ITEM_ID", "GENRE", "TEMPO", "YEAR", "CREATION_TIMESTAMP"]
LONG_AGO = 1_000_000_000
LATEST = max(row[2] for row in listening_rows())
DAY = 86_400
NEW = "brand-new"
EVERYTHING = 500


class Shop:
    """A region whose catalogue can grow, and its solution."""

    def __init__(self, server, clock, recipe):
        self.clock = clock
        self.world = server.world()
        self.world.load()
        self.world.dataset("Items", ITEMS)
        rows = [(*row, LONG_AGO) for row in item_rows()]
        done = self.world.import_csv("Items", self.world.put_csv("items.csv", HEADER, rows))
        assert done["status"] == "ACTIVE", done
        self.solution = self.world.solution(recipe)
        self.version = self.world.train(self.solution)["solutionVersionArn"]

    def campaign(self, name="live", **config):
        """A campaign, with an exploration of its own if there are settings."""
        given = {"campaignConfig": {"itemExplorationConfig": config}} if config else {}
        return self.world.control.create_campaign(
            name=name, solutionVersionArn=self.version, **given
        )["campaignArn"]

    def put(self, item=NEW, **properties):
        """A new item of the second genre."""
        given = {"genre": "g1|all", "tempo": 101.0, "year": 1991} | properties
        self.world.events.put_items(
            datasetArn=self.world.arns["Items"],
            items=[{"itemId": item, "properties": json.dumps(given)}],
        )

    def wait(self, seconds=INTERVAL):
        """Move the clock."""
        self.clock.now += seconds

    def list(self, campaign, user="u001", count=EVERYTHING, **params):
        """The entries of an answer."""
        return self.world.runtime.get_recommendations(
            campaignArn=campaign, userId=user, numResults=count, **params
        )["itemList"]

    def ids(self, campaign, *args, **params):
        """The item ids of an answer."""
        return [entry["itemId"] for entry in self.list(campaign, *args, **params)]


@pytest.fixture(scope="module")
def clocked():
    """A server for the module, and the clock that it goes by."""
    clock = Clock()
    server = Embedded(clock=clock)
    yield server, clock
    server.stop()


@pytest.fixture
def first(clocked):
    """A shop with the recipe of the first generation."""
    return Shop(*clocked, "aws-user-personalization")


@pytest.fixture
def second(clocked):
    """A shop with the recipe of the second generation."""
    return Shop(*clocked, "aws-user-personalization-v2")


class TestAutoUpdate:
    def test_new_item_comes_in_after_two_hours(self, first):
        """By exploration: never where a campaign explores nothing."""
        live, none = first.campaign(), first.campaign("none", explorationWeight="0")
        first.put()
        first.wait(INTERVAL - 60)
        assert NEW not in first.ids(live)
        first.wait(60)
        assert NEW in first.ids(live)
        assert NEW not in first.ids(none)

    def test_imported_item_comes_in_too(self, first):
        """What matters is that the Items dataset has it."""
        live = first.campaign()
        location = first.world.put_csv("more.csv", HEADER, [(NEW, "g1|all", 101.0, 1991, "")])
        first.world.import_csv("Items", location, "more", importMode="INCREMENTAL")
        first.wait()
        assert NEW in first.ids(live)

    def test_second_generation_says_why_it_is_there(self, second):
        """And lists it, at the end at the latest where nothing else is left."""
        live = second.campaign()
        second.put()
        second.wait()
        found = {entry["itemId"]: entry for entry in second.list(live)}
        assert found[NEW]["reason"] == ["Exploration"]
        assert found[NEW]["score"] > 0
        assert len(found) == len(item_rows()) + 1
        assert sum("reason" in entry for entry in found.values()) == 1

    def test_new_item_can_be_filtered_and_described(self, second):
        """Like any other."""
        live = second.campaign()
        second.put(year=2030)
        kept = second.world.filter("INCLUDE ItemID WHERE Items.YEAR = 2030")
        assert second.ids(live, filterArn=kept) == []
        second.wait()
        (entry,) = second.list(live, count=50, filterArn=kept, metadataColumns={"ITEMS": ["YEAR"]})
        assert entry["itemId"] == NEW
        assert entry["metadata"] == {"YEAR": "2030"}

    def test_older_versions_stay_as_they_are(self, first):
        """Only the latest fully trained version is updated."""
        old = first.campaign("old")
        first.put()
        first.version = first.world.train(first.solution, trainingMode="UPDATE")[
            "solutionVersionArn"
        ]
        first.put("newer")
        first.wait()
        assert "newer" not in first.ids(first.campaign("updated"))
        assert "newer" in first.ids(old)
        first.version = first.world.train(first.solution)["solutionVersionArn"]
        first.put("newest")
        first.wait()
        assert "newest" not in first.ids(old)
        assert "newest" in first.ids(first.campaign("new"))

    def test_batch_jobs_update_for_themselves(self, first):
        """At once, for the latest version."""
        first.put()
        world = first.world
        body = json.dumps({"userId": "u001"}).encode()
        world.embedded.s3.put_object(Bucket=world.bucket, Key="users.json", Body=body)
        arn = world.control.create_batch_inference_job(
            jobName="batch",
            solutionVersionArn=first.version,
            numResults=EVERYTHING,
            jobInput={"s3DataSource": {"path": f"s3://{world.bucket}/users.json"}},
            jobOutput={"s3DataDestination": {"path": f"s3://{world.bucket}/out/"}},
            roleArn=ROLE,
            batchInferenceJobConfig={"itemExplorationConfig": {"explorationWeight": "0.5"}},
        )["batchInferenceJobArn"]
        world.finished(
            lambda: world.control.describe_batch_inference_job(batchInferenceJobArn=arn)[
                "batchInferenceJob"
            ]
        )
        answer = world.embedded.s3.get_object(Bucket=world.bucket, Key="out/users.json.out")
        assert NEW in json.loads(answer["Body"].read())["output"]["recommendedItems"]


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


def event(item, **properties):
    """A streamed event."""
    return StreamedEvent(
        user_id="u",
        session_id="s",
        item_id=item,
        timestamp=1,
        event_type="play",
        properties=properties,
    )


def passed(impressions):
    """How often each item was passed over."""
    counts = {}
    for item, change in impressions.changes(0):
        counts[item] = counts.get(item, 0) + change
    return {item: count for item, count in counts.items() if count}


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


class TestImpressions:
    def test_explicit_ones_count_but_for_the_chosen_item(self):
        """Every time that they are sent."""
        impressions = Impressions()
        impressions.record(event("a", IMPRESSION="a|b|c"))
        impressions.record(event("c", IMPRESSION="b|c"))
        assert passed(impressions) == {"b": 2, "c": 1}

    def test_a_recommendation_counts_once_somebody_chose_from_it(self):
        """Whatever is chosen of it in the end was not passed over."""
        impressions = Impressions()
        impressions.answered("RID-1", ("a", "b", "c"))
        impressions.answered("RID-2", ("d",))
        for item in ("a", "a", "b"):
            impressions.record(event(item, RECOMMENDATION_ID="RID-1"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-unknown"))
        assert passed(impressions) == {"c": 1}

    def test_explicit_ones_go_before_the_recommendation(self):
        """What the application says it showed."""
        impressions = Impressions()
        impressions.answered("RID-1", ("a", "b", "c"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-1", IMPRESSION="a|b"))
        assert passed(impressions) == {"b": 1}

    def test_old_answers_are_forgotten(self):
        """Memory stays bounded."""
        impressions = Impressions()
        for number in range(KEPT_LISTS + 1):
            impressions.answered(f"RID-{number}", ("a", "b"))
        impressions.record(event("a", RECOMMENDATION_ID="RID-0"))
        assert passed(impressions) == {}

    def test_answers_are_remembered_for_events(self, first):
        """An event with the recommendationId of an answer makes the others less likely."""
        for number in range(40):
            first.put(f"new-{number:02}")
        first.wait()
        live = first.campaign(explorationWeight="1")
        world, before = first.world, first.ids(live, count=5)
        for turn in range(8):
            answer = world.runtime.get_recommendations(
                campaignArn=live, userId="u001", numResults=5
            )
            world.events.put_events(
                trackingId=world.arns["tracking_id"],
                userId="somebody",
                sessionId="s",
                eventList=[
                    {
                        "eventType": "play",
                        "itemId": "i1-00",
                        "sentAt": 1_800_000_000 + turn,
                        "recommendationId": answer["recommendationId"],
                    }
                ],
            )
        assert set(first.ids(live, count=5)) != set(before)


MODEL_ROWS = [("u", "a", 100), ("u", "b", 200), ("v", "a", 300), ("w", "c", 5 * DAY)]


def learned(rows=MODEL_ROWS, content=b"a,x,,,50\nb,y,,,\nnew,x,,,\n", bulk=None):
    """What is known of the items of a training, and their records."""
    interactions = Interactions.from_rows(rows)
    records = MetadataRecords(schemas.parse(ITEMS), "ITEM_ID")
    for line in content.decode().split():
        item, genre, _, _, created = line.split(",")
        records.put(
            item,
            {
                "GENRE": genre,
                "TEMPO": None,
                "YEAR": None,
                "CREATION_TIMESTAMP": int(created) if created else None,
            },
        )
    index = {name: code for code, name in enumerate(interactions.item_ids)}
    encoder = FeatureEncoder.learned(records)
    features = item_features(encoder, records, index)
    return novelty.learned(interactions, records, (encoder, features), bulk), interactions, records


class TestNovelty:
    def test_age_counts_from_creation_or_the_oldest_interaction(self):
        """And an item of neither is as young as the newest interaction."""
        found, _, records = learned()
        assert found.born.tolist() == [50, 200, 5 * DAY]
        table = records.all()
        new = table.filter(pa.compute.equal(table.column("ITEM_ID"), "new"))
        assert found.extended(new).born.tolist() == [50, 200, 5 * DAY, 5 * DAY]

    def test_imported_impressions_count(self):
        """All but the chosen item's."""
        bulk = pa.table({"ITEM_ID": ["a", "b"], "IMPRESSION": ["a|b|b", None]})
        found, interactions, _ = learned(bulk=bulk)
        index = {name: code for code, name in enumerate(interactions.item_ids)}
        assert found.passed.penalties(Impressions(), index) == pytest.approx(np.log([1, 2, 1]))

    def test_streamed_impressions_are_read_once(self):
        """However often one asks."""
        found, interactions, _ = learned()
        index = {name: code for code, name in enumerate(interactions.item_ids)}
        impressions = Impressions()
        impressions.record(event("a", IMPRESSION="a|b|stranger"))
        for _ in range(2):
            assert found.passed.penalties(impressions, index) == pytest.approx(np.log([1, 2, 1]))
        impressions.record(event("a", IMPRESSION="b"))
        assert found.passed.penalties(impressions, index) == pytest.approx(np.log([1, 3, 1]))


class TestNewcomers:
    def test_new_item_scores_as_those_like_it(self):
        """By metadata; what is like nothing scores least."""
        found, interactions, records = learned(
            content=b"a,x,,,\nb,y,,,\nc,z,,,\nnew,y,,,\nodd,q,,,\n"
        )
        table = records.all()
        new = table.slice(3, 2)
        links = found.anchors.links(new, 3)
        model = WithNewcomers(Popularity().fit(interactions), links)
        scores = model.scores(np.array([0, 3], dtype=np.int32), np.array([1, 2]))
        assert scores.tolist() == [2, 1, 1, 1, 1]
        assert links.toarray().tolist() == [[0, 1, 0], [0, 0, 0]]


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
            lots = exploration.drawn(
                version, trained, np.ones(3, np.float32), np.array([True, True, False]), chance
            )
            counts[best(lots, count)] += 1
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
