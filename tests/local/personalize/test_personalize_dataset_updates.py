"""Another schema for a dataset, and users who are deleted."""

import pytest
from personalize_data import INTERACTIONS, ITEMS, avro, item_rows
from personalize_world import ROLE

from musicrec.local.personalize import training

WIDER = avro(
    "Items", "ITEM_ID:string", "GENRE:string|?", "TEMPO:float?", "YEAR:int?", "MOOD:string|?"
)
USER_ROWS = [(f"u{n:03}", 20, "DE") for n in range(60)]


def schema(world, text, name="wider"):
    """A further schema."""
    return world.control.create_schema(name=name, schema=text)["schemaArn"]


@pytest.fixture
def learnt(monkeypatch):
    """The columns that each training learns from."""
    seen = []
    real = training.item_features

    def spy(encoder, records, index):
        seen.append({column.name for column in encoder.columns})
        return real(encoder, records, index)

    monkeypatch.setattr(training, "item_features", spy)
    return seen


class TestUpdateDataset:
    def test_contents_stay_and_the_new_column_is_null(self, world):
        """Imports, puts and filters then know the column."""
        world.load(items=item_rows(), users=USER_ROWS)
        arn = schema(world, WIDER)
        world.control.update_dataset(datasetArn=world.arns["Items"], schemaArn=arn)
        found = world.control.describe_dataset(datasetArn=world.arns["Items"])["dataset"]
        assert found["schemaArn"] == found["latestDatasetUpdate"]["schemaArn"] == arn
        assert found["latestDatasetUpdate"]["status"] == "ACTIVE"
        world.events.put_items(
            datasetArn=world.arns["Items"],
            items=[{"itemId": "i0-00", "properties": '{"mood": "calm"}'}],
        )
        rows = {row["ITEM_ID"]: row["MOOD"] for row in world.export("Items")}
        assert rows["i0-00"] == "calm"
        assert rows["i0-01"] == ""
        kept = world.filter('INCLUDE ItemID WHERE Items.MOOD IN ("calm")')
        assert world.recommend(world.campaign(), userId="u001", filterArn=kept) == ["i0-00"]

    def test_an_update_while_serving_changes_the_next_answer(self, world):
        """Metadata of the new column can be asked for at once."""
        campaign = world.load(items=item_rows()).campaign()
        request = {"userId": "u001", "numResults": 1}
        world.recommend(campaign, metadataColumns={"ITEMS": ["GENRE"]}, **request)
        arn = schema(world, WIDER)
        world.control.update_dataset(datasetArn=world.arns["Items"], schemaArn=arn)
        item = world.runtime.get_recommendations(
            campaignArn=campaign, metadataColumns={"ITEMS": ["MOOD", "YEAR"]}, **request
        )["itemList"][0]
        assert item["metadata"].keys() == {"YEAR"}

    @pytest.mark.parametrize(
        ("kind", "text", "reason"),
        [
            ("Interactions", INTERACTIONS, "Only Items and Users"),
            ("Items", INTERACTIONS, "not ITEMS"),
            ("Items", avro("Items", "ITEM_ID:string", "GENRE:string|?"), "keep the field TEMPO"),
            ("Items", ITEMS.replace('"int"', '"long"'), "keep the field YEAR"),
            (
                "Items",
                WIDER.replace('["null", "string"], "categorical": true}], "v', '"string"}], "v'),
                "must allow null",
            ),
        ],
    )
    def test_schema_that_does_not_fit_is_refused(self, world, kind, text, reason):
        """Old fields stay as they are, new ones may be null."""
        world.group()
        dataset = world.dataset(kind)
        arn = schema(world, text)
        with pytest.raises(world.control.exceptions.InvalidInputException, match=reason):
            world.control.update_dataset(datasetArn=dataset, schemaArn=arn)

    def test_solutions_that_exist_do_not_learn_the_new_column(self, world, learnt):
        """Those made afterwards do."""
        world.load(items=item_rows())
        before = world.solution(name="before")
        world.control.update_dataset(datasetArn=world.arns["Items"], schemaArn=schema(world, WIDER))
        world.train(before)
        world.train(world.solution(name="after"))
        assert learnt == [{"GENRE", "TEMPO", "YEAR"}, {"GENRE", "TEMPO", "YEAR", "MOOD"}]


class TestTrainingColumns:
    @pytest.mark.parametrize(
        ("config", "columns"),
        [
            ({"excludedDatasetColumns": {"Items": ["GENRE"]}}, {"TEMPO", "YEAR"}),
            ({"includedDatasetColumns": {"ITEMS": ["GENRE"]}}, {"GENRE"}),
            ({"includedDatasetColumns": {"USERS": ["AGE"]}}, {"GENRE", "TEMPO", "YEAR"}),
        ],
    )
    def test_solution_names_what_is_learnt(self, world, learnt, config, columns):
        """By the columns to leave out, or by those to take."""
        world.load(items=item_rows())
        world.train(world.solution(solutionConfig={"trainingDataConfig": config}))
        assert learnt == [columns]

    def test_both_ways_at_once_are_refused(self, world):
        """They might contradict each other."""
        world.group()
        both = {
            "excludedDatasetColumns": {"Items": ["GENRE"]},
            "includedDatasetColumns": {"Items": ["YEAR"]},
        }
        with pytest.raises(world.control.exceptions.InvalidInputException, match="not both"):
            world.solution(solutionConfig={"trainingDataConfig": both})


class TestDeletion:
    def delete(self, world, location, name="gone"):
        """Run a job; its description at the end."""
        arn = world.control.create_data_deletion_job(
            jobName=name,
            datasetGroupArn=world.arns["group"],
            dataSource={"dataLocation": location},
            roleArn=ROLE,
        )["dataDeletionJobArn"]
        return world.control.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]

    def test_users_vanish_from_all_datasets(self, world):
        """Imported, streamed and described; folders below count too."""
        world.load(users=USER_ROWS)
        event = {"eventType": "play", "itemId": "i0-00", "sentAt": 1_800_000_000}
        world.send("u001", event)
        world.send("u002", event)
        before = world.export(name="before")
        world.put_csv("gone/one.csv", ["USER_ID"], [("u001",)])
        world.put_csv("gone/deeper/two.csv", ["USER_ID"], [("u003",), ("nobody",)])
        done = self.delete(world, f"s3://{world.bucket}/gone/")
        after = world.export(name="after")
        gone = [row for row in before if row["USER_ID"] in {"u001", "u003"}]
        assert done["status"] == "COMPLETED"
        assert done["numDeleted"] == len(gone) + 2
        assert after == [row for row in before if row not in gone]
        assert len(world.export("Users", name="users")) == len(USER_ROWS) - 2

    def test_file_with_other_columns_fails(self, world):
        """In the words of an import."""
        world.load()
        location = world.put_csv("bad.csv", ["ITEM_ID"], [("i0-00",)])
        done = self.delete(world, location)
        assert done["status"] == "FAILED"
        assert "USER_ID" in done["failureReason"]

    def test_jobs_are_listed_newest_first(self, world):
        """Page by page."""
        world.load()
        location = world.put_csv("gone.csv", ["USER_ID"], [("u001",)])
        for name in ("a", "b", "c"):
            self.delete(world, location, name)
        first = world.control.list_data_deletion_jobs(maxResults=2)
        rest = world.control.list_data_deletion_jobs(maxResults=2, nextToken=first["nextToken"])
        names = [entry["jobName"] for page in (first, rest) for entry in page["dataDeletionJobs"]]
        assert names == ["c", "b", "a"]
