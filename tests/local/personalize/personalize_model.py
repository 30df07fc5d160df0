"""What a client that watched every answer knows of a region, and whether the region agrees."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow.compute as pc
from personalize_models import MODELS

from musicrec.local.personalize.resources import Dataset, DatasetGroup

CREATION = ["CREATE PENDING", "CREATE IN_PROGRESS"]
ENDS = {"ACTIVE", "CREATE FAILED"}
DELETION = ["DELETE PENDING", "DELETE IN_PROGRESS"]
STOPPING = ["CREATE STOPPING", "CREATE STOPPED"]
SWITCHING = {
    "ACTIVE": ["STOP PENDING", "STOP IN_PROGRESS", "INACTIVE"],
    "INACTIVE": ["START PENDING", "START IN_PROGRESS", "ACTIVE"],
}
"""What a recommender goes through from either state."""


@dataclass(frozen=True)
class Kind:
    """One kind of resource as the API spells it: `Dataset`, `datasets`, `datasetArn`, ..."""

    noun: str
    listed: str
    parents: tuple[str, ...] = ()
    delete: bool = True

    @property
    def member(self):
        """In describe answers."""
        return self.noun[0].lower() + self.noun[1:]

    @property
    def arn(self):
        """The member that names it."""
        return f"{self.member}Arn"

    @property
    def list(self):
        """The list operation."""
        return f"List{self.noun}s"


KINDS = {
    kind.arn: kind
    for kind in (
        Kind("Schema", "schemas"),
        Kind("DatasetGroup", "datasetGroups"),
        Kind("Dataset", "datasets", ("schemaArn", "datasetGroupArn")),
        Kind("DatasetImportJob", "datasetImportJobs", delete=False),
        Kind("DatasetExportJob", "datasetExportJobs", delete=False),
        Kind("DataDeletionJob", "dataDeletionJobs", delete=False),
        Kind("EventTracker", "eventTrackers", ("datasetGroupArn",)),
        Kind("Filter", "Filters", ("datasetGroupArn",)),
        Kind("MetricAttribution", "metricAttributions", ("datasetGroupArn",)),
        Kind("Solution", "solutions", ("datasetGroupArn",)),
        Kind(
            "SolutionVersion", "solutionVersions", ("solutionArn", "datasetGroupArn"), delete=False
        ),
        Kind("Campaign", "campaigns", ("solutionVersionArn",)),
        Kind("Recommender", "recommenders", ("datasetGroupArn",)),
        Kind("BatchInferenceJob", "batchInferenceJobs", delete=False),
        Kind("BatchSegmentJob", "batchSegmentJobs", delete=False),
    )
}
CREATES = {f"Create{kind.noun}": kind for kind in KINDS.values()}
DELETES = {f"Delete{kind.noun}": kind for kind in KINDS.values() if kind.delete}


def may_follow(noun, before, after):
    """Whether a resource of the kind may go from one state to the other."""
    if noun == "DataDeletionJob":  # these spell theirs otherwise
        order = ["PENDING", "IN_PROGRESS"]
        return before == after or (before in order and after in {"COMPLETED", "FAILED", *order[1:]})
    if before == after or (noun == "Recommender" and _may_switch(before, after)):
        return True
    if noun == "Campaign" and (before, after) == ("CREATE FAILED", "ACTIVE"):
        return True  # by an update
    later = {
        "CREATE PENDING": {"CREATE IN_PROGRESS", *ENDS, *STOPPING},
        "CREATE IN_PROGRESS": {*ENDS, *STOPPING},
        "CREATE STOPPING": {"CREATE STOPPED"},
        "DELETE PENDING": {"DELETE IN_PROGRESS"},
    }
    ends = {*ENDS, "CREATE STOPPED", "INACTIVE"}
    return after in later.get(before, set(DELETION if before in ends else ()))


def _may_switch(before, after):
    """Whether a recommender may go from one to the other on its way off or on."""
    ways = [[start, *way] for start, way in SWITCHING.items()]
    return any(before in way and after in way[way.index(before) :] for way in ways)


@dataclass
class Observation:
    """Everything that can be seen of a region at one moment."""

    views: dict[str, dict] = field(default_factory=dict)
    tags: dict[str, dict] = field(default_factory=dict)
    contents: dict[str, tuple] = field(default_factory=dict)


class RegionModel:
    """Follows a wire call by call and holds the region against what it should be.

    Args:
        wire: where requests go.
    """

    def __init__(self, wire):
        self.wire = wire
        self.alive = {}
        self.seen = Observation()
        self._may_fall = False

    def call(self, name, params):
        """One request; its answer. A refused one must have changed nothing."""
        answer = self.wire.send(name, params)
        if answer.code is None:
            self._learn(name, params, answer.content)
            self.check()
        else:
            assert self.look() == self.seen, f"{name} was refused and yet changed something"
        return answer

    def _learn(self, name, params, content):
        if name in CREATES:
            arn = content[CREATES[name].arn]
            assert arn not in self.alive, f"{arn} was made twice"
            self.alive[arn] = CREATES[name]
        if name in DELETES and not params[DELETES[name].arn].endswith("/EVENT_INTERACTIONS"):
            self._leave(params[DELETES[name].arn])
            self._may_fall |= name == "DeleteDataset"

    def _leave(self, arn):
        """What goes with a deleted resource goes by the same clock."""
        with_it = [
            other
            for other, view in self.seen.views.items()
            if (self.alive[other].noun == "SolutionVersion" and view["solutionArn"] == arn)
            or (self.alive[other].noun == "Filter" and view["datasetGroupArn"] == arn)
        ]
        for gone in [arn, *with_it]:
            resource = self.wire.region._resources.get(gone)
            if resource is None:
                del self.alive[gone]
            else:
                assert resource.leaving is not None, f"{gone} stays"

    def check(self):
        """Look at everything and hold it against the model, the look before and itself."""
        before, now = self.seen, self.look()
        for arn, view in now.views.items():
            self._check_view(arn, view, before.views.get(arn), now.views)
        may_fall = self._may_fall or any(
            view["status"] != before.views.get(arn, {}).get("status") and replaces(view)
            for arn, view in now.views.items()
            if "status" in view
        )
        for arn, counts in now.contents.items():
            if not may_fall and arn in before.contents:
                assert counts[0] >= before.contents[arn][0], f"{arn} lost interactions"
        for job in self.wire.workers.done:
            assert not (job.failure or "").startswith("Internal failure"), job.arn
        self.wire.workers.done.clear()
        self._may_fall = False
        self.seen = now

    def look(self):
        """Describe all that the lists show, and all that can be counted."""
        found = Observation()
        listed = {}
        for kind in KINDS.values():
            for summary in self.wire.send(kind.list, {}).content[kind.listed]:
                listed[summary[kind.arn]] = summary
        for arn in [arn for arn in self.alive if arn not in listed]:
            leaving = self.seen.views[arn].get("status", "")
            assert leaving in DELETION, f"{arn} vanished from {leaving}"
            del self.alive[arn]
        for arn in listed.keys() - self.alive.keys():
            assert listed[arn].get("trainingType") == "AUTOMATIC", f"{arn} came by itself"
            self.alive[arn] = KINDS["solutionVersionArn"]
        for arn, summary in listed.items():
            kind = self.alive[arn]
            answer = self.wire.send(f"Describe{kind.noun}", {kind.arn: arn})
            assert answer.code is None, answer
            view = answer.content[kind.member]
            differing = {key for key in summary.keys() & view.keys() if summary[key] != view[key]}
            assert not differing, f"{arn}: list and describe differ in {differing}"
            found.views[arn] = view
            found.tags[arn] = dict(self.wire.region._resources[arn].tags)
        found.contents = self._contents()
        return found

    def _contents(self):
        region = self.wire.region
        groups = {
            group.arn: (len(group.log.imported) + alive(group.log), group.log.length)
            for group in region.all(DatasetGroup)
        }
        return groups | {
            dataset.arn: (0, dataset.records.version)
            for dataset in region.all(Dataset)
            if dataset.records
        }

    def _check_view(self, arn, view, before, everything):
        kind = self.alive[arn]
        assert view[kind.arn] == arn
        assert view["creationDateTime"] <= view["lastUpdatedDateTime"] <= self.wire.clock.now
        for parent in kind.parents:
            assert view[parent] in everything, f"{arn} hangs on {view[parent]}, which is gone"
        if kind.noun == "Schema":
            return
        status = view["status"]
        told = MODELS[f"Describe{kind.noun}"].output_shape.members[kind.member].members
        if "failureReason" in told:
            assert ("failureReason" in view) == (status in {"CREATE FAILED", "FAILED"}), view
        if before is None or before["creationDateTime"] != view["creationDateTime"]:
            return
        assert may_follow(kind.noun, before["status"], status), (arn, before["status"], status)
        assert before["lastUpdatedDateTime"] <= view["lastUpdatedDateTime"]

    def of(self, noun):
        """The ARNs of one kind, oldest first."""
        return [arn for arn, kind in self.alive.items() if kind.noun == noun]

    def view(self, arn):
        """What describe said last."""
        return self.seen.views[arn]


def replaces(view):
    """Whether this is a job that has taken interactions away."""
    imported = "datasetImportJobArn" in view and view["importMode"] == "FULL"
    return (imported and view["status"] == "ACTIVE") or view["status"] == "COMPLETED"


def alive(log):
    """How many streamed events nobody asked to forget."""
    return sum(event is not None for event in log._streamed)


def interactions_of(log, user):
    """The event types of a user's (or a session's) interactions, by item."""
    found = {}
    if log.bulk is not None:
        rows = log.bulk.filter(pc.equal(log.bulk.column("USER_ID"), user)).to_pylist()
        for row in rows:
            found.setdefault(row["ITEM_ID"], set()).add(row["EVENT_TYPE"] or "")
    for event in log.streamed_of(user):
        found.setdefault(event.item_id, set()).add(event.event_type)
    return found
