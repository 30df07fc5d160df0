"""Reading and writing the items of the profile table; which and why is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from musicrec.processor import profile_item
from musicrec.processor.profile_item import MAIN_PART, StoredProfile
from musicrec.retry import is_retryable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_READ: Final = 100
"""What one BatchGetItem takes."""

ItemKey = tuple[str, str]
"""`user_id` and `part`."""

_MAIN_NAMES: Final = {"#u": "user_id", "#p": "part", "#s": "state", "#v": "version"}
_PAGE_NAMES: Final = {"#u": "user_id", "#p": "part", "#i": "ids"}


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
