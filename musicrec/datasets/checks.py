"""What must hold of the three datasets before an import is paid for and waited for.

Personalize finds most of this out too, but after a quarter of an hour of importing or an hour of
training, and says so in a sentence without the value. Each check here is one function that looks at
the evidence and returns what it found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from msgspec import Struct

from musicrec.datasets import schemas
from musicrec.datasets.facts import DISTINCT_CAP, Coverage, Facts, InteractionTally
from musicrec.datasets.schemas import DatasetKind
from musicrec.events import PERSONALIZE_TYPES, EventType

COVERAGE_EXPECTED: Final = 0.99
"""A smaller share of interactions with a known user or item is worth a look."""

COVERAGE_REQUIRED: Final = 0.5
"""Below it the datasets are hardly of the same stack."""

COMPLETENESS_EXPECTED: Final = 0.7
"""Of the cells of a column; the developer guide recommends it."""

REPEAT_USER_SHARE: Final = 0.01
"""Of the users, with at least two interactions; a training needs it."""

TRAINED_TYPES: Final = frozenset({EventType.PLAY.value, EventType.COMPLETE.value})
"""Event types that the solutions of `musicrec.personalize` train on."""


class Finding(Struct, frozen=True, kw_only=True):
    """Something that is wrong, or may be.

    Attributes:
        check: the name of the check.
        severity: an `error` stops the import, a `warning` does not.
        dataset: the dataset concerned.
        message: what was found, with the offending value, and what to do.
    """

    check: str
    severity: Literal["error", "warning"]
    dataset: DatasetKind
    message: str


class DatasetCheckError(ValueError):
    """Some finding is an error, so nothing was imported.

    Attributes:
        findings: every finding, warnings too.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity == "error"]
        lines = (f"{finding.dataset}: {finding.message}" for finding in errors)
        super().__init__("the datasets are not fit for import:\n" + "\n".join(lines))
        self.findings = tuple(findings)


@dataclass(kw_only=True)
class Evidence:
    """What was learnt while the datasets were written.

    Attributes:
        run_date: the day of the run, `YYYY-MM-DD`.
        facts: figures of each dataset.
        tally: how interactions spread.
        users: coverage of the interactions' users by USERS.
        items: coverage of the interactions' items by ITEMS.
        incremental: whether the interactions are an increment to those of an earlier import.
        unreadable: archived objects of the lake that were never taken in, by day.
    """

    run_date: str
    facts: dict[DatasetKind, Facts] = field(
        default_factory=lambda: {kind: Facts(schemas.SCHEMAS[kind]) for kind in schemas.KINDS}
    )
    tally: InteractionTally = field(default_factory=InteractionTally)
    users: Coverage = field(default_factory=lambda: Coverage(Counter()))
    items: Coverage = field(default_factory=lambda: Coverage(Counter()))
    incremental: bool = False
    unreadable: dict[str, int] = field(default_factory=dict)

    def start_coverage(self) -> None:
        """Begin to count coverage, once every interaction has been tallied."""
        self.users = Coverage(self.tally.users)
        self.items = Coverage(self.tally.items)


Check = Callable[[Evidence], Iterable[Finding]]


def run(evidence: Evidence) -> list[Finding]:
    """Every finding of every check, in the order of the checks."""
    return [finding for check in CHECKS for finding in check(evidence)]


def require(findings: Sequence[Finding]) -> None:
    """Raise `DatasetCheckError` when a finding is an error."""
    if any(finding.severity == "error" for finding in findings):
        raise DatasetCheckError(findings)


def enough_interactions(evidence: Evidence) -> Iterator[Finding]:
    """An import and a training both need 1,000 interactions; a smaller increment waits."""
    if evidence.incremental:
        return
    rows = evidence.facts["interactions"].rows
    trained = sum(evidence.tally.types[name] for name in TRAINED_TYPES)
    if min(rows, trained) < schemas.MIN_INTERACTIONS:
        yield _error(
            "enough_interactions",
            "interactions",
            f"{rows} interactions, {trained} of them play or complete; at least "
            f"{schemas.MIN_INTERACTIONS} are needed: let more listening arrive first",
        )


def enough_repeat_users(evidence: Evidence) -> Iterator[Finding]:
    """A training needs 25 users, and one user in 100, with two interactions each.

    An increment comes to an import that had them.
    """
    if evidence.incremental:
        return
    users, repeat = len(evidence.tally.users), evidence.tally.repeat_users
    needed = max(schemas.MIN_REPEAT_USERS, REPEAT_USER_SHARE * users)
    if repeat < needed:
        yield _error(
            "enough_repeat_users",
            "interactions",
            f"{repeat} of {users} users have two interactions or more; at least {needed:.0f} must: "
            "let more listeners arrive first",
        )


def within_row_limits(evidence: Evidence) -> Iterator[Finding]:
    """The v2 recipes take 5 million items and 3 billion interactions."""
    for kind, limit in schemas.MAX_ROWS.items():
        rows = evidence.facts[kind].rows
        if rows > limit:
            yield _error(
                "within_row_limits",
                kind,
                f"{rows} rows, the recipes take {limit}: keep the most recent ones only",
            )


def within_size_limit(evidence: Evidence) -> Iterator[Finding]:
    """One FULL import takes 100 GB, one INCREMENTAL import 1 GB."""
    for kind, facts in evidence.facts.items():
        is_increment = evidence.incremental and kind == "interactions"
        limit = schemas.MAX_INCREMENT_BYTES if is_increment else schemas.MAX_IMPORT_BYTES
        if facts.size > limit:
            yield _error(
                "within_size_limit",
                kind,
                f"{facts.size} bytes, one import takes {limit}: keep the most recent rows only",
            )


def within_text_limits(evidence: Evidence) -> Iterator[Finding]:
    """Identifiers have 256 characters at most, categories 1,000; one longer fails the whole job."""
    for kind, facts in evidence.facts.items():
        for name, text in facts.longest.items():
            limit = (
                schemas.MAX_ID_CHARACTERS if name.endswith("_ID") else schemas.MAX_TEXT_CHARACTERS
            )
            if len(text) > limit:
                yield _error(
                    "within_text_limits",
                    kind,
                    f"{name} has a value of {len(text)} characters, {limit} are allowed: "
                    f"shorten {text[:40]!r}...",
                )


def within_column_limits(evidence: Evidence) -> Iterator[Finding]:
    """Own columns are limited for each dataset, and event types with optional columns to ten."""
    for kind, facts in evidence.facts.items():
        own = [column.name for column in facts.schema.columns if column.is_metadata]
        if len(own) > schemas.MAX_METADATA_COLUMNS[kind]:
            yield _error(
                "within_column_limits",
                kind,
                f"{len(own)} own columns, {schemas.MAX_METADATA_COLUMNS[kind]} are allowed: "
                f"leave out some of {', '.join(own)}",
            )
    optional = len(evidence.facts["interactions"].schema.columns) - 3
    types = sorted(evidence.tally.types)
    if len(types) + optional > schemas.MAX_EVENT_TYPES_AND_OPTIONAL_COLUMNS:
        yield _error(
            "within_column_limits",
            "interactions",
            f"{len(types)} event types and {optional} optional columns, together "
            f"{schemas.MAX_EVENT_TYPES_AND_OPTIONAL_COLUMNS} are allowed: leave out some of "
            f"{', '.join(types)}",
        )


def distinct_column_names(evidence: Evidence) -> Iterator[Finding]:
    """Column names must differ in more than underscores and case."""
    for kind, facts in evidence.facts.items():
        bare = Counter(name.replace("_", "").upper() for name in facts.schema.names)
        clashing = [name for name in facts.schema.names if bare[name.replace("_", "").upper()] > 1]
        if clashing:
            yield _error(
                "distinct_column_names",
                kind,
                f"the columns {', '.join(clashing)} are one name to Personalize: rename one",
            )


def known_event_types(evidence: Evidence) -> Iterator[Finding]:
    """Only what the stream sends to Personalize may be imported in bulk."""
    unknown = sorted(set(evidence.tally.types) - PERSONALIZE_TYPES)
    if unknown:
        yield _error(
            "known_event_types",
            "interactions",
            f"event types {', '.join(unknown)} are not among "
            f"{', '.join(sorted(PERSONALIZE_TYPES))}: leave those rows out",
        )


def no_reserved_words(evidence: Evidence) -> Iterator[Finding]:
    """The service's own field names may not stand as values."""
    for kind, facts in evidence.facts.items():
        for (name, word), cells in sorted(facts.reserved.items()):
            yield _error(
                "no_reserved_words",
                kind,
                f"{cells} cells of {name} hold the reserved word {word}: write it another way",
            )


def required_values(evidence: Evidence) -> Iterator[Finding]:
    """A column whose schema does not allow null must be full."""
    for kind, facts in evidence.facts.items():
        for column in facts.schema.columns:
            empty = facts.nulls[column.name]
            if empty and not column.nullable:
                yield _error(
                    "required_values",
                    kind,
                    f"{empty} of {facts.rows} cells of {column.name} are empty: drop those rows",
                )


def mostly_complete(evidence: Evidence) -> Iterator[Finding]:
    """A column that is empty in most rows teaches a model little."""
    for kind in ("users", "items"):
        facts = evidence.facts[kind]
        for name, empty in facts.nulls.items():
            complete = 1 - empty / max(facts.rows, 1)
            if complete < COMPLETENESS_EXPECTED:
                yield _warning(
                    "mostly_complete",
                    kind,
                    f"{name} is known in {complete:.1%} of rows, {COMPLETENESS_EXPECTED:.0%} are "
                    "recommended: consider leaving the column out of training",
                )


def few_categories(evidence: Evidence) -> Iterator[Finding]:
    """A categorical column should have 1,000 distinct values at most."""
    for kind, facts in evidence.facts.items():
        for name, values in facts.categories.items():
            if len(values) >= DISTINCT_CAP:
                yield _warning(
                    "few_categories",
                    kind,
                    f"{name} has more than {DISTINCT_CAP - 1} distinct values: rare ones teach a "
                    "model nothing, compare a training with the column excluded",
                )


def unique_ids(evidence: Evidence) -> Iterator[Finding]:
    """A user or an item has one row; of several the service keeps whichever comes last."""
    for kind in ("users", "items"):
        repeated = evidence.facts[kind].repeated_ids
        if repeated:
            yield _error("unique_ids", kind, f"{repeated} rows repeat an id: keep one row for each")


def refer_to_known_rows(evidence: Evidence) -> Iterator[Finding]:
    """Interactions should be by users in USERS and with items in ITEMS."""
    covers: tuple[tuple[DatasetKind, Coverage], ...] = (
        ("users", evidence.users),
        ("items", evidence.items),
    )
    for kind, coverage in covers:
        if coverage.share < COVERAGE_EXPECTED:
            report = _error if coverage.share < COVERAGE_REQUIRED else _warning
            yield report(
                "refer_to_known_rows",
                kind,
                f"{coverage.share:.1%} of interactions refer to a row of {kind.upper()}, expected "
                f"are {COVERAGE_EXPECTED:.0%} or more: is it built from the same stack and day?",
            )


def not_from_the_future(evidence: Evidence) -> Iterator[Finding]:
    """No interaction should be later than the day of the run."""
    last = evidence.tally.last
    if last is None:
        return
    newest = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d")
    if newest > evidence.run_date:
        yield _warning(
            "not_from_the_future",
            "interactions",
            f"the newest interaction is of {newest}, the run of {evidence.run_date}: is some "
            "producer's clock ahead?",
        )


def nothing_archived_unread(evidence: Evidence) -> Iterator[Finding]:
    """Raw objects that were archived before they were curated are missing until restored."""
    if evidence.unreadable:
        first, objects = min(evidence.unreadable), sum(evidence.unreadable.values())
        yield _warning(
            "nothing_archived_unread",
            "interactions",
            f"{objects} objects of {len(evidence.unreadable)} days, the first {first}, went to an "
            "archive before their events were curated: restore them, a later build takes them in",
        )


CHECKS: Final[tuple[Check, ...]] = (
    enough_interactions,
    enough_repeat_users,
    within_row_limits,
    within_size_limit,
    within_text_limits,
    within_column_limits,
    distinct_column_names,
    known_event_types,
    no_reserved_words,
    required_values,
    mostly_complete,
    few_categories,
    unique_ids,
    refer_to_known_rows,
    not_from_the_future,
    nothing_archived_unread,
)
"""All checks, in the order in which findings are reported."""


def _error(check: str, dataset: DatasetKind, message: str) -> Finding:
    return Finding(check=check, severity="error", dataset=dataset, message=message)


def _warning(check: str, dataset: DatasetKind, message: str) -> Finding:
    return Finding(check=check, severity="warning", dataset=dataset, message=message)
