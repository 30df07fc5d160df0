"""One build from the curated interactions to the manifest, gathering evidence as files are written."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from musicrec.datasets import (
    catalogue,
    checks,
    csvfile,
    engines,
    heard,
    items,
    manifest,
    plans,
    popular_list,
    users,
)
from musicrec.datasets.athena_engine import AthenaDayWriter, AthenaEngine, AthenaQueries
from musicrec.datasets.changes import Comparison
from musicrec.datasets.checks import Evidence
from musicrec.datasets.engines import EngineChoice, LambdaEngine, Work
from musicrec.datasets.interactions import DayToImport
from musicrec.datasets.items import SeenTracks
from musicrec.datasets.manifest import BuiltDataset, Manifest, ManifestNotFoundError, WholeFile
from musicrec.datasets.schemas import KINDS, SCHEMAS, DatasetKind, fingerprint
from musicrec.processor.curated_records import Taken
from musicrec.processor.curated_store import CuratedStore
from musicrec.processor.curation import BYTES_AT_ONCE, ArrowDayWriter, curate
from musicrec.processor.profiles import ProfileStore
from musicrec.processor.raw_objects import RawObjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from mypy_boto3_s3 import S3Client

    from musicrec.catalog import Catalog
    from musicrec.datasets.csvfile import WrittenFile
    from musicrec.datasets.engines import Engine, EngineName
    from musicrec.datasets.manifest import Plan
    from musicrec.datasets.plans import Base
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients
    from musicrec.processor.curated_records import DayRecord
    from musicrec.processor.curated_store import StandingDay
    from musicrec.processor.curation import DayOfNews


class Build:
    """The build of one date; it is also what rewrites curated days (`DayWriter`).

    Args:
        clients: where to.
        deployment: the stack.
        run_date: `YYYY-MM-DD`.
        choice: of the engine.
        full: make every dataset whole, whatever was imported before.
    """

    def __init__(
        self,
        clients: Clients,
        deployment: Deployment,
        run_date: str,
        *,
        choice: EngineChoice = "auto",
        full: bool = False,
    ) -> None:
        self._clients, self._deployment = clients, deployment
        self._run_date, self._choice = run_date, choice
        self._s3, self._bucket = clients.s3, deployment.bucket
        self._evidence = Evidence(run_date=run_date)
        self._before = _before(clients.s3, deployment.bucket, run_date)
        self._full = full
        self._bases = {} if full else plans.bases(clients, deployment, run_date)
        self._dropped: dict[DatasetKind, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._store = CuratedStore.of(deployment, clients.s3)
        self._engine: EngineName = "lambda"

    def run(self, catalog: Catalog) -> Manifest:
        """Curate, write the files, check them, list what is popular, keep the manifest."""
        curation = curate(self._s3, self._bucket, self._run_date, self)
        self._evidence.unreadable = curation.unreadable
        standing, seen = self._store.standing(), SeenTracks(catalog)
        datasets: dict[DatasetKind, BuiltDataset] = {}
        datasets["interactions"], days = self._interactions(standing, seen)
        self._evidence.start_coverage()
        profiles = ProfileStore(self._clients.dynamodb, self._deployment.profile_table).scan()
        rows = users.build(profiles, self._run_date, self._dropped["users"])
        datasets["users"] = self._records("users", rows)
        datasets["items"] = self._records("items", items.build(catalog, seen.tracks))
        if seen.tracks:
            merged = items.merged(catalog, seen.tracks)
            catalogue.upload(merged, self._s3, self._bucket)
        self._list_popular(standing, catalog, seen)
        generations = {day: one.generation for day, one in standing.items()}
        return self._finish(datasets, days, generations, len(seen.tracks))

    def _list_popular(
        self, standing: dict[str, StandingDay], catalog: Catalog, seen: SeenTracks
    ) -> None:
        """Bring the list for everybody up to date."""
        days = heard.counts(
            self._s3, self._bucket, standing.values(), self._run_date, self._count_heard
        )
        total = heard.total(days)
        names = catalog.get_many(popular_list.first(total))
        made = popular_list.compose(
            total,
            {**seen.tracks, **names},
            catalog.most_popular(popular_list.CANDIDATES),
            until=max(days, default=None),
            days=len(days),
        )
        popular_list.upload(made, self._s3, self._bucket)

    def _count_heard(self, days: Sequence[StandingDay]) -> dict[str, dict[str, int]]:
        size = sum(day.size for day in days)
        if engines.choose(self._choice, size, engines.READ_BYTES) == "lambda":
            return heard.by_arrow(self._store, days)
        queries = self._queries()
        return heard.by_athena(queries, queries.table(self._deployment.curated_table), days)

    def _interactions(
        self, standing: dict[str, StandingDay], seen: SeenTracks
    ) -> tuple[BuiltDataset, dict[str, int]]:
        """The dataset, and how many interactions each day holds."""
        base = self._bases.get("interactions")
        since = base.manifest.generations if base else {}
        records = self._records_since(standing, since)
        added = sum(record.since(since.get(day, 0)).added for day, record in records.items())
        generations = {day: one.generation for day, one in standing.items()}
        plan = self._asked() or plans.of_interactions(base, generations, added, self._run_date)
        if plan.mode == "FULL" and since:
            since, records = {}, self._records_since(standing, {})
        self._evidence.incremental = plan.mode != "FULL"
        work = self._work(standing, records, since, seen)
        written = self._engine_for(work).write(work, self._standing_sha256("interactions"))
        days = base.manifest.days if base and plan.mode != "FULL" else {}
        rows = self._evidence.facts["interactions"].rows
        built = self._built("interactions", written, rows, plans.waiting(plan, rows))
        return built, dict(sorted((days | work.held).items()))

    def _asked(self) -> Plan | None:
        return plans.full(self._run_date, "everything was asked for") if self._full else None

    def _records_since(
        self, standing: Mapping[str, StandingDay], since: Mapping[str, int]
    ) -> dict[str, DayRecord]:
        """The records of the days that were written after the generations of an earlier build."""
        return {
            day: self._store.record(one)
            for day, one in standing.items()
            if one.generation > since.get(day, 0)
        }

    def _work(
        self,
        standing: Mapping[str, StandingDay],
        records: Mapping[str, DayRecord],
        since: Mapping[str, int],
        seen: SeenTracks,
    ) -> Work:
        news = (record.since(since.get(day, 0)) for day, record in records.items())
        taken = sum(news, Taken())
        dropped = self._dropped["interactions"]
        dropped["invalid event"] = taken.invalid
        dropped["duplicate event"] = taken.duplicates
        dropped["not an interaction"] = taken.other
        dropped["unusable user id"] = dropped["same interaction"] = 0
        days = [
            DayToImport(standing=standing[day], since=since.get(day, 0), ordered=record.ordered)
            for day, record in records.items()
        ]
        return Work(
            days=days,
            key=f"{manifest.folder(self._run_date)}interactions.csv",
            evidence=self._evidence,
            seen=seen,
            dropped=dropped,
        )

    def write(self, news: DayOfNews) -> DayRecord:
        """Rewrite one curated day with the engine that its size asks for.

        Raises:
            DayChangedError: another build was first.
        """
        if engines.choose(self._choice, news.size, BYTES_AT_ONCE) == "lambda":
            return ArrowDayWriter(self._store, RawObjects(self._s3, self._bucket)).write(news)
        return AthenaDayWriter(self._clients, self._deployment, self._store, self._queries()).write(
            news
        )

    def _engine_for(self, work: Work) -> Engine:
        self._engine = engines.choose(self._choice, work.size, engines.READ_BYTES)
        if self._engine == "lambda":
            return LambdaEngine(self._s3, self._bucket, self._store)
        return AthenaEngine(self._clients, self._deployment, self._queries())

    def _queries(self) -> AthenaQueries:
        return AthenaQueries(self._clients, self._deployment)

    def _records(self, kind: DatasetKind, tables: Iterable[pa.Table]) -> BuiltDataset:
        """USERS or ITEMS: the whole file, and one of what has changed where that is imported."""
        base, facts = self._bases.get(kind), self._evidence.facts[kind]
        earlier = self._earlier_lines(base)
        comparison = Comparison(earlier or ())
        with ExitStack() as stack:
            whole, increment = (
                stack.enter_context(csvfile.S3File(self._s3, self._bucket, key))
                for key in (self._key(kind), self._key(f"{kind}-changed"))
            )
            for file in (whole, increment):
                file.write(csvfile.header(SCHEMAS[kind].names))
            for some in self._lines(kind, tables):
                whole.write(some)
                if earlier:
                    increment.write(comparison.news(some))
            comparison.finish()
            plan = self._asked() or plans.of_records(
                base if earlier else None, comparison.changed, comparison.gone, self._run_date
            )
            all_rows = whole.finish(unless_sha256=self._standing_whole(kind))
            facts.size = all_rows.size
            if plan.mode != "INCREMENTAL":
                return self._built(kind, all_rows, facts.rows, plan, all_rows)
            written = increment.finish(unless_sha256=self._standing_sha256(kind))
            return self._built(kind, written, comparison.changed, plan, all_rows)

    def _lines(self, kind: DatasetKind, tables: Iterable[pa.Table]) -> Iterator[bytes]:
        """The lines of each table, after evidence was taken of it."""
        coverage = self._evidence.users if kind == "users" else self._evidence.items
        for table in tables:
            self._evidence.facts[kind].observe(table)
            coverage.observe(table)
            yield csvfile.lines(table)

    def _earlier_lines(self, base: Base | None) -> Iterator[bytes] | None:
        """The rows of the base; None when there is no base, or its file was deleted."""
        if base is None or base.built.whole is None:
            return None
        key = base.built.whole.uri.removeprefix(f"s3://{self._bucket}/")
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        lines = body.iter_lines(chunk_size=1 << 20)
        next(lines, None)  # the header
        return lines

    def _built(
        self,
        kind: DatasetKind,
        file: WrittenFile,
        rows: int,
        plan: Plan,
        whole: WrittenFile | None = None,
    ) -> BuiltDataset:
        return BuiltDataset(
            uri=file.uri,
            rows=rows,
            size=file.size,
            sha256=file.sha256,
            dropped=dict(self._dropped[kind]),
            plan=plan,
            schema=fingerprint(kind),
            whole=WholeFile(uri=whole.uri, size=whole.size, sha256=whole.sha256) if whole else None,
        )

    def _key(self, name: str) -> str:
        return f"{manifest.folder(self._run_date)}{name}.csv"

    def _standing_sha256(self, kind: DatasetKind) -> str | None:
        """The digest of the file that an earlier run of the date left, if it is still there."""
        return self._standing(self._before.datasets[kind] if self._before else None)

    def _standing_whole(self, kind: DatasetKind) -> str | None:
        """The same of the file of all rows."""
        return self._standing(self._before.datasets[kind].whole if self._before else None)

    def _standing(self, file: BuiltDataset | WholeFile | None) -> str | None:
        if file is None:
            return None
        key = file.uri.removeprefix(f"s3://{self._bucket}/")
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key)
        sizes = [row["Size"] for row in found.get("Contents", ()) if row["Key"] == key]
        return file.sha256 if sizes == [file.size] else None

    def _finish(
        self,
        datasets: dict[DatasetKind, BuiltDataset],
        days: dict[str, int],
        generations: dict[str, int],
        tracks_added: int,
    ) -> Manifest:
        evidence, before = self._evidence, self._before
        unchanged = before is not None and _digests(before.datasets) == _digests(datasets)
        made = Manifest(
            stack=self._deployment.name,
            run_date=self._run_date,
            engine=self._engine,
            datasets=datasets,
            days=days,
            generations=generations,
            event_types=dict(sorted(evidence.tally.types.items())),
            listeners=len(evidence.tally.users),
            tracks_played=len(evidence.tally.items),
            tracks_added=before.tracks_added if before and unchanged else tracks_added,
            coverage={"users": evidence.users.share, "items": evidence.items.share},
            findings=checks.run(evidence),
            import_jobs=before.import_jobs if before and unchanged else {},
        )
        if made != before:
            manifest.save(made, self._s3, self._bucket)
        return made


def _before(s3: S3Client, bucket: str, run_date: str) -> Manifest | None:
    """What an earlier run of the date left; nothing that an earlier version made."""
    try:
        made = manifest.load(s3, bucket, run_date)
    except ManifestNotFoundError:
        return None
    return made if made.version == manifest.MANIFEST_VERSION else None


def _digests(datasets: dict[DatasetKind, BuiltDataset]) -> dict[str, tuple[str, str]]:
    return {kind: (built.sha256, built.plan.mode) for kind, built in datasets.items()}
