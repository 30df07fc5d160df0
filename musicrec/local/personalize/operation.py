"""What an operation is, and the two that nearly every kind of resource has: describe and list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from musicrec.local.personalize.errors import InvalidInputError, TooManyTagsError
from musicrec.local.personalize.paging import PAGE_SIZE, page
from musicrec.local.personalize.region import Region
from musicrec.local.personalize.resources import Job, Resource, Updatable
from musicrec.local.personalize.workers import await_job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from musicrec.local.personalize.paging import Listed

Operation = Callable[[Region, dict[str, Any]], dict[str, Any]]
"""Takes checked parameters, gives the members of the answer."""

MAX_TAGS = 50


def describe(kind: type[Resource], member: str) -> Operation:
    """A describe operation; for a job it waits as long as the region's patience allows.

    Args:
        kind: of the resource.
        member: under which the answer shows it.
    """

    def operation(region: Region, params: dict[str, Any]) -> dict[str, Any]:
        resource = region.get(kind, params[kind.arn_key])
        if isinstance(resource, Job):
            _await(region, resource)
        if isinstance(resource, Updatable) and resource.update is not None:
            _await(region, resource.update)
        return {member: resource.view()}

    return operation


def _await(region: Region, job: Job) -> None:
    """Wait a little for the job's work, unless its time is not over anyway."""
    if job.passage is None or job.passage.over:
        await_job(job, region.patience)


def listing(
    kind: type[Resource],
    member: str,
    parent: str | None = None,
    parent_kind: type[Resource] | None = None,
) -> Operation:
    """A list operation.

    Args:
        kind: of the resources.
        member: under which the answer shows them.
        parent: parameter, and member of the view, by which the listing can be narrowed.
        parent_kind: when given, an unknown parent is refused.
    """

    def operation(region: Region, params: dict[str, Any]) -> dict[str, Any]:
        if parent_kind and parent in params:
            region.get(parent_kind, params[parent])
        return list_page(narrowed(region.all(kind), parent, params), member, params)

    return operation


def narrowed(
    resources: Iterable[Resource], parent: str | None, params: dict[str, Any]
) -> list[Resource]:
    """The resources of the parent that the parameters name; all without one."""
    if parent is None or parent not in params:
        return list(resources)
    return [entry for entry in resources if entry.view().get(parent) == params[parent]]


def list_page(
    resources: Iterable[Listed],
    member: str,
    params: dict[str, Any],
    *,
    newest_first: bool = False,
    usual: int = PAGE_SIZE,
) -> dict[str, Any]:
    """One page as an answer, of `usual` entries unless the caller says how many."""
    shown, token = page(resources, member, params, newest_first=newest_first, usual=usual)
    return {member: [entry.view() for entry in shown], "nextToken": token}


def common(region: Region, arn: str, params: dict[str, Any]) -> dict[str, Any]:
    """The members that every new resource starts with.

    Raises:
        TooManyTagsError: more than `MAX_TAGS` tags.
        InvalidInputError: a tag key twice, or one of AWS's own.
        ResourceAlreadyExistsError: the name is taken.
    """
    region.require_free(arn)
    now = region.clock()
    settings = {name: value for name, value in params.items() if name != "tags"}
    return {
        "arn": arn,
        "settings": settings,
        "created": now,
        "updated": now,
        "tags": read_tags(params.get("tags", [])),
    }


def read_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """Tags by key.

    Raises:
        TooManyTagsError: more than `MAX_TAGS`.
        InvalidInputError: a key twice, or one of AWS's own.
    """
    for tag in tags:
        if tag["tagKey"].lower().startswith("aws:"):
            raise InvalidInputError(f"The prefix aws: of the tag key {tag['tagKey']} is reserved.")
    by_key = {tag["tagKey"]: tag["tagValue"] for tag in tags}
    if len(by_key) != len(tags):
        raise InvalidInputError("Tag keys must be unique within one request.")
    if len(by_key) > MAX_TAGS:
        raise TooManyTagsError(f"A resource may carry {MAX_TAGS} tags; these are {len(by_key)}.")
    return by_key
