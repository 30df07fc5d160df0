"""What requests ask for: real requests of boto3's, understood without their client."""

import json
from urllib.parse import unquote_to_bytes

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.iam import calls
from musicrec.local.iam.needs import Lookups, needs
from musicrec.local.iam.policies import Ask

ACCOUNT = "123456789012"
LOOKUPS = Lookups(
    account_id=ACCOUNT,
    stream_of=lambda iterator: {"I1": "plays"}.get(iterator, ""),
    workgroup_of=lambda query: {"q" * 8: "lake"}.get(query, ""),
)


class CaughtError(Exception):
    """Carries the request that a client was about to send."""


def environ_of(request):
    """A prepared request as WSGI shows it."""
    path, _, query = request.url.split("127.0.0.1:1", 1)[1].partition("?")
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
    }
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else value
        environ["HTTP_" + name.upper().replace("-", "_")] = text
    return environ, body if isinstance(body, bytes) else body.encode()


def asked(service, operation, **params):
    """What a call of boto3's asks for."""
    client = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(parameter_validation=False),
    )

    def catch(request, **_):
        raise CaughtError(request)

    client.meta.events.register("before-send", catch)
    with pytest.raises(CaughtError) as caught:
        getattr(client, operation)(**params)
    environ, body = environ_of(caught.value.args[0])
    signed = client.meta.service_model.signing_name
    return needs(calls.read(environ, body, signed, "us-east-1"), LOOKUPS)


def arn(service, resource):
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


LAKE = "arn:aws:s3:::lake"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
PASSED = (("iam:passedtoservice", "personalize.amazonaws.com"),)
GROUP, DATASET = arn("personalize", "dataset-group/g"), arn("personalize", "dataset/g/USERS")
CAMPAIGN, FILTER = arn("personalize", "campaign/c"), arn("personalize", "filter/f")


def on(action, *resources):
    return [Ask(action, resource) for resource in resources]


def listed(prefix):
    return [Ask("s3:ListBucket", LAKE, (("s3:prefix", prefix),))]


S3 = [
    ("get_object", {"Key": "a/b c"}, on("s3:GetObject", f"{LAKE}/a/b c")),
    ("head_object", {"Key": "ä"}, on("s3:GetObject", f"{LAKE}/ä")),
    ("put_object", {"Key": "a?x=1", "Body": b"1"}, on("s3:PutObject", f"{LAKE}/a?x=1")),
    ("delete_object", {"Key": "a"}, on("s3:DeleteObject", f"{LAKE}/a")),
    ("create_multipart_upload", {"Key": "a"}, on("s3:PutObject", f"{LAKE}/a")),
    (
        "upload_part",
        {"Key": "a", "UploadId": "u", "PartNumber": 1, "Body": b"1"},
        on("s3:PutObject", f"{LAKE}/a"),
    ),
    (
        "complete_multipart_upload",
        {"Key": "a", "UploadId": "u", "MultipartUpload": {"Parts": []}},
        on("s3:PutObject", f"{LAKE}/a"),
    ),
    (
        "abort_multipart_upload",
        {"Key": "a", "UploadId": "u"},
        on("s3:AbortMultipartUpload", f"{LAKE}/a"),
    ),
    ("list_parts", {"Key": "a", "UploadId": "u"}, on("s3:ListMultipartUploadParts", f"{LAKE}/a")),
    (
        "copy_object",
        {"Key": "a", "CopySource": "other/k ey?versionId=1"},
        [*on("s3:PutObject", f"{LAKE}/a"), *on("s3:GetObject", "arn:aws:s3:::other/k ey")],
    ),
    (
        "upload_part_copy",
        {"Key": "a", "CopySource": "other/k", "UploadId": "u", "PartNumber": 1},
        [*on("s3:PutObject", f"{LAKE}/a"), *on("s3:GetObject", "arn:aws:s3:::other/k")],
    ),
    (
        "delete_objects",
        {"Delete": {"Objects": [{"Key": "a"}, {"Key": "b<c"}]}},
        on("s3:DeleteObject", f"{LAKE}/a", f"{LAKE}/b<c"),
    ),
    ("list_objects_v2", {"Prefix": "raw/"}, listed("raw/")),
    ("list_objects", {}, listed("")),
    ("head_bucket", {}, listed("")),
    ("get_bucket_location", {}, on("s3:GetBucketLocation", LAKE)),
    ("list_multipart_uploads", {}, on("s3:ListBucketMultipartUploads", LAKE)),
    ("list_object_versions", {}, on("s3:ListBucketVersions", LAKE)),
]

OTHERS = [
    ("s3", "list_buckets", {}, on("s3:ListAllMyBuckets", "*")),
    (
        "kinesis",
        "put_records",
        {"StreamName": "plays", "Records": [{"Data": b"1", "PartitionKey": "k"}]},
        on("kinesis:PutRecords", arn("kinesis", "stream/plays")),
    ),
    (
        "kinesis",
        "get_records",
        {"ShardIterator": "I1"},
        on("kinesis:GetRecords", arn("kinesis", "stream/plays")),
    ),
    ("kinesis", "get_records", {"ShardIterator": "I2"}, on("kinesis:GetRecords", "*")),
    (
        "kinesis",
        "list_shards",
        {"StreamName": "plays", "StreamARN": arn("kinesis", "stream/other")},
        on("kinesis:ListShards", arn("kinesis", "stream/other"), arn("kinesis", "stream/plays")),
    ),
    ("kinesis", "list_streams", {}, on("kinesis:ListStreams", "*")),
    (
        "dynamodb",
        "get_item",
        {"TableName": "t", "Key": {}},
        on("dynamodb:GetItem", arn("dynamodb", "table/t")),
    ),
    (
        "dynamodb",
        "query",
        {"TableName": arn("dynamodb", "table/t"), "IndexName": "i"},
        on("dynamodb:Query", arn("dynamodb", "table/t/index/i")),
    ),
    (
        "dynamodb",
        "batch_get_item",
        {"RequestItems": {"a": {"Keys": []}, "b": {"Keys": []}}},
        on("dynamodb:BatchGetItem", arn("dynamodb", "table/a"), arn("dynamodb", "table/b")),
    ),
    (
        "dynamodb",
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}]},
        [
            *on("dynamodb:PutItem", arn("dynamodb", "table/a")),
            *on("dynamodb:DeleteItem", arn("dynamodb", "table/b")),
        ],
    ),
    (
        "sqs",
        "send_message_batch",
        {"QueueUrl": f"http://127.0.0.1:1/{ACCOUNT}/poison", "Entries": []},
        on("sqs:SendMessage", arn("sqs", "poison")),
    ),
    ("sqs", "get_queue_url", {"QueueName": "q"}, on("sqs:GetQueueUrl", arn("sqs", "q"))),
    (
        "ssm",
        "get_parameters",
        {"Names": ["/m/a", "b:3"]},
        on("ssm:GetParameters", arn("ssm", "parameter/m/a"), arn("ssm", "parameter/b")),
    ),
    (
        "ssm",
        "get_parameters_by_path",
        {"Path": "/m"},
        on("ssm:GetParametersByPath", arn("ssm", "parameter/m")),
    ),
    ("ssm", "describe_parameters", {}, on("ssm:DescribeParameters", "*")),
    (
        "athena",
        "start_query_execution",
        {"QueryString": "SELECT 1", "WorkGroup": "lake"},
        on("athena:StartQueryExecution", arn("athena", "workgroup/lake")),
    ),
    (
        "athena",
        "start_query_execution",
        {"QueryString": "SELECT 1"},
        on("athena:StartQueryExecution", arn("athena", "workgroup/primary")),
    ),
    (
        "athena",
        "get_query_execution",
        {"QueryExecutionId": "q" * 8},
        on("athena:GetQueryExecution", arn("athena", "workgroup/lake")),
    ),
    ("athena", "list_work_groups", {}, on("athena:ListWorkGroups", "*")),
    (
        "athena",
        "get_database",
        {"CatalogName": "c", "DatabaseName": "d"},
        on("athena:GetDatabase", arn("athena", "datacatalog/c")),
    ),
    (
        "glue",
        "get_table",
        {"DatabaseName": "d", "Name": "t"},
        on(
            "glue:GetTable",
            arn("glue", "catalog"),
            arn("glue", "database/d"),
            arn("glue", "table/d/t"),
        ),
    ),
    (
        "glue",
        "get_partitions",
        {"DatabaseName": "d", "TableName": "t"},
        on(
            "glue:GetPartitions",
            arn("glue", "catalog"),
            arn("glue", "database/d"),
            arn("glue", "table/d/t"),
        ),
    ),
    (
        "glue",
        "get_database",
        {"Name": "d"},
        on("glue:GetDatabase", arn("glue", "catalog"), arn("glue", "database/d")),
    ),
    (
        "lambda",
        "invoke",
        {"FunctionName": "f", "Payload": b"{}"},
        on("lambda:InvokeFunction", arn("lambda", "function:f")),
    ),
    ("lambda", "list_functions", {}, on("lambda:ListFunctions", "*")),
    ("sts", "get_caller_identity", {}, []),
    (
        "sts",
        "assume_role",
        {"RoleArn": ROLE, "RoleSessionName": "me"},
        on("sts:AssumeRole", ROLE),
    ),
    (
        "logs",
        "put_log_events",
        {"logGroupName": "/g", "logStreamName": "s", "logEvents": []},
        on("logs:PutLogEvents", arn("logs", "log-group:/g:log-stream:s")),
    ),
    ("cloudwatch", "list_metrics", {}, on("cloudwatch:ListMetrics", "*")),
    ("sns", "list_topics", {}, on("sns:ListTopics", "*")),
    (
        "personalize",
        "create_dataset_import_job",
        {"jobName": "j", "datasetArn": DATASET, "dataSource": {}, "roleArn": ROLE},
        [
            *on(
                "personalize:CreateDatasetImportJob",
                arn("personalize", "dataset-import-job/j"),
                DATASET,
            ),
            Ask("iam:PassRole", ROLE, PASSED),
        ],
    ),
    (
        "personalize",
        "create_dataset",
        {"name": "n", "schemaArn": "s", "datasetGroupArn": GROUP, "datasetType": "Users"},
        on("personalize:CreateDataset", DATASET, GROUP),
    ),
    (
        "personalize",
        "create_metric_attribution",
        {"name": "m", "datasetGroupArn": GROUP, "metricsOutputConfig": {"roleArn": ROLE}},
        [
            *on(
                "personalize:CreateMetricAttribution",
                arn("personalize", "metric-attribution/m"),
                GROUP,
            ),
            Ask("iam:PassRole", ROLE, PASSED),
        ],
    ),
    (
        "personalize",
        "describe_dataset",
        {"datasetArn": DATASET},
        on("personalize:DescribeDataset", DATASET),
    ),
    (
        "personalize",
        "describe_solution_version",
        {"solutionVersionArn": arn("personalize", "solution/s/0a1b")},
        on("personalize:DescribeSolutionVersion", arn("personalize", "solution/s")),
    ),
    ("personalize", "list_schemas", {}, on("personalize:ListSchemas", "*")),
    (
        "personalize-events",
        "put_events",
        {"trackingId": "t", "sessionId": "s", "eventList": []},
        on("personalize:PutEvents", "*"),
    ),
    (
        "personalize-runtime",
        "get_recommendations",
        {
            "campaignArn": CAMPAIGN,
            "filterArn": FILTER,
            "promotions": [{"name": "p", "filterArn": FILTER + "2"}],
        },
        on("personalize:GetRecommendations", CAMPAIGN, FILTER, FILTER + "2"),
    ),
]


class TestNeeds:
    @pytest.mark.parametrize(("operation", "params", "expected"), S3, ids=[c[0] for c in S3])
    def test_s3(self, operation, params, expected):
        """S3's actions are told by method, path, query and headers."""
        assert asked("s3", operation, Bucket="lake", **params) == expected

    @pytest.mark.parametrize(("service", "operation", "params", "expected"), OTHERS)
    def test_other_services(self, service, operation, params, expected):
        """Every resource that a request names is asked for, with the action's own name."""
        assert asked(service, operation, **params) == expected

    @given(
        st.sampled_from(["kinesis", "dynamodb", "sqs", "ssm", "glue", "athena", "personalize"]),
        st.binary(max_size=60)
        | st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            *("StreamName", "TableName", "RequestItems", "TransactItems", "Put"),
                            *("QueueUrl", "Names", "Name", "QueryExecutionIds", "TableInput"),
                            *("promotions", "metricsOutputConfig", "roleArn"),
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ),
        st.sampled_from(["GetItem", "GetRecommendations", "CreateDataset", "GetTable", ""]),
    )
    def test_nonsense_asks_for_something(self, service, body, operation):
        """Whatever is sent, something is asked for, so that nothing passes unasked."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "HTTP_X_AMZ_TARGET": f"T.{operation}",
        }
        made = needs(calls.read(environ, sent, service, "us-east-1"), LOOKUPS)
        assert made
        assert all(ask.action.partition(":")[0] in {service, "iam"} for ask in made)
