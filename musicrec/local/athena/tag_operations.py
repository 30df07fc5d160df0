"""Operations about tags: kept on work groups, the one kind of tagged resource that is emulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.athena.errors import InvalidRequestError, NoSuchResourceError
from musicrec.local.athena.paging import page

if TYPE_CHECKING:
    from musicrec.local.athena.service import Operation, Service
    from musicrec.local.athena.work_groups import WorkGroup

_MARK: Final = ":workgroup/"
_PAGE: Final = 75


def list_tags(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List the tags of a work group, by key."""
    tags = _tagged(service, params["ResourceARN"]).tags
    shown = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
    part, token = page(shown, params.get("MaxResults", _PAGE), params.get("NextToken"), "tags")
    return {"Tags": part, "NextToken": token}


def tag(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or change their values."""
    group = _tagged(service, params["ResourceARN"])
    group.tags |= {each["Key"]: each.get("Value", "") for each in params["Tags"]}
    return {}


def untag(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Take tags away."""
    group = _tagged(service, params["ResourceARN"])
    group.tags = {k: v for k, v in group.tags.items() if k not in params["TagKeys"]}
    return {}


def _tagged(service: Service, arn: str) -> WorkGroup:
    """The work group of an ARN.

    Raises:
        NoSuchResourceError: there is none.
    """
    _, mark, name = arn.partition(_MARK)
    if not mark:
        raise NoSuchResourceError(f"Resource {arn} does not exist.")
    try:
        return service.work_groups.get(name)
    except InvalidRequestError as error:
        raise NoSuchResourceError(f"Resource {arn} does not exist.") from error


OPERATIONS: Final[dict[str, Operation]] = {
    "ListTagsForResource": list_tags,
    "TagResource": tag,
    "UntagResource": untag,
}
