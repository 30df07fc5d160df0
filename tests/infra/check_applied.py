"""The stack that Terraform applied to the embedded AWS: no drift, the whole path, parity, an end.

The checks build on each other, in this order; the last one takes the stack down.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from stack_snapshot import Json, differences, leftovers, snapshot
from terraform_world import STACK, Terraform, told

# They ask for a fixture `stack`, and here get Terraform's.
from test_end_to_end import TestEveryStation, TestPath, TestRefusals  # noqa: F401 - collected here

from musicrec import deployment
from musicrec.cli import SAMPLE
from musicrec.local.deployer import deploy
from musicrec.local.running import RunningStack
from musicrec.personalize import teardown

BUILT_IN = "by-deployer"

WOULD_CHANGE = 2
"""Exit code of such a plan."""

EXPECTED = {
    "functions/*/Layers": "functions run in this interpreter, so the built-in deployer makes no layers",
    "layers": "as functions/*/Layers",
}
"""Where the two stacks differ by intention, and why."""


@pytest.fixture(scope="module")
def stack(applied: RunningStack) -> RunningStack:
    """The stack, with the catalogue and the foundation that the end-to-end path needs."""
    applied.prepare(SAMPLE)
    return applied


class TestDrift:
    @pytest.mark.usefixtures("stack")
    def test_a_second_plan_changes_nothing(self, terraform: Terraform):
        """What Terraform reads back of a stack in use is what it was told to make."""
        plan = terraform.ran("plan", "-detailed-exitcode")
        assert plan.returncode == 0, told(plan)

    @pytest.mark.usefixtures("stack")
    def test_another_kind_of_stream_is_a_change_in_place(self, terraform: Terraform):
        """A plan tells what would change, and an on-demand stream keeps the events that it has."""
        stream = "-target=module.ingestion.aws_kinesis_stream.events"
        plan = terraform.ran("plan", "-detailed-exitcode", "-var=stream_mode=ON_DEMAND", stream)
        assert plan.returncode == WOULD_CHANGE, told(plan)
        assert "0 to add, 1 to change, 0 to destroy" in plan.stdout


class TestParity:
    @pytest.fixture(scope="class")
    @classmethod
    def both(cls, stack: RunningStack) -> tuple[dict[str, Json], dict[str, Json]]:
        """Terraform's stack and the built-in deployer's, as the AWS API shows them."""
        aws = stack.server.aws
        terraformed = snapshot(aws, stack.deployment)
        return terraformed, snapshot(aws, deploy(aws, BUILT_IN))

    def test_both_deployers_make_the_same_stack(self, both):
        """Resource by resource they differ only where the list above says why."""
        found = list(differences(*both))
        unexpected = [
            f"{place}: Terraform's is {one!r}, the built-in deployer's {other!r}"
            for place, one, other in found
            if not any(fnmatchcase(place, pattern) for pattern in EXPECTED)
        ]
        assert not unexpected, "\n".join(unexpected)

    def test_expected_differences_exist(self, both):
        """No exception outlives its reason."""
        places = [place for place, _, _ in differences(*both)]
        for pattern in EXPECTED:
            assert any(fnmatchcase(place, pattern) for place in places), pattern

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            (
                lambda aws: aws.client("lambda").update_function_configuration(
                    FunctionName=f"{BUILT_IN}-hot-path", MemorySize=1024
                ),
                "functions/<stack>-hot-path/MemorySize",
            ),
            (
                lambda aws: aws.client("s3").put_public_access_block(
                    Bucket=f"{BUILT_IN}-{aws.account_id}-{aws.region}",
                    PublicAccessBlockConfiguration={"BlockPublicAcls": False},
                ),
                "bucket/public_access_block/PublicAccessBlockConfiguration/BlockPublicAcls",
            ),
            (
                lambda aws: aws.client("iam").attach_role_policy(
                    RoleName=f"{BUILT_IN}-firehose",
                    PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess",
                ),
                "roles/<stack>-firehose/attached",
            ),
        ],
        ids=["a setting", "a protection", "a right"],
    )
    def test_a_difference_shows(self, both, stack: RunningStack, change, place: str):
        """What somebody changes by hand is told apart."""
        aws = stack.server.aws
        change(aws)
        now = snapshot(aws, deployment.load(BUILT_IN, aws.client("ssm")))
        assert place in [where for where, _, _ in differences(both[1], now)]


class TestEnd:
    @pytest.fixture(scope="class")
    @classmethod
    def gone(cls, stack: RunningStack, terraform: Terraform) -> None:
        """The stack taken down, Personalize first."""
        plan = teardown.plan(stack.clients, stack.deployment)
        teardown.execute(stack.clients, plan, dry_run=False)
        terraform.run("destroy", "-auto-approve")

    @pytest.mark.usefixtures("gone")
    def test_nothing_is_left(self, stack: RunningStack):
        """After destroy no service knows a resource of that name."""
        assert not leftovers(stack.server.aws, STACK)
        assert leftovers(stack.server.aws, BUILT_IN), "the other stack must still be there"

    @pytest.mark.usefixtures("gone")
    def test_the_state_is_empty(self, terraform: Terraform):
        """Terraform knows of nothing that it would still own."""
        assert terraform.run("state", "list").split() == []
