"""The daily build: profiles and lake in, three checked CSVs out, import jobs started.

Running it again on the same date with the same inputs changes nothing: files of the same content
are left alone, and an import is started for new content only. If inputs grew, the files of the date
are replaced and imported under a new name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from musicrec import deployment as deployments
from musicrec.datasets import catalogue, checks, csvfile, interactions, items, manifest, users
from musicrec.datasets.checks import Evidence
from musicrec.datasets.items import SeenTracks
from musicrec.datasets.manifest import BuiltDataset, Manifest, ManifestNotFoundError
from musicrec.datasets.schemas import KINDS, SCHEMAS, DatasetKind
from musicrec.personalize import foundation, imports
from musicrec.personalize.waiting import PATIENT, Patience
from musicrec.processor.lake import Lake
from musicrec.processor.profiles import ProfileStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from mypy_boto3_s3 import S3Client

    from musicrec.catalog import Catalog
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.personalize.foundation import Foundation


def build(clients: Clients, stack: str, run_date: str, patience: Patience = PATIENT) -> Manifest:
    """Everything that the daily rule is for: write, check, lay the foundation, start the imports.

    Does not wait for the imports to finish.

    Args:
        clients: where to.
        stack: the stack's name.
        run_date: `YYYY-MM-DD`, the day whose run this is.
        patience: how to wait for the foundation, where it has to be made.

    Raises:
        DeploymentNotFoundError: no stack of that name.
        CatalogNotPublishedError: the bucket has no catalogue.
        DatasetCheckError: the datasets are written but not fit for import.
    """
    deployment = deployments.load(stack, clients.ssm)
    written = write(clients, deployment, run_date)
    checks.require(written.findings)
    ground = foundation.ensure(clients, deployment, patience)
    return start_imports(clients, deployment, ground, written)


def write(clients: Clients, deployment: Deployment, run_date: str) -> Manifest:
    """Write the three CSVs and the manifest, check them, and refresh the catalogue.

    Personalize is not touched. Findings stand in the manifest, errors too.

    Raises:
        CatalogNotPublishedError: the bucket has no catalogue.
    """
    build_ = _Build(clients, deployment, run_date)
    with catalogue.downloaded(clients.s3, deployment.bucket) as catalog:
        return build_.run(catalog)


def start_imports(
    clients: Clients, deployment: Deployment, ground: Foundation, written: Manifest
) -> Manifest:
    """Start an import for each dataset whose content is new, and record the jobs in the manifest.

    Raises:
        DatasetCheckError: the manifest has a finding that is an error.
    """
    checks.require(written.findings)
    jobs: dict[DatasetKind, str] = {
        kind: imports.start(
            clients,
            deployment,
            ground,
            kind=kind,
            uri=built.uri,
            sha256=built.sha256,
            run_date=written.run_date,
        ).arn
        for kind, built in written.datasets.items()
    }
    imported = msgspec.structs.replace(written, import_jobs=jobs)
    if imported != written:
        manifest.save(imported, clients.s3, deployment.bucket)
    return imported


class _Build:
    """One run, gathering evidence as the files are written."""

    def __init__(self, clients: Clients, deployment: Deployment, run_date: str) -> None:
        self._clients, self._deployment, self._run_date = clients, deployment, run_date
        self._evidence = Evidence(run_date=run_date)
        self._before = _before(clients.s3, deployment.bucket, run_date)
        self._dropped: dict[DatasetKind, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._days: dict[str, int] = {}

    def run(self, catalog: Catalog) -> Manifest:
        seen = SeenTracks(catalog)
        store = ProfileStore(self._clients.dynamodb, self._deployment.profile_table)
        datasets: dict[DatasetKind, BuiltDataset] = {}
        datasets["interactions"] = self._write("interactions", self._interactions(seen))
        self._evidence.start_coverage()
        profiles = users.build(store.scan(), self._run_date, self._dropped["users"])
        datasets["users"] = self._write("users", profiles)
        datasets["items"] = self._write("items", items.build(catalog, seen.tracks))
        if seen.tracks:
            bucket = self._deployment.bucket
            catalogue.upload(items.merged(catalog, seen.tracks), self._clients.s3, bucket)
        return self._finish(datasets, len(seen.tracks))

    def _interactions(self, seen: SeenTracks) -> Iterator[pa.Table]:
        lake = Lake.of(self._deployment, self._clients.session)
        columns = (*interactions.LAKE_COLUMNS, *items.LAKE_COLUMNS)
        for day in lake.iterate(columns):
            seen.observe(day.table)
            made = interactions.of_day(day)
            self._dropped["interactions"].update(made.dropped)
            self._days[day.day] = made.table.num_rows
            self._evidence.tally.observe(made.table)
            yield made.table

    def _write(self, kind: DatasetKind, tables: Iterable[pa.Table]) -> BuiltDataset:
        facts = self._evidence.facts[kind]
        coverage = {"users": self._evidence.users, "items": self._evidence.items}.get(kind)
        key = f"{manifest.folder(self._run_date)}{kind}.csv"
        with csvfile.S3File(self._clients.s3, self._deployment.bucket, key) as file:
            file.write(csvfile.header(SCHEMAS[kind].names))
            for table in tables:
                facts.observe(table)
                if coverage:
                    coverage.observe(table)
                file.write(csvfile.lines(table))
            written = file.finish(unless_sha256=self._standing(kind, key))
        facts.size = written.size
        return BuiltDataset(
            uri=written.uri,
            rows=facts.rows,
            size=written.size,
            sha256=written.sha256,
            dropped=dict(self._dropped[kind]),
        )

    def _standing(self, kind: DatasetKind, key: str) -> str | None:
        """The digest of the file that an earlier run of the date left, if it is still there."""
        if self._before is None:
            return None
        built = self._before.datasets[kind]
        found = self._clients.s3.list_objects_v2(Bucket=self._deployment.bucket, Prefix=key)
        sizes = [row["Size"] for row in found.get("Contents", ()) if row["Key"] == key]
        return built.sha256 if sizes == [built.size] else None

    def _finish(self, datasets: dict[DatasetKind, BuiltDataset], tracks_added: int) -> Manifest:
        evidence, before = self._evidence, self._before
        unchanged = before is not None and _digests(before.datasets) == _digests(datasets)
        made = Manifest(
            stack=self._deployment.name,
            run_date=self._run_date,
            datasets=datasets,
            days=self._days,
            event_types=dict(sorted(evidence.tally.types.items())),
            listeners=len(evidence.tally.users),
            tracks_played=len(evidence.tally.items),
            tracks_added=before.tracks_added if before and unchanged else tracks_added,
            coverage={"users": evidence.users.share, "items": evidence.items.share},
            findings=checks.run(evidence),
            import_jobs=before.import_jobs if before and unchanged else {},
        )
        if made != before:
            manifest.save(made, self._clients.s3, self._deployment.bucket)
        return made


def _before(s3: S3Client, bucket: str, run_date: str) -> Manifest | None:
    try:
        return manifest.load(s3, bucket, run_date)
    except ManifestNotFoundError:
        return None


def _digests(datasets: dict[DatasetKind, BuiltDataset]) -> dict[str, str]:
    return {kind: built.sha256 for kind, built in datasets.items()}
