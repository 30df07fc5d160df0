"""The commands that bring the stack to AWS and take it down again.

Imports stand in the functions, so that the other commands of `musicrec` start without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musicrec import terminal

if TYPE_CHECKING:
    import boto3

    from musicrec.deploying.environments import Environment

app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)

Name = Annotated[str, typer.Argument(metavar="ENV", help="Name of the environment, e.g. dev.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before anything is changed.")]


@app.command()
def package() -> None:
    """Write what Lambda runs to build/lambdas: a zip a function, and the layer of dependencies."""
    from musicrec.deploying import building, bytecode, layer, packages  # noqa: PLC0415 - see the module

    refusals = (
        building.LimitExceededError,
        building.RuntimesDifferError,
        bytecode.SourceNotCompiledError,
        layer.LayerNotResolvedError,
        layer.NotLockedError,
        packages.HandlerNotFoundError,
        packages.PackageTooLargeError,
    )
    try:
        files = building.build()
    except refusals as error:
        raise terminal.failure(str(error)) from error
    for built in files:
        place = built.path.relative_to(building.BUILD_DIRECTORY.parents[1])
        typer.echo(f"{place}  {built.size:,} bytes, {built.unpacked:,} unpacked")
    if not all(built.compiled for built in files):
        typer.echo(
            "Without byte code: no interpreter of the functions' Python is on the PATH. They work, "
            "but start more slowly (docs/deploying.md)."
        )


@app.command()
def deploy(name: Name, *, yes: Yes = False) -> None:
    """Bring an environment in an AWS account up to date with Terraform.

    Run `musicrec package` before; `make deploy ENV=...` does both.
    """
    from musicrec.deploying import environments, terraform  # noqa: PLC0415 - see the module
    from musicrec.stack import INFRA_DIRECTORY  # noqa: PLC0415 - see the module

    try:
        environment, _ = _environment(name)
        program = terraform.Terraform(INFRA_DIRECTORY)
        outputs = environments.deploy(environment, program, INFRA_DIRECTORY, ask=not yes)
    except (
        environments.EnvironmentNameError,
        terraform.TerraformFailedError,
        terraform.TerraformNotFoundError,
    ) as error:
        raise terminal.failure(str(error)) from error
    typer.echo("\n" + environments.next_steps(environment, outputs))


@app.command()
def destroy(
    name: Name,
    *,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the lake, with all it holds.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Take an environment down; refuses while the stack has anything in Personalize."""
    from musicrec.deploying import environments, terraform  # noqa: PLC0415 - see the module
    from musicrec.personalize.clients import connect  # noqa: PLC0415 - see the module
    from musicrec.stack import INFRA_DIRECTORY  # noqa: PLC0415 - see the module

    try:
        environment, session = _environment(name)
        environments.destroy(
            environment,
            terraform.Terraform(INFRA_DIRECTORY),
            INFRA_DIRECTORY,
            connect(session),
            ask=not yes,
            delete_data=delete_data,
        )
    except (
        environments.DataStandsError,
        environments.EnvironmentNameError,
        environments.PersonalizeStandsError,
        terraform.TerraformFailedError,
        terraform.TerraformNotFoundError,
    ) as error:
        raise terminal.failure(str(error)) from error
    typer.echo(f"\n{environment.stack} is gone from {environment.region}.")


@app.command()
def publish_catalog(
    tracks: Annotated[
        Path, typer.Argument(help="The Kaggle tracks file (CSV or gzip).", exists=True)
    ],
    *,
    stack: Annotated[str, typer.Option(help="Name of the deployed stack.")] = "musicrec",
) -> None:
    """Put the tracks file into a stack's bucket, as the catalogue that its functions read."""
    import boto3  # noqa: PLC0415 - see the module

    from musicrec import deployment  # noqa: PLC0415 - see the module
    from musicrec.catalog import CatalogFormatError  # noqa: PLC0415 - see the module
    from musicrec.datasets import catalogue  # noqa: PLC0415 - see the module

    session = boto3.Session()
    try:
        place = deployment.load(stack, session.client("ssm"))
        report = catalogue.publish(tracks, session.client("s3"), place.bucket)
    except (CatalogFormatError, deployment.DeploymentNotFoundError) as error:
        raise terminal.failure(str(error)) from error
    typer.echo(f"{report.tracks:,} tracks are in {place.catalog_uri}")


def _environment(name: str) -> tuple[Environment, boto3.Session]:
    """The environment where the standard AWS settings point."""
    import boto3  # noqa: PLC0415 - see the module

    from musicrec.deploying import environments  # noqa: PLC0415 - see the module

    session = boto3.Session()
    if session.region_name is None:
        raise terminal.failure(
            "no AWS region is set: set AWS_REGION to one that offers Amazon Personalize, e.g. "
            "us-east-1"
        )
    return environments.Environment(name, session.region_name), session
