"""The client behind the machine's rules: it knows what it made and checks after each call."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from personalize_data import RECIPE, SCHEMAS
from personalize_inputs import (
    DOMAIN,
    DOMAIN_RECIPES,
    DOMAIN_SCHEMAS,
    FILES,
    ITEMS,
    NAMES,
    PROPERTIES,
    RECIPES,
    USERS,
    files,
    location,
    rarely,
)
from personalize_model import KINDS, RegionModel
from personalize_wire import Wire
from personalize_world import ROLE


class Player(RuleBasedStateMachine):
    """Calls on what is there, and now and then on what is not."""

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

    @initialize(
        full=st.integers(0, 9).map(lambda number: number != 7), films=st.booleans(), data=st.data()
    )
    def begin(self, full, films, data):
        """Mostly from a region with everything in it."""
        if full:
            self.fill(data.draw(st.sampled_from(RECIPES[:-2]), label="recipe"))
        if films:
            self.fill_domain(data.draw(st.sampled_from(DOMAIN_RECIPES), label="use case"))

    def fill_domain(self, recipe):
        """A group of a domain with contents and a recommender."""
        made = self.call("CreateDatasetGroup", name="two", domain=DOMAIN)
        group = made.content["datasetGroupArn"]
        for kind, text in DOMAIN_SCHEMAS.items():
            schema = self.call("CreateSchema", name=f"films-{kind}", schema=text, domain=DOMAIN)
            self.add_dataset(group, kind, schema, f"films/{kind}.csv")
        self.track("two", group)
        arn = self.call(
            "CreateRecommender", name="one", datasetGroupArn=group, recipeArn=RECIPE + recipe
        ).content["recommenderArn"]
        assert self.model.view(arn)["status"] == "ACTIVE", self.model.view(arn)

    def add_dataset(self, group, kind, schema, key):
        """A dataset with contents."""
        made = self.call(
            "CreateDataset",
            name=kind,
            schemaArn=schema.content["schemaArn"],
            datasetGroupArn=group,
            datasetType=kind,
        )
        self.import_file(
            key.replace("/", "-").removesuffix(".csv"),
            made.content["datasetArn"],
            location(key),
            "FULL",
        )

    def fill(self, *recipes):
        """A group with contents, a tracker, and a campaign of each recipe."""
        group = self.call("CreateDatasetGroup", name="one").content["datasetGroupArn"]
        for kind in FILES:
            schema = self.call("CreateSchema", name=kind, schema=SCHEMAS[kind])
            self.add_dataset(group, kind, schema, FILES[kind][0])
        self.track("one", group)
        for recipe, name in zip(recipes, ["one", *recipes[1:]], strict=True):
            solution = self.call(
                "CreateSolution", name=name, datasetGroupArn=group, recipeArn=RECIPE + recipe
            ).content["solutionArn"]
            version = self.call("CreateSolutionVersion", solutionArn=solution)
            arn = version.content["solutionVersionArn"]
            assert self.model.view(arn)["status"] == "ACTIVE", self.model.view(arn)
            self.call("CreateCampaign", name=name, solutionVersionArn=arn)

    def import_file(self, name, dataset, where, mode, publish=None):
        """Start an import."""
        return self.call(
            "CreateDatasetImportJob",
            jobName=name,
            datasetArn=dataset,
            dataSource={"dataLocation": where},
            roleArn=ROLE,
            importMode=mode,
            publishAttributionMetricsToS3=publish,
        )

    def track(self, name, group):
        """Make an event tracker."""
        answer = self.call("CreateEventTracker", name=name, datasetGroupArn=group)
        if answer.code is None:
            self.tracking.append(answer.content["trackingId"])

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
            "recipeArn": [RECIPE + name for name in [*RECIPES, *DOMAIN_RECIPES]],
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
