"""A client that does anything at all with one region, and looks at everything after each call."""

from __future__ import annotations

import json
import random
from functools import cache

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from personalize_data import HEADERS, RECIPE, SCHEMAS, avro, listening_rows, to_csv
from personalize_filter_cases import cases
from personalize_model import DELETES, KINDS, RegionModel, interactions_of
from personalize_shapes import MODELS, fitting, spoiled
from personalize_wire import Wire
from personalize_world import ROLE

from musicrec.local.personalize.campaigns import serving
from musicrec.local.personalize.life_cycle import LifeCycle
from musicrec.local.personalize.resources import Campaign

NAMES = ["one", "two", "three"]
USERS = ["u000", "u001", "u007", "nobody", "session"]
ITEMS = ["i0-00", "i1-01", "i2-02", "i3-03", "new", "unknown"]
RECIPES = [
    "aws-user-personalization-v2",
    "aws-user-personalization",
    "aws-personalized-ranking",
    "aws-personalized-ranking-v2",
    "aws-similar-items",
    "aws-sims",
    "aws-popularity-count",
    "aws-trending-now",
    "aws-item-affinity",
    "aws-item-attribute-affinity",
    "aws-hrnn",
    "aws-semantic-similarity",
]
WIDER = {
    "Interactions": SCHEMAS["Interactions"],
    "Items": avro(
        "Items", "ITEM_ID:string", "GENRE:string|?", "TEMPO:float?", "YEAR:int?", "NOTE:string?"
    ),
    "Users": avro("Users", "USER_ID:string", "AGE:int?", "COUNTRY:string|?", "PLAN:string?"),
}
FAILURES = [{}, {}, {"campaign/two": "no capacity"}, {"solution/one/*": "no luck", "filter/*": "-"}]
USUAL = frozenset({"campaignArn", "userId", "itemId", "datasetGroupArn", "filterArn"})
PROPERTIES = [
    '{"itemId": "i0-00"}',
    '{"itemId": "i1-01", "eventValue": 0.5}',
    '{"genre": "g1|new", "tempo": 99.5, "year": 1991}',
    '{"age": 19, "country": "DE"}',
    '{"tempo": 1e39}',
    '{"tempo": null}',
    '{"year": 1.5}',
    '{"userId": "u000"}',
    '{"genre": "\\ud800"}',
    "[" * 900,
    "{}",
    "not JSON",
]
FILES = {
    "Interactions": ["good/Interactions.csv", "other/Interactions.csv", "good/"],
    "Items": ["good/Items.csv", "other/Items.csv"],
    "Users": ["good/Users.csv", "other/Users.csv"],
}
BAD_FILES = ["short.csv", "header.csv", "types.csv", "binary.csv", "empty.csv", "missing.csv"]


@cache
def files():
    """Objects of the bucket, by key."""
    items = [
        (f"i{c}-{n:02}", f"g{c}|all" if n else None, 80.5 + 10 * c if n != 1 else None, 1990 + c)
        for c in range(4)
        for n in range(8)
    ]
    users = [(f"u{n:03}", 15 + n % 10 if n else None, "DE" if n % 2 else "FR") for n in range(30)]
    rows = [(u, i.replace("-2", "-0"), *rest) for u, i, *rest in listening_rows(30, 20)]
    text = {
        "good/Interactions.csv": to_csv(HEADERS["Interactions"], rows),
        "good/Items.csv": to_csv(HEADERS["Items"], items),
        "good/Users.csv": to_csv(HEADERS["Users"], users),
        "other/Interactions.csv": to_csv(HEADERS["Interactions"], rows[:1100]),
        "other/Items.csv": to_csv(HEADERS["Items"], [("new", "g9", 1.5, 2020), *items[:5]]),
        "other/Users.csv": to_csv(HEADERS["Users"], [("session", 33, "XX"), *users[:3]]),
        "short.csv": to_csv(HEADERS["Interactions"], rows[:9]),
        "header.csv": "A,B\n1,2\n",
        "types.csv": to_csv(HEADERS["Interactions"], [("u", "i", "now", "play", "much")] * 1001),
        "empty.csv": "",
        "forget.csv": "USER_ID\nu001\nnobody\nsession\n",
        "lines.json": "".join(
            json.dumps(line) + "\n"
            for line in (
                {"userId": "u000"},
                {"itemId": "i0-01"},
                {"userId": "u001", "itemList": ["i0-00", "i0-00", "unknown"]},
                {"itemAttributes": 'ITEMS.GENRE = "g1"'},
                {"userId": "u000", "filterValues": {"P0": '"g1"', "P1": "90"}},
                {"userId": 7},
                {"userId": "\u2028", "itemId": "\ud800" if False else "x"},
            )
        ),
        "broken.json": '{"userId": "u000"}\n{"userId": \n',
    }
    return {key: body.encode() for key, body in text.items()} | {"binary.csv": b"\xff\xfe,\x00\n"}


def location(key):
    """Of a file."""
    return f"s3://bucket/{key}"


def rarely(data):
    """Once in a while; not at 0, to which hypothesis is drawn."""
    return data.draw(st.integers(0, 19), label="rarely") == 13


class PersonalizeMachine(RuleBasedStateMachine):
    """Rules are calls; the model checks the region after each."""

    def __init__(self):
        super().__init__()
        self.wire = Wire()
        self.wire.aws.s3.objects = {("bucket", key): body for key, body in files().items()}
        self.model = RegionModel(self.wire)
        self.filters = {}
        self.tracking = []

    def call(self, operation, /, **params):
        """One call, checked; members that are None are left out."""
        given = {key: value for key, value in params.items() if value is not None}
        return self.model.call(operation, given)

    def some(self, data, noun):
        """An ARN of that kind, sometimes one that does not exist."""
        known = self.model.of(noun)
        if not known or rarely(data):
            kind = KINDS[f"{noun[0].lower()}{noun[1:]}Arn"].listed
            return f"arn:aws:personalize:us-east-1:123456789012:{kind}/no-such/{noun}"
        return data.draw(st.sampled_from(known), label=noun)

    def dataset_of(self, data, kind):
        """A dataset of that type, sometimes another."""
        known = [arn for arn in self.model.of("Dataset") if arn.endswith(f"/{kind.upper()}")]
        if not known or rarely(data):
            return self.some(data, "Dataset")
        return data.draw(st.sampled_from(known), label=kind)

    def campaign_of(self, data, *, ranking):
        """A campaign that ranks, or one that recommends; sometimes the other."""
        kinds = {RECIPE + name for name in RECIPES if ("ranking" in name) == ranking}
        known = [
            arn
            for arn in self.model.of("Campaign")
            if self.model.view(self.model.view(arn)["solutionVersionArn"])["recipeArn"] in kinds
        ]
        if not known or rarely(data):
            return self.some(data, "Campaign")
        return data.draw(st.sampled_from(known), label="Campaign")

    @initialize(full=st.integers(0, 9).map(lambda number: number != 7), data=st.data())
    def begin(self, full, data):
        """Mostly from a region with everything in it."""
        if not full:
            return
        group = self.call("CreateDatasetGroup", name="one").content["datasetGroupArn"]
        for kind in FILES:
            schema = self.call("CreateSchema", name=kind, schema=SCHEMAS[kind])
            dataset = self.call(
                "CreateDataset",
                name=kind,
                schemaArn=schema.content["schemaArn"],
                datasetGroupArn=group,
                datasetType=kind,
            ).content["datasetArn"]
            self.import_file(kind, dataset, location(FILES[kind][0]), "FULL")
        self.track("one", group)
        recipe = data.draw(st.sampled_from(RECIPES[:-4]), label="recipe")
        solution = self.call(
            "CreateSolution", name="one", datasetGroupArn=group, recipeArn=RECIPE + recipe
        ).content["solutionArn"]
        version = self.call("CreateSolutionVersion", solutionArn=solution)
        arn = version.content["solutionVersionArn"]
        assert self.model.view(arn)["status"] == "ACTIVE", self.model.view(arn)
        self.call("CreateCampaign", name="one", solutionVersionArn=arn)

    def import_file(self, name, dataset, where, mode):
        """Start an import."""
        return self.call(
            "CreateDatasetImportJob",
            jobName=name,
            datasetArn=dataset,
            dataSource={"dataLocation": where},
            roleArn=ROLE,
            importMode=mode,
        )

    def track(self, name, group):
        """Make an event tracker."""
        answer = self.call("CreateEventTracker", name=name, datasetGroupArn=group)
        if answer.code is None:
            self.tracking.append(answer.content["trackingId"])

    # Data

    @precondition(lambda self: len(self.model.of("DatasetGroup")) < 2)
    @rule()
    def create_group(self):
        names = [self.model.view(arn)["name"] for arn in self.model.of("DatasetGroup")]
        self.call("CreateDatasetGroup", name="one" if "two" in names else "two")

    @precondition(lambda self: len(self.model.of("Schema")) < 5)
    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(sorted(SCHEMAS)), wide=st.booleans())
    def create_schema(self, name, kind, wide):
        self.call("CreateSchema", name=name, schema=(WIDER if wide else SCHEMAS)[kind])

    @rule(data=st.data(), kind=st.sampled_from(sorted(SCHEMAS)))
    def create_dataset(self, data, kind):
        group, schema = self.some(data, "DatasetGroup"), self.some(data, "Schema")
        self.call(
            "CreateDataset", name="any", schemaArn=schema, datasetGroupArn=group, datasetType=kind
        )

    @rule(data=st.data())
    def update_dataset(self, data):
        dataset, schema = self.some(data, "Dataset"), self.some(data, "Schema")
        self.call("UpdateDataset", datasetArn=dataset, schemaArn=schema)

    @rule(
        data=st.data(),
        name=st.uuids().map(str),
        mode=st.sampled_from(["FULL", "FULL", "INCREMENTAL"]),
    )
    def import_any(self, data, name, mode):
        dataset = self.some(data, "Dataset")
        kind = dataset.rpartition("/")[2].capitalize()
        good = FILES.get(kind, FILES["Items"])
        key = data.draw(st.sampled_from([*good, *good, *BAD_FILES]), label="file")
        self.import_file(name, dataset, location(key), mode)

    @rule(data=st.data(), mode=st.sampled_from(["BULK", "PUT", "ALL", None]))
    def export(self, data, mode):
        folder = data.draw(st.sampled_from([location("out/"), "s3://locked/", "s3://nowhere/"]))
        self.call(
            "CreateDatasetExportJob",
            jobName=data.draw(st.uuids().map(str)),
            datasetArn=self.some(data, "Dataset"),
            ingestionMode=mode,
            roleArn=ROLE,
            jobOutput={"s3DataDestination": {"path": folder}},
        )

    @rule(data=st.data(), key=st.sampled_from(["forget.csv", "short.csv", "missing.csv"]))
    def forget_users(self, data, key):
        self.call(
            "CreateDataDeletionJob",
            jobName=data.draw(st.uuids().map(str)),
            datasetGroupArn=self.some(data, "DatasetGroup"),
            dataSource={"dataLocation": location(key)},
            roleArn=ROLE,
        )

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def create_tracker(self, data, name):
        self.track(name, self.some(data, "DatasetGroup"))

    @rule(data=st.data(), user=st.sampled_from([*USERS, None]))
    def put_events(self, data, user):
        event = st.fixed_dictionaries(
            {
                "eventType": st.sampled_from(["play", "skip", "EVENT_TYPE", "ü"]),
                "sentAt": st.sampled_from([1_700_000_000, 1_750_000_000.5, 0, -1, 1e15]),
                "itemId": st.sampled_from(ITEMS),
            },
            optional={
                "eventId": st.sampled_from(["e1", "e2", "e3"]),
                "eventValue": st.sampled_from([0, 0.25, 1e-45, 3e38]),
                "properties": st.sampled_from(PROPERTIES[:2]),
                "impression": st.just(["i0-00", "i0-01"]),
            },
        )
        events = data.draw(st.lists(event, min_size=1, max_size=3), label="events")
        tracking = "no-such-id" if rarely(data) else data.draw(st.sampled_from(self.tracking or ["-"]))
        before = dict(self.model.seen.contents)
        self.call(
            "PutEvents", trackingId=tracking, sessionId="session", userId=user, eventList=events
        )
        for arn, (_, length) in self.model.seen.contents.items():
            assert length <= before[arn][1] + len(events)

    @rule(data=st.data(), text=st.sampled_from(PROPERTIES))
    def put_items(self, data, text):
        entries = [{"itemId": data.draw(st.sampled_from(ITEMS)), "properties": text}]
        self.call("PutItems", datasetArn=self.dataset_of(data, "Items"), items=entries)

    @rule(data=st.data(), text=st.sampled_from(PROPERTIES))
    def put_users(self, data, text):
        entries = [{"userId": data.draw(st.sampled_from(USERS)), "properties": text}]
        self.call("PutUsers", datasetArn=self.dataset_of(data, "Users"), users=entries)

    # Models

    @rule(data=st.data(), name=st.sampled_from(NAMES), case=cases())
    def create_filter(self, data, name, case):
        answer = self.call(
            "CreateFilter",
            name=name,
            datasetGroupArn=self.some(data, "DatasetGroup"),
            filterExpression=case.text(),
        )
        if answer.code is None:
            self.filters[answer.content["filterArn"]] = case

    @rule(data=st.data(), name=st.sampled_from(NAMES), recipe=st.sampled_from(RECIPES))
    def create_solution(self, data, name, recipe):
        config = {
            "eventsConfig": {
                "eventParametersList": [
                    {"eventType": "play", "weight": 0.3, "eventValueThreshold": 0.0},
                    {"eventType": "complete", "weight": 1.0},
                ]
            }
        }
        self.call(
            "CreateSolution",
            name=name,
            datasetGroupArn=self.some(data, "DatasetGroup"),
            recipeArn=RECIPE + recipe,
            eventType=data.draw(st.sampled_from([None, None, "play", "nothing"])),
            solutionConfig=data.draw(st.sampled_from([None, None, {}, config])),
        )

    @rule(data=st.data())
    def update_solution(self, data):
        config = MODELS["UpdateSolution"].input_shape.members["solutionUpdateConfig"]
        change = data.draw(fitting(config, {"eventType": ["play", "skip"]}), label="change")
        self.call(
            "UpdateSolution", solutionArn=self.some(data, "Solution"), solutionUpdateConfig=change
        )

    @rule(data=st.data(), mode=st.sampled_from([None, None, "FULL", "UPDATE", "AUTOTRAIN"]))
    def train(self, data, mode):
        name = data.draw(st.sampled_from([None, None, *NAMES]))
        solution = self.some(data, "Solution")
        self.call("CreateSolutionVersion", solutionArn=solution, trainingMode=mode, name=name)

    @rule(data=st.data())
    def stop_training(self, data):
        version = self.some(data, "SolutionVersion")
        self.call("StopSolutionVersionCreation", solutionVersionArn=version)

    @rule(data=st.data())
    def read_metrics(self, data):
        version = self.some(data, "SolutionVersion")
        answer = self.call("GetSolutionMetrics", solutionVersionArn=version)
        for name, value in answer.content.get("metrics", {}).items():
            assert 0 <= value <= 1 or "reward" in name, answer.content

    def deployable(self, data):
        """A version, or what follows the newest."""
        if data.draw(st.booleans()):
            return self.some(data, "SolutionVersion")
        return self.some(data, "Solution") + "/$LATEST"

    CONFIGS = (
        None,
        None,
        {"enableMetadataWithRecommendations": True},
        {"syncWithLatestSolutionVersion": True},
    )

    @rule(data=st.data(), name=st.sampled_from(NAMES), config=st.sampled_from(CONFIGS))
    def create_campaign(self, data, name, config):
        version = self.deployable(data)
        self.call("CreateCampaign", name=name, solutionVersionArn=version, campaignConfig=config)

    @rule(data=st.data(), config=st.sampled_from(CONFIGS), tps=st.sampled_from([None, 1, 7]))
    def update_campaign(self, data, config, tps):
        self.call(
            "UpdateCampaign",
            campaignArn=self.some(data, "Campaign"),
            solutionVersionArn=data.draw(st.sampled_from([None, self.deployable(data)])),
            campaignConfig=config,
            minProvisionedTPS=tps,
        )

    @rule(
        data=st.data(),
        operation=st.sampled_from(["CreateBatchInferenceJob", "CreateBatchSegmentJob"]),
        key=st.sampled_from(["lines.json", "lines.json", "broken.json", "good/", "missing.json"]),
        count=st.sampled_from([None, 1, 30, 500]),
    )
    def run_batch(self, data, operation, key, count):
        kept = self.some(data, "Filter") if data.draw(st.booleans()) else None
        name = data.draw(st.uuids().map(str))
        answer = self.call(
            operation,
            jobName=name,
            solutionVersionArn=self.some(data, "SolutionVersion"),
            jobInput={"s3DataSource": {"path": location(key)}},
            jobOutput={"s3DataDestination": {"path": location(f"{name}/")}},
            roleArn=ROLE,
            numResults=count,
            filterArn=kept,
        )
        written = self.wire.aws.s3.objects.get(("bucket", f"{name}/lines.json.out"))
        if answer.code is None and written is not None:
            self._check_lines(written.decode(), count or 25)

    def _check_lines(self, text, count):
        asked = files()["lines.json"].decode().splitlines()
        for line, answer in zip(asked, text.splitlines(), strict=True):
            found = json.loads(answer)
            assert found["input"] == json.loads(line)
            assert (found["output"] is None) == (found["error"] is not None)
            for listed in (found["output"] or {}).values():
                assert len(listed) <= count or "itemList" in found["input"]
            for key in ("recommendedItems", "recommendedUsers"):
                listed = (found["output"] or {}).get(key, [])
                assert len(set(listed)) == len(listed)

    # Recommendations

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
        params = {
            "campaignArn": self.campaign_of(data, ranking=False),
            "userId": None if rarely(data) else user,
            "itemId": None if rarely(data) else item,
            "numResults": count,
            "metadataColumns": data.draw(
                st.sampled_from([None, None, None, {"ITEMS": ["GENRE", "TEMPO"]}])
            ),
        } | self.filter_of(data)
        promotion = self.filter_of(data) if data.draw(st.booleans()) else {}
        if promotion:
            share = data.draw(st.sampled_from([1, 20, 50, 100]))
            promotion |= {"name": "ours", "percentPromotedItems": share}
            params["promotions"] = [promotion]
        answer = self.call("GetRecommendations", **params)
        if answer.code is None:
            self._check_items(params, answer.content["itemList"])

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
        if answer.code is not None:
            return
        listed = answer.content["personalizedRanking"]
        self._check_passing([entry["itemId"] for entry in listed], params)
        names = {entry["itemId"] for entry in listed}
        assert len(names) == len(listed)
        assert names <= set(items)
        assert "filterArn" in params or names == set(items)
        shares = [entry["score"] for entry in listed if "score" in entry]
        assert shares == sorted(shares, reverse=True)
        assert not shares or abs(sum(shares) - 1) < 1e-6 * len(shares)

    def _check_items(self, params, listed):
        names = [entry["itemId"] for entry in listed]
        count = params["numResults"] or 25
        assert len(names) <= count
        assert len(set(names)) == len(names)
        assert set(names) <= self._known_items(params)
        ordinary = [entry for entry in listed if "promotionName" not in entry]
        promoted = [entry for entry in listed if "promotionName" in entry]
        for group in (ordinary, promoted):
            shares = [entry["score"] for entry in group if "score" in entry]
            assert shares == sorted(shares, reverse=True)
            assert len(shares) in {0, len(group)}
        assert sum(entry.get("score", 0) for entry in listed) < 1 + 1e-6 * len(listed)
        self._check_passing([entry["itemId"] for entry in ordinary], params)
        if not params.get("promotions"):
            assert not promoted
            return
        promotion = params["promotions"][0]
        assert len(promoted) <= count * promotion["percentPromotedItems"] / 100
        self._check_passing([e["itemId"] for e in promoted], params | {"filterValues": {}} | promotion)

    def _version(self, params):
        region = self.wire.region
        return serving(region, region.get(Campaign, params["campaignArn"]))

    def _known_items(self, params):
        return set(self._version(params).trained.item_ids)

    def _check_passing(self, names, params):
        """Hold items against the filter as plain Python reads it."""
        case = self.filters.get(params.get("filterArn"))
        given = params.get("filterValues") or {}
        if case is None or case.values().keys() - given.keys():
            return  # none, or an EXCLUDE that does not apply
        group = self._version(params).solution.group
        datasets = {
            view["datasetType"]: self.wire.region._resources[arn]
            for arn, view in ((arn, self.model.view(arn)) for arn in self.model.of("Dataset"))
            if view["datasetGroupArn"] == group.arn
        }
        user = params.get("userId")
        rows = datasets["ITEMS"].records.all().to_pylist() if "ITEMS" in datasets else []
        by_item = {row["ITEM_ID"]: row for row in rows}
        people = datasets["USERS"].records.all().to_pylist() if "USERS" in datasets else []
        person = next((row for row in people if row["USER_ID"] == user), {})
        events = interactions_of(group.log, user) if user else {}
        for name in names:
            row, types = by_item.get(name, {}), events.get(name, set())
            assert case.lets(row, types, person), f"{name} does not pass {case.text()}: {row} {types}"

    # Leaving

    @rule(data=st.data(), operation=st.sampled_from(sorted(DELETES)))
    def delete(self, data, operation):
        kind = DELETES[operation]
        if kind.noun in {"DatasetGroup", "Solution"} and not rarely(data):
            return  # the rest hangs on these
        self.call(operation, **{kind.arn: self.some(data, kind.noun)})

    @rule(data=st.data())
    def delete_all(self, data):
        """In the order that AWS's guide gives."""
        if not rarely(data):
            return
        for noun in ("Campaign", "Solution", "EventTracker", "Filter", "Dataset", "DatasetGroup"):
            for arn in self.model.of(noun):
                if arn in self.model.alive:
                    self.call(f"Delete{noun}", **{f"{noun[0].lower()}{noun[1:]}Arn": arn})

    # Time and the workers

    @rule(seconds=st.sampled_from([1, 7, 61, 400, 3000]))
    def wait(self, seconds):
        self.wire.clock.now += seconds
        self.model.check()

    @rule(
        transitions=st.sampled_from(["instant", "slow"]),
        failures=st.sampled_from(FAILURES),
        held=st.booleans(),
    )
    def change_pace(self, transitions, failures, held):
        self.wire.app.life_cycle = LifeCycle(transitions=transitions, failures=failures)
        self.wire.workers.held = held

    @precondition(lambda self: self.wire.workers.waiting)
    @rule(data=st.data())
    def work(self, data):
        """One waiting job is done; a training may be stopped while it computes."""
        place = data.draw(st.integers(0, len(self.wire.workers.waiting) - 1))
        job = self.wire.workers.waiting[place][1]
        stop = "solution" in type(job).arn_key and data.draw(st.booleans())
        self.wire.workers.run(place, lambda: stop and self.stop(job.arn))
        self.model.check()

    def stop(self, arn):
        """Stop a training that computes, if it still may be."""
        if arn in self.model.alive:
            self.wire.send("StopSolutionVersionCreation", {"solutionVersionArn": arn})

    # Anything else

    @rule(data=st.data(), name=st.sampled_from(sorted(MODELS)))
    def fitting_call(self, data, name):
        params = data.draw(fitting(MODELS[name].input_shape, self.known(), usual=USUAL), label=name)
        answer = self.call(name, **params)
        if name == "CreateEventTracker" and answer.code is None:
            self.tracking.append(answer.content["trackingId"])

    @rule(data=st.data(), name=st.sampled_from(sorted(MODELS)))
    def spoiled_call(self, data, name):
        params, _ = data.draw(
            spoiled(MODELS[name].input_shape, self.known(), usual=USUAL), label=name
        )
        if params is not None:
            assert self.model.call(name, params).code is not None

    @rule(data=st.data(), kind=st.sampled_from(sorted(KINDS)), size=st.integers(1, 3))
    def turn_pages(self, data, kind, size):
        """A listing by pages is the listing, whatever its filter."""
        kind = KINDS[kind]
        whole = self.wire.send(kind.list, {}).content[kind.listed]
        pages, token = [], None
        for _ in range(len(whole) + 1):
            params = {"maxResults": size} | ({"nextToken": token} if token else {})
            content = self.wire.send(kind.list, params).content
            pages += content[kind.listed]
            token = content.get("nextToken")
            if token is None:
                break
        assert pages == whole

    def known(self):
        """For each member's name what may stand there here."""
        found = {arn: self.model.of(kind.noun) for arn, kind in KINDS.items()}
        every = sorted(self.model.alive)
        return found | {
            "dataLocation": [location(key) for key in ("good/Items.csv", "short.csv", "good/")],
            "datasetType": ["Users", "items", "INTERACTIONS"],
            "eventType": ["play", "skip"],
            "filterExpression": ["INCLUDE ItemID WHERE Items.YEAR > $T", "EXCLUDE"],
            "filterValues": ["1", '"g1","g2"', '"', "nan", "1e400"],
            "filterValues.key": ["P0", "P1", "T"],
            "inputList": ITEMS,
            "itemId": ITEMS,
            "metadataColumns": ["GENRE", "year", "NO"],
            "metadataColumns.key": ["ITEMS", "items", "USERS"],
            "name": NAMES,
            "path": [location("out/"), location("lines.json")],
            "properties": PROPERTIES,
            "recipeArn": [RECIPE + name for name in RECIPES],
            "resourceArn": every,
            "roleArn": [ROLE],
            "schema": [*SCHEMAS.values(), "{}", "[" * 5000],
            "solutionVersionArn": [
                *found["solutionVersionArn"],
                *(arn + "/$LATEST" for arn in found["solutionArn"]),
            ],
            "trackingId": self.tracking,
            "userId": USERS,
        }
