"""What tests do with the embedded Athena: make tables, run statements, read answers."""

import io
import itertools
import time
from dataclasses import dataclass, field

import awswrangler as wr
import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from musicrec.local.athena.formats import PARQUET

BUCKET = "lake"
DATABASE = "tunes"
RESULTS = f"s3://{BUCKET}/results/"
EVERY_DAY = {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": "2020-01-01,NOW+1DAYS",
}


@dataclass
class Answer:
    """What became of a statement."""

    execution: dict
    columns: list = field(default_factory=list)
    rows: list = field(default_factory=list)

    @property
    def state(self):
        return self.execution["Status"]["State"]

    @property
    def reason(self):
        return self.execution["Status"].get("StateChangeReason", "")

    @property
    def scanned(self):
        return self.execution["Statistics"]["DataScannedInBytes"]

    @property
    def value(self):
        """The one value of a query with one column and one row."""
        (row,) = self.rows
        (value,) = row
        return value


class AthenaWorld:
    """The clients of one server, and shortcuts."""

    def __init__(self, server):
        self.server = server
        self.session = boto3.Session()
        self.s3 = self.session.client("s3")
        self.glue = self.session.client("glue")
        self.athena = self.session.client("athena")
        self.s3.create_bucket(Bucket=BUCKET)
        self.glue.create_database(DatabaseInput={"Name": DATABASE})
        self._numbers = itertools.count(1)

    def fresh(self, prefix="t"):
        """A name that nothing has yet."""
        return f"{prefix}{next(self._numbers)}"

    def put(self, key, table, **settings):
        """Store an Arrow table as a Parquet object; returns its size in bytes."""
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue(), **settings)
        return len(buffer.getvalue())

    def table(self, columns, *, name=None, keys=(), parameters=(), serde=PARQUET, **settings):
        """Make a Glue table over `s3://lake/<name>/`; returns its name."""
        name = name or self.fresh()
        self.glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE", **dict(parameters)},
                "PartitionKeys": [{"Name": key, "Type": kind} for key, kind in keys],
                "StorageDescriptor": {
                    "Columns": [{"Name": key, "Type": kind} for key, kind in columns.items()],
                    "Location": f"s3://{BUCKET}/{name}/",
                    "SerdeInfo": {"SerializationLibrary": serde, "Parameters": settings},
                },
            },
        )
        return name

    def days(self, days):
        """A table partitioned by projected days; `days` has each day's numbers."""
        name = self.table(
            {"n": "bigint", "word": "string"}, keys=[("dt", "string")], parameters=EVERY_DAY
        )
        for day, numbers in days.items():
            words = [f"w{number}" for number in numbers]
            self.put(f"{name}/dt={day}/part-0", pa.table({"n": numbers, "word": words}))
        return name

    def run(self, sql, **settings):
        """Run a statement to its end."""
        started = self.athena.start_query_execution(
            QueryString=sql,
            **{
                "QueryExecutionContext": {"Database": DATABASE},
                "ResultConfiguration": {"OutputLocation": RESULTS},
                **settings,
            },
        )["QueryExecutionId"]
        return self.ended(started)

    def ended(self, query_id):
        """Wait for an execution; its result when it has one."""
        running, deadline = True, time.monotonic() + 60
        while running and time.monotonic() < deadline:
            execution = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            running = execution["Status"]["State"] in {"QUEUED", "RUNNING"}
        if execution["Status"]["State"] != "SUCCEEDED":
            return Answer(execution)
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        pages = list(pages)
        columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        rows = [
            [value.get("VarCharValue") for value in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]
        is_query = execution["SubstatementType"] == "SELECT"
        return Answer(execution, columns, rows[1:] if is_query else rows)

    def rows(self, sql, **settings):
        """The rows of a query that has to succeed."""
        answer = self.run(sql, **settings)
        assert answer.state == "SUCCEEDED", answer.reason
        return answer.rows

    def read(self, sql, **settings):
        """A data frame through awswrangler."""
        return wr.athena.read_sql_query(
            sql, database=DATABASE, boto3_session=self.session, **{"s3_output": RESULTS, **settings}
        )

    def keys(self, prefix):
        """The keys of the objects below a prefix."""
        answer = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", [])]
