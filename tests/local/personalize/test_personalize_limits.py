"""Limits that the service models do not have: AWS's pages on quotas, schemas, columns and tags."""

import json
from types import SimpleNamespace

import pytest
from personalize_data import ITEMS, RECIPE, avro, item_rows, listening_rows, to_csv
from personalize_world import ROLE

from musicrec.local.personalize import avro as rules
from musicrec.local.personalize import csv_files
from musicrec.local.personalize.batch_files import LIMITS as BATCH_LIMITS
from musicrec.local.personalize.deletion_jobs import LIMITS as DELETION_LIMITS
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.import_jobs import LIMITS as IMPORT_LIMITS
from musicrec.local.personalize.life_cycle import LifeCycle
from musicrec.local.personalize.s3_files import Limits, read_csv_files
from musicrec.local.personalize.workers import JobFailedError

GB = 1_000_000_000


class Bucket:
    """An S3 client whose objects have sizes and nothing to read."""

    def __init__(self, sizes):
        self._sizes = sizes
        self.exceptions = SimpleNamespace()

    def list_objects_v2(self, **params):
        """One size."""
        key = params["Prefix"]
        return {"Contents": [{"Key": key, "Size": self._sizes[key]}]}

    def get_paginator(self, _):
        """All sizes on one page."""
        found = [{"Key": key, "Size": size} for key, size in self._sizes.items()]
        return SimpleNamespace(paginate=lambda **_: [{"Contents": found}])


class TestFileSizes:
    @pytest.mark.parametrize(
        ("limits", "size"),
        [
            (IMPORT_LIMITS["FULL"], 100 * GB),
            (IMPORT_LIMITS["INCREMENTAL"], GB),
            (DELETION_LIMITS, GB // 10),
            (BATCH_LIMITS, GB),
        ],
    )
    def test_sizes_are_aws_s(self, limits, size):
        """One byte more than AWS allows is too much."""
        limits.check([size - 1, 1])
        with pytest.raises(JobFailedError, match=f"{size + 1} bytes"):
            limits.check([size, 1])

    def test_batch_has_a_thousand_files(self):
        """One more is too many."""
        BATCH_LIMITS.check([1] * 1000)
        with pytest.raises(JobFailedError, match="1001 files"):
            BATCH_LIMITS.check([1] * 1001)

    @pytest.mark.parametrize("location", ["s3://b/one.csv", "s3://b/in/"])
    def test_size_is_looked_up_before_anything_is_read(self, location):
        """An object as a folder's objects; other files of the folder do not count."""
        bucket = Bucket({"one.csv": 11, "in/a.csv": 5, "in/b.csv": 6, "in/notes.txt": 100})
        with pytest.raises(JobFailedError, match=r"has (11|22) bytes; a job takes 10"):
            read_csv_files(bucket, location, Limits(size=10))


class TestFiles:
    def test_headers_must_be_the_same(self):
        """Two files of a job with their columns in another order are refused."""
        schema = rules.parse(avro("Items", "ITEM_ID:string", "YEAR:int"))
        files = [
            csv_files.CsvFile("a.csv", b"ITEM_ID,YEAR\r\na,1\r\n"),
            csv_files.CsvFile("b.csv", b"\xef\xbb\xbfITEM_ID,YEAR\nb,1\n"),
        ]
        assert csv_files.read(files, schema).num_rows == 2
        files.append(csv_files.CsvFile("c.csv", b"YEAR,ITEM_ID\n1,c\n"))
        with pytest.raises(JobFailedError, match=r"headers of .*c\.csv differ"):
            csv_files.read(files, schema)

    @pytest.mark.parametrize("word", ["EVENT_TYPE", "IMPRESSION", "CREATION_TIMESTAMP"])
    def test_reserved_keyword_is_no_value(self, word):
        """The column and the first row with one are named."""
        file = csv_files.CsvFile("a.csv", to_csv(["ITEM_ID", "GENRE", "TEMPO", "YEAR"],
            [("a", "rock", 1, 1), ("b", word, 1, 1)]).encode())  # fmt: skip
        with pytest.raises(JobFailedError, match=rf"GENRE has a reserved .*row 2: '{word}'"):
            csv_files.read([file], rules.parse(ITEMS))


class TestEventTypes:
    def test_types_and_optional_columns_share_ten_places(self, world):
        """EVENT_TYPE and EVENT_VALUE take two of them, so that nine types are one too many."""
        rows = listening_rows()
        typed = [(*row[:3], f"t{n % 9}", None) for n, row in enumerate(rows)]
        header = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"]
        world.group()
        world.dataset("Interactions")
        done = world.import_csv("Interactions", world.put_csv("a.csv", header, typed), "a")
        assert done["status"] == "CREATE FAILED"
        assert (
            "9 event types and the optional columns EVENT_TYPE, EVENT_VALUE"
            in (done["failureReason"])
        )
        eight = [row for row in typed if row[3] != "t8"]
        world.import_csv("Interactions", world.put_csv("b.csv", header, eight), "b")
        done = world.import_csv(
            "Interactions", world.put_csv("c.csv", header, rows), "c", importMode="INCREMENTAL"
        )
        assert done["status"] == "CREATE FAILED"
        assert "11 event types" in done["failureReason"]


class TestSchemas:
    @pytest.mark.parametrize(
        "schema",
        [
            avro("Items", "ITEM_ID:string", "CREATION_TIMESTAMP:long"),
            avro("Items", "ITEM_ID:string", "TITLE:string"),
            avro("Users", "USER_ID:string", "PREMIUM:boolean"),
        ],
    )
    def test_one_metadata_field_must_be_of_use(self, schema):
        """Reserved, plain text and boolean columns are no metadata that a model learns from."""
        with pytest.raises(InvalidInputError, match="at least one metadata field"):
            rules.parse(schema)


class TestTrainingMinimums:
    def test_one_user_in_a_hundred_must_come_back(self, world):
        """Twenty-six returning users are too few among three thousand."""
        rows = [(f"u{n:04}", f"i{n % 7}", 1_700_000_000 + n, "play", None) for n in range(3000)]
        rows += [(f"u{n:04}", "i8", 1_800_000_000, "play", None) for n in range(26)]
        done = world.load(interactions=rows).train(world.solution())
        assert done["status"] == "CREATE FAILED"
        assert "fewer than 1% of 3000 users with at least 2 interactions" in done["failureReason"]


CONFIGS = [
    ({"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "41"}}}, "from 1 to 40"),
    ({"hpoConfig": {"hpoResourceConfig": {"maxParallelTrainingJobs": "11"}}}, "from 1 to 10"),
    ({"hpoConfig": {"hpoResourceConfig": {"maxParallelTrainingJobs": "many"}}}, "from 1 to 10"),
    (
        {"hpoConfig": {"algorithmHyperParameterRanges": {"integerHyperParameterRanges": [
            {"name": "bptt", "minValue": 1, "maxValue": 32}]}}},
        "from 2 to 32",
    ),
    (
        {"hpoConfig": {"algorithmHyperParameterRanges": {"integerHyperParameterRanges": [
            {"name": "bptt", "minValue": 9, "maxValue": 8}]}}},
        "is empty",
    ),
    (
        {"hpoConfig": {"algorithmHyperParameterRanges": {"categoricalHyperParameterRanges": [
            {"name": "recency_mask", "values": ["true", "perhaps"]}]}}},
        "true or false",
    ),
    (
        {"hpoConfig": {"algorithmHyperParameterRanges": {"continuousHyperParameterRanges": [
            {"name": "depth", "minValue": 0.1, "maxValue": 0.2}]}}},
        "depth is not supported",
    ),
    ({"autoTrainingConfig": {"schedulingExpression": "rate(0 days)"}}, "a value from 1 to 30"),
    ({"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}}, "a value from 1 to 30"),
    ({"trainingDataConfig": {"excludedDatasetColumns": {"Interactions": ["EVENT_TYPE"]}}}, "excluded"),
    ({"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["ITEM_ID"]}}}, "excluded"),
    ({"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["MOOD"]}}}, "no columns"),
    ({"trainingDataConfig": {"includedDatasetColumns": {"Items": ["MOOD"]}}}, "no columns"),
    ({"trainingDataConfig": {"excludedDatasetColumns": {"MOODS": ["A"]}}}, "unknown dataset type"),
    ({"eventsConfig": {"eventParametersList": [{"eventType": "a"}]}}, "not supported"),
    ({"eventValueThreshold": "much"}, "not a number"),
    ({"algorithmHyperParameters": {"bptt": "2.5"}}, "whole number"),
    ({"algorithmHyperParameters": {"bptt": " 8"}}, "whole number"),
    ({"algorithmHyperParameters": {"hidden_dimension": "1e2"}}, "whole number"),
    (
        {"featureTransformationParameters": {"max_user_history_length_percentile": "1.1"}},
        "a number from 0 to 1",
    ),
]  # fmt: skip


class TestSolutionConfig:
    @pytest.mark.parametrize(("config", "text"), CONFIGS)
    def test_value_out_of_its_range_is_refused(self, music, config, text):
        """The message says what would do."""
        with pytest.raises(music.control.exceptions.InvalidInputException, match=text):
            music.solution("aws-user-personalization", "bad", solutionConfig=config)

    def test_values_at_their_bounds_are_echoed(self, music):
        """Forty jobs, ten at once, thirty days; a column that filters only."""
        config = {
            "hpoConfig": {
                "hpoResourceConfig": {
                    "maxNumberOfTrainingJobs": "40",
                    "maxParallelTrainingJobs": "10",
                },
                "algorithmHyperParameterRanges": {
                    "integerHyperParameterRanges": [{"name": "bptt", "minValue": 2, "maxValue": 32}]
                },
            },
            "autoTrainingConfig": {"schedulingExpression": "rate(30 days)"},
            "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["YEAR"]}},
        }
        arn = music.solution("aws-user-personalization", "bounds", solutionConfig=config)
        found = music.control.describe_solution(solutionArn=arn)["solution"]["solutionConfig"]
        assert found == config
        music.control.delete_solution(solutionArn=arn)

    def test_events_need_their_column(self, world):
        """An events configuration is refused where no EVENT_TYPE is recorded."""
        world.group()
        fields = ["USER_ID:string", "ITEM_ID:string", "TIMESTAMP:long"]
        world.dataset("Interactions", avro("Interactions", *fields))
        config = {"eventsConfig": {"eventParametersList": [{"eventType": "play"}]}}
        with pytest.raises(world.control.exceptions.InvalidInputException, match="EVENT_TYPE"):
            world.solution(solutionConfig=config)

    def test_attributes_need_items(self, world):
        """Item-Attribute-Affinity is not trained without an Items dataset."""
        world.group()
        world.dataset("Interactions")
        solution = world.solution("aws-item-attribute-affinity")
        with pytest.raises(world.control.exceptions.InvalidInputException, match="Items dataset"):
            world.control.create_solution_version(solutionArn=solution)

    def test_objective_is_for_the_first_generation(self, music):
        """Similar-Items has none, not even switched off."""
        objective = {"itemAttribute": "YEAR", "objectiveSensitivity": "OFF"}
        with pytest.raises(music.control.exceptions.InvalidInputException, match="aws-sims"):
            music.solution("aws-sims", "o", solutionConfig={"optimizationObjective": objective})


class TestStreams:
    def test_event_has_ten_kilobytes(self, music):
        """Each member is within its own limit, all together are not."""
        event = {
            "eventType": "é" * 256,
            "eventId": "é" * 256,
            "itemId": "i0-00",
            "sentAt": 1_800_000_000,
            "impression": ["é" * 250] * 16,
            "properties": json.dumps({"mood": "é" * 500}, ensure_ascii=False),
        }
        music.send("u-size", event | {"impression": ["é" * 250] * 12})
        with pytest.raises(music.events.exceptions.InvalidInputException, match="10000 bytes"):
            music.send("u-size", event)

    @pytest.mark.parametrize(
        ("genre", "text"),
        [("x" * 1001, "more than 1000 characters for GENRE"), ("IMPRESSION", "reserved keyword")],
    )
    def test_put_text_follows_the_rules_of_imports(self, music, genre, text):
        """Length and reserved keywords."""
        properties = json.dumps({"genre": genre})
        with pytest.raises(music.events.exceptions.InvalidInputException, match=text):
            music.events.put_items(
                datasetArn=music.arns["Items"], items=[{"itemId": "x", "properties": properties}]
            )

    def test_put_free_text_is_cut(self, world):
        """As imported free text is."""
        schema = avro("Items", "ITEM_ID:string", "TEXT:string").replace(
            '"name": "TEXT",', '"name": "TEXT", "textual": true,'
        )
        world.group()
        dataset = world.dataset("Items", schema)
        properties = json.dumps({"text": "x" * 20_001})
        world.events.put_items(
            datasetArn=dataset, items=[{"itemId": "a", "properties": properties}]
        )
        assert len(world.export("Items")[0]["TEXT"]) == 20_000


class TestTags:
    def test_aws_s_prefix_is_reserved(self, world):
        """In any case of letters, at creation and later."""
        arn = world.group()
        tags = [{"tagKey": "AWS:mine", "tagValue": "1"}]
        with pytest.raises(world.control.exceptions.InvalidInputException, match="reserved"):
            world.control.tag_resource(resourceArn=arn, tags=tags)
        with pytest.raises(world.control.exceptions.InvalidInputException, match="reserved"):
            world.control.create_dataset_group(name="other", tags=tags)

    def test_schemas_have_none(self, world):
        """They are not among the resources that AWS lists."""
        arn = world.control.create_schema(name="s", schema=ITEMS)["schemaArn"]
        with pytest.raises(world.control.exceptions.InvalidInputException, match="no tags"):
            world.control.list_tags_for_resource(resourceArn=arn)

    def test_fifty_tags_in_all(self, world):
        """Those that are there count."""
        arn = world.group()
        tags = [{"tagKey": f"k{n}", "tagValue": ""} for n in range(50)]
        world.control.tag_resource(resourceArn=arn, tags=tags)
        with pytest.raises(world.control.exceptions.TooManyTagsException):
            world.control.tag_resource(resourceArn=arn, tags=[{"tagKey": "new", "tagValue": ""}])


class TestRecipes:
    def test_page_is_short(self, world):
        """One page holds eleven recipes, as recorded, so that code must page through."""
        answer = world.control.list_recipes()
        assert len(answer["recipes"]) == 11
        assert answer["nextToken"]


class TestCounts:
    def test_solutions_of_a_group(self, world):
        """Ten, in AWS's words."""
        world.group()
        for number in range(10):
            world.solution(name=f"s{number}")
        with pytest.raises(
            world.control.exceptions.LimitExceededException,
            match=r"More than 10 resources in ACTIVE state\. Please delete some and try again",
        ):
            world.solution(name="s10")

    def test_filters_and_their_fields(self, world):
        """Ten fields a filter, twenty a group, thirty filters."""
        columns = [f"C{number}" for number in range(21)]
        world.group()
        world.dataset("Items", avro("Items", "ITEM_ID:string", *(f"{c}:int?" for c in columns)))

        def expression(names):
            return "INCLUDE ItemID WHERE " + " OR ".join(f"Items.{name} > 0" for name in names)

        control = world.control.exceptions
        with pytest.raises(control.InvalidInputException, match="uses 11"):
            world.filter(expression(columns[:11]), "eleven")
        world.filter(expression(columns[:10]), "ten")
        world.filter(expression(columns[10:20]), "others")
        with pytest.raises(control.LimitExceededException, match="would use 21"):
            world.filter(expression(columns[20:]), "last")
        for number in range(28):
            world.filter(expression(columns[:1]), f"f{number}")
        with pytest.raises(control.LimitExceededException, match="More than 30 resources"):
            world.filter(expression(columns[:1]), "f28")

    def test_campaigns_of_a_group(self, music):
        """Five, in AWS's words."""
        version = music.control.describe_campaign(campaignArn=music.arns["campaign"])["campaign"]
        made = [
            music.control.create_campaign(
                name=f"c{number}", solutionVersionArn=version["solutionVersionArn"]
            )["campaignArn"]
            for number in range(4)
        ]
        with pytest.raises(
            music.control.exceptions.LimitExceededException, match="More than 5 resources in ACTIVE"
        ):
            music.control.create_campaign(
                name="c5", solutionVersionArn=version["solutionVersionArn"]
            )
        for arn in made:
            music.control.delete_campaign(campaignArn=arn)

    def test_jobs_that_run(self, embedded_at):
        """Five imports of a region and five deletions of a group, twenty trainings, five batches."""
        embedded, _ = embedded_at
        world = embedded.world().load(items=item_rows())
        solution = world.solution()
        version = world.train(solution)["solutionVersionArn"]
        # What is doomed is pending as long as the rest, and costs no work.
        embedded.app.life_cycle = LifeCycle(transitions="slow", failures={"*": "not today"})
        location = f"s3://{world.bucket}/x.csv"
        source = {"dataSource": {"dataLocation": location}, "roleArn": ROLE}
        batch = {
            "solutionVersionArn": version,
            "jobInput": {"s3DataSource": {"path": location}},
            "jobOutput": {"s3DataDestination": {"path": f"s3://{world.bucket}/out/"}},
            "roleArn": ROLE,
        }
        starts = {
            "import": (5, lambda name: world.control.create_dataset_import_job(
                jobName=name, datasetArn=world.arns["Items"], **source)),
            "deletion": (5, lambda name: world.control.create_data_deletion_job(
                jobName=name, datasetGroupArn=world.arns["group"], **source)),
            "batch": (5, lambda name: world.control.create_batch_inference_job(
                jobName=name, **batch)),
            "training": (20, lambda name: world.control.create_solution_version(
                solutionArn=solution, name=name)),
        }  # fmt: skip
        for kind, (most, start) in starts.items():
            for number in range(most):
                start(f"{kind}-{number}")
            with pytest.raises(
                world.control.exceptions.LimitExceededException,
                match=f"More than {most} resources with PENDING or IN_PROGRESS status",
            ):
                start(f"{kind}-more")


class TestBatchLocations:
    @pytest.mark.parametrize(
        ("given", "output", "text"),
        [
            ("https://b/in.json", "s3://b/out/", "Invalid S3 input path"),
            ("s3://b/in.json", "http://b/out/", "Invalid S3 output path"),
            ("s3://b/in.json", "s3://b/out", "Invalid S3 output path"),
            ("s3://b/same/", "s3://b/same/", "Invalid S3 output path"),
        ],
    )
    def test_bad_location_is_refused_in_aws_s_words(self, music, given, output, text):
        """Input and output apart, the output a folder of its own."""
        campaign = music.control.describe_campaign(campaignArn=music.arns["campaign"])["campaign"]
        with pytest.raises(music.control.exceptions.InvalidInputException, match=text):
            music.control.create_batch_inference_job(
                jobName="bad",
                solutionVersionArn=campaign["solutionVersionArn"],
                jobInput={"s3DataSource": {"path": given}},
                jobOutput={"s3DataDestination": {"path": output}},
                roleArn=ROLE,
            )


class TestUnknownRecipe:
    def test_recipe_is_not_found(self, world):
        """In AWS's words, by its ARN."""
        world.group()
        with pytest.raises(
            world.control.exceptions.ResourceNotFoundException,
            match=r"Resource Arn arn:aws:personalize:::recipe/none does not exist\.",
        ):
            world.control.create_solution(
                name="s", datasetGroupArn=world.arns["group"], recipeArn=RECIPE + "none"
            )
