"""Taking a stack's Personalize resources down, in the order that the service insists on.

Campaigns go first, since they bill by the hour and keep datasets from going; then solutions with
their versions, the event tracker, filters, datasets, the group, and at last the schemas, which
other groups could share. `plan` only looks; `execute` does what the plan says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from musicrec.datasets.schemas import KINDS
from musicrec.deployment import parameter_name
from musicrec.parameters import UNSET
from musicrec.personalize.resources import Row, find, is_missing, listed
from musicrec.personalize.waiting import PATIENT, Patience, wait_until

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

    from musicrec.deployment import Deployment
    from musicrec.personalize.clients import Clients

_GONE: Final = "GONE"
_CHANGING: Final = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS"})
_DELETING: Final = frozenset({"DELETE PENDING", "DELETE IN_PROGRESS"})

PARAMETERS: Final = (
    *("campaign_arn", "experiment", "filter_arn"),
    *("on_request_filter_arn", "tracking_id"),
)
"""SSM parameters that point at Personalize resources."""


class TeardownBlockedError(RuntimeError):
    """A resource is being made or changed, and so cannot be deleted yet."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"{step.kind} {step.name} is {step.status}: wait until it is ACTIVE, then plan again"
        )


class Step(Struct, frozen=True, kw_only=True):
    """One resource to delete.

    Attributes:
        kind: e.g. `campaign`.
        name: what people call it.
        arn: its ARN; of a parameter, its name.
        status: the service's word when it was planned.
    """

    kind: str
    name: str
    arn: str
    status: str = "ACTIVE"


def plan(clients: Clients, deployment: Deployment) -> list[Step]:
    """What of the stack exists in Personalize, in the order in which it can be deleted.

    The parameters that point at it come last.
    """
    steps = existing(clients.personalize, deployment.name)
    return [*steps, *_parameters(clients, deployment.name)]


def existing(client: PersonalizeClient, stack: str) -> list[Step]:
    """What Personalize has of a stack, in the order in which it can be deleted.

    Args:
        client: where to look.
        stack: the stack's name; nothing else of it need be there.
    """
    group = find(client, "list_dataset_groups", "datasetGroups", stack)
    steps = list(_of_group(client, group)) if group else []
    return [*steps, *_schemas(client, stack)]


def execute(
    clients: Clients, steps: list[Step], *, dry_run: bool = True, patience: Patience = PATIENT
) -> list[Step]:
    """Delete the planned resources one by one, waiting until each is gone.

    Args:
        clients: where to.
        steps: of `plan`.
        dry_run: delete nothing; the default, so that deleting is a decision.
        patience: how to wait for each.

    Returns:
        What was deleted by this call; nothing on a dry run. What had gone meanwhile is left out.

    Raises:
        TeardownBlockedError: a resource is being changed; nothing was deleted.
        WaitTimeoutError: a resource was not gone in time.
    """
    for step in steps:
        if step.status in _CHANGING:
            raise TeardownBlockedError(step)
    return [] if dry_run else [step for step in steps if _delete(clients, step, patience)]


def _of_group(client: PersonalizeClient, group: Row) -> Iterator[Step]:
    arn = group["datasetGroupArn"]
    solutions = list(listed(client, "list_solutions", "solutions", datasetGroupArn=arn))
    for solution in solutions:
        campaigns = listed(
            client, "list_campaigns", "campaigns", solutionArn=solution["solutionArn"]
        )
        yield from _steps("campaign", "campaignArn", campaigns)
    yield from _steps("solution", "solutionArn", solutions)
    for kind, key, rows_key in (
        ("event tracker", "eventTrackerArn", "eventTrackers"),
        ("filter", "filterArn", "Filters"),
        ("dataset", "datasetArn", "datasets"),
    ):
        operation = f"list_{kind.replace(' ', '_')}s"
        yield from _steps(kind, key, listed(client, operation, rows_key, datasetGroupArn=arn))
    yield from _steps("dataset group", "datasetGroupArn", [group])


def _steps(kind: str, arn_key: str, rows: Iterator[Row] | list[Row]) -> Iterator[Step]:
    for row in rows:
        yield Step(
            kind=kind, name=row["name"], arn=row[arn_key], status=row.get("status", "ACTIVE")
        )


def _schemas(client: PersonalizeClient, stack: str) -> Iterator[Step]:
    ours = {f"{stack}-{kind}" for kind in KINDS}
    rows = (row for row in listed(client, "list_schemas", "schemas") if row["name"] in ours)
    yield from _steps("schema", "schemaArn", rows)


def _parameters(clients: Clients, stack: str) -> Iterator[Step]:
    names = [parameter_name(stack, key) for key in PARAMETERS]
    found = clients.ssm.get_parameters(Names=names)["Parameters"]  # in no order
    for name in sorted(one["Name"] for one in found if one["Value"] != UNSET):
        yield Step(kind="parameter", name=name, arn=name)


def _unset(clients: Clients, name: str) -> bool:
    """Whether a parameter was still there; it is the deployment's, and only loses its value."""
    if clients.ssm.get_parameters(Names=[name])["InvalidParameters"]:
        return False
    clients.ssm.put_parameter(Name=name, Value=UNSET, Type="String", Overwrite=True)
    return True


def _delete(clients: Clients, step: Step, patience: Patience) -> bool:
    """Whether the resource was still there to be deleted."""
    if step.kind == "parameter":
        return _unset(clients, step.arn)
    delete, describe = _operations(clients.personalize, step)
    try:
        if step.status not in _DELETING:
            delete()
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    wait_until(
        partial(_described, describe),
        lambda seen: bool(seen["status"] == _GONE),
        f"deletion of {step.kind} {step.name}",
        patience,
    )
    return True


def _operations(
    client: PersonalizeClient, step: Step
) -> tuple[Callable[[], object], Callable[[], Mapping[str, Any]]]:
    """How to delete the resource, and how to look whether it is still there."""
    words = step.kind.split()
    shape = words[0] + "".join(word.title() for word in words[1:])
    argument = {f"{shape}Arn": step.arn}
    delete = partial(getattr(client, f"delete_{'_'.join(words)}"), **argument)
    describe = partial(getattr(client, f"describe_{'_'.join(words)}"), **argument)
    return delete, lambda: describe()[shape]


def _described(describe: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return {"status": "ACTIVE", **describe()}
    except ClientError as error:
        if is_missing(error):
            return {"status": _GONE}
        raise
