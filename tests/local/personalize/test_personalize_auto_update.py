"""New items come into a deployed model every two hours, by those that are like them."""

import json

import numpy as np
from personalize_data import item_rows
from personalize_shop import (
    EVERYTHING,
    HEADER,
    NEW,
    learned,
)
from personalize_world import ROLE

from musicrec.local.personalize.auto_update import INTERVAL
from musicrec.local.personalize.newcomers import WithNewcomers
from musicrec.research.models import Popularity


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
