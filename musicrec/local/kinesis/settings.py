"""The operations on what hangs on a stream: tags, monitoring, encryption, policies, consumers.

All of it is kept and given back; none of it changes how the stream works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from musicrec.local.kinesis.errors import (
    InvalidArgumentError,
    ResourceInUseError,
    ResourceNotFoundError,
)

if TYPE_CHECKING:
    from musicrec.local.kinesis.region import Call
    from musicrec.local.kinesis.stream import Stream

MAX_TAGS: Final = 50
"""Tags of a stream (API reference of AddTagsToStream)."""


def add_tags_to_stream(call: Call) -> None:
    """Add tags, or change their values."""
    _add_tags(call.stream, call.params["Tags"])


def tag_resource(call: Call) -> None:
    """Add tags, or change their values."""
    _add_tags(_resource(call), call.params["Tags"])


def _add_tags(stream: Stream, tags: dict[str, str]) -> None:
    """Set tags.

    Raises:
        InvalidArgumentError: there would be more than a stream may have.
    """
    if len(stream.tags | tags) > MAX_TAGS:
        raise InvalidArgumentError(
            f"Failed to add tags to stream {stream.name} under account {stream.account} because a "
            f"given stream cannot have more than {MAX_TAGS} tags associated with it."
        )
    stream.tags.update(tags)


def remove_tags_from_stream(call: Call) -> None:
    """Take tags away."""
    _remove_tags(call.stream, call.params["TagKeys"])


def untag_resource(call: Call) -> None:
    """Take tags away."""
    _remove_tags(_resource(call), call.params["TagKeys"])


def _remove_tags(stream: Stream, keys: list[str]) -> None:
    for key in keys:
        stream.tags.pop(key, None)


def list_tags_for_stream(call: Call) -> dict[str, Any]:
    """A page of the tags, by key."""
    after = call.params.get("ExclusiveStartTagKey", "")
    found = [tag for tag in _tags(call.stream) if tag["Key"] > after]
    page = found[: call.params.get("Limit", MAX_TAGS)]
    return {"Tags": page, "HasMoreTags": len(found) > len(page)}


def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """All tags."""
    return {"Tags": _tags(_resource(call))}


def _tags(stream: Stream) -> list[dict[str, str]]:
    return [{"Key": key, "Value": stream.tags[key]} for key in sorted(stream.tags)]


def enable_enhanced_monitoring(call: Call) -> dict[str, Any]:
    """Keep further shard metrics."""
    metrics = call.stream.metrics
    return _monitor(call.stream, sorted({*metrics, *call.params["ShardLevelMetrics"]}))


def disable_enhanced_monitoring(call: Call) -> dict[str, Any]:
    """Keep fewer shard metrics."""
    named = call.params["ShardLevelMetrics"]
    kept = [name for name in call.stream.metrics if name not in named and "ALL" not in named]
    return _monitor(call.stream, kept)


def _monitor(stream: Stream, metrics: list[str]) -> dict[str, Any]:
    before, stream.metrics = stream.metrics, metrics
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardLevelMetrics": before,
        "DesiredShardLevelMetrics": metrics,
    }


def start_stream_encryption(call: Call) -> None:
    """Say that records are encrypted; they are kept as they are."""
    call.stream.key_id = call.params["KeyId"]


def stop_stream_encryption(call: Call) -> None:
    """Say that records are not encrypted."""
    call.stream.key_id = None


def put_resource_policy(call: Call) -> None:
    """Keep a policy; it is not enforced."""
    _resource(call).policy = call.params["Policy"]


def get_resource_policy(call: Call) -> dict[str, Any]:
    """The policy, an empty document without one."""
    return {"Policy": _resource(call).policy or "{}"}


def delete_resource_policy(call: Call) -> None:
    """Forget the policy.

    Raises:
        ResourceNotFoundError: there is none.
    """
    stream = _resource(call)
    if stream.policy is None:
        raise ResourceNotFoundError(
            f"No resource policy found for resource ARN {call.params['ResourceARN']}."
        )
    stream.policy = None


def _resource(call: Call) -> Stream:
    return call.region.by_arn(call.params["ResourceARN"], call.now_ms)


def register_stream_consumer(call: Call) -> dict[str, Any]:
    """Register a consumer.

    Raises:
        ResourceInUseError: the stream has one of that name.
    """
    stream, name = call.stream, call.params["ConsumerName"]
    if name in stream.consumers:
        raise ResourceInUseError(
            f"Consumer {name} under stream {stream.name} already exists for account "
            f"{stream.account}."
        )
    stream.consumers[name] = call.now_ms
    return {"Consumer": _consumer(stream, name)}


def list_stream_consumers(call: Call) -> dict[str, Any]:
    """A page of the consumers, by name."""
    stream = call.stream
    after = call.params.get("NextToken", "")
    found = [name for name in sorted(stream.consumers) if name > after]
    page = found[: call.params.get("MaxResults", 100)]
    return {
        "Consumers": [_consumer(stream, name) for name in page],
        "NextToken": page[-1] if len(found) > len(page) else None,
    }


def describe_stream_consumer(call: Call) -> dict[str, Any]:
    """One consumer, by ARN or by stream and name."""
    stream, name = _find_consumer(call)
    return {"ConsumerDescription": _consumer(stream, name) | {"StreamARN": stream.arn}}


def deregister_stream_consumer(call: Call) -> None:
    """Forget a consumer."""
    stream, name = _find_consumer(call)
    del stream.consumers[name]


def _find_consumer(call: Call) -> tuple[Stream, str]:
    """The stream and name of a consumer.

    Raises:
        ResourceNotFoundError: there is no such consumer.
    """
    arn, name = call.params.get("ConsumerARN"), call.params.get("ConsumerName", "")
    for stream in call.region.streams(call.now_ms):
        if arn is None and call.params.get("StreamARN") != stream.arn:
            continue
        for known in stream.consumers:
            if known == name or _consumer(stream, known)["ConsumerARN"] == arn:
                return stream, known
    raise ResourceNotFoundError(f"Consumer {arn or name}, account {call.region.account} not found.")


def _consumer(stream: Stream, name: str) -> dict[str, Any]:
    created = stream.consumers[name]
    return {
        "ConsumerName": name,
        "ConsumerARN": f"{stream.arn}/consumer/{name}:{created // 1000}",
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": created / 1000,
    }
