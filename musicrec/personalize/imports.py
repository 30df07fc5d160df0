"""Bulk imports: a dataset's CSV handed to Personalize once, and only when its content is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from musicrec.personalize.resources import listed
from musicrec.personalize.waiting import FAILED, PATIENT, Patience, wait_until_active

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_personalize import PersonalizeClient

    from musicrec.datasets.schemas import DatasetKind
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation

MAX_NAME: Final = 63
HASH_DIGITS: Final = 8


class ImportNameError(ValueError):
    """The stack's name is too long for the names of its import jobs."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the import job's name {name!r} has {len(name)} characters, {MAX_NAME} are allowed: "
            "give the stack a shorter name"
        )


class ImportJob(Struct, frozen=True, kw_only=True):
    """One import job.

    Attributes:
        kind: the dataset that it fills.
        arn: the job's ARN.
        started: whether this call started it; False when an earlier job had brought the same
            content.
    """

    kind: DatasetKind
    arn: str
    started: bool


def start(
    clients: Clients,
    deployment: Deployment,
    foundation: Foundation,
    *,
    kind: DatasetKind,
    uri: str,
    sha256: str,
    run_date: str,
    mode: Literal["FULL", "INCREMENTAL"] = "FULL",
) -> ImportJob:
    """Start the import of one CSV, unless the dataset's newest import brought the same content.

    The job is called `NAME-<kind>-<run date>-<first 8 digits of the hash>`, by which a later run
    recognises the content. A FULL import replaces what was imported before, never what was
    streamed; an INCREMENTAL one adds to it.

    Args:
        clients: where to.
        deployment: whose role reads the bucket.
        foundation: the dataset's home.
        kind: which dataset.
        uri: S3 URI of the CSV.
        sha256: hex digest of the CSV.
        run_date: `YYYY-MM-DD`.
        mode: of the import; the first one into a dataset must be FULL.

    Raises:
        ImportNameError: the job's name would be too long.
    """
    dataset_arn = foundation.dataset_arns[kind]
    jobs = _jobs(clients.personalize, dataset_arn)
    digits = sha256[:HASH_DIGITS]
    alive = [job for job in jobs if job["status"] not in FAILED]
    if alive and digits in alive[-1]["jobName"].split("-"):
        return ImportJob(kind=kind, arn=alive[-1]["datasetImportJobArn"], started=False)
    base = f"{deployment.name}-{kind}-{run_date}-{digits}"
    created = clients.personalize.create_dataset_import_job(
        jobName=_free_name(base, {job["jobName"] for job in jobs}),
        datasetArn=dataset_arn,
        dataSource={"dataLocation": uri},
        roleArn=deployment.personalize_role_arn,
        importMode=mode,
    )
    return ImportJob(kind=kind, arn=created["datasetImportJobArn"], started=True)


def wait(clients: Clients, arn: str, patience: Patience = PATIENT) -> Mapping[str, Any]:
    """Wait until an import job has finished.

    Returns:
        The job's description.

    Raises:
        ResourceFailedError: the import failed; the message has the service's reason.
        WaitTimeoutError: the job goes on, but has not finished in time.
    """
    client = clients.personalize
    return wait_until_active(
        lambda: client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"],
        f"import job {arn.rsplit('/', 1)[1]}",
        patience,
    )


def latest(clients: Clients, dataset_arn: str) -> Mapping[str, Any] | None:
    """The newest import job of a dataset that has not failed, or None."""
    alive = [job for job in _jobs(clients.personalize, dataset_arn) if job["status"] not in FAILED]
    return alive[-1] if alive else None


def stands(clients: Clients, arn: str, run_date: str) -> bool:
    """Whether what an import brought was still in the dataset before the run of a date.

    Not so when the job failed, when the dataset was made anew since, or when a FULL import of
    another run replaced everything.
    """
    client = clients.personalize
    job = client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    if job["status"] in FAILED:
        return False
    dataset_arn, started = job["datasetArn"], job["creationDateTime"]
    dataset = client.describe_dataset(datasetArn=dataset_arn)["dataset"]
    if dataset["creationDateTime"] > started:
        return False
    return not any(
        later["creationDateTime"] > started and later.get("importMode") == "FULL"
        for later in _jobs(client, dataset_arn)
        if later["status"] not in FAILED and f"-{run_date}-" not in later["jobName"]
    )


def _jobs(client: PersonalizeClient, dataset_arn: str) -> list[Mapping[str, Any]]:
    """Every import job of a dataset, oldest first."""
    rows = listed(client, "list_dataset_import_jobs", "datasetImportJobs", datasetArn=dataset_arn)
    return sorted(rows, key=lambda job: (job["creationDateTime"], job["jobName"]))


def _free_name(base: str, taken: set[str]) -> str:
    """`base`, numbered when jobs of that name exist: jobs are never deleted, failed ones neither."""
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    if len(name) > MAX_NAME:
        raise ImportNameError(name)
    return name
