"""Batch inference jobs: recommendations or rankings for every line of a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from musicrec.local.personalize import (
    batch_files,
    exploration,
    recipes,
    request_filter,
    runtime,
)
from musicrec.local.personalize.auto_update import with_new_items
from musicrec.local.personalize.errors import InvalidInputError, NotEmulatedError
from musicrec.local.personalize.history import of_request
from musicrec.local.personalize.operation import Operation, common, describe, listing
from musicrec.local.personalize.quotas import check_running
from musicrec.local.personalize.resources import BatchInferenceJob, SolutionVersion
from musicrec.local.personalize.scoring import all_scores

if TYPE_CHECKING:
    from musicrec.local.personalize.region import Region
    from musicrec.local.personalize.training import Trained

_DEFAULTS: Final[dict[str, Any]] = {
    "numResults": runtime.DEFAULT_RESULTS,
    "batchInferenceJobMode": "BATCH_INFERENCE",
}


def create(region: Region, params: dict[str, Any]) -> dict[str, Any]:
    """`CreateBatchInferenceJob`."""
    if (
        params.get("batchInferenceJobMode") == "THEME_GENERATION"
        or "themeGenerationConfig" in params
    ):
        raise NotEmulatedError("themes of batch inference")
    if params.get("batchInferenceJobConfig", {}).get("rankingInfluence"):
        raise NotEmulatedError("rankingInfluence")
    settings = _DEFAULTS | params
    if not 1 <= settings["numResults"] <= runtime.MAX_RESULTS:
        raise InvalidInputError(
            f"numResults must be 1 to {runtime.MAX_RESULTS}, not {settings['numResults']}."
        )
    batch_files.check_locations(params)
    version = region.get_active(SolutionVersion, params["solutionVersionArn"])
    recipe = version.solution.recipe
    if not recipe.inference:
        raise InvalidInputError(f"The recipe {recipe.name} does not support batch inference.")
    exploration.check(recipe, params.get("batchInferenceJobConfig", {}))
    if "filterArn" in params:
        request_filter.fitting(region, version, params["filterArn"], "ITEMID")
    with region.lock:
        check_running(BatchInferenceJob, region.all(BatchInferenceJob))
        arn = region.arn(f"batch-inference-job/{params['jobName']}")
        job = region.add(BatchInferenceJob(**common(region, arn, settings), version=version))
    region.workers.start(region, job, partial(_infer, region, job))
    return {"batchInferenceJobArn": arn}


def _infer(region: Region, job: BatchInferenceJob) -> None:
    answer = partial(_answer, region, job, with_new_items(region, job.version))
    batch_files.run(
        region.s3(job.settings["roleArn"]),
        job.settings,
        lambda lines: batch_files.answer_each(lines, answer),
    )


def _answer(
    region: Region, job: BatchInferenceJob, trained: Trained, line: dict[str, Any]
) -> dict[str, Any]:
    params: dict[str, Any] = {name: line[name] for name in ("userId", "itemId") if name in line}
    for name in params:
        batch_files.text_of(line, name)
    if "filterArn" in job.settings:
        params["filterArn"] = job.settings["filterArn"]
    values = batch_files.values_of(line)
    if values:
        params["filterValues"] = values
    if job.version.solution.recipe.kind == recipes.PERSONALIZED_RANKING:
        return _ranked(region, job, trained, line, params)
    return _recommended(region, job, trained, params)


def _ranked(
    region: Region,
    job: BatchInferenceJob,
    trained: Trained,
    line: dict[str, Any],
    params: dict[str, Any],
) -> dict[str, Any]:
    """Items that the model does not know come last, with a score of 0."""
    wanted = line.get("itemList")
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise InvalidInputError("The input line needs itemList, a list of texts.")
    asked = params | {"userId": batch_files.text_of(line, "userId"), "inputList": wanted}
    items = runtime.ranking(region, job.version, trained, asked)
    return {
        "recommendedItems": [item["itemId"] for item in items],
        "scores": [item.get("score", 0.0) for item in items],
    }


def _recommended(
    region: Region, job: BatchInferenceJob, trained: Trained, params: dict[str, Any]
) -> dict[str, Any]:
    """Popular items that fill up have a score of 0."""
    version = job.version
    history = of_request(version, trained, params)
    scores = all_scores(version, trained, params, history, region.clock())
    listed = runtime.recommended(
        region,
        version,
        trained,
        params,
        history,
        scores=scores,
        count=job.settings["numResults"],
        config=job.settings.get("batchInferenceJobConfig", {}),
    )
    items = runtime.entries(trained, listed, scores if version.solution.recipe.scored else None)
    found = {"recommendedItems": [item["itemId"] for item in items]}
    if version.solution.recipe.scored:
        found["scores"] = [item["score"] or 0.0 for item in items]
    return found


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateBatchInferenceJob": create,
    "DescribeBatchInferenceJob": describe(BatchInferenceJob, "batchInferenceJob"),
    "ListBatchInferenceJobs": listing(
        BatchInferenceJob, "batchInferenceJobs", "solutionVersionArn", SolutionVersion
    ),
}
