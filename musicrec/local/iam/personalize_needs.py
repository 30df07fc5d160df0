"""What a request to Personalize asks for.

Source: Service Authorization Reference. It leaves out the filter of a request for recommendations,
which policies of AWS's own samples name beside the campaign; asking for both is right either way. Of
PutEvents the Developer Guide says too that its statement must name all resources.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from musicrec.local.iam.policies import ANY, Ask

if TYPE_CHECKING:
    from musicrec.local.iam.calls import Call

_SERVICE: Final = "personalize.amazonaws.com"

_MADE: Final = {
    "CreateBatchInferenceJob": "batch-inference-job/{jobName}",
    "CreateBatchSegmentJob": "batch-segment-job/{jobName}",
    "CreateCampaign": "campaign/{name}",
    "CreateDataDeletionJob": "data-deletion-job/{jobName}",
    "CreateDatasetExportJob": "dataset-export-job/{jobName}",
    "CreateDatasetGroup": "dataset-group/{name}",
    "CreateDatasetImportJob": "dataset-import-job/{jobName}",
    "CreateEventTracker": "event-tracker/{name}",
    "CreateFilter": "filter/{name}",
    "CreateMetricAttribution": "metric-attribution/{name}",
    "CreateRecommender": "recommender/{name}",
    "CreateSchema": "schema/{name}",
    "CreateSolution": "solution/{name}",
}
"""The resource that an operation makes, by members of its request."""

_ALSO: Final = {
    "CreateBatchInferenceJob": "solutionVersionArn",
    "CreateCampaign": "solutionVersionArn",
    "CreateDataDeletionJob": "datasetGroupArn",
    "CreateDataset": "datasetGroupArn",
    "CreateDatasetExportJob": "datasetArn",
    "CreateDatasetImportJob": "datasetArn",
    "CreateEventTracker": "datasetGroupArn",
    "CreateFilter": "datasetGroupArn",
    "CreateMetricAttribution": "datasetGroupArn",
    "CreateRecommender": "datasetGroupArn",
    "CreateSolution": "datasetGroupArn",
    "CreateSolutionVersion": "solutionArn",
    "GetSolutionMetrics": "solutionVersionArn",
    "ListTagsForResource": "resourceArn",
    "PutActions": "datasetArn",
    "PutItems": "datasetArn",
    "PutUsers": "datasetArn",
    "StopSolutionVersionCreation": "solutionVersionArn",
    "TagResource": "resourceArn",
    "UntagResource": "resourceArn",
}
"""The member that names a resource which is there, where the operation's name does not say so."""

_ANSWERS: Final = frozenset(
    {"GetActionRecommendations", "GetPersonalizedRanking", "GetRecommendations"}
)
_ON_ONE: Final = re.compile(r"(?:Delete|Describe|Start|Stop|Update)(\w+)")
_VERSION: Final = re.compile(r"(:solution/[^/]+)/[^/]+$")


def needs(call: Call, account_id: str) -> list[Ask]:
    """What a request asks for: every one of them must be allowed."""
    arns = _resources(call, f"arn:aws:personalize:{call.region}:{account_id}:")
    action = f"personalize:{call.operation}"
    return [Ask(action, arn) for arn in arns or [ANY]] + _passed_role(call)


def _resources(call: Call, prefix: str) -> list[str]:
    if call.operation in _ANSWERS:
        return _asked(call)
    found = [prefix + made for made in _made(call)]
    one = _ON_ONE.fullmatch(call.operation)
    named = _ALSO.get(call.operation) or (one and f"{one[1][0].lower()}{one[1][1:]}Arn")
    there = call.params.text(named) if named else ""
    if there:
        found.append(_VERSION.sub(r"\1", there))  # versions have the rights of their solution
    return found


def _made(call: Call) -> list[str]:
    if call.operation == "CreateDataset":
        group = call.params.text("datasetGroupArn").rpartition("/")[2]
        return [f"dataset/{group}/{call.params.text('datasetType').upper()}"]
    template = _MADE.get(call.operation)
    if template is None:
        return []
    return [template.format(name=call.params.text("name"), jobName=call.params.text("jobName"))]


def _asked(call: Call) -> list[str]:
    """Campaign or recommender, and the filters, of a request for recommendations."""
    names = [call.params.text(name) for name in ("campaignArn", "recommenderArn", "filterArn")]
    names += [str(one.get("filterArn") or "") for one in call.params.mappings("promotions")]
    return [name for name in names if name]


def _passed_role(call: Call) -> list[Ask]:
    output = call.params.mapping("metricsOutputConfig")
    role = call.params.text("roleArn") or str(output.get("roleArn") or "")
    context = (("iam:passedtoservice", _SERVICE),)
    return [Ask("iam:PassRole", role, context)] if role else []
