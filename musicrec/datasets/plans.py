"""FULL or INCREMENTAL: what a build has to bring so that Personalize holds what the lake says.

A FULL import replaces everything that came in bulk before, an INCREMENTAL one adds to it (rows of
USERS and ITEMS replace those of the same id). So an increment is right only on top of an import
that stands and of which it is known what it brought: the *base*, the newest build of an earlier
date. Whatever is not known for sure makes a FULL import, and so does a week, so that any
difference that nobody thought of is gone within it. The base is of an earlier date because the
build of one date replaces its own files: done again, it must decide the same again.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.datasets import manifest, schemas
from musicrec.datasets.manifest import MANIFEST_VERSION, BuiltDataset, Manifest, Plan
from musicrec.personalize import imports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from musicrec.datasets.schemas import DatasetKind
    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients

FULL_EVERY_DAYS: Final = 7
MAX_INCREMENTAL_ROWS: Final = 5_000_000
"""An INCREMENTAL import takes 1 GB; a row of INTERACTIONS is 70 bytes as a rule, 200 at the most
that one meets."""

BUILDS_LOOKED_AT: Final = 14
"""Earlier builds among which a base is looked for; older ones would be due for a FULL import."""


class Base(Struct, frozen=True, kw_only=True):
    """The build whose import of one dataset is the newest that stands.

    Attributes:
        manifest: of that build.
        built: its dataset.
    """

    manifest: Manifest
    built: BuiltDataset

    @property
    def run_date(self) -> str:
        """Whose run it was, `YYYY-MM-DD`."""
        return self.manifest.run_date


def bases(clients: Clients, deployment: Deployment, run_date: str) -> dict[DatasetKind, Base]:
    """The base of each dataset that has one, for the build of a date."""
    found: dict[DatasetKind, Base] = {}
    for made in _earlier(clients, deployment, run_date):
        for kind, built in made.datasets.items():
            if kind in found or built.plan.mode == "NONE" or kind not in made.import_jobs:
                continue
            if built.schema == schemas.fingerprint(kind) and _stands(clients, made, kind, run_date):
                found[kind] = Base(manifest=made, built=built)
    return found


def of_interactions(
    base: Base | None, generations: Mapping[str, int], new_rows: int, run_date: str
) -> Plan:
    """The plan for INTERACTIONS.

    Args:
        base: the build to stand on.
        generations: of each curated day now.
        new_rows: interactions that came in since the base.
        run_date: `YYYY-MM-DD`.
    """
    if base is None:
        return full(run_date, "no earlier import of this schema stands")
    if not _grew(base.manifest.generations, generations):
        return full(run_date, "the curated interactions were made anew")
    if not new_rows:
        return _none(base, "there are no new interactions")
    if is_weekly(base, run_date):
        return full(run_date, f"the last FULL import was {FULL_EVERY_DAYS} days ago or earlier")
    if new_rows > MAX_INCREMENTAL_ROWS:
        return full(run_date, f"{new_rows} new interactions are too many for an INCREMENTAL import")
    return on(base, f"{new_rows} interactions came in since the build of {base.run_date}")


def waiting(plan: Plan, rows: int) -> Plan:
    """The plan once it is known that an increment has `rows` interactions: too few must wait."""
    if plan.mode != "INCREMENTAL" or rows >= schemas.MIN_INTERACTIONS:
        return plan
    why = f"{rows} new interactions wait, an import takes {schemas.MIN_INTERACTIONS} at least"
    return Plan(mode="NONE", why=why, base=plan.base, full_on=plan.full_on)


def of_records(base: Base | None, changed: int, gone: int, run_date: str) -> Plan:
    """The plan for USERS or ITEMS.

    Args:
        base: the build to stand on.
        changed: rows that are new or other than in the base.
        gone: rows of the base that are no more.
        run_date: `YYYY-MM-DD`.
    """
    if base is None:
        return full(run_date, "no earlier import of this schema stands")
    if gone:
        return full(run_date, f"{gone} rows are no more, and an increment removes none")
    if not changed:
        return _none(base, "no row has changed")
    if is_weekly(base, run_date):
        return full(run_date, f"the last FULL import was {FULL_EVERY_DAYS} days ago or earlier")
    return on(base, f"{changed} rows are other than in the build of {base.run_date}")


def full(run_date: str, why: str) -> Plan:
    """A FULL import."""
    return Plan(mode="FULL", why=why, base=None, full_on=run_date)


def on(base: Base, why: str) -> Plan:
    """An INCREMENTAL import on a base."""
    return Plan(mode="INCREMENTAL", why=why, base=base.run_date, full_on=base.built.plan.full_on)


def is_weekly(base: Base, run_date: str) -> bool:
    """Whether the FULL import under the base is a week old."""
    age = date.fromisoformat(run_date) - date.fromisoformat(base.built.plan.full_on)
    return age.days >= FULL_EVERY_DAYS


def _none(base: Base, why: str) -> Plan:
    return Plan(mode="NONE", why=why, base=base.run_date, full_on=base.built.plan.full_on)


def _grew(before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    return all(now.get(day, 0) >= generation for day, generation in before.items())


def _earlier(clients: Clients, deployment: Deployment, run_date: str) -> Iterator[Manifest]:
    """Builds of earlier dates in this form, the newest first."""
    dates = [day for day in manifest.dates(clients.s3, deployment.bucket) if day < run_date]
    for day in sorted(dates, reverse=True)[:BUILDS_LOOKED_AT]:
        try:
            made = manifest.load(clients.s3, deployment.bucket, day)
        except manifest.ManifestNotFoundError:
            continue  # somebody deleted it; its import can be no base
        if made.version == MANIFEST_VERSION:
            yield made


def _stands(clients: Clients, made: Manifest, kind: DatasetKind, run_date: str) -> bool:
    """Whether the job brought the file that the manifest tells of, and nothing replaced it."""
    arn, digits = made.import_jobs[kind], made.datasets[kind].sha256[: imports.HASH_DIGITS]
    name = arn.rsplit("/", 1)[1]
    if f"-{made.run_date}-{digits}" not in name:
        return False
    try:
        return imports.stands(clients, arn, run_date)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
