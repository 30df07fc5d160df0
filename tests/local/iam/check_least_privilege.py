"""Every right that a role has is needed, and no other is: shown on the whole running path."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
import requests
import whole_path

from musicrec.local.demo import filling
from musicrec.local.iam.policies import Ask, Verdict, evaluate, parse
from musicrec.local.running import RunningStack, running
from musicrec.stack import INFRA_DIRECTORY, trust_policy

PARTS = whole_path.FUNCTIONS + whole_path.SERVICES

FIREHOSE = (
    "Firehose's documentation asks for it (Controlling access with Amazon Data Firehose); the "
    "embedded one writes each object in one request and looks at the newest table only"
)
TELEMETRY = (
    "the agent that sends traces for Lambda reports on itself too (AWSXRayDaemonWriteAccess); here "
    "no invocation is sampled"
)
UNSEEN = {
    **{(part, "xray:PutTelemetryRecords"): TELEMETRY for part in whole_path.FUNCTIONS},
    **{
        ("firehose", entry): FIREHOSE
        for entry in (
            *("kinesis:DescribeStream", "glue:GetTableVersion", "glue:GetTableVersions"),
            *("s3:AbortMultipartUpload", "s3:GetObject", "FindBucket", "s3:GetBucketLocation"),
            *("s3:ListBucket", "s3:ListBucketMultipartUploads"),
        )
    },
}
"""Rights that the embedded AWS has no use for, by part and statement or action, with the reason."""

WITHOUT_RESOURCES = {
    "personalize:ListDatasetGroups",
    "personalize:ListDatasetImportJobs",
    "personalize:ListDatasets",
    "personalize:ListEventTrackers",
    "personalize:ListSchemas",
    "personalize:PutEvents",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions that support no resource (Service Authorization Reference), so that `*` must be named."""


def read(part):
    return json.loads((INFRA_DIRECTORY / "policies" / f"{part}.json").read_text())


def listed(element):
    return element if isinstance(element, list) else [element]


def poorer(document) -> Iterator[tuple[str, dict]]:
    """The policy without one of its statements, actions or resources, each with what is missing."""
    for number, statement in enumerate(document["Statement"]):
        less = copy.deepcopy(document)
        del less["Statement"][number]
        yield statement["Sid"], less
        for element in ("Action", "Resource"):
            for entry in listed(statement[element]):
                rest = [one for one in listed(statement[element]) if one != entry]
                if rest:
                    less = copy.deepcopy(document)
                    less["Statement"][number][element] = rest
                    yield entry, less


class TestFiles:
    @pytest.mark.parametrize("part", PARTS)
    def test_all_resources_are_named_for_actions_without_any_alone(self, part):
        """A statement names its resources wherever IAM lets it."""
        for statement in read(part)["Statement"]:
            if "*" in listed(statement["Resource"]):
                assert set(listed(statement["Action"])) <= WITHOUT_RESOURCES, statement

    @pytest.mark.parametrize("part", PARTS)
    def test_actions_are_spelled_out(self, part):
        """No wildcard in an action, nothing allowed by exception, and every statement has a name."""
        for statement in read(part)["Statement"]:
            assert not any("*" in action for action in listed(statement["Action"]))
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert statement["Effect"] == "Allow"

    def test_every_file_is_looked_at(self):
        """A new policy needs its part in this test."""
        files = {path.stem for path in (INFRA_DIRECTORY / "policies").glob("*.json")}
        assert files == {*PARTS, "assume-role"}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """A stack on which the whole path was driven once, nobody but the stack having made anything."""
    with running() as stack:
        whole_path.drive(stack)
        yield stack


@pytest.fixture(scope="module")
def asked(stack):
    """What each part's role asked for, in the policies' own terms."""
    made = {part: [] for part in PARTS}
    for access in stack.server.accesses():
        part = access.role.removeprefix(f"{stack.deployment.name}-")
        made[part].append((Ask(access.action, access.resource, access.context), access.verdict))
    return made


@pytest.mark.slow
class TestPath:
    @pytest.mark.parametrize("part", PARTS)
    def test_nothing_was_refused(self, asked, part):
        """The path needs no right that its role does not have."""
        assert asked[part]
        assert [ask for ask, verdict in asked[part] if verdict is not Verdict.ALLOWED] == []

    @pytest.mark.parametrize("part", PARTS)
    def test_every_right_is_needed(self, stack, asked, part):
        """Without any one of its statements, actions or resources a request of the path is refused."""
        idle = []
        for missing, document in poorer(whole_path.stored_policy(stack, part)):
            policy = parse(document)
            refused = any(evaluate([policy], ask) is not Verdict.ALLOWED for ask, _ in asked[part])
            if not refused:
                idle.append((part, missing))
        assert set(idle) == {entry for entry in UNSEEN if entry[0] == part}


def without(document, sid):
    """The policy without one statement."""
    kept = [one for one in document["Statement"] if one["Sid"] != sid]
    return {**document, "Statement": kept or [NOTHING]}


NOTHING = {"Effect": "Deny", "Action": "none:Nothing", "Resource": "*"}


@pytest.mark.slow
@pytest.mark.usefixtures("asked")
class TestRemoval:
    """A sample of rights, really taken away: the path breaks, and heals when they are back."""

    def put(self, stack, part, document):
        stack.server.aws.client("iam").put_role_policy(
            RoleName=f"{stack.deployment.name}-{part}",
            PolicyName=part,
            PolicyDocument=json.dumps(document),
        )

    def post(self, stack):
        """Send one event as a producer does; the status of the answer."""
        (event, *_) = whole_path.listening(users=1, plays=1, seed=5)
        return requests.post(
            f"{stack.deployment.api_url}/events",
            data=msgspec.json.encode({"events": [event]}),
            headers={"x-api-key": stack.api_key, "content-type": "application/json"},
            timeout=30,
        ).status_code

    def test_recommendations(self, stack):
        """Without the right to the campaign the function has nothing but what is popular."""
        policy = whole_path.stored_policy(stack, "recommendations")
        self.put(stack, "recommendations", without(policy, "Recommend"))
        assert whole_path.recommend(stack).json()["fallback"]["list"] == "popular"
        self.put(stack, "recommendations", policy)
        assert whole_path.recommend(stack).json()["fallback"] is None

    def test_ingestion(self, stack):
        """Without the right to the stream the API takes no events."""
        policy = whole_path.stored_policy(stack, "apigateway")
        assert self.post(stack) == 200
        self.put(stack, "apigateway", without(policy, "PutEvents"))
        assert self.post(stack) != 200
        self.put(stack, "apigateway", policy)
        assert self.post(stack) == 200

    def test_trust(self, stack):
        """A role that trusts another service serves this one no more."""
        iam, role = stack.server.aws.client("iam"), f"{stack.deployment.name}-apigateway"
        for service, accepted in (("lambda", False), ("apigateway", True)):
            iam.update_assume_role_policy(
                RoleName=role, PolicyDocument=trust_policy(f"{service}.amazonaws.com")
            )
            assert (self.post(stack) == 200) is accepted

    def test_daily_build(self, stack):
        """Without the right to lend Personalize its role no import is started."""
        policy = whole_path.stored_policy(stack, "dataset-builder")
        at = datetime(2026, 4, 20, 3, tzinfo=UTC)
        self.put(stack, "dataset-builder", without(policy, "LendRole"))
        with pytest.raises(filling.DailyBuildError, match="iam:PassRole"):
            filling.fire_daily_rule(stack, at)
        self.put(stack, "dataset-builder", policy)
        assert filling.fire_daily_rule(stack, at).import_jobs

    def test_invocation(self, stack):
        """Without the function's permission the API cannot ask it."""
        client = stack.server.aws.client("lambda")
        name = f"{stack.deployment.name}-recommendations"
        (allowed,) = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
        client.remove_permission(FunctionName=name, StatementId=allowed["Sid"])
        assert whole_path.recommend(stack).status_code == 500
        client.add_permission(
            FunctionName=name,
            StatementId=allowed["Sid"],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=next(iter(allowed["Condition"]["ArnLike"].values())),
        )
        assert whole_path.recommend(stack).status_code == 200
