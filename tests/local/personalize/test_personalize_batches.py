"""Batch jobs read JSON Lines from S3 and write one output file for each input file."""

import json
import threading

import pytest
from personalize_data import PER_CLUSTER, item_rows
from personalize_world import ROLE

from musicrec.local.personalize import batch_inference
from musicrec.local.personalize.affinity import attributes
from musicrec.local.personalize.errors import InvalidInputError


def put_lines(world, key, lines):
    """Write an input file; its location."""
    body = "\n".join(json.dumps(line) for line in lines)
    world.embedded.s3.put_object(Bucket=world.bucket, Key=key, Body=body.encode())
    return f"s3://{world.bucket}/{key}"


def output(world, key):
    """The lines of an output file."""
    body = world.embedded.s3.get_object(Bucket=world.bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in body.decode().splitlines()]


def version_of(world, recipe):
    """A version of the recipe, trained once a region."""
    for entry in world.control.list_solutions()["solutions"]:
        if entry["name"] == f"batch-{recipe}":
            found = world.control.list_solution_versions(solutionArn=entry["solutionArn"])
            return found["solutionVersions"][0]["solutionVersionArn"]
    return world.train(world.solution(recipe, f"batch-{recipe}"))["solutionVersionArn"]


class Runner:
    """Makes jobs of one kind and waits for them."""

    def __init__(self, world, kind):
        self.world = world
        self.create = getattr(world.control, f"create_batch_{kind.lower()}_job")
        self.describe = getattr(world.control, f"describe_batch_{kind.lower()}_job")
        self.key = f"batch{kind}Job"

    def start(self, name, version, location, **options):
        """Make a job; its ARN."""
        return self.create(
            jobName=name,
            solutionVersionArn=version,
            jobInput={"s3DataSource": {"path": location}},
            jobOutput={"s3DataDestination": {"path": f"s3://{self.world.bucket}/{name}/"}},
            roleArn=ROLE,
            **options,
        )[f"{self.key}Arn"]

    def run(self, name, version, lines, **options):
        """The job's description at the end, and its output lines."""
        location = put_lines(self.world, f"input/{name}.json", lines)
        arn = self.start(name, version, location, **options)
        done = self.world.finished(lambda: self.describe(**{f"{self.key}Arn": arn})[self.key])
        if done["status"] != "ACTIVE":
            return done, []
        return done, output(self.world, f"{name}/{name}.json.out")


@pytest.fixture
def inference(music):
    """Batch inference in the shared region."""
    return Runner(music, "Inference")


@pytest.fixture
def segment(music):
    """Batch segments in the shared region."""
    return Runner(music, "Segment")


class TestInference:
    def test_lines_of_users_get_what_a_request_gets(self, music, inference):
        """In order, with scores; the folder was checked before."""
        version = music.control.describe_campaign(campaignArn=music.arns["campaign"])["campaign"]
        done, lines = inference.run(
            "users",
            version["solutionVersionArn"],
            [{"userId": "u001"}, {"userId": "nobody"}],
            numResults=7,
        )
        assert done["batchInferenceJobMode"] == "BATCH_INFERENCE"
        assert [line["input"]["userId"] for line in lines] == ["u001", "nobody"]
        for line in lines:
            wanted = music.runtime.get_recommendations(
                campaignArn=music.arns["campaign"], numResults=7, **line["input"]
            )["itemList"]
            assert line["error"] is None
            assert line["output"]["recommendedItems"] == [entry["itemId"] for entry in wanted]
            assert line["output"]["scores"] == [entry["score"] for entry in wanted]
        music.embedded.s3.head_object(Bucket=music.bucket, Key="users/_CHECK")

    def test_lines_of_items_have_no_scores(self, music, inference):
        """Related items, 25 unless said otherwise."""
        _, lines = inference.run("items", version_of(music, "aws-sims"), [{"itemId": "i1-03"}])
        assert lines[0]["output"].keys() == {"recommendedItems"}
        assert len(lines[0]["output"]["recommendedItems"]) == 25

    def test_lines_of_lists_are_ranked(self, music, inference):
        """An item that the model does not know comes last."""
        version = version_of(music, "aws-personalized-ranking-v2")
        _, lines = inference.run(
            "lists", version, [{"userId": "u002", "itemList": ["stranger", "i0-01", "i2-01"]}]
        )
        assert lines[0]["output"]["recommendedItems"] == ["i2-01", "i0-01", "stranger"]
        assert lines[0]["output"]["scores"][-1] == 0

    def test_filter_takes_the_values_of_each_line(self, music, inference):
        """A line without them says so in its error, the others are answered."""
        kept = music.filter("INCLUDE ItemID WHERE Items.GENRE IN ($G)", "batch-genre")
        given = [
            {"userId": "u001", "filterValues": {"G": '"g2"'}},
            {"userId": "u001", "filterValues": {"G": '"g3"'}},
            {"userId": "u001"},
            {},
        ]
        version = music.control.describe_campaign(campaignArn=music.arns["campaign"])["campaign"]
        _, lines = inference.run("filtered", version["solutionVersionArn"], given, filterArn=kept)
        found = [
            {item[:2] for item in line["output"]["recommendedItems"]}
            for line in lines
            if line["output"]
        ]
        assert found == [{"i2"}, {"i3"}]
        assert "value for $G" in lines[2]["error"]
        assert "userId is required" in lines[3]["error"]

    def test_folder_gives_one_output_for_each_file(self, music, inference):
        """Files in folders below are left alone."""
        for name in ("a.json", "b.json", "deeper/c.json"):
            put_lines(music, f"folder/{name}", [{"itemId": "i0-00"}])
        inference.start("folder-out", version_of(music, "aws-sims"), f"s3://{music.bucket}/folder/")
        arn = f"arn:aws:personalize:{music.region}:123456789012:batch-inference-job/folder-out"
        music.finished(
            lambda: music.control.describe_batch_inference_job(batchInferenceJobArn=arn)[
                "batchInferenceJob"
            ]
        )
        found = music.embedded.s3.list_objects_v2(Bucket=music.bucket, Prefix="folder-out/")
        names = [entry["Key"] for entry in found["Contents"]]
        assert names == ["folder-out/_CHECK", "folder-out/a.json.out", "folder-out/b.json.out"]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [("{", "Line 1 of input/bad.json is not JSON"), ("[1]", "must be a JSON object")],
    )
    def test_file_that_is_no_json_lines_fails_the_job(self, music, inference, text, reason):
        """The reason names the line."""
        music.embedded.s3.put_object(Bucket=music.bucket, Key="input/bad.json", Body=text.encode())
        location = f"s3://{music.bucket}/input/bad.json"
        arn = inference.start(f"bad-{len(text)}", version_of(music, "aws-sims"), location)
        done = music.finished(
            lambda: music.control.describe_batch_inference_job(batchInferenceJobArn=arn)[
                "batchInferenceJob"
            ]
        )
        assert done["status"] == "CREATE FAILED"
        assert reason in done["failureReason"]

    @pytest.mark.parametrize(
        ("recipe", "options", "reason"),
        [
            ("aws-item-affinity", {}, "does not support batch inference"),
            ("aws-sims", {"numResults": 501}, "numResults must be 1 to 500"),
            ("aws-sims", {"batchInferenceJobMode": "THEME_GENERATION"}, "does not emulate themes"),
            (
                "aws-sims",
                {"batchInferenceJobConfig": {"rankingInfluence": {"POPULARITY": 0.5}}},
                "does not emulate rankingInfluence",
            ),
        ],
    )
    def test_settings_that_do_not_fit_are_refused(self, music, inference, recipe, options, reason):
        """Before anything is read."""
        location = f"s3://{music.bucket}/nowhere.json"
        with pytest.raises(music.control.exceptions.InvalidInputException, match=reason):
            inference.start("refused", version_of(music, recipe), location, **options)

    def test_filter_in_use_stays(self, music, inference, monkeypatch):
        """A running job holds its filter."""
        started, go = threading.Event(), threading.Event()
        real = batch_inference.all_scores

        def slow(*args):
            started.set()
            assert go.wait(30)
            return real(*args)

        monkeypatch.setattr(batch_inference, "all_scores", slow)
        kept = music.filter("INCLUDE ItemID WHERE Items.YEAR > 1", "held")
        location = put_lines(music, "input/held.json", [{"itemId": "i0-00"}])
        arn = inference.start("held", version_of(music, "aws-sims"), location, filterArn=kept)
        assert started.wait(10)
        with pytest.raises(music.control.exceptions.ResourceInUseException, match="held"):
            music.control.delete_filter(filterArn=kept)
        go.set()
        music.finished(
            lambda: music.control.describe_batch_inference_job(batchInferenceJobArn=arn)[
                "batchInferenceJob"
            ]
        )
        music.control.delete_filter(filterArn=kept)


class TestSegments:
    def test_users_of_an_item_are_those_who_walk_there(self, music, segment):
        """Listeners of an item's genre come first; an unknown item is an error of its line."""
        version = version_of(music, "aws-item-affinity")
        _, lines = segment.run(
            "fans", version, [{"itemId": "i1-03"}, {"itemId": "unknown"}], numResults=10
        )
        users = lines[0]["output"]["usersList"]
        assert len(users) == 10
        assert {int(user[1:]) % 4 for user in users} == {1}
        assert lines[1]["output"] is None
        assert "unknown" in lines[1]["error"]

    def test_users_of_attributes_can_be_filtered(self, music, segment):
        """Both attributes must be there; the filter selects users."""
        kept = music.filter('INCLUDE UserID WHERE Users.COUNTRY IN ("FR")', "french")
        version = version_of(music, "aws-item-attribute-affinity")
        query = {"itemAttributes": 'ITEMS.genre = "g2" AND Items.GENRE = "all"'}
        done, lines = segment.run("attributes", version, [query], numResults=8, filterArn=kept)
        assert done["numResults"] == 8
        users = lines[0]["output"]["usersList"]
        assert {int(user[1:]) % 4 for user in users} == {2}

    def test_filter_of_items_is_refused(self, music, segment):
        """It selects something else."""
        kept = music.filter("INCLUDE ItemID WHERE Items.YEAR > 1990", "items-only")
        version = version_of(music, "aws-item-affinity")
        with pytest.raises(music.control.exceptions.InvalidInputException, match="selects items"):
            segment.start("refused", version, f"s3://{music.bucket}/x.json", filterArn=kept)

    def test_metrics_are_those_of_segments(self, music):
        """Hits and recall among the top percent of users."""
        version = version_of(music, "aws-item-affinity")
        found = music.control.get_solution_metrics(solutionVersionArn=version)["metrics"]
        assert found.keys() == {"coverage", "hits_at_1_percent", "recall_at_1_percent"}
        assert 0 < found["recall_at_1_percent"] <= 1

    def test_no_campaign_serves_segments(self, music):
        """They exist in batches only."""
        version = version_of(music, "aws-item-affinity")
        with pytest.raises(music.control.exceptions.InvalidInputException, match="batch segment"):
            music.control.create_campaign(name="segments", solutionVersionArn=version)


class TestAttributes:
    def test_pairs_are_read(self):
        """Datasets and columns ignore case, values do not."""
        assert attributes('ITEMS.genre = "R\\"B" and items.Mood="calm"') == [
            ("GENRE", 'R"B'),
            ("MOOD", "calm"),
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            'ITEMS.A = "1" OR ITEMS.B = "2"',
            'ITEMS.A > "1"',
            'USERS.A = "1"',
            'ITEMS.A = "1" AND',
        ],
    )
    def test_anything_else_is_refused(self, text):
        """With the position."""
        with pytest.raises(InvalidInputError, match="position"):
            attributes(text)


class TestTrendingNow:
    def test_what_grows_leads_until_nothing_happens(self, embedded_at):
        """Two empty intervals bring back what is popular."""
        embedded, clock = embedded_at
        world = embedded.world().load(items=item_rows())
        clock.now = 1_800_000_000.0
        campaign = world.campaign("aws-trending-now")
        popular = world.recommend(campaign, numResults=5)
        for n in range(30):
            event = {"eventType": "play", "itemId": f"i0-{PER_CLUSTER - 1}", "sentAt": clock.now}
            world.send(f"new{n}", event)
        assert world.recommend(campaign, numResults=5) == popular
        clock.now += 7200
        assert world.recommend(campaign, numResults=1) == [f"i0-{PER_CLUSTER - 1}"]
        clock.now += 3 * 7200
        assert world.recommend(campaign, numResults=5) == popular
