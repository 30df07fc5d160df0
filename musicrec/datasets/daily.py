"""The daily build: what is new is curated, three checked CSVs are written, imports are started.

Running it again on the same date with the same inputs changes nothing: files of the same content
are left alone, and an import is started for new content only. If inputs grew, the files of the date
are replaced and imported under a new name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from musicrec import deployment as deployments
from musicrec.datasets import catalogue, checks, manifest
from musicrec.datasets.building import Build
from musicrec.datasets.engines import EngineChoice
from musicrec.personalize import foundation, imports
from musicrec.personalize.waiting import PATIENT, Patience

if TYPE_CHECKING:
    from musicrec.datasets.manifest import Manifest
    from musicrec.datasets.schemas import DatasetKind
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation


def build(
    clients: Clients,
    stack: str,
    run_date: str,
    patience: Patience = PATIENT,
    *,
    engine: EngineChoice = "auto",
) -> Manifest:
    """Everything that the daily rule is for: write, check, lay the foundation, start the imports.

    Does not wait for the imports to finish.

    Args:
        clients: where to.
        stack: the stack's name.
        run_date: `YYYY-MM-DD`, the day whose run this is.
        patience: how to wait for the foundation, where it has to be made.
        engine: as in `write`.

    Raises:
        DeploymentNotFoundError: no stack of that name.
        CatalogNotPublishedError: the bucket has no catalogue.
        DatasetCheckError: the datasets are written but not fit for import.
        DayChangedError: another build is running.
    """
    deployment = deployments.load(stack, clients.ssm)
    written = write(clients, deployment, run_date, engine=engine)
    checks.require(written.findings)
    ground = foundation.ensure(clients, deployment, patience)
    return start_imports(clients, deployment, ground, written)


def write(
    clients: Clients,
    deployment: Deployment,
    run_date: str,
    *,
    engine: EngineChoice = "auto",
    full: bool = False,
) -> Manifest:
    """Curate what is new, write the CSVs and the manifest, check them, refresh the catalogue.

    Of Personalize only the earlier imports are asked for. Findings stand in the manifest, errors
    too.

    Args:
        clients: where to.
        deployment: the stack.
        run_date: `YYYY-MM-DD`.
        engine: who reads and writes the lake: this process (`lambda`), Athena, or what the rule of
            `musicrec.datasets.engines` chooses.
        full: make every dataset whole, whatever was imported before.

    Raises:
        CatalogNotPublishedError: the bucket has no catalogue.
        DayChangedError: another build is running.
    """
    with catalogue.downloaded(clients.s3, deployment.bucket) as catalog:
        return Build(clients, deployment, run_date, choice=engine, full=full).run(catalog)


def start_imports(
    clients: Clients, deployment: Deployment, ground: Foundation, written: Manifest
) -> Manifest:
    """Start an import for each dataset whose content is new, and record the jobs in the manifest.

    Raises:
        DatasetCheckError: the manifest has a finding that is an error.
    """
    checks.require(written.findings)
    jobs = {kind: _job(clients, deployment, ground, written, kind) for kind in written.datasets}
    imported = msgspec.structs.replace(written, import_jobs=jobs)
    if imported != written:
        manifest.save(imported, clients.s3, deployment.bucket)
    return imported


def _job(
    clients: Clients,
    deployment: Deployment,
    ground: Foundation,
    written: Manifest,
    kind: DatasetKind,
) -> str:
    """The ARN of the job that brings a dataset, or of the earlier one that did."""
    built = written.datasets[kind]
    mode, base = built.plan.mode, built.plan.base
    if mode == "NONE":
        assert base
        earlier = manifest.load(clients.s3, deployment.bucket, base)
        return earlier.import_jobs[kind]
    return imports.start(
        clients,
        deployment,
        ground,
        kind=kind,
        uri=built.uri,
        sha256=built.sha256,
        run_date=written.run_date,
        mode=mode,
    ).arn
