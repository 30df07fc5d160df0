"""Environments deployed and taken down; a script stands in for Terraform and tells what it was asked."""

import json
import os
import sys

import boto3
import msgspec
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from musicrec import deployment
from musicrec.cli import app
from musicrec.deploying import commands, environments
from musicrec.deploying.environments import Environment
from musicrec.deploying.terraform import Terraform, TerraformFailedError, TerraformNotFoundError
from musicrec.deployment import Deployment
from musicrec.personalize import teardown
from musicrec.personalize.clients import connect

OUTPUTS = {
    "api_url": {"value": "https://a1.execute-api.us-east-1.amazonaws.com/v1"},
    "api_key_id": {"value": "k1"},
    "functions": {"value": ["not text"]},
}
SCRIPT = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["ASKED"], "a") as asked:
    print(json.dumps(sys.argv[2:]), file=asked)
if sys.argv[2] == "output":
    print({json.dumps(json.dumps(OUTPUTS))})
sys.exit(int(sys.argv[2] == os.environ.get("FAILS")))
"""
DEV = Environment("dev", "us-east-1")
NAMED = ["-var=name=musicrec-dev", "-var=region=us-east-1"]


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What Terraform was asked, in order."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "terraform"
    program.write_text(SCRIPT)
    program.chmod(0o755)
    log = tmp_path / "asked"
    log.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("ASKED", str(log))
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def clients(monkeypatch):
    """An AWS without anything of ours; Personalize has what `standing` is given."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield connect(boto3.Session(region_name="us-east-1"))


@pytest.fixture
def standing(monkeypatch):
    """The resources that Personalize has, by stack."""
    steps = {}
    monkeypatch.setattr(teardown, "existing", lambda _client, stack: steps.get(stack, []))
    return steps


def deployed(clients, objects=()):
    """A stack with a bucket that holds some objects."""
    text = {field.name: "x" for field in msgspec.structs.fields(Deployment)}
    stack = Deployment(**text | {"name": "musicrec-dev", "bucket": "lake"})
    deployment.save(stack, clients.ssm)
    clients.s3.create_bucket(Bucket="lake")
    for key in objects:
        clients.s3.put_object(Bucket="lake", Key=key, Body=b"")


class TestEnvironment:
    @pytest.mark.parametrize("name", ["", "Dev", "1st", "a_b", "thirteenchars"])
    def test_names_that_aws_would_refuse_are_refused(self, name):
        """What cannot be part of a bucket's name cannot be an environment's."""
        with pytest.raises(environments.EnvironmentNameError, match="12 lower-case"):
            Environment(name, "us-east-1")


class TestDeploy:
    def test_applies_in_a_workspace_of_its_own(self, asked, tmp_path):
        """Terraform is made ready, goes to the environment's state and applies its name and region."""
        outputs = environments.deploy(DEV, Terraform(tmp_path, os.environ), tmp_path)
        assert asked() == [
            ["init", "-input=false"],
            ["workspace", "select", "-or-create", "dev"],
            ["apply", *NAMED],
            ["output", "-json"],
        ]
        assert outputs == {name: OUTPUTS[name]["value"] for name in ("api_url", "api_key_id")}

    def test_takes_the_environments_own_variables(self, asked, tmp_path):
        """`<name>.tfvars` is read if it is there, and `ask` off means that nobody is asked."""
        (tmp_path / "dev.tfvars").write_text('tags = { team = "music" }\n')
        environments.deploy(DEV, Terraform(tmp_path, os.environ), tmp_path, ask=False)
        file = f"-var-file={tmp_path / 'dev.tfvars'}"
        assert asked()[2] == ["apply", file, *NAMED, "-auto-approve"]

    def test_ends_where_terraform_fails(self, asked, tmp_path, monkeypatch):
        """After a failed step none follows."""
        monkeypatch.setenv("FAILS", "apply")
        with pytest.raises(TerraformFailedError, match="terraform apply ended with 1"):
            environments.deploy(DEV, Terraform(tmp_path, os.environ), tmp_path)
        assert asked()[-1][0] == "apply"

    def test_says_where_to_get_terraform(self, tmp_path):
        """Without the program the error names its page."""
        with pytest.raises(TerraformNotFoundError, match=r"developer\.hashicorp\.com"):
            Terraform(tmp_path, {"PATH": str(tmp_path)})

    def test_says_what_comes_next(self):
        """The key, the notebooks that make Personalize's part, and the way back are named."""
        outputs = {name: OUTPUTS[name]["value"] for name in ("api_url", "api_key_id")}
        told = environments.next_steps(DEV, outputs)
        wanted = (
            "--api-key k1",
            'stack = "musicrec-dev"',
            "publish-catalog",
            "04 imports",
            "notebook 90",
        )
        assert [word for word in wanted if word not in told] == []


class TestDestroy:
    def test_refuses_while_personalize_stands(self, asked, tmp_path, clients, standing):
        """A campaign of the stack keeps everything up, and the message names it and notebook 90."""
        standing["musicrec-dev"] = [teardown.Step(kind="campaign", name="live", arn="arn")]
        with pytest.raises(
            environments.PersonalizeStandsError, match=r"campaign live: run .*90_take"
        ):
            environments.destroy(DEV, Terraform(tmp_path, os.environ), tmp_path, clients)
        assert asked() == []

    def test_another_stacks_campaign_does_not_matter(self, asked, tmp_path, clients, standing):
        """What belongs to another environment stays out of it."""
        standing["musicrec-live"] = [teardown.Step(kind="campaign", name="live", arn="arn")]
        environments.destroy(DEV, Terraform(tmp_path, os.environ), tmp_path, clients)
        assert asked()[-1] == ["destroy", *NAMED]

    @pytest.mark.usefixtures("standing")
    def test_refuses_while_the_bucket_holds_something(self, asked, tmp_path, clients):
        """Listening history goes only when told to."""
        deployed(clients, ["raw/dt=2026-03-01/one.parquet"])
        with pytest.raises(environments.DataStandsError, match="DELETE_DATA=1"):
            environments.destroy(DEV, Terraform(tmp_path, os.environ), tmp_path, clients)
        assert asked() == []

    @pytest.mark.usefixtures("standing")
    def test_an_empty_bucket_is_no_reason(self, asked, tmp_path, clients):
        """Nothing is lost with it."""
        deployed(clients)
        environments.destroy(DEV, Terraform(tmp_path, os.environ), tmp_path, clients, ask=False)
        assert asked()[2:] == [["destroy", *NAMED, "-auto-approve"]]

    @pytest.mark.usefixtures("standing")
    def test_data_goes_when_told_to(self, asked, tmp_path, clients):
        """Terraform first learns that the bucket may go, then takes everything down."""
        deployed(clients, ["raw/dt=2026-03-01/one.parquet"])
        environments.destroy(
            DEV, Terraform(tmp_path, os.environ), tmp_path, clients, delete_data=True
        )
        assert asked()[2:] == [["apply", *NAMED, "-var=force_destroy=true"], ["destroy", *NAMED]]


@pytest.mark.usefixtures("asked", "clients", "standing")
class TestCommands:
    def test_deploy_ends_with_what_comes_next(self):
        """`musicrec deploy dev` prints the API's address."""
        done = CliRunner().invoke(app, ["deploy", "dev", "--yes"])
        assert done.exit_code == 0, done.output
        assert OUTPUTS["api_url"]["value"] in done.output

    def test_destroy_says_that_it_is_gone(self):
        """`musicrec destroy dev` ends with the stack's name."""
        done = CliRunner().invoke(app, ["destroy", "dev", "--yes"])
        assert done.output.strip() == "musicrec-dev is gone from us-east-1."

    @pytest.mark.parametrize("command", ["deploy", "destroy"])
    def test_refusals_are_sentences(self, command, monkeypatch):
        """A wrong name, and a missing region, end with a message and no traceback."""
        done = CliRunner().invoke(app, [command, "Dev"])
        assert done.exit_code == 1
        assert "cannot be called 'Dev'" in done.output
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        done = CliRunner().invoke(app, [command, "dev"])
        assert done.exit_code == 1
        assert "set AWS_REGION" in done.output

    def test_package_shows_sizes(self, monkeypatch):
        """Each file is printed with its bytes, and a refusal as a sentence."""
        from musicrec.deploying import building  # noqa: PLC0415 - replaced here only

        file = building.BUILD_DIRECTORY / "hot_path.zip"
        made = [building.Built(file, 1234, 5678, compiled=False)]
        monkeypatch.setattr(building, "build", lambda: made)
        done = CliRunner().invoke(app, ["package"])
        assert "build/lambdas/hot_path.zip  1,234 bytes, 5,678 unpacked" in done.output
        assert "Without byte code" in done.output

    def test_publish_catalog_needs_a_stack(self, tmp_path):
        """A stack that is not there is an error that names its parameter."""
        file = tmp_path / "tracks.csv"
        file.touch()
        done = CliRunner().invoke(app, ["publish-catalog", str(file), "--stack", "nobodys"])
        assert done.exit_code == 1
        assert "/nobodys/deployment" in done.output


def test_commands_are_part_of_the_command_line():
    """`musicrec` has them all."""
    names = {command.callback.__name__ for command in commands.app.registered_commands}
    assert names <= {command.callback.__name__ for command in app.registered_commands}
