"""Roles are held to their policies: refusals in each protocol, and what changes them."""

import json

import pytest
from botocore.exceptions import ClientError
from local_helpers import (
    acting,
    allowing,
    invoke,
    make_function,
    make_stream,
    role_with,
    set_rights,
    zipped,
)

from musicrec.local.iam.function_roles import STREAM_READS
from musicrec.local.server import EmbeddedAws

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
LAKE = "arn:aws:s3:::lake"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"
WHO = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/tests"
LOGS = allowing("logs:CreateLogStream", "logs:PutLogEvents")
HELLO = "def lambda_handler(event, context):\n    print('hello')\n    return 1\n"


@pytest.fixture(scope="module")
def server():
    with EmbeddedAws() as server:
        s3 = server.aws.client("s3")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="raw/a", Body=b"1")
        yield server


@pytest.fixture(scope="module")
def aws(server):
    return server.aws


@pytest.fixture(scope="module")
def reader(aws):
    """Somebody who may read one folder and do nothing else."""
    role = role_with(aws, "reader", allowing("s3:GetObject", on=f"{LAKE}/raw/*"))
    return acting(aws, role)


def refused(call, **params):
    """The error of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response


class TestRefusals:
    def test_what_is_allowed_is_answered(self, reader):
        """A right that names the resource is enough."""
        body = reader.client("s3").get_object(Bucket="lake", Key="raw/a")["Body"].read()
        assert body == b"1"

    def test_json(self, reader):
        """AWS's JSON services refuse with status 400, and say who may not do what, and why."""
        answer = refused(reader.client("dynamodb").get_item, TableName="t", Key={"k": {"S": "1"}})
        assert answer["Error"]["Code"] == "AccessDeniedException"
        assert answer["Error"]["Message"] == (
            f"User: {WHO} is not authorized to perform: dynamodb:GetItem on resource: {TABLE} "
            "because no identity-based policy allows the dynamodb:GetItem action"
        )
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400

    @pytest.mark.parametrize(
        ("service", "operation", "params", "code"),
        [
            ("s3", "get_object", {"Bucket": "lake", "Key": "other"}, "AccessDenied"),
            ("s3", "head_object", {"Bucket": "lake", "Key": "other"}, "403"),
            ("iam", "list_roles", {}, "AccessDenied"),
            ("lambda", "list_functions", {}, "AccessDeniedException"),
            ("personalize-runtime", "get_recommendations", {}, "AccessDeniedException"),
        ],
    )
    def test_other_protocols(self, reader, service, operation, params, code):
        """XML, query and REST services refuse with status 403 and their own codes."""
        answer = refused(getattr(reader.client(service), operation), **params)
        assert answer["Error"]["Code"] == code
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
        if code != "403":
            assert WHO in answer["Error"]["Message"]

    def test_a_denial_says_so(self, aws, reader):
        """An explicit denial has words of its own."""
        set_rights(
            aws,
            "reader",
            allowing("s3:GetObject", on=f"{LAKE}/raw/*"),
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"},
        )
        put = reader.client("s3").put_object
        answer = refused(put, Bucket="lake", Key="raw/b", Body=b"")
        assert answer["Error"]["Message"].endswith("an explicit deny in an identity-based policy")

    def test_everybody_may_ask_who_he_is(self, reader):
        """GetCallerIdentity needs no right, and names the session."""
        assert reader.client("sts").get_caller_identity()["Arn"] == WHO

    def test_other_keys_may_do_everything(self, aws):
        """Who has assumed no role is the developer."""
        assert aws.client("iam").list_roles()["Roles"]

    def test_refusals_are_listed(self, server, reader):
        """What a role asked for can be read, with what was said to it."""
        refused(reader.client("sqs").list_queues)
        listed = [each.shown() for each in server.accesses()]
        asked = {"role": "reader", "action": "sqs:ListQueues", "resource": "*", "context": {}}
        assert asked | {"allowed": False} in listed


class TestAbsentObjects:
    @pytest.mark.parametrize("operation", ["get_object", "head_object"])
    def test_absence_is_told_to_those_who_may_list(self, aws, operation):
        """S3 answers 403 for what is not there to whom may not list the bucket, else 404."""
        s3 = acting(aws, role_with(aws, f"r-{operation}", allowing("s3:GetObject"))).client("s3")
        ask = getattr(s3, operation)
        answer = refused(ask, Bucket="lake", Key="raw/none")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
        set_rights(aws, f"r-{operation}", allowing("s3:GetObject", "s3:ListBucket"))
        answer = refused(ask, Bucket="lake", Key="raw/none")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 404


class TestChanges:
    def test_rights_change_at_once(self, aws):
        """What IAM stores counts from the next request on; without its role nobody has any."""
        role = role_with(aws, "changing", allowing("sqs:ListQueues"))
        ask, iam = acting(aws, role).client("sqs").list_queues, aws.client("iam")
        ask()
        set_rights(aws, "changing", allowing("sqs:CreateQueue"))
        refused(ask)
        arn = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
        iam.attach_role_policy(RoleName="changing", PolicyArn=arn)
        ask()
        iam.detach_role_policy(RoleName="changing", PolicyArn=arn)
        iam.delete_role_policy(RoleName="changing", PolicyName="rights")
        iam.delete_role(RoleName="changing")
        refused(ask)

    def test_a_policy_beyond_understanding_gives_nothing(self, aws, caplog):
        """A condition that cannot be evaluated must not let anything through."""
        odd = allowing("sqs:ListQueues") | {"Condition": {"IpAddress": {"aws:SourceIp": "::1/128"}}}
        role = role_with(aws, "odd", odd, allowing("sqs:ListQueues"))
        refused(acting(aws, role).client("sqs").list_queues)
        assert "IpAddress" in caplog.text


class TestFunctions:
    def make(self, aws, name, role, **settings):
        return aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="handler.lambda_handler",
            Code={"ZipFile": zipped(HELLO)},
            **settings,
        )

    def test_its_role_must_trust_lambda(self, aws):
        """Lambda cannot take a role that is for another service."""
        role = role_with(aws, "stranger", LOGS, service="firehose.amazonaws.com")
        self.make(aws, "stranger", role)
        answer = refused(aws.client("lambda").invoke, FunctionName="stranger")
        assert answer["Error"]["Code"] == "AccessDeniedException"
        assert "cannot be assumed by Lambda" in answer["Error"]["Message"]

    def test_without_the_right_to_write_logs_they_are_lost(self, server, aws):
        """The function works, but what it prints is gone, which the log says once."""
        self.make(aws, "silent", role_with(aws, "silent"))
        assert invoke(aws, "silent") == (1, None)
        (line,) = server.function_log("silent")
        assert "logs:CreateLogStream" in line
        self.make(aws, "talking", role_with(aws, "talking", LOGS))
        assert invoke(aws, "talking") == (1, None)
        assert "hello" in server.function_log("talking")

    @pytest.mark.parametrize("lacking", STREAM_READS)
    def test_a_mapping_needs_each_right_to_the_stream(self, aws, lacking):
        """Lambda takes a Kinesis mapping only of a function whose role may read the stream."""
        name = f"lacks-{lacking}"
        stream = make_stream(aws, name)
        rights = [f"kinesis:{action}" for action in STREAM_READS if action != lacking]
        self.make(aws, name, role_with(aws, name, allowing(*rights, on=stream)))
        make = aws.client("lambda").create_event_source_mapping
        settings = {"FunctionName": name, "EventSourceArn": stream, "StartingPosition": "LATEST"}
        answer = refused(make, **settings)
        assert answer["Error"]["Code"] == "InvalidParameterValueException"
        assert f"Cannot access stream {stream}" in answer["Error"]["Message"]
        set_rights(aws, name, allowing(*rights, f"kinesis:{lacking}", on=stream))
        make(**settings)

    def test_tracing_needs_the_right_to_send_traces(self, aws):
        """Lambda refuses active tracing to a role that may send none, at creation and later."""
        role, active = role_with(aws, "traced"), {"Mode": "Active"}
        with pytest.raises(ClientError, match="PutTraceSegments on XRAY"):
            self.make(aws, "traced", role, TracingConfig=active)
        self.make(aws, "traced", role)
        change = aws.client("lambda").update_function_configuration
        with pytest.raises(ClientError, match="PutTraceSegments on XRAY"):
            change(FunctionName="traced", TracingConfig=active)
        set_rights(aws, "traced", allowing("xray:PutTraceSegments"))
        change(FunctionName="traced", TracingConfig=active)

    def test_a_handler_has_the_rights_of_its_role_alone(self, aws):
        """The keys in a function's environment are its role's, so its own calls are held to it."""
        code = (
            "import boto3\n"
            "def lambda_handler(event, context):\n"
            "    try:\n"
            "        return boto3.client('sqs').list_queues()['ResponseMetadata']['HTTPStatusCode']\n"
            "    except Exception as error:\n"
            "        return str(error)\n"
        )
        make_function(aws, "asking", code)
        assert invoke(aws, "asking")[0] == 200
        role = role_with(aws, "asking", LOGS)
        aws.client("lambda").update_function_configuration(FunctionName="asking", Role=role)
        assert "assumed-role/asking/asking is not authorized" in invoke(aws, "asking")[0]


class TestPersonalizeJobs:
    def test_an_import_fails_without_the_right_to_read(self, aws):
        """The job ends as on AWS: CREATE FAILED, with the reason."""
        personalize = aws.client("personalize")
        fields = [
            {"name": "USER_ID", "type": "string"},
            {"name": "AGE_GROUP", "type": "string", "categorical": True},
        ]
        schema = {
            "type": "record",
            "name": "Users",
            "namespace": "com.amazonaws.personalize.schema",
            "fields": fields,
        }
        group = personalize.create_dataset_group(name="g")["datasetGroupArn"]
        schema_arn = personalize.create_schema(
            name="s", schema=json.dumps(schema | {"version": "1.0"})
        )["schemaArn"]
        dataset = personalize.create_dataset(
            name="d", schemaArn=schema_arn, datasetGroupArn=group, datasetType="Users"
        )["datasetArn"]
        aws.client("s3").put_object(Bucket="lake", Key="u.csv", Body=b"USER_ID,AGE_GROUP\na,b\n")
        role = role_with(aws, "importer", service="personalize.amazonaws.com")
        rights = [[], [allowing("s3:ListBucket")], [allowing("s3:ListBucket", "s3:GetObject")]]
        reasons = []
        for number, statements in enumerate(rights):
            set_rights(aws, "importer", *statements)
            job = personalize.create_dataset_import_job(
                jobName=f"j{number}",
                datasetArn=dataset,
                dataSource={"dataLocation": "s3://lake/u.csv"},
                roleArn=role,
            )["datasetImportJobArn"]
            told = personalize.describe_dataset_import_job(datasetImportJobArn=job)
            reasons.append(told["datasetImportJob"].get("failureReason"))
        denied = "Insufficient privileges for accessing data in Amazon S3."
        assert reasons == [denied, denied, None]
