"""One environment of the system in an AWS account: brought up to date, and taken down.

An environment has a name such as `dev`. Its stack is `musicrec-dev`, its Terraform state is the
workspace `dev`, and what differs from the defaults of `infra/variables.tf` stands in
`infra/dev.tfvars`, if there is such a file. Personalize is not Terraform's (its provider has no such
resources): notebooks make it, and it must be gone before what it reads is taken down.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from musicrec import deployment
from musicrec.deploying.terraform import Terraform
from musicrec.deployment import DeploymentNotFoundError
from musicrec.personalize import teardown

if TYPE_CHECKING:
    from musicrec.personalize.clients import Clients

STACK: Final = "musicrec"

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,11}")
"""So that the stack's name passes `infra/variables.tf`, and its bucket's name S3."""


class EnvironmentNameError(ValueError):
    """An environment cannot be called so."""


class PersonalizeStandsError(RuntimeError):
    """Personalize resources of the stack exist, so the stack under them stays."""


class DataStandsError(RuntimeError):
    """The stack's bucket holds something, and nobody said that it may go."""


class Environment(Struct, frozen=True):
    """An environment by its name, in one region.

    Attributes:
        name: up to 12 lower-case letters, digits and hyphens, a letter first.
        region: AWS region.
    """

    name: str
    region: str

    def __post_init__(self) -> None:
        """Refuse a name that AWS would refuse as part of another."""
        if not _NAME.fullmatch(self.name):
            raise EnvironmentNameError(
                f"an environment cannot be called {self.name!r}: take up to 12 lower-case letters, "
                "digits and hyphens, a letter first, e.g. dev"
            )

    @property
    def stack(self) -> str:
        """Name of its stack, the prefix of all resources."""
        return f"{STACK}-{self.name}"


def deploy(
    environment: Environment, terraform: Terraform, infra: Path, *, ask: bool = True
) -> dict[str, str]:
    """Bring an environment up to date; what was built before is read from `build/lambdas`.

    Args:
        environment: which.
        terraform: in `infra`.
        infra: where `<name>.tfvars` may be.
        ask: whether Terraform shows its plan and waits for a yes.

    Returns:
        Terraform's outputs.

    Raises:
        TerraformFailedError: Terraform failed or was told not to go on.
    """
    terraform.prepare(environment.name)
    terraform.apply(*_variables(environment, infra), *_consent(ask=ask))
    return terraform.outputs()


def destroy(
    environment: Environment,
    terraform: Terraform,
    infra: Path,
    clients: Clients,
    *,
    ask: bool = True,
    delete_data: bool = False,
) -> None:
    """Take an environment down, once nothing in Personalize stands on it.

    Args:
        environment: which.
        terraform: in `infra`.
        infra: where `<name>.tfvars` may be.
        clients: where to look for Personalize resources and data.
        ask: whether Terraform shows its plan and waits for a yes.
        delete_data: whether the bucket with the lake, the catalogue and the datasets may go too.

    Raises:
        PersonalizeStandsError: Personalize resources of the stack exist; nothing was done.
        DataStandsError: the bucket holds something and `delete_data` is not set; nothing was done.
        TerraformFailedError: Terraform failed or was told not to go on.
    """
    refuse_while_personalize_stands(environment, clients)
    if not delete_data:
        refuse_while_data_stands(environment, clients)
    terraform.prepare(environment.name)
    given = [*_variables(environment, infra), *_consent(ask=ask)]
    if delete_data:  # Terraform goes by what its state says of the bucket, so that is told first
        terraform.apply(*given, "-var=force_destroy=true")
    terraform.destroy(*given)


def refuse_while_personalize_stands(environment: Environment, clients: Clients) -> None:
    """Do nothing if the stack has nothing in Personalize.

    Raises:
        PersonalizeStandsError: it has.
    """
    standing = teardown.existing(clients.personalize, environment.stack)
    if standing:
        named = ", ".join(f"{step.kind} {step.name}" for step in standing[:5])
        more = f" and {len(standing) - 5} more" if len(standing) > 5 else ""
        raise PersonalizeStandsError(
            f"Personalize still has {named}{more}: run notebooks/90_take_it_down.ipynb with "
            f'stack = "{environment.stack}" and confirm = True, then this again'
        )


def refuse_while_data_stands(environment: Environment, clients: Clients) -> None:
    """Do nothing if the stack's bucket is empty, or there is no stack.

    Raises:
        DataStandsError: the bucket holds an object.
    """
    try:
        bucket = deployment.load(environment.stack, clients.ssm).bucket
    except DeploymentNotFoundError:
        return
    if clients.s3.list_objects_v2(Bucket=bucket, MaxKeys=1).get("KeyCount"):
        raise DataStandsError(
            f"the bucket {bucket} holds the listening history: copy what you want to keep "
            f"(`aws s3 sync s3://{bucket} ...`), then say `make destroy ENV={environment.name} "
            "DELETE_DATA=1`"
        )


def next_steps(environment: Environment, outputs: dict[str, str]) -> str:
    """What to do with a stack that has just been deployed.

    Args:
        environment: which.
        outputs: Terraform's.
    """
    key = (
        f"aws apigateway get-api-key --region {environment.region} --include-value "
        f"--api-key {outputs['api_key_id']} --query value --output text"
    )
    return "\n".join(
        [
            f"{environment.stack} is deployed in {environment.region}.",
            "",
            f"  API       {outputs['api_url']}",
            f"  its key   {key}",
            "",
            "Next:",
            "  1. Give it a catalogue, without which no profile is built:",
            f"     musicrec publish-catalog TRACKS.csv --stack {environment.stack}",
            "  2. Send events: `musicrec track` or `musicrec import-history`, with MUSICREC_API_URL and",
            "     MUSICREC_API_KEY set to the two above.",
            f'  3. Make Personalize\'s part, notebooks with stack = "{environment.stack}": 03 builds the',
            "     datasets, 04 imports them and says what that costs, 05 trains, 06 creates the campaign,",
            "     which bills by the hour from then on.",
            f"  4. Take it down: notebook 90, then `make destroy ENV={environment.name}`.",
        ]
    )


def _variables(environment: Environment, infra: Path) -> list[str]:
    file = infra / f"{environment.name}.tfvars"
    return [
        *([f"-var-file={file.resolve()}"] if file.is_file() else []),
        f"-var=name={environment.stack}",
        f"-var=region={environment.region}",
    ]


def _consent(*, ask: bool) -> list[str]:
    return [] if ask else ["-auto-approve"]
