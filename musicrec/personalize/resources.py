"""Create-or-get: resources found by name through every page of a listing, made when missing.

Names of Personalize resources are unique in an account and region, so a name is as good as an ARN
to find what an earlier run made, and running anything twice makes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient

Row = Mapping[str, Any]


class ResourceMismatchError(ValueError):
    """A resource of the wanted name exists, but is not what is wanted."""

    def __init__(self, what: str, has: object, wanted: object) -> None:
        super().__init__(
            f"{what} exists with {has}, wanted is {wanted}: choose another name, or take the old "
            "one down with musicrec.personalize.teardown"
        )


def listed(client: PersonalizeClient, operation: str, key: str, **filters: str) -> Iterator[Row]:
    """Every row of a listing, page after page.

    Args:
        client: Personalize.
        operation: e.g. `list_datasets`.
        key: of the rows in the answer, e.g. `datasets`.
        filters: arguments of the operation, e.g. `datasetGroupArn`.
    """
    paginator: Any = client.get_paginator(operation)  # type: ignore[call-overload]  # one overload an operation
    for page in paginator.paginate(**filters):
        yield from page[key]


def find(
    client: PersonalizeClient, operation: str, key: str, name: str, **filters: str
) -> Row | None:
    """The row of that name in a listing, or None."""
    rows = listed(client, operation, key, **filters)
    return next((row for row in rows if row["name"] == name), None)


def create_or_get(look_up: Callable[[], str | None], create: Callable[[], str]) -> str:
    """The ARN that `look_up` finds, or that `create` makes.

    Two runs at a time may both find nothing; the one that comes second finds what the first made.
    """
    found = look_up()
    if found:
        return found
    try:
        return create()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
        found = look_up()
        if not found:
            raise
        return found


def is_missing(error: ClientError) -> bool:
    """Whether the service says that the resource does not exist."""
    return error.response["Error"]["Code"] == "ResourceNotFoundException"
