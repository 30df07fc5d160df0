"""Athena's API: executions, results, work groups and the catalogue, through boto3."""

import io
import time
import uuid

import pytest
from athena_world import BUCKET, DATABASE, RESULTS
from botocore.exceptions import ClientError

from musicrec.local.athena.app import OPERATIONS
from musicrec.local.service_models import service_model

pytestmark = pytest.mark.slow

LONG = "SELECT count(*) FROM UNNEST(sequence(1, 300000)) AS a(x), UNNEST(sequence(1, 300000)) AS b(y) WHERE x * y % 7 = 3"


@pytest.fixture
def group(world):
    """The name of a work group that a test makes; gone afterwards."""
    name = world.fresh("group")
    yield name
    try:
        world.athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    except world.athena.exceptions.InvalidRequestException:
        return  # the test has deleted it


class TestExecutions:
    def test_shows_what_became_of_a_query(self, world):
        """State, times, statistics, location and context are all there."""
        execution = world.run("SELECT 1 AS one").execution
        assert execution["Status"]["State"] == "SUCCEEDED"
        assert (
            execution["Status"]["SubmissionDateTime"] <= execution["Status"]["CompletionDateTime"]
        )
        assert execution["StatementType"] == "DML"
        assert execution["Statistics"]["DataScannedInBytes"] == 0
        location = execution["ResultConfiguration"]["OutputLocation"]
        assert location == f"{RESULTS}{execution['QueryExecutionId']}.csv"
        assert execution["QueryExecutionContext"] == {"Database": DATABASE}
        assert execution["WorkGroup"] == "primary"

    def test_failures_carry_athena_s_error(self, world):
        """Category 2 is the user's fault; the reason is in both places."""
        status = world.run("SELECT nope").execution["Status"]
        assert status["State"] == "FAILED"
        assert status["AthenaError"]["ErrorCategory"] == 2
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]

    def test_a_token_starts_one_execution(self, world):
        """The same request again is the same execution; another one with the token is refused."""
        request = {
            "QueryString": "SELECT 1",
            "ClientRequestToken": uuid.uuid4().hex,
            "ResultConfiguration": {"OutputLocation": RESULTS},
        }
        start = world.athena.start_query_execution
        first = start(**request)["QueryExecutionId"]
        assert start(**request)["QueryExecutionId"] == first
        with pytest.raises(ClientError, match="Idempotent parameters"):
            start(**{**request, "QueryString": "SELECT 2"})

    def test_stopping_ends_a_query(self, world):
        """A running query is cancelled at once, and the next ones run."""
        query_id = world.athena.start_query_execution(
            QueryString=LONG, ResultConfiguration={"OutputLocation": RESULTS}
        )["QueryExecutionId"]
        world.athena.stop_query_execution(QueryExecutionId=query_id)
        answer = world.ended(query_id)
        assert (answer.state, answer.reason) == ("CANCELLED", "Query was cancelled by the client.")
        began = time.monotonic()
        assert world.run("SELECT 1").value == "1"
        assert time.monotonic() - began < 30

    def test_lists_the_newest_first(self, world):
        """Pages hold every execution once."""
        ids = [world.run(f"SELECT {number}").execution["QueryExecutionId"] for number in range(3)]
        pages = world.athena.get_paginator("list_query_executions").paginate(
            PaginationConfig={"PageSize": 2}
        )
        listed = [one for page in pages for one in page["QueryExecutionIds"]]
        assert listed[:3] == ids[::-1]
        assert len(listed) == len(set(listed))

    def test_batches_name_what_is_missing(self, world):
        """Unknown ids are listed apart."""
        known, unknown = world.run("SELECT 1").execution["QueryExecutionId"], str(uuid.uuid4())
        answer = world.athena.batch_get_query_execution(QueryExecutionIds=[known, unknown])
        assert [one["QueryExecutionId"] for one in answer["QueryExecutions"]] == [known]
        assert answer["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == unknown

    def test_no_location_is_refused(self, world):
        """Neither the client nor the work group says where results go."""
        with pytest.raises(ClientError, match="No output location provided"):
            world.athena.start_query_execution(QueryString="SELECT 1")

    def test_parameters_have_to_fit(self, world):
        """As many as there are question marks."""
        assert world.run("SELECT ? + ?", ExecutionParameters=["1", "2"]).value == "3"
        with pytest.raises(ClientError, match="expected 1 but found 0"):
            world.run("SELECT ?")


class TestResults:
    def test_pages_hold_all_rows_after_one_header(self, world):
        """The first row of the first page names the columns."""
        query_id = world.run("SELECT n FROM UNNEST(sequence(1, 5)) AS t(n) ORDER BY n").execution[
            "QueryExecutionId"
        ]
        pages = world.athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=query_id, PaginationConfig={"PageSize": 2}
        )
        values = [row["Data"][0]["VarCharValue"] for p in pages for row in p["ResultSet"]["Rows"]]
        assert values == ["n", "1", "2", "3", "4", "5"]

    def test_columns_have_athena_s_types(self, world):
        """Types are named as Athena names them, with precision and scale."""
        sql = """SELECT 1 AS i, BIGINT '1' AS b, 1e0 AS d, REAL '1' AS r, 'x' AS s, true AS t,
            DATE '2026-01-01' AS day, TIMESTAMP '2026-01-01 00:00:00' AS ts, ARRAY[1] AS a,
            MAP(ARRAY[1], ARRAY[2]) AS m, CAST(ROW(1) AS ROW(x integer)) AS o,
            CAST(1 AS decimal(10, 2)) AS c, X'00ff' AS v, from_unixtime(0) AS z, json_parse('1') AS j"""
        answer = world.run(sql)
        types = {column["Name"]: column["Type"] for column in answer.columns}
        assert types == {
            "i": "integer", "b": "bigint", "d": "double", "r": "float", "s": "varchar",
            "t": "boolean", "day": "date", "ts": "timestamp", "a": "array", "m": "map", "o": "row",
            "c": "decimal", "v": "varbinary", "z": "timestamp with time zone", "j": "json",
        }  # fmt: skip
        (decimal,) = [column for column in answer.columns if column["Name"] == "c"]
        assert (decimal["Precision"], decimal["Scale"]) == (10, 2)
        assert answer.rows[0][12] == "00 ff"

    def test_nulls_and_empty_text_differ(self, world):
        """A null has no value in a row; the file has nothing at all between the commas."""
        answer = world.run("SELECT NULL AS a, '' AS b, 'x\"y' AS c")
        assert answer.rows == [[None, "", 'x"y']]
        uri = answer.execution["ResultConfiguration"]["OutputLocation"]
        key = uri.removeprefix(f"s3://{BUCKET}/")
        body = world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert body == b'"a","b","c"\n,"","x""y"\n'
        assert f"{key}.metadata" in world.keys(key)

    def test_what_has_not_succeeded_has_no_results(self, world):
        """Results of a failed query are refused."""
        query_id = world.run("SELECT nope").execution["QueryExecutionId"]
        with pytest.raises(ClientError, match="Query did not finish successfully"):
            world.athena.get_query_results(QueryExecutionId=query_id)


class TestWorkGroups:
    def test_an_enforced_group_decides(self, world, group):
        """Its location wins, and a table's own location is refused."""
        place = f"s3://{BUCKET}/enforced/"
        world.athena.create_work_group(
            Name=group, Configuration={"ResultConfiguration": {"OutputLocation": place}}
        )
        answer = world.run("SELECT 1", WorkGroup=group)
        assert answer.execution["ResultConfiguration"]["OutputLocation"].startswith(place)
        name = world.fresh()
        sql = f"CREATE TABLE {name} WITH (external_location = 's3://{BUCKET}/x/') AS SELECT 1 AS n"
        assert "enforces a centralized output location" in world.run(sql, WorkGroup=group).reason

    def test_the_limit_stops_a_query(self, world, group):
        """A query that reads more than the group allows is cancelled."""
        table = world.days({f"2026-01-{day:02}": list(range(400_000)) for day in range(1, 5)})
        limit = {"BytesScannedCutoffPerQuery": 10_000_000}
        world.athena.create_work_group(Name=group, Configuration=limit)
        sql = f"SELECT count(DISTINCT word || dt), sum(n) FROM {table}"  # noqa: S608 - a test's table
        answer = world.run(sql, WorkGroup=group)
        assert (answer.state, "Bytes scanned limit" in answer.reason) == ("CANCELLED", True)

    def test_changes_and_goes(self, world, group):
        """Updates set and remove; groups with a history go only when that is agreed to."""
        world.athena.create_work_group(Name=group, Description="first")
        world.athena.update_work_group(
            WorkGroup=group,
            Description="second",
            ConfigurationUpdates={
                "EnforceWorkGroupConfiguration": False,
                "ResultConfigurationUpdates": {"OutputLocation": RESULTS},
            },
        )
        shown = world.athena.get_work_group(WorkGroup=group)["WorkGroup"]
        assert shown["Description"] == "second"
        assert shown["Configuration"]["ResultConfiguration"] == {"OutputLocation": RESULTS}
        assert group in [one["Name"] for one in world.athena.list_work_groups()["WorkGroups"]]
        assert world.athena.start_query_execution(QueryString="SELECT 1", WorkGroup=group)
        with pytest.raises(ClientError, match="is not empty"):
            world.athena.delete_work_group(WorkGroup=group)
        world.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
        with pytest.raises(ClientError, match="is not found"):
            world.athena.get_work_group(WorkGroup=group)

    def test_the_primary_one_stays(self, world):
        """It cannot be deleted, nor made again."""
        with pytest.raises(ClientError, match="cannot be deleted"):
            world.athena.delete_work_group(WorkGroup="primary")
        with pytest.raises(ClientError, match="already created"):
            world.athena.create_work_group(Name="primary")


class TestTags:
    def test_a_work_group_keeps_its_tags(self, world, group):
        """Tags come with the work group, change, go, and are listed by key, a page at a time."""
        athena = world.athena
        given = [{"Key": f"k{number:02}", "Value": "v"} for number in range(80)]
        athena.create_work_group(Name=group, Tags=given)
        arn = f"arn:aws:athena:us-east-1:123456789012:workgroup/{group}"
        athena.tag_resource(ResourceARN=arn, Tags=[{"Key": "k00", "Value": "changed"}])
        athena.untag_resource(ResourceARN=arn, TagKeys=["k01", "unknown"])
        first = athena.list_tags_for_resource(ResourceARN=arn)
        rest = athena.list_tags_for_resource(ResourceARN=arn, NextToken=first["NextToken"])
        tags = {tag["Key"]: tag["Value"] for tag in first["Tags"] + rest["Tags"]}
        assert (len(first["Tags"]), len(tags)) == (75, 79)
        assert tags["k00"] == "changed"
        assert "k01" not in tags

    @pytest.mark.parametrize("resource", ["workgroup/none", "datacatalog/AwsDataCatalog", ""])
    def test_what_is_not_there_has_none(self, world, resource):
        """Another resource than a work group that exists is not found."""
        arn = f"arn:aws:athena:us-east-1:123456789012:{resource}"
        with pytest.raises(world.athena.exceptions.ResourceNotFoundException, match="not exist"):
            world.athena.list_tags_for_resource(ResourceARN=arn)


class TestCatalogue:
    def test_shows_databases_and_tables(self, world):
        """Metadata are Glue's."""
        table = world.table({"n": "bigint"}, keys=[("dt", "string")])
        where = {"CatalogName": "AwsDataCatalog", "DatabaseName": DATABASE}
        shown = world.athena.get_table_metadata(**where, TableName=table)["TableMetadata"]
        assert shown["Columns"] == [{"Name": "n", "Type": "bigint"}]
        assert shown["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]
        listed = world.athena.list_table_metadata(**where, Expression=table)["TableMetadataList"]
        assert [one["Name"] for one in listed] == [table]
        databases = world.athena.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
        assert DATABASE in [one["Name"] for one in databases]
        assert world.athena.get_database(**where)["Database"]["Name"] == DATABASE
        with pytest.raises(ClientError, match="MetadataException"):
            world.athena.get_table_metadata(**where, TableName="nope")


class TestWhatIsNotEmulated:
    @pytest.mark.parametrize("name", sorted(set(service_model("athena").operation_names) - set(OPERATIONS)))  # fmt: skip
    def test_is_refused_by_name(self, world, name):
        """Every other operation says that it is not emulated, or what its request lacks."""
        app = world.server._parts.athena
        body = b"{}"
        answer = app_call(app, f"AmazonAthena.{name}", body)
        assert b"InvalidRequestException" in answer

    def test_unknown_operations_are_unknown(self, world):
        """A target that Athena does not have."""
        assert b"UnknownOperationException" in app_call(
            world.server._parts.athena, "AmazonAthena.X", b""
        )


def app_call(app, target, body):
    environ = {
        "HTTP_X_AMZ_TARGET": target,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    return b"".join(app(environ, lambda *_: None))
