"""Names of the delivered objects: prefix expressions, and what Firehose puts after them."""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Final

from musicrec.local.firehose.configuration import Configuration

_EXPRESSION: Final = re.compile(r"!\{(?P<namespace>\w+):(?P<value>[^}]+)\}")
_TOKEN: Final = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)")
_FORMATS: Final = {
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "DDD": "%j",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}
_DEFAULT_TIME: Final = "%Y/%m/%d/%H/"
_RANDOM_LENGTH: Final = 11


class PrefixError(ValueError):
    """A prefix expression that Firehose does not know, or without a value."""


def delivered_key(
    configuration: Configuration, arrival: datetime, partition: Mapping[str, str], random: Random
) -> str:
    """The key of an object of delivered records.

    Args:
        configuration: of the delivery stream.
        arrival: when the object's oldest record arrived.
        partition: dynamic partition keys of its records.
        random: makes the name unique.

    Raises:
        PrefixError: the prefix uses an unknown expression or partition key.
    """
    prefix = _evaluate(configuration.prefix, arrival, partition, random)
    extension = ".parquet" if configuration.catalog_table else ".gz" if configuration.gzip else ""
    return prefix + _object_name(configuration, arrival, random) + extension


def error_key(
    configuration: Configuration, arrival: datetime, error_type: str, random: Random
) -> str:
    """The key of an object of failed records, e.g. of the type `format-conversion-failed`."""
    prefix = configuration.error_prefix or "!{firehose:error-output-type}/"
    known = prefix.replace("!{firehose:error-output-type}", error_type)
    return _evaluate(known, arrival, {}, random) + _object_name(configuration, arrival, random)


def _object_name(configuration: Configuration, arrival: datetime, random: Random) -> str:
    moment = arrival.astimezone(UTC).strftime("%Y-%m-%d-%H-%M-%S")
    unique = uuid.UUID(int=random.getrandbits(128), version=4)
    return f"{configuration.name}-{configuration.version}-{moment}-{unique}"


def _evaluate(prefix: str, arrival: datetime, partition: Mapping[str, str], random: Random) -> str:
    """Fill in a prefix; one without any expression gets the arrival hour appended."""
    moment = arrival.astimezone(UTC)
    if not _EXPRESSION.search(prefix):
        return prefix + moment.strftime(_DEFAULT_TIME)

    def value(match: re.Match[str]) -> str:
        namespace, name = match["namespace"], match["value"]
        if namespace == "timestamp":
            return _java_time(name, moment)
        if namespace == "partitionKeyFromQuery" and name in partition:
            return partition[name]
        if namespace == "firehose" and name == "random-string":
            return "".join(random.choices(string.ascii_letters + string.digits, k=_RANDOM_LENGTH))
        raise PrefixError(
            f"prefix expression {match[0]} has no value: partition keys are {sorted(partition)}"
        )

    return _EXPRESSION.sub(value, prefix)


def _java_time(pattern: str, moment: datetime) -> str:
    """Format by a pattern of Java's DateTimeFormatter, in UTC."""
    parts = []
    for token in _TOKEN.finditer(pattern):
        letters = token["letters"]
        if letters is None:
            parts.append(token["quoted"] if token["quoted"] is not None else token["other"])
        elif letters in _FORMATS:
            parts.append(moment.strftime(_FORMATS[letters]))
        else:
            raise PrefixError(f"timestamp pattern {pattern!r}: {letters!r} is not supported")
    return "".join(parts)
