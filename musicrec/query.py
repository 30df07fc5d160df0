"""Questions to the lake in SQL: what `musicrec query` asks of Athena, and what it cost."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import awswrangler as wr
import pandas as pd
from botocore.exceptions import ClientError
from msgspec import Struct
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import boto3

    from musicrec.deployment import Deployment

DOLLARS_PER_TERABYTE: Final = 5.0
"""Of scanned data in most regions; aws.amazon.com/athena/pricing wins."""

BILLED_AT_LEAST: Final = 10 * 10**6
"""Bytes that a query is billed for at least; statements that scan nothing cost nothing."""

_POLLING_S: Final = 0.25

_NEXT_STEPS: Final = {
    "COLUMN_NOT_FOUND": "see the columns with: musicrec query 'DESCRIBE {table}'",
    "TABLE_NOT_FOUND": "see the tables with: musicrec query 'SHOW TABLES'",
    "SCHEMA_NOT_FOUND": "see the databases with: musicrec query 'SHOW DATABASES'",
    "FUNCTION_NOT_FOUND": "Athena has the functions of Trino: https://trino.io/docs/current/functions.html",
    "EXPRESSION_NOT_AGGREGATE": "name it in GROUP BY, by its expression or its place (GROUP BY 1)",
    "TYPE_MISMATCH": "compare values of one type: CAST(x AS varchar)",
}


class QueryRefusedError(RuntimeError):
    """Athena did not answer a statement; the message has its reason and what to do next."""


class Form(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Answer(Struct, frozen=True, kw_only=True):
    """What Athena answered.

    Attributes:
        frame: the rows.
        scanned: bytes that were read.
        milliseconds: that the engine took.
    """

    frame: Any
    scanned: int
    milliseconds: int

    @property
    def dollars(self) -> float:
        """What it cost, before tax."""
        return dollars(self.scanned)

    def __str__(self) -> str:
        """The line for people, e.g. `12.3 MB scanned in 0.4 s, about $0.00006 on AWS`."""
        return (
            f"{self.scanned / 10**6:,.1f} MB scanned in {self.milliseconds / 1000:.1f} s, "
            f"about ${self.dollars:.5f} on AWS"
        )


def dollars(scanned: int) -> float:
    """What one query costs that reads so many bytes, in US dollars before tax.

    Athena bills by the terabyte, and ten megabytes at least once anything is read.
    """
    billed = max(scanned, BILLED_AT_LEAST) if scanned else 0
    return billed / 10**12 * DOLLARS_PER_TERABYTE


def ask(sql: str, where: Deployment, session: boto3.Session) -> Answer:
    """Run one statement in the stack's work group and database.

    Args:
        sql: any statement of Athena's.
        where: the stack.
        session: whose credentials and region to ask with.

    Raises:
        QueryRefusedError: the statement is wrong, or it failed.
    """
    try:
        query_id = wr.athena.start_query_execution(
            sql, database=where.database, workgroup=where.workgroup, boto3_session=session
        )
        execution = wr.athena.wait_query(
            query_id, boto3_session=session, athena_query_wait_polling_delay=_POLLING_S
        )
        frame = _frame(execution, session)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidRequestException":
            raise
        raise QueryRefusedError(_explained(error.response["Error"]["Message"], where)) from error
    except (wr.exceptions.QueryFailed, wr.exceptions.QueryCancelled) as error:
        raise QueryRefusedError(_explained(str(error), where)) from error
    statistics = execution["Statistics"]
    return Answer(
        frame=frame,
        scanned=statistics.get("DataScannedInBytes", 0),
        milliseconds=statistics.get("EngineExecutionTimeInMillis", 0),
    )


def dollars_at_most(
    where: Deployment, session: boto3.Session, days: tuple[str, str], queries: int
) -> float:
    """What some queries of the raw table cost at most: each reads all columns of all its days.

    Args:
        where: the stack.
        session: whose credentials and region to look with.
        days: the first and the last one, as `YYYY-MM-DD`.
        queries: how many.
    """
    sizes = wr.s3.size_objects(f"s3://{where.bucket}/raw/", boto3_session=session)
    read = sum(size or 0 for path, size in sizes.items() if days[0] <= _day(path) <= days[1])
    return queries * dollars(read)


def _day(path: str) -> str:
    """The day of a raw object; empty when it is in none."""
    return path.partition("/dt=")[2][:10]


def _frame(execution: dict[str, Any], session: boto3.Session) -> pd.DataFrame:
    """The rows of an execution that succeeded."""
    query_id = execution["QueryExecutionId"]
    if execution["StatementType"] == "DML" and execution["SubstatementType"] == "SELECT":
        frame: pd.DataFrame = wr.athena.get_query_results(query_id, boto3_session=session)
        return frame
    result = session.client("athena").get_query_results(QueryExecutionId=query_id)["ResultSet"]
    columns = [column["Name"] for column in result["ResultSetMetadata"]["ColumnInfo"]]
    lines = [_cells(row, len(columns)) for row in result["Rows"]]
    return pd.DataFrame(lines, columns=columns)


def _cells(row: Any, width: int) -> list[str]:
    """The cells of a row; Athena gives several of them as one text with tabs."""
    values = [value.get("VarCharValue", "") for value in row["Data"]]
    cells = values[0].split("\t") if len(values) == 1 else values
    return [cell.strip() for cell in (cells + [""] * width)[:width]]


def _explained(reason: str, where: Deployment) -> str:
    step = _NEXT_STEPS.get(reason.partition(":")[0])
    return f"{reason}\n{step.format(table=where.table)}" if step else reason


def rendered(frame: pd.DataFrame, form: Form) -> str | Table:
    """An answer as it is printed: text, or a table of rich's."""
    if form is Form.CSV:
        return frame.to_csv(index=False).rstrip("\n")
    if form is Form.JSON:
        text: str = frame.to_json(orient="records", date_format="iso", force_ascii=False)
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    table = Table(*(escape(str(name)) for name in frame.columns))
    for row in frame.itertuples(index=False, name=None):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    missing = pd.api.types.is_scalar(value) and pd.isna(value)  # type: ignore[call-overload]  # any scalar
    return "" if missing else escape(str(value))
