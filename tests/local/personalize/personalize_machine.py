"""Clients that do anything at all with one region, and look at everything after each call."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from personalize_data import RECIPE, SCHEMAS
from personalize_filter_cases import cases
from personalize_inputs import (
    BAD_FILES,
    DOMAIN,
    DOMAIN_RECIPES,
    FAILURES,
    FILES,
    ITEMS,
    METRICS,
    NAMES,
    OUTPUTS,
    PROPERTIES,
    RECIPES,
    USERS,
    USUAL,
    WIDER,
    files,
    location,
    rarely,
)
from personalize_listener import Listener
from personalize_model import DELETES, KINDS
from personalize_models import MODELS
from personalize_player import Player
from personalize_shapes import fitting, spoiled
from personalize_world import ROLE

from musicrec.local.personalize.life_cycle import LifeCycle

DELETION_ORDER = (
    "Recommender",
    "Campaign",
    "Solution",
    "EventTracker",
    "MetricAttribution",
    "Filter",
    "Dataset",
    "DatasetGroup",
)
"""Each after what hangs on it, as AWS's guide says."""


class DataRules(Player):
    """Groups, schemas, datasets and what is in them."""

    @precondition(lambda self: len(self.model.of("DatasetGroup")) < 2)
    @rule(domain=st.sampled_from([None, None, DOMAIN]))
    def create_group(self, domain):
        names = [self.model.view(arn)["name"] for arn in self.model.of("DatasetGroup")]
        name = "one" if "two" in names else "two"
        self.call("CreateDatasetGroup", name=name, domain=domain)

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
        publish = data.draw(st.sampled_from([None, None, True]), label="publish")
        self.import_file(name, dataset, location(key), mode, publish)

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

    @rule(data=st.data(), metrics=st.lists(st.sampled_from(METRICS), max_size=3))
    def attribute(self, data, metrics):
        self.call(
            "CreateMetricAttribution",
            name=data.draw(st.sampled_from(NAMES)),
            datasetGroupArn=self.some(data, "DatasetGroup"),
            metrics=metrics,
            metricsOutputConfig=data.draw(st.sampled_from(OUTPUTS)),
        )

    @precondition(lambda self: self.model.of("MetricAttribution"))
    @rule(data=st.data(), metric=st.sampled_from(METRICS))
    def change_attribution(self, data, metric):
        params = data.draw(
            st.sampled_from([{"addMetrics": [metric]}, {"removeMetrics": [metric["metricName"]]}])
        )
        arn = self.some(data, "MetricAttribution")
        self.call("UpdateMetricAttribution", metricAttributionArn=arn, **params)

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
                "metricAttribution": st.just({"eventAttributionSource": "shelf"}),
            },
        )
        events = data.draw(st.lists(event, min_size=1, max_size=3), label="events")
        tracking = (
            "no-such-id" if rarely(data) else data.draw(st.sampled_from(self.tracking or ["-"]))
        )
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


class ModelRules(Player):
    """Filters, solutions, versions, campaigns and batch jobs."""

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
        {"itemExplorationConfig": {"explorationWeight": "0.9"}},
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
        key=st.sampled_from(["lines.json", "lines.json", "broken.json", "good/", "missing.json"]),
        count=st.sampled_from([None, 1, 30, 500]),
    )
    def run_batch(self, data, key, count):
        kept = self.some(data, "Filter") if rarely(data) else None
        name = data.draw(st.uuids().map(str))
        version = self.some(data, "SolutionVersion")
        recipe = self.model.seen.views.get(version, {}).get("recipeArn", "")
        segments = recipe.endswith("-affinity") != rarely(data)
        answer = self.call(
            "CreateBatchSegmentJob" if segments else "CreateBatchInferenceJob",
            jobName=name,
            solutionVersionArn=version,
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


class RecommenderRules(Player):
    """Recommenders of a domain group."""

    CONFIGS = (
        None,
        {"enableMetadataWithRecommendations": True},
        {"minRecommendationRequestsPerSecond": 3},
        {"trainingDataConfig": {"excludedDatasetColumns": {"Items": ["GENRES"]}}},
        {"itemExplorationConfig": {"explorationWeight": "0.5"}},
    )

    def domain_group(self, data):
        """A group of the domain, sometimes another."""
        groups = self.model.of("DatasetGroup")
        known = [arn for arn in groups if "domain" in self.model.view(arn)]
        if not known or rarely(data):
            return self.some(data, "DatasetGroup")
        return data.draw(st.sampled_from(known), label="DatasetGroup")

    @rule(
        data=st.data(),
        name=st.sampled_from(NAMES),
        recipe=st.sampled_from(DOMAIN_RECIPES),
        config=st.sampled_from(CONFIGS),
    )
    def create_recommender(self, data, name, recipe, config):
        self.call(
            "CreateRecommender",
            name=name,
            datasetGroupArn=self.domain_group(data),
            recipeArn=RECIPE + recipe,
            recommenderConfig=config,
        )

    @precondition(lambda self: self.model.of("Recommender"))
    @rule(data=st.data(), config=st.sampled_from(CONFIGS[1:]))
    def update_recommender(self, data, config):
        arn = self.some(data, "Recommender")
        self.call("UpdateRecommender", recommenderArn=arn, recommenderConfig=config)

    @precondition(lambda self: self.model.of("Recommender"))
    @rule(data=st.data(), verb=st.sampled_from(["Stop", "Start"]))
    def switch_recommender(self, data, verb):
        self.call(f"{verb}Recommender", recommenderArn=self.some(data, "Recommender"))


class PersonalizeMachine(DataRules, ModelRules, RecommenderRules, Listener):
    """All of it, with deletions, time, and calls made from the service models alone."""

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
        for noun in DELETION_ORDER:
            for arn in self.model.of(noun):
                if arn in self.model.alive:
                    self.call(f"Delete{noun}", **{f"{noun[0].lower()}{noun[1:]}Arn": arn})

    @rule(seconds=st.sampled_from([1, 7, 61, 400, 3000, 8000, 700_000]))
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
        self.model.check()  # what is slow also trains by itself

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

    @rule(kind=st.sampled_from(sorted(KINDS)), size=st.integers(1, 3))
    def turn_pages(self, kind, size):
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
