"""Calls by the operation's name, and the smallest request that an operation's model takes."""

from __future__ import annotations

from botocore import xform_name
from personalize_models import MODELS

PATHS = {
    "algorithmArn": ":::algorithm/none",
    "batchInferenceJobArn": "batch-inference-job/none",
    "batchSegmentJobArn": "batch-segment-job/none",
    "campaignArn": "campaign/none",
    "dataDeletionJobArn": "data-deletion-job/none",
    "datasetArn": "dataset/none/ITEMS",
    "datasetExportJobArn": "dataset-export-job/none",
    "datasetGroupArn": "dataset-group/none",
    "datasetImportJobArn": "dataset-import-job/none",
    "eventTrackerArn": "event-tracker/none",
    "featureTransformationArn": ":::feature-transformation/none",
    "filterArn": "filter/none",
    "metricAttributionArn": "metric-attribution/none",
    "recipeArn": ":::recipe/none",
    "recommenderArn": "recommender/none",
    "resourceArn": "dataset-group/none",
    "schemaArn": "schema/none",
    "solutionArn": "solution/none",
    "solutionVersionArn": "solution/none/00000000",
}
"""The last part of an ARN of nothing, by the member that takes it."""

TEXTS = {
    "schema": "{}",
    "datasetType": "Items",
    "filterExpression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
    "trackingId": "00000000-0000-0000-0000-000000000000",
    "expression": "SUM(Items.PRICE)",
}
"""Texts of members that letters alone do not fit."""


def call(target, name, /, **params):
    """Call an operation."""
    model = MODELS[name]
    service = model.service_model.service_name
    client = {"personalize": target.control, "personalize-events": target.events}
    return getattr(client.get(service, target.runtime), xform_name(name))(**params)


def nothing(target, group, member):
    """An ARN that leads to nothing, in the account and region of a dataset group's ARN."""
    path = PATHS[member]
    if path.startswith(":::"):
        return f"arn:aws:personalize{path}"
    prefix = group.rpartition(":")[0]
    return f"{prefix}:{path}".replace("none", target.name("none"))


def smallest(target, group, name):
    """The required members of a request, every ARN leading to nothing."""
    return _value(target, group, name, MODELS[name].input_shape)


def _value(target, group, member, shape):
    kind = shape.type_name
    if kind == "structure":
        return {key: _value(target, group, key, shape.members[key]) for key in _members(shape)}
    if kind == "list":
        return [_value(target, group, member, shape.member)]
    if kind == "string":
        return _text(target, group, member)
    return {"map": {}, "timestamp": 1_800_000_000}.get(kind, shape.metadata.get("min", 1))


def _text(target, group, member):
    if member in PATHS:
        return nothing(target, group, member)
    if member in {"path", "dataLocation"}:
        return target.folder("none")
    return (TEXTS | {"roleArn": target.role_arn}).get(member, target.name("none"))


def _members(shape):
    """The required members, and a campaign's ARN, which the runtime's model does not require."""
    needed = [*shape.required_members]
    return needed + [key for key in ("campaignArn", "dataLocation") if key in shape.members]


def pages(target, name, /, **params):
    """The entries of all pages, one a page, each page checked to have one at most."""
    found, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        answer = call(target, name, maxResults=1, **params, **more)
        (entries,) = [value for value in answer.values() if isinstance(value, list)]
        assert len(entries) <= 1
        found += entries
        token = answer.get("nextToken")
        if not token:
            return found
