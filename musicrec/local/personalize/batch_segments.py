"""Batch segment jobs: for every line of a file, the users most drawn to an item or to attributes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from musicrec.local.personalize import batch_files, recipes, request_filter
from musicrec.local.personalize.affinity import affinities, items_with
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.item_metadata import columns_of
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.ranking import best
from musicrec.local.personalize.resources import BatchSegmentJob, SolutionVersion
from musicrec.local.personalize.workers import JobFailedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.local.personalize.region import Region

DEFAULT_USERS: Final = 25
MAX_USERS: Final = 5_000_000
MAX_QUERIES: Final = {"aws-item-affinity": 500, "aws-item-attribute-affinity": 10}
"""Lines that one file may have, by recipe."""


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateBatchSegmentJob`."""
    settings = {"numResults": DEFAULT_USERS} | params
    if not 1 <= settings["numResults"] <= MAX_USERS:
        raise InvalidInputError(
            f"numResults must be 1 to {MAX_USERS}, not {settings['numResults']}."
        )
    batch_files.check_locations(params)
    version = region.get_active(SolutionVersion, params["solutionVersionArn"])
    recipe = version.solution.recipe
    if recipe.kind != recipes.USER_SEGMENTATION:
        raise InvalidInputError(f"The recipe {recipe.name} does not segment users.")
    if "filterArn" in params:
        request_filter.fitting(region, version, params["filterArn"], "USERID")
    with region.lock:
        check_running(BatchSegmentJob, region.all(BatchSegmentJob))
        arn = region.arn(f"batch-segment-job/{params['jobName']}")
        job = region.add(BatchSegmentJob(**common(region, arn, settings), version=version))
    region.workers.start(region, job, partial(_segment, region, job))
    return {"batchSegmentJobArn": arn}


def _segment(region: Region, job: BatchSegmentJob) -> None:
    s3 = region.s3(job.settings["roleArn"])
    batch_files.run(s3, job.settings, partial(_answers, region, job))


def _answers(
    region: Region, job: BatchSegmentJob, lines: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The output lines of one file: users are scored once for all of its lines."""
    most = MAX_QUERIES[job.version.solution.recipe.name]
    if len(lines) > most:
        raise JobFailedError(f"An input file may have {most} lines; this one has {len(lines)}.")
    read = batch_files.answer_each(lines, partial(_target, region, job))
    targets = [line["output"]["items"] for line in read if line["output"]]
    trained = job.version.trained
    assert trained  # a job is made of an ACTIVE version only
    scores = affinities(job.version, trained, targets)
    found, column = [], 0
    for line in read:
        if line["output"] is None:
            found.append(line)
            continue
        users = partial(_users, region, job, scores[:, column])
        found += batch_files.answer_each([line["input"]], users)
        column += 1
    return found


def _target(region: Region, job: BatchSegmentJob, line: dict[str, Any]) -> dict[str, Any]:
    """The items that a line asks about."""
    trained = job.version.trained
    assert trained  # a job is made of an ACTIVE version only
    if job.version.solution.recipe.name == "aws-item-affinity":
        item = batch_files.text_of(line, "itemId")
        if item not in trained.item_index:
            raise InvalidInputError(f"The item {item} was not in the datasets at training.")
        return {"items": np.array([trained.item_index[item]])}
    expression = batch_files.text_of(line, "itemAttributes")
    return {"items": items_with(columns_of(region, job.version, trained), expression)}


def _users(
    region: Region, job: BatchSegmentJob, scores: NDArray[np.float32], line: dict[str, Any]
) -> dict[str, Any]:
    trained = job.version.trained
    assert trained  # a job is made of an ACTIVE version only
    params: dict[str, Any] = {"filterValues": batch_files.values_of(line)}
    if "filterArn" in job.settings:
        params["filterArn"] = job.settings["filterArn"]
    allowed = request_filter.allowed_users(region, job.version, trained, params)
    ranked = scores if allowed is None else np.where(allowed, scores, np.float32(-np.inf))
    codes = best(ranked, job.settings["numResults"])
    return {"usersList": [trained.seen.user_ids[code] for code in codes]}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateBatchSegmentJob": create,
    "DescribeBatchSegmentJob": describe(BatchSegmentJob, "batchSegmentJob"),
    "ListBatchSegmentJobs": listing(
        BatchSegmentJob, "batchSegmentJobs", "solutionVersionArn", SolutionVersion
    ),
}
