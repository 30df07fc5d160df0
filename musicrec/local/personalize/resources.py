"""What the control plane keeps: one record class a kind of resource.

A record holds the settings as the client sent them, its place in the life cycle, and links to what
it depends on. `view` is the dictionary from which describe and list answers are cut: the output
shape of the operation picks its members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from musicrec.local.personalize.attribution import Metric
    from musicrec.local.personalize.auto_update import Refreshed
    from musicrec.local.personalize.avro import DatasetSchema
    from musicrec.local.personalize.filter_language import FilterExpression
    from musicrec.local.personalize.interaction_log import InteractionLog
    from musicrec.local.personalize.life_cycle import Passage
    from musicrec.local.personalize.metadata import MetadataRecords
    from musicrec.local.personalize.recipes import Recipe
    from musicrec.local.personalize.training import Trained
    from musicrec.local.personalize.trends import Trend

ACTIVE: Final = "ACTIVE"
PENDING: Final = "CREATE PENDING"
IN_PROGRESS: Final = "CREATE IN_PROGRESS"
FAILED: Final = "CREATE FAILED"
STOPPED: Final = "CREATE STOPPED"
STOPPING: Final = "CREATE STOPPING"
DELETE_PENDING: Final = "DELETE PENDING"
DELETE_IN_PROGRESS: Final = "DELETE IN_PROGRESS"

_STOP: Final = ("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE")
_START: Final = ("START PENDING", "START IN_PROGRESS", ACTIVE)
"""What a recommender goes through that is switched off and on again."""

CHANGING: Final = frozenset(
    {
        *(PENDING, IN_PROGRESS, STOPPING, DELETE_PENDING, DELETE_IN_PROGRESS),
        *(*_STOP[:2], *_START[:2]),
    }
)
"""In these states a resource is neither usable nor deletable."""

MAX_SOURCES: Final = 100
"""Of the events that one metric attribution counts."""

_DELETION_STATES: Final = {
    PENDING: "PENDING",
    IN_PROGRESS: "IN_PROGRESS",
    ACTIVE: "COMPLETED",
    FAILED: "FAILED",
}


@dataclass(kw_only=True, eq=False)
class Resource:
    """What all kinds share.

    Attributes:
        arn: the resource's name in AWS.
        settings: what describe echoes beside the members below.
        created: epoch seconds.
        updated: epoch seconds of the last change of state or settings.
        state: what the work has come to, whether or not its time has passed.
        failure: why the state is `CREATE FAILED`.
        doomed: why the creation is to fail, whatever the work comes to.
        passage: the time that the creation takes; None for none.
        leaving: the time that the deletion takes, once it began.
        sequence: order of creation in the region.
        tags: by key.
    """

    arn_key: ClassVar[str]

    arn: str
    settings: dict[str, Any]
    created: float
    updated: float
    state: str = ACTIVE
    failure: str | None = None
    doomed: str | None = None
    passage: Passage | None = None
    leaving: Passage | None = None
    sequence: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Place in the life cycle."""
        if self.leaving is not None:
            return self.leaving.phase(DELETE_PENDING, DELETE_IN_PROGRESS) or DELETE_IN_PROGRESS
        if self.passage is None or self.state in {STOPPING, STOPPED}:
            return self.state
        phase = self.passage.phase(PENDING, IN_PROGRESS)
        # A job that still waits for its turn does not fall back to PENDING when its time is up.
        return phase or (IN_PROGRESS if self.state == PENDING else self.state)

    @property
    def ready(self) -> float:
        """When it became what it is, epoch seconds; in the midst of a creation, when that began."""
        return max(self.created, self.passage.reached) if self.passage else self.created

    @property
    def gone(self) -> bool:
        """Whether the deletion is complete."""
        return self.leaving is not None and self.leaving.over

    def view(self) -> dict[str, Any]:
        """Everything that a describe answer may show."""
        status = self.status
        passage = self.leaving or self.passage
        return self.settings | {
            self.arn_key: self.arn,
            "status": status,
            "failureReason": self.failure if status == FAILED else None,
            "creationDateTime": self.created,
            "lastUpdatedDateTime": max(self.updated, passage.reached) if passage else self.updated,
        }


@dataclass(kw_only=True, eq=False)
class Job(Resource):
    """A resource whose creation takes work.

    Attributes:
        finished: set once the work succeeded, failed or was stopped.
    """

    state: str = PENDING
    finished: Event = field(default_factory=Event)


@dataclass(kw_only=True, eq=False)
class Update(Job):
    """One change of a resource, which goes through the states of a creation.

    Attributes:
        brings: what the resource gets with it, if that is a resource too.
    """

    arn_key: ClassVar[str] = "updatedArn"
    brings: Resource | None = None


@dataclass(kw_only=True, eq=False)
class Updatable(Resource):
    """A resource that can be changed once it is made.

    Attributes:
        update: the latest change; None before the first.
    """

    update: Update | None = None

    @property
    def being_updated(self) -> bool:
        """Whether the latest change is under way."""
        return self.update is not None and self.update.status in CHANGING

    @property
    def latest_update(self) -> dict[str, Any] | None:
        """The latest change as describe answers show it."""
        return None if self.update is None else self.update.view()

    @property
    def coming(self) -> Resource | None:
        """What a change that is under way is about to bring."""
        return self.update.brings if self.update and self.being_updated else None


@dataclass(kw_only=True, eq=False)
class Schema(Resource):
    """An Avro schema, checked."""

    arn_key: ClassVar[str] = "schemaArn"
    fields: DatasetSchema


@dataclass(kw_only=True, eq=False)
class DatasetGroup(Resource):
    """A dataset group, and the interactions of all its users."""

    arn_key: ClassVar[str] = "datasetGroupArn"
    log: InteractionLog


@dataclass(kw_only=True, eq=False)
class Dataset(Updatable):
    """A dataset.

    Attributes:
        records: the contents; None for Interactions, whose contents are the group's log.
        imported: whether an import has succeeded.
        added: columns that came with an update, with the region's sequence number at that time.
    """

    arn_key: ClassVar[str] = "datasetArn"
    group: DatasetGroup
    kind: str
    schema: Schema
    records: MetadataRecords | None = None
    imported: bool = False
    added: dict[str, int] = field(default_factory=dict)

    def view(self) -> dict[str, Any]:
        """With the latest change of the schema, once there was one."""
        return super().view() | {"latestDatasetUpdate": self.latest_update}


@dataclass(kw_only=True, eq=False)
class ImportJob(Job):
    """One load of CSV files into a dataset."""

    arn_key: ClassVar[str] = "datasetImportJobArn"
    dataset: Dataset


@dataclass(kw_only=True, eq=False)
class ExportJob(Job):
    """One write of a dataset's contents to CSV."""

    arn_key: ClassVar[str] = "datasetExportJobArn"
    dataset: Dataset


@dataclass(kw_only=True, eq=False)
class DeletionJob(Job):
    """One deletion of users; AWS names the states of these jobs its own way."""

    arn_key: ClassVar[str] = "dataDeletionJobArn"
    group: DatasetGroup

    def view(self) -> dict[str, Any]:
        """With the states of deletion jobs."""
        shown = super().view()
        return shown | {"status": _DELETION_STATES.get(shown["status"], shown["status"])}


@dataclass(kw_only=True, eq=False)
class EventTracker(Resource):
    """Where `PutEvents` sends a group's events."""

    arn_key: ClassVar[str] = "eventTrackerArn"
    group: DatasetGroup
    tracking_id: str


@dataclass(kw_only=True, eq=False)
class MetricAttribution(Resource):
    """Which events of a group are counted.

    Attributes:
        metrics: by their names in capitals.
        sources: those that events came from so far.
    """

    arn_key: ClassVar[str] = "metricAttributionArn"
    group: DatasetGroup
    metrics: dict[str, Metric]
    sources: set[str] = field(default_factory=set)

    def refers_to(self, kind: str) -> bool:
        """Whether it needs the group's dataset of that type; it always needs Interactions."""
        return kind in {"INTERACTIONS", *(metric.dataset for metric in self.metrics.values())}

    def knows(self, source: str) -> bool:
        """Whether the source is reported: one of the first `MAX_SOURCES` is."""
        if len(self.sources) < MAX_SOURCES:
            self.sources.add(source)
        return source in self.sources


@dataclass(kw_only=True, eq=False)
class Filter(Resource):
    """A parsed filter expression."""

    arn_key: ClassVar[str] = "filterArn"
    group: DatasetGroup
    expression: FilterExpression


@dataclass(kw_only=True, eq=False)
class Solution(Updatable):
    """A recipe with its configuration.

    Attributes:
        considered: the time of the last automatic training that was looked at, done or not.
        own: of a recommender's solution, which no listing shows, the one version.
    """

    arn_key: ClassVar[str] = "solutionArn"
    group: DatasetGroup
    recipe: Recipe
    considered: float = -math.inf
    own: SolutionVersion | None = None


@dataclass(kw_only=True, eq=False)
class SolutionVersion(Job):
    """A trained model; `trained` is set once and replaced never.

    Attributes:
        metrics: offline metrics by AWS's names.
        revision: of the group's interactions when the training was asked for.
        refreshed: the last automatic update.
        trend: what Trending-Now found last.
    """

    arn_key: ClassVar[str] = "solutionVersionArn"
    solution: Solution
    trained: Trained | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    revision: int = 0
    refreshed: Refreshed | None = None
    trend: Trend | None = None

    def view(self) -> dict[str, Any]:
        """Without the training's duration until it is ACTIVE."""
        shown = super().view()
        return shown if self.status == ACTIVE else shown | {"trainingHours": None}


@dataclass(kw_only=True, eq=False)
class Campaign(Updatable):
    """A deployed solution version.

    Attributes:
        version: what is deployed.
    """

    arn_key: ClassVar[str] = "campaignArn"
    version: SolutionVersion

    @property
    def versions(self) -> list[Resource]:
        """All that the campaign needs: what is deployed, and what an update is about to deploy."""
        return [self.version] if self.coming is None else [self.version, self.coming]


@dataclass(kw_only=True, eq=False)
class Recommender(Job, Updatable):
    """A domain recipe, trained and deployed in one.

    Attributes:
        group: whose data it learns from.
        deployed: what answers, and the configuration by which it does.
        begun: when the last training began, whoever asked for it.
        retraining: what the last training that nobody asked for trains or trained.
        stopped: whether it was switched off last.
        switching: the time that switching it off or on takes; None for none.
    """

    arn_key: ClassVar[str] = "recommenderArn"
    group: DatasetGroup
    deployed: Campaign
    begun: float
    retraining: SolutionVersion | None = None
    stopped: bool = False
    switching: Passage | None = None

    @property
    def status(self) -> str:
        """Place in the life cycle; one that is ACTIVE can be switched off and on."""
        status = super().status
        if status != ACTIVE:
            return status
        pending, in_progress, end = _STOP if self.stopped else _START
        return (self.switching.phase(pending, in_progress) if self.switching else None) or end

    def view(self) -> dict[str, Any]:
        """With metrics once it is trained, and the latest update once there was one."""
        shown = super().view()
        if self.switching:
            reached = max(shown["lastUpdatedDateTime"], self.switching.reached)
            shown["lastUpdatedDateTime"] = reached
        return shown | {
            "modelMetrics": self.deployed.version.metrics or None,
            "latestRecommenderUpdate": self.latest_update,
        }


@dataclass(kw_only=True, eq=False)
class BatchInferenceJob(Job):
    """Recommendations for the lines of files."""

    arn_key: ClassVar[str] = "batchInferenceJobArn"
    version: SolutionVersion


@dataclass(kw_only=True, eq=False)
class BatchSegmentJob(Job):
    """Users for the lines of files."""

    arn_key: ClassVar[str] = "batchSegmentJobArn"
    version: SolutionVersion
