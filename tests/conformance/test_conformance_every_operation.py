"""What holds for every operation of the three services: refusals, names, pages, descriptions."""

import re

import pytest
from botocore.exceptions import ClientError
from personalize_calls import call, nothing, pages, smallest
from personalize_data import ITEMS, RECIPE
from personalize_models import MODELS

operation = pytest.mark.operation


def each(names):
    """A case for each operation, marked as being about it."""
    return [pytest.param(name, marks=operation(name), id=name) for name in names]


OWN = re.compile(r"Describe|Delete|Update|Start|Stop|GetSolutionMetrics|.*Tag|ListTags")
"""Operations on one resource, which must be there."""

LISTS = [name for name in MODELS if "maxResults" in MODELS[name].input_shape.members]
PARENTS = {
    "ListBatchInferenceJobs": "solutionVersionArn",
    "ListBatchSegmentJobs": "solutionVersionArn",
    "ListCampaigns": "solutionArn",
    "ListDatasetExportJobs": "datasetArn",
    "ListDatasetImportJobs": "datasetArn",
    "ListSolutionVersions": "solutionArn",
}
"""What narrows a listing where it is not `datasetGroupArn`."""

ABSENT = {"ListRecommenders", "ListMetricAttributions", "ListDataDeletionJobs"}
"""Listings of which the group with the data has nothing."""


def refused(target, name, params):
    """The code of the refusal, which the operation's model must declare."""
    with pytest.raises(ClientError) as caught:
        call(target, name, **params)
    code = caught.value.response["Error"]["Code"]
    assert code in {shape.name for shape in MODELS[name].error_shapes}
    assert caught.value.response["Error"]["Message"]
    return code


class TestRefusals:
    @pytest.mark.parametrize(
        "name", each(name for name in MODELS if name not in LISTS and name != "CreateDatasetGroup")
    )
    def test_nothing_there_is_refused_by_a_declared_error(self, target, group, name):
        """A request whose ARNs lead to nothing is refused by an error that the model declares."""
        refused(target, name, smallest(target, group, name))

    @pytest.mark.parametrize("name", each(name for name in MODELS if OWN.match(name)))
    def test_unknown_resource_is_not_found(self, target, group, name):
        """An unknown ARN is a ResourceNotFoundException."""
        params = smallest(target, group, name)
        if name == "UpdateMetricAttribution":
            params = {"metricAttributionArn": nothing(target, group, "metricAttributionArn")}
        assert refused(target, name, params) == "ResourceNotFoundException"

    @pytest.mark.parametrize(
        "name",
        each(
            name
            for name, model in MODELS.items()
            if name.startswith("Create") and {"name", "jobName"} & model.input_shape.members.keys()
        ),
    )
    def test_name_must_fit_the_pattern(self, target, group, name):
        """A name outside the pattern or longer than 63 is refused with InvalidInputException."""
        params = smallest(target, group, name)
        key = "jobName" if "jobName" in params else "name"
        for bad in ("-begins-with-a-dash", "has space", "x" * 64):
            assert refused(target, name, params | {key: bad}) == "InvalidInputException"

    @pytest.mark.parametrize("name", each(sorted(LISTS)))
    def test_page_size_and_token_are_checked(self, target, group, name):
        """A page of 101 and a token from elsewhere are refused, the token by its own exception."""
        params = smallest(target, group, name)
        with pytest.raises(ClientError):
            call(target, name, maxResults=101, **params)
        if name in {"ListSolutionVersions", "ListMetricAttributionMetrics"}:
            return  # these may look for the parent first
        code = refused(target, name, params | {"nextToken": "bm90IG91cnM="})
        assert code == "InvalidNextTokenException"


@pytest.fixture(scope="session")
def jobs(batch, segments, export):
    """A job of each kind that is done, as in `made`."""
    return {
        "batchInferenceJobArn": batch,
        "batchSegmentJobArn": segments,
        "datasetExportJobArn": export,
    }


@pytest.fixture(scope="session")
def made(music, version, campaign, kept, jobs):
    """Something of every kind: the member that takes its ARN, and the ARN."""
    return {
        "schemaArn": music.schemas["Items"],
        "datasetGroupArn": music.group,
        "datasetArn": music.datasets["Items"],
        "datasetImportJobArn": music.imports["Items"],
        "eventTrackerArn": music.tracker,
        "filterArn": kept,
        "solutionArn": version.rpartition("/")[0],
        "solutionVersionArn": version,
        "campaignArn": campaign,
        "recipeArn": RECIPE + "aws-sims",
        **jobs,
    }


DESCRIBED = {
    "DescribeSchema": "schemaArn",
    "DescribeDatasetGroup": "datasetGroupArn",
    "DescribeDataset": "datasetArn",
    "DescribeDatasetImportJob": "datasetImportJobArn",
    "DescribeDatasetExportJob": "datasetExportJobArn",
    "DescribeEventTracker": "eventTrackerArn",
    "DescribeFilter": "filterArn",
    "DescribeSolution": "solutionArn",
    "DescribeSolutionVersion": "solutionVersionArn",
    "DescribeCampaign": "campaignArn",
    "DescribeBatchInferenceJob": "batchInferenceJobArn",
    "DescribeBatchSegmentJob": "batchSegmentJobArn",
    "DescribeRecipe": "recipeArn",
}


class TestDescriptions:
    @pytest.mark.parametrize("name", each(DESCRIBED))
    def test_description_has_arn_times_and_state(self, target, made, name):
        """What is described has its ARN, both times, and is ACTIVE where it has a state."""
        arn = made[DESCRIBED[name]]
        answer = call(target, name, **{DESCRIBED[name]: arn})
        (found,) = [value for key, value in answer.items() if key != "ResponseMetadata"]
        assert found[DESCRIBED[name]] == arn
        assert found["creationDateTime"] <= found["lastUpdatedDateTime"]
        assert found.get("status", "ACTIVE") == "ACTIVE"
        assert "failureReason" not in found


class TestPages:
    @pytest.mark.parametrize("name", each(sorted({*LISTS} - {"ListMetricAttributionMetrics"})))
    def test_pages_of_one_show_everything_once(self, target, made, name):
        """Pages of one show the same as the whole list, each entry once, in the same order."""
        members = MODELS[name].input_shape.members
        parent = PARENTS.get(name, "datasetGroupArn")
        arns = made | self.parents(target, made).get(name, {})
        params = {parent: arns[parent]} if parent in members else {}
        shown = pages(target, name, **params)
        keys = [
            next(value for key, value in entry.items() if key.endswith("Arn")) for entry in shown
        ]
        assert len(keys) == len(set(keys))
        whole = call(target, name, maxResults=100, **params)
        (entries,) = [value for value in whole.values() if isinstance(value, list)]
        if not whole.get("nextToken"):
            assert shown == entries
        assert bool(shown) != (name in ABSENT)

    @staticmethod
    def parents(target, made):
        """Parents other than those in `made`, by the listing."""
        segments = target.control.describe_batch_segment_job(
            batchSegmentJobArn=made["batchSegmentJobArn"]
        )["batchSegmentJob"]
        export = target.control.describe_dataset_export_job(
            datasetExportJobArn=made["datasetExportJobArn"]
        )["datasetExportJob"]
        return {
            "ListBatchSegmentJobs": {"solutionVersionArn": segments["solutionVersionArn"]},
            "ListDatasetExportJobs": {"datasetArn": export["datasetArn"]},
        }


CREATED = {
    "CreateSchema": "schemaArn",
    "CreateDatasetGroup": "datasetGroupArn",
    "CreateDataset": "datasetArn",
    "CreateDatasetImportJob": "datasetImportJobArn",
    "CreateDatasetExportJob": "datasetExportJobArn",
    "CreateFilter": "filterArn",
    "CreateSolution": "solutionArn",
    "CreateCampaign": "campaignArn",
    "CreateBatchInferenceJob": "batchInferenceJobArn",
    "CreateBatchSegmentJob": "batchSegmentJobArn",
}


class TestNames:
    @pytest.mark.parametrize("name", each(CREATED))
    def test_name_is_taken_once(self, target, made, name):
        """What exists cannot be made again: ResourceAlreadyExistsException."""
        describe = name.replace("Create", "Describe")
        arn = made[CREATED[name]]
        answer = call(target, describe, **{CREATED[name]: arn})
        (found,) = [value for key, value in answer.items() if key != "ResponseMetadata"]
        members = MODELS[name].input_shape.members
        again = {key: value for key, value in found.items() if key in members}
        assert refused(target, name, again) == "ResourceAlreadyExistsException"


class TestTags:
    @operation("TagResource", "UntagResource", "ListTagsForResource")
    def test_what_is_made_can_be_tagged(self, target, made):
        """Each kind of resource takes a tag, shows it and loses it, schemas and recipes apart."""
        tag = {"tagKey": "conformance", "tagValue": "1"}
        for key, arn in made.items():
            if key in {"schemaArn", "recipeArn"}:
                continue
            target.control.tag_resource(resourceArn=arn, tags=[tag])
            assert target.control.list_tags_for_resource(resourceArn=arn)["tags"] == [tag]
            target.control.untag_resource(resourceArn=arn, tagKeys=["conformance"])
            assert target.control.list_tags_for_resource(resourceArn=arn)["tags"] == []

    @operation("TagResource")
    def test_fifty_tags_are_the_most(self, target, group):
        """The fifty-first is refused with TooManyTagsException."""
        tags = [{"tagKey": f"k{number}", "tagValue": "1"} for number in range(51)]
        assert refused(target, "TagResource", {"resourceArn": group, "tags": tags}) == (
            "TooManyTagsException"
        )

    @operation("CreateSchema")
    def test_schema_is_made_without_tags(self, target):
        """CreateSchema has no tags to give, and what it makes has none."""
        arn = target.schema(ITEMS, "untagged")
        with pytest.raises(ClientError):
            target.control.tag_resource(resourceArn=arn, tags=[{"tagKey": "a", "tagValue": "1"}])
