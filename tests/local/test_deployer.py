"""The built-in deployer on the running embedded AWS."""

import json
import re

import pytest
import requests

from musicrec import deployment, events
from musicrec.deployment import parameter_name
from musicrec.local.deployer import deploy
from musicrec.local.server import EmbeddedAws
from musicrec.parameters import UNSET
from musicrec.processor import curated

pytestmark = pytest.mark.slow

FUNCTIONS = ("hot_path", "profile_builder", "dataset_builder", "recommendations")
ANSWER = 'def lambda_handler(event, context):\n    return {"statusCode": 200, "body": "{}"}\n'
SHAPES = {
    "kinesis": ("list_streams", {}),
    "sqs": ("list_queues", {}),
    "dynamodb": ("list_tables", {}),
    "s3": ("list_buckets", {}),
    "iam": ("list_roles", {}),
    "firehose": ("list_delivery_streams", {}),
    "glue": ("get_tables", {"DatabaseName": "tunes"}),
    "events": ("list_rules", {}),
    "apigateway": ("get_rest_apis", {}),
    "lambda": ("list_event_source_mappings", {}),
    "ssm": ("describe_parameters", {}),
    "athena": ("list_work_groups", {}),
}


@pytest.fixture(scope="module")
def lambdas(tmp_path_factory):
    """Handlers that answer without doing anything."""
    root = tmp_path_factory.mktemp("lambdas")
    for name in FUNCTIONS:
        (root / name).mkdir()
        (root / name / "handler.py").write_text(ANSWER)
    return root


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws() as server:
        yield server.aws


@pytest.fixture(scope="module")
def deployed(aws, lambdas):
    return deploy(aws, "tunes", lambdas=lambdas)


def stored(aws):
    """Everything that the stack consists of, without what changes by itself."""
    shown = {}
    for service, (operation, arguments) in SHAPES.items():
        answer = getattr(aws.client(service), operation)(**arguments)
        answer.pop("ResponseMetadata")
        shown[service] = re.sub(r"datetime\([^)]*\)", "", repr(answer))
    api = aws.client("apigateway")
    (rest_api,) = api.get_rest_apis()["items"]
    for key, ask in {
        "resources": api.get_resources,
        "deployments": api.get_deployments,
        "models": api.get_models,
    }.items():
        shown[key] = repr(ask(restApiId=rest_api["id"])["items"])
    shown["keys"] = repr([key["id"] for key in api.get_api_keys()["items"]])
    shown["plans"] = repr(api.get_usage_plans()["items"])
    return shown


class TestDeploy:
    def test_deploying_again_changes_nothing(self, aws, deployed, lambdas):
        """A second run finds everything and returns the same."""
        before = stored(aws)
        before.pop("ssm")  # its parameter is written anew, with the same value
        assert deploy(aws, "tunes", lambdas=lambdas) == deployed
        after = stored(aws)
        assert {name: after[name] for name in before} == before

    def test_the_deployment_is_published(self, aws, deployed):
        """Notebooks find the stack by its SSM parameter."""
        assert deployment.load("tunes", aws.client("ssm")) == deployed

    def test_names_follow_the_stack(self, deployed):
        """Everything carries the stack's name."""
        assert deployed.stream == "tunes-events"
        assert deployed.bucket == "tunes-123456789012-us-east-1"
        assert deployed.delivery_stream == "tunes-lake"
        assert deployed.api_url.endswith("/v1")

    def test_functions_get_their_role_code_and_environment(self, aws, deployed):
        """Each function has a role of its own, settings and the paths of its parameters."""
        client = aws.client("lambda")
        configuration = client.get_function_configuration(FunctionName="tunes-profile-builder")
        assert configuration["Role"].endswith(":role/tunes-profile-builder")
        assert configuration["Timeout"] == 120
        assert configuration["TracingConfig"] == {"Mode": "Active"}
        variables = configuration["Environment"]["Variables"]
        assert variables["PROFILE_TABLE"] == deployed.profile_table
        assert variables["POISON_QUEUE_URL"] == deployed.poison_queue_url

    def test_new_code_is_put_in_place(self, aws, deployed, lambdas):
        """When a handler changed, deploying again updates that function alone."""
        client = aws.client("lambda")
        hashes = {f["FunctionName"]: f["CodeSha256"] for f in client.list_functions()["Functions"]}
        (lambdas / "hot_path" / "handler.py").write_text(ANSWER + "# changed\n")
        assert deploy(aws, "tunes", lambdas=lambdas) == deployed
        for function in client.list_functions()["Functions"]:
            name = function["FunctionName"]
            assert (function["CodeSha256"] != hashes[name]) == (name == "tunes-hot-path")

    def test_mappings_obey_the_settings(self, aws, deployed):
        """Both consumers read the stream with retries, bisection and a place for failures."""
        mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        assert len(mappings) == 2
        for mapping in mappings:
            assert mapping["EventSourceArn"].endswith(f"stream/{deployed.stream}")
            assert mapping["BatchSize"] == 500
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_roles_may_do_what_their_files_say(self, aws, deployed):
        """A role's inline policy is its file with the stack's own resources."""
        answer = aws.client("iam").get_role_policy(
            RoleName="tunes-apigateway", PolicyName="apigateway"
        )
        (statement,) = answer["PolicyDocument"]["Statement"]
        assert statement["Action"] == "kinesis:PutRecords"
        assert statement["Resource"].endswith(f":stream/{deployed.stream}")

    def test_the_lake_s_partitions_are_projected(self, aws, deployed):
        """The table needs no crawler: its days are computed from the location."""
        table = aws.client("glue").get_table(DatabaseName=deployed.database, Name=deployed.table)
        parameters = table["Table"]["Parameters"]
        assert parameters["projection.enabled"] == "true"
        assert parameters["storage.location.template"] == f"s3://{deployed.bucket}/raw/dt=${{dt}}/"
        assert table["Table"]["StorageDescriptor"]["Columns"] == events.glue_columns()

    def test_curated_interactions_have_a_table_of_their_own(self, aws, deployed):
        """It is projected like the raw one, and its columns are those that the build writes."""
        table = aws.client("glue").get_table(
            DatabaseName=deployed.database, Name=deployed.curated_table
        )["Table"]
        template = table["Parameters"]["storage.location.template"]
        assert template == f"s3://{deployed.bucket}/curated/dt=${{dt}}/"
        assert table["StorageDescriptor"]["Columns"] == curated.glue_columns()

    def test_curated_interactions_never_age(self, aws, deployed):
        """No lifecycle rule touches what the daily build reads."""
        client = aws.client("s3")
        rules = client.get_bucket_lifecycle_configuration(Bucket=deployed.bucket)["Rules"]
        ageing = [rule for rule in rules if rule.keys() & {"Expiration", "Transitions"}]
        prefixes = [rule["Filter"]["Prefix"] for rule in ageing]
        names = ("curated/", "curated-records/", "datasets/")
        assert not [name for name in names for prefix in prefixes if name.startswith(prefix)]

    def test_query_results_go_to_the_bucket_and_expire(self, aws, deployed):
        """The work group writes under athena/, which is emptied after days, and limits scans."""
        group = aws.client("athena").get_work_group(WorkGroup=deployed.workgroup)["WorkGroup"]
        configuration = group["Configuration"]
        location = configuration["ResultConfiguration"]["OutputLocation"]
        assert location == f"s3://{deployed.bucket}/athena/"
        assert configuration["BytesScannedCutoffPerQuery"] == 100 * 2**30
        rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=deployed.bucket)["Rules"]
        (results,) = [rule for rule in rules if rule["Filter"] == {"Prefix": "athena/"}]
        assert results["Expiration"]["Days"] == 7

    def test_the_raw_lake_ages_out(self, aws, deployed):
        """Objects under raw/ move to ever colder storage."""
        client = aws.client("s3")
        rules = client.get_bucket_lifecycle_configuration(Bucket=deployed.bucket)["Rules"]
        (raw,) = [rule for rule in rules if rule["Filter"] == {"Prefix": "raw/"}]
        classes = [transition["StorageClass"] for transition in raw["Transitions"]]
        assert classes == ["STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"]

    def test_the_bucket_keeps_to_itself(self, aws, deployed):
        """It is encrypted, versioned, closed to the public, and its objects have one owner."""
        s3, bucket = aws.client("s3"), {"Bucket": deployed.bucket}
        (rule,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
        (owner,) = s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"]["Rules"]
        assert owner["ObjectOwnership"] == "BucketOwnerEnforced"
        assert all(s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())

    def test_stores_are_encrypted_and_backed_up(self, aws, deployed):
        """Stream, queue and profiles encrypt; the profiles of the last weeks can be had back."""
        stream = aws.client("kinesis").describe_stream_summary(StreamName=deployed.stream)
        assert stream["StreamDescriptionSummary"]["KeyId"] == "alias/aws/kinesis"
        url, table = deployed.poison_queue_url, deployed.profile_table
        queue = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        assert queue["Attributes"]["SqsManagedSseEnabled"] == "true"
        dynamodb = aws.client("dynamodb")
        described = dynamodb.describe_table(TableName=table)["Table"]
        assert described["SSEDescription"]["Status"] == "ENABLED"
        backups = dynamodb.describe_continuous_backups(TableName=table)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"

    @pytest.mark.usefixtures("deployed")
    def test_logs_end(self, aws):
        """Each function's log and the API's are kept for a month."""
        groups = aws.client("logs").describe_log_groups()["logGroups"]
        kept = {group["logGroupName"]: group["retentionInDays"] for group in groups}
        functions = {f"/aws/lambda/tunes-{name.replace('_', '-')}" for name in FUNCTIONS}
        assert kept == dict.fromkeys(functions | {"/aws/apigateway/tunes"}, 30)

    @pytest.mark.usefixtures("deployed")
    def test_parameters_wait_for_what_personalize_has(self, aws, lambdas):
        """They are there, unset, and a value that somebody wrote survives a new deployment."""
        ssm = aws.client("ssm")
        name = parameter_name("tunes", "campaign_arn")
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == UNSET
        ssm.put_parameter(Name=name, Value="arn:made", Type="String", Overwrite=True)
        deploy(aws, "tunes", lambdas=lambdas)
        assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "arn:made"

    def test_settings_that_were_changed_are_put_back(self, aws, deployed, lambdas):
        """A deployment sets what exists to what its files say, not only what is missing."""
        client = aws.client("lambda")
        name = "tunes-hot-path"
        client.update_function_configuration(
            FunctionName=name, MemorySize=128, TracingConfig={"Mode": "PassThrough"}
        )
        (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        client.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=7)
        kinesis, stream = aws.client("kinesis"), deployed.stream
        kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
        kinesis.stop_stream_encryption(
            StreamName=stream, EncryptionType="KMS", KeyId="alias/aws/kinesis"
        )
        group = {"WorkGroup": deployed.workgroup}
        aws.client("athena").update_work_group(
            **group, ConfigurationUpdates={"RemoveBytesScannedCutoffPerQuery": True}
        )
        table = {"DatabaseName": deployed.database, "Name": deployed.table}
        aws.client("glue").update_table(
            DatabaseName=deployed.database, TableInput={"Name": deployed.table, "Parameters": {}}
        )
        deploy(aws, "tunes", lambdas=lambdas)
        function = client.get_function_configuration(FunctionName=name)
        assert (function["MemorySize"], function["TracingConfig"]["Mode"]) == (512, "Active")
        shown = client.get_event_source_mapping(UUID=mapping["UUID"])
        assert shown["BatchSize"] == 500
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        assert (summary["RetentionPeriodHours"], summary["EncryptionType"]) == (24, "KMS")
        configuration = aws.client("athena").get_work_group(**group)["WorkGroup"]["Configuration"]
        assert configuration["BytesScannedCutoffPerQuery"] == 100 * 2**30
        assert aws.client("glue").get_table(**table)["Table"]["Parameters"]["EXTERNAL"] == "TRUE"


class TestDeployedApi:
    @pytest.fixture(scope="class")
    @classmethod
    def key(cls, aws, deployed):
        """The ingestion key's value."""
        client = aws.client("apigateway")
        return client.get_api_key(apiKey=deployed.api_key_id, includeValue=True)["value"]

    @pytest.mark.usefixtures("deployed")
    def test_the_stage_is_bounded_and_logged(self, aws):
        """Every method has its limits, and each request becomes a line of the access log."""
        client = aws.client("apigateway")
        (api,) = client.get_rest_apis()["items"]
        stage = client.get_stage(restApiId=api["id"], stageName="v1")
        limits = {
            name: each["throttlingRateLimit"] for name, each in stage["methodSettings"].items()
        }
        assert limits["events/POST"] == limits["recommendations/GET"] == 1000
        assert stage["accessLogSettings"]["destinationArn"].endswith(":/aws/apigateway/tunes")
        role = client.get_account()["cloudwatchRoleArn"]
        assert role.endswith(":role/tunes-apigateway-logs")

    def records(self, aws, deployed):
        client, found = aws.client("kinesis"), []
        for shard in client.list_shards(StreamName=deployed.stream)["Shards"]:
            iterator = client.get_shard_iterator(
                StreamName=deployed.stream,
                ShardId=shard["ShardId"],
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
            found += client.get_records(ShardIterator=iterator)["Records"]
        return found

    def test_events_arrive_byte_exact(self, aws, deployed, key):
        """Awkward text comes through the API, its template and Kinesis as it was sent."""
        awkward = 'Björk\'s "宇多田ヒカル" \\ / \n 😀'
        event = {
            "event_id": events.new_event_id("deployer"),
            "user_id": awkward,
            "session_id": "s",
            "track_id": "a" * 22,
            "event_type": "play",
            "occurred_at": 1_772_323_200_000,
            "source": "live",
            "schema_version": 1,
            "track": {"name": awkward, "artists": [awkward]},
        }
        answer = requests.post(
            f"{deployed.api_url}/events",
            json={"events": [event]},
            headers={"x-api-key": key},
            timeout=10,
        )
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "failed": 0})
        (record,) = self.records(aws, deployed)
        assert json.loads(record["Data"]) == event
        assert record["PartitionKey"] == awkward
        assert events.encode(events.decode(record["Data"]))

    def test_a_refused_request_leaves_no_trace(self, aws, deployed, key):
        """What is refused is not on the stream."""
        before = len(self.records(aws, deployed))
        url = f"{deployed.api_url}/events"
        for body, given in ((b"{oops", key), (b'{"events": []}', key), (b"{}", "wrong")):
            headers = {"x-api-key": given, "content-type": "application/json"}
            answer = requests.post(url, data=body, headers=headers, timeout=10)
            assert 400 <= answer.status_code < 500
            assert set(answer.json()) == {"error", "message", "detail"}
        assert len(self.records(aws, deployed)) == before

    def test_recommendations_come_from_the_function(self, deployed):
        """GET /recommendations needs no key and is answered by the deployed function."""
        url = f"{deployed.api_url}/recommendations"
        assert requests.get(url, timeout=10).json()["detail"].endswith("[user_id]")
        answer = requests.get(url, params={"user_id": "u"}, timeout=30)
        assert (answer.status_code, answer.text) == (200, "{}")
