"""Reading and writing the items of the profile table; which and why is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from musicrec.processor import profile_item
from musicrec.processor.profile_item import MAIN_PART, StoredProfile, UnreadableProfileError
from musicrec.retry import is_retryable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_READ: Final = 100
"""What one BatchGetItem takes."""

ItemKey = tuple[str, str]
"""`user_id` and `part`."""

_MAIN_NAMES: Final = {"#u": "user_id", "#p": "part", "#s": "state", "#v": "version"}
_PAGE_NAMES: Final = {"#u": "user_id", "#p": "part", "#i": "ids"}


class WholeProfile(Struct, frozen=True, kw_only=True):
    """All that the table holds of one listener.

    Attributes:
        main: the main item; None when there is none or it cannot be read.
        version: of the main item, 0 without one; None when it cannot be read either.
        pages: ids of events by the `part` of their page.
        problem: why the main item cannot be read, or None.
    """

    main: StoredProfile | None = None
    version: int | None = 0
    pages: dict[str, frozenset[bytes]] = {}
    problem: str | None = None

    def ids(self) -> set[bytes]:
        """Ids of the events that the profile is known to have taken in."""
        newest = self.main.seen.times if self.main else {}
        return set(newest).union(*self.pages.values())


class ProfileTable:
    """One DynamoDB table of profiles; see `musicrec.processor.profile_item` for its items.

    Args:
        dynamodb: low-level client.
        name: of the table; its keys are `user_id` and `part`, both strings.
    """

    def __init__(self, dynamodb: DynamoDBClient, name: str) -> None:
        self._dynamodb, self._name = dynamodb, name

    def get(self, user_id: str) -> StoredProfile | None:
        """One main item; None before the listener's first event."""
        answer = self._dynamodb.get_item(
            TableName=self._name, Key=profile_item.key(user_id), ConsistentRead=True
        )
        return profile_item.from_item(answer["Item"]) if "Item" in answer else None

    def whole(self, user_id: str) -> WholeProfile:
        """Everything of one listener: 16 bytes for each event ever, so not for the hot path."""
        answers = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            ConsistentRead=True,
            KeyConditionExpression="user_id = :user",
            ExpressionAttributeValues={":user": {"S": user_id}},
        )
        items = {item["part"]["S"]: item for answer in answers for item in answer["Items"]}
        main: Any = items.pop(MAIN_PART, None)
        pages = {part: frozenset(item["ids"]["BS"]) for part, item in items.items()}
        if main is None:
            return WholeProfile(pages=pages)
        try:
            stored = profile_item.from_item(main)
        except UnreadableProfileError as error:
            return WholeProfile(version=_version(main), pages=pages, problem=str(error))
        return WholeProfile(main=stored, version=stored.version, pages=pages)

    def scan(self) -> Iterator[StoredProfile]:
        """All main items, in no order."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._name,
            ConsistentRead=True,
            ProjectionExpression=", ".join(_MAIN_NAMES),
            FilterExpression="#p = :main",
            ExpressionAttributeNames=_MAIN_NAMES,
            ExpressionAttributeValues={":main": {"S": MAIN_PART}},
        )
        for page in pages:
            yield from map(profile_item.from_item, page["Items"])

    def read_mains(self, user_ids: Sequence[str]) -> tuple[dict[str, dict[str, Any]], set[str]]:
        """Main items, undecoded.

        Returns:
            Those that exist, by listener, and the listeners whose item could not be read for now.
        """
        found, unread = self._read([(user_id, MAIN_PART) for user_id in user_ids], _MAIN_NAMES)
        mains = {user_id: item for (user_id, _), item in found.items()}
        return mains, {user_id for user_id, _ in unread}

    def read_pages(
        self, keys: Sequence[ItemKey]
    ) -> tuple[dict[ItemKey, frozenset[bytes]], set[str]]:
        """Ids of events on pages.

        Returns:
            Ids by page, and the listeners of whom some page could not be read for now.
        """
        found, unread = self._read(keys, _PAGE_NAMES)
        pages = {at: frozenset(item["ids"]["BS"]) for at, item in found.items()}
        return pages, {user_id for user_id, _ in unread}

    def write(self, stored: StoredProfile, pages: Mapping[str, list[bytes]]) -> None:
        """Write pages, then the main item on condition that nobody wrote it since it was read.

        Raises:
            ClientError: `ConditionalCheckFailedException` when somebody did, or another refusal.
        """
        user_id = stored.profile.user_id
        for part, ids in pages.items():
            self._dynamodb.update_item(
                TableName=self._name,
                Key=profile_item.key(user_id, part),
                UpdateExpression="ADD ids :ids",
                ExpressionAttributeValues={":ids": {"BS": ids}},
            )
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(user_id)"}
        if stored.version > 1:
            condition = {
                "ConditionExpression": "version = :read",
                "ExpressionAttributeValues": {":read": {"N": str(stored.version - 1)}},
            }
        self._dynamodb.put_item(
            TableName=self._name, Item=profile_item.to_item(stored), **condition
        )

    def _read(
        self, keys: Sequence[ItemKey], names: Mapping[str, str]
    ) -> tuple[dict[ItemKey, dict[str, Any]], set[ItemKey]]:
        found: dict[ItemKey, dict[str, Any]] = {}
        unread: set[ItemKey] = set()
        for start in range(0, len(keys), KEYS_PER_READ):
            chunk = keys[start : start + KEYS_PER_READ]
            try:
                answer = self._batch_get(chunk, names)
            except (BotoCoreError, ClientError) as error:
                if not is_retryable(error):
                    raise
                unread.update(chunk)
                continue
            found.update((_key_of(item), item) for item in answer["Responses"].get(self._name, ()))
            left = answer.get("UnprocessedKeys", {}).get(self._name, {})
            unread.update(_key_of(item) for item in left.get("Keys", ()))
        return found, unread

    def _batch_get(self, keys: Sequence[tuple[str, str]], names: Mapping[str, str]) -> Any:
        request: Any = {
            "Keys": [profile_item.key(user_id, part) for user_id, part in keys],
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": dict(names),
        }
        return self._dynamodb.batch_get_item(RequestItems={self._name: request})


def _key_of(item: Mapping[str, Any]) -> ItemKey:
    return item["user_id"]["S"], item["part"]["S"]


def _version(item: Mapping[str, Any]) -> int | None:
    number = item.get("version", {}).get("N", "")
    return int(number) if number.isdecimal() else None
