"""Operations about queries: start, look, stop, read the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from musicrec.local.athena.errors import InvalidRequestError, NotEmulatedError
from musicrec.local.athena.executions import FAILED, SUCCEEDED
from musicrec.local.athena.objects import split_uri
from musicrec.local.athena.paging import page
from musicrec.local.athena.results import Row, read_csv, shown
from musicrec.local.athena.statements import Select, parse
from musicrec.local.athena.work_groups import PRIMARY

if TYPE_CHECKING:
    from musicrec.local.athena.executions import Execution
    from musicrec.local.athena.service import Operation, Service

_RESULTS_PAGE: Final = 1000
_IDS_PAGE: Final = 50


def start(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Take a statement."""
    earlier = service.executions.repeated(params)
    if earlier is not None:
        return {"QueryExecutionId": earlier.id}
    group = service.work_groups.get(params.get("WorkGroup", PRIMARY))
    if group.state != "ENABLED":
        raise InvalidRequestError(f"WorkGroup {group.name} is disabled.")
    _refuse(params)
    location = group.location(params.get("ResultConfiguration", {}).get("OutputLocation"))
    _require_bucket(service, location)
    statement = parse(params["QueryString"], params.get("ExecutionParameters", ()))
    execution = service.executions.start(
        statement,
        params,
        engine=service.engine,
        workgroup=group.name,
        location=location,
        enforced=group.enforced,
        cutoff=group.cutoff,
    )
    return {"QueryExecutionId": execution.id}


def _require_bucket(service: Service, location: str) -> None:
    """Check, as Athena does first of all, that the caller can see the bucket of the results."""
    bucket = split_uri(location)[0]
    try:
        service.engine.store.s3.get_bucket_location(Bucket=bucket)
    except ClientError as error:
        raise InvalidRequestError(f"Unable to verify/create output bucket {bucket}") from error


def _refuse(params: dict[str, Any]) -> None:
    reuse = params.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
    if reuse.get("Enabled"):
        raise NotEmulatedError("the reuse of results")
    catalog = params.get("QueryExecutionContext", {}).get("Catalog")
    if catalog is not None and catalog.lower() != "awsdatacatalog":
        raise InvalidRequestError(f"Catalog {catalog} does not exist; there is AwsDataCatalog")


def get(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show an execution; one that is about to end is waited for, within the service's patience."""
    execution = service.executions.get(params["QueryExecutionId"])
    execution.finished.wait(service.patience)
    return {"QueryExecution": execution.view()}


def batch_get(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show several executions."""
    found, missing = [], []
    for query_id in params["QueryExecutionIds"]:
        try:
            found.append(service.executions.get(query_id).view())
        except InvalidRequestError as error:
            missing.append(
                {
                    "QueryExecutionId": query_id,
                    "ErrorCode": "INVALID_INPUT",
                    "ErrorMessage": error.message,
                }
            )
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}


def list_ids(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """List a work group's executions, the newest first."""
    group = service.work_groups.get(params.get("WorkGroup", PRIMARY))
    ids = [execution.id for execution in service.executions.all(group.name)]
    size = params.get("MaxResults", _IDS_PAGE)
    part, token = page(ids, size, params.get("NextToken"), f"executions of {group.name}")
    return {"QueryExecutionIds": part, "NextToken": token}


def stop(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """End an execution."""
    service.executions.stop(params["QueryExecutionId"])
    return {}


def statistics(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Show what an execution took."""
    execution = service.executions.get(params["QueryExecutionId"])
    counted = execution.statistics()
    written = execution.outcome.update_count if execution.outcome else 0
    return {
        "QueryRuntimeStatistics": {
            "Timeline": {name: value for name, value in counted.items() if name.endswith("Millis")},
            "Rows": {"InputBytes": counted["DataScannedInBytes"], "OutputRows": written},
        }
    }


def results(service: Service, params: dict[str, Any]) -> dict[str, Any]:
    """Read a page of the results; the first row of a query's names the columns."""
    execution = service.executions.get(params["QueryExecutionId"])
    if params.get("QueryResultType", "DATA_ROWS") != "DATA_ROWS":
        raise NotEmulatedError("results of the type DATA_MANIFEST; read the file at the location")
    outcome = execution.outcome
    if execution.state != SUCCEEDED or outcome is None:
        raise InvalidRequestError(_not_ready(execution))
    size = params.get("MaxResults", _RESULTS_PAGE)
    token = params.get("NextToken")
    rows: list[Row] = [[column.name for column in outcome.columns]]
    header_only = token is None and size == 1  # as awswrangler asks for the types
    if not isinstance(execution.statement, Select):
        rows = list(outcome.rows)
    elif not header_only:
        rows = read_csv(service.engine.store.read(outcome.output), len(outcome.columns))
    part, following = page(rows, size, token, f"results of {execution.id}")
    return {
        "UpdateCount": outcome.update_count,
        "ResultSet": {
            "Rows": list(shown(part)),
            "ResultSetMetadata": {"ColumnInfo": [column.info() for column in outcome.columns]},
        },
        "NextToken": following,
    }


def _not_ready(execution: Execution) -> str:
    if execution.state == FAILED:
        return f"Query did not finish successfully. Final query state: {FAILED}"
    return f"Query has not yet finished. Current state: {execution.state}"


OPERATIONS: Final[dict[str, Operation]] = {
    "BatchGetQueryExecution": batch_get,
    "GetQueryExecution": get,
    "GetQueryResults": results,
    "GetQueryRuntimeStatistics": statistics,
    "ListQueryExecutions": list_ids,
    "StartQueryExecution": start,
    "StopQueryExecution": stop,
}
