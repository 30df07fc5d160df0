"""The files of batch jobs: JSON Lines in, one `<input>.out` file for each, one line for each line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize.errors import InvalidInputError, PersonalizeError
from musicrec.local.personalize.s3_files import (
    GIGABYTE,
    Limits,
    read_files,
    split_location,
    write_file,
)
from musicrec.local.personalize.workers import JobFailedError
from musicrec.local.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

CHECK: Final = "_CHECK"
"""An object that the service leaves in the output folder to see whether it may write there."""


LIMITS: Final = Limits(size=GIGABYTE, files=1000)
"""Of the input of one job."""

MAX_RECORDS: Final = 50_000_000
"""Lines of one input file."""


def check_locations(params: dict[str, Any]) -> None:
    """Check where a job reads and writes.

    Raises:
        InvalidInputError: a location is none on S3, or the output is no folder or the input's.
    """
    given = params["jobInput"]["s3DataSource"]["path"]
    output = params["jobOutput"]["s3DataDestination"]["path"]
    _check_location("input", given)
    _check_location("output", output)
    if not output.endswith("/"):
        raise InvalidInputError(f"Invalid S3 output path. It must be a folder, not {output}.")
    if output == given:
        raise InvalidInputError(f"Invalid S3 output path. {output} is the input.")


def _check_location(which: str, path: str) -> None:
    try:
        split_location(path)
    except InvalidInputError as error:
        raise InvalidInputError(
            f"Invalid S3 {which} path. '{path}' must be s3://bucket/key."
        ) from error


def run(
    s3: S3Client,
    settings: dict[str, Any],
    answers: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    """Answer every line of the job's input.

    Args:
        s3: the client.
        settings: the job's.
        answers: for the lines of one file, what `answer_each` gives.

    Raises:
        JobFailedError: the input cannot be read or is no JSON Lines, or the output not written.
    """
    folder = settings["jobOutput"]["s3DataDestination"]["path"]
    files = read_files(
        s3, settings["jobInput"]["s3DataSource"]["path"], "", LIMITS, recursive=False
    )
    write_file(s3, folder + CHECK, b"{}\n")
    for file in files:
        if file.name.endswith("/"):
            continue  # the marker that consoles make for a folder
        lines = answers(_lines(file.name, file.content))
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        write_file(s3, f"{folder}{file.name.rpartition('/')[2]}.out", text.encode())


def answer_each(
    lines: list[dict[str, Any]], answer: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The output lines; a line that cannot be answered says why and stops nothing."""
    return [_answered(line, answer) for line in lines]


def _answered(
    line: dict[str, Any], answer: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    try:
        return {"input": line, "output": answer(line), "error": None}
    except PersonalizeError as error:
        return {"input": line, "output": None, "error": error.message}


def text_of(line: dict[str, Any], name: str) -> str:
    """A member of an input line that must be there.

    Raises:
        InvalidInputError: it is missing or no text.
    """
    value = line.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"The input line needs {name}, a text.")
    return value


def values_of(line: dict[str, Any]) -> dict[str, str]:
    """The line's `filterValues`; empty without any.

    Raises:
        InvalidInputError: they are no texts by name.
    """
    given = line.get("filterValues", {})
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise InvalidInputError("filterValues must be an object of texts.")
    return given


def _lines(name: str, content: bytes) -> list[dict[str, Any]]:
    found = []
    # Only a line feed ends a line: a text may hold other separators.
    for number, text in enumerate(content.decode("utf-8-sig", "replace").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            line = read_json(text)
        except ValueError as error:
            raise JobFailedError(f"Line {number} of {name} is not JSON: {error}.") from error
        if not isinstance(line, dict):
            raise JobFailedError(f"Line {number} of {name} must be a JSON object.")
        found.append(line)
    if len(found) > MAX_RECORDS:
        raise JobFailedError(f"{name} has {len(found)} records; a file may have {MAX_RECORDS}.")
    return found
