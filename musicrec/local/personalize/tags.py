"""Operations on the tags of any resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import InvalidInputError, TooManyTagsError
from musicrec.local.personalize.operation import MAX_TAGS, Operation, read_tags
from musicrec.local.personalize.resources import MetricAttribution, Resource, Schema

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region


def _taggable(region: Region, arn: str) -> Resource:
    """The resource of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
        InvalidInputError: it is of a kind without tags.
    """
    resource = region.find(arn)
    if isinstance(resource, Schema | MetricAttribution):
        raise InvalidInputError(f"Schemas and metric attributions have no tags; {arn} is one.")
    return resource


def tag(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`TagResource`; a known key gets the new value."""
    added = read_tags(params["tags"])
    with region.lock:
        resource = _taggable(region, params["resourceArn"])
        tags = resource.tags | added
        if len(tags) > MAX_TAGS:
            raise TooManyTagsError(
                f"A resource may carry {MAX_TAGS} tags; this would be {len(tags)}."
            )
        resource.tags = tags
    return {}


def untag(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`UntagResource`; unknown keys are no error."""
    with region.lock:
        resource = _taggable(region, params["resourceArn"])
        gone = set(params["tagKeys"])
        resource.tags = {key: value for key, value in resource.tags.items() if key not in gone}
    return {}


def list_tags(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`ListTagsForResource`."""
    tags = _taggable(region, params["resourceArn"]).tags
    return {"tags": [{"tagKey": key, "tagValue": value} for key, value in tags.items()]}


OPERATIONS: Final[dict[str, Operation]] = {
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": list_tags,
}
