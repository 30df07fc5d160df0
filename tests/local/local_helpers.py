"""Tiny functions and stacks for the tests of the embedded AWS."""

import io
import json
import os
import time
import zipfile

from musicrec.local.parts import Credentials
from musicrec.local.server import EmbeddedAws
from musicrec.stack import trust_policy


def zipped(code):
    """A Lambda code archive with one module, `handler`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", code)
    return buffer.getvalue()


def make_function(aws, name, code, **settings):
    """Store a function; returns its ARN."""
    settings = {"Timeout": 10, "Handler": "handler.lambda_handler", **settings}
    answer = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=make_role(aws),
        Code={"ZipFile": zipped(code)},
        **settings,
    )
    return answer["FunctionArn"]


def make_role(aws):
    """The role of every test function: Lambda may take it, and it may do everything."""
    iam = aws.client("iam")
    try:
        return iam.get_role(RoleName="tests")["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        trust = trust_policy("lambda.amazonaws.com")
        role = iam.create_role(RoleName="tests", AssumeRolePolicyDocument=trust)["Role"]
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.put_role_policy(
            RoleName="tests", PolicyName="all", PolicyDocument=policy_document(everything)
        )
        return role["Arn"]


def policy_document(*statements):
    """A policy of some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow_rule(aws, function_arn, rule_arn):
    """Let a rule invoke a function."""
    aws.client("lambda").add_permission(
        FunctionName=function_arn,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )


def make_stream(aws, name, shards=1):
    """Make a Kinesis stream; returns its ARN."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


def put(aws, stream, documents):
    """Put JSON documents on a stream, all with one partition key."""
    records = [{"Data": json.dumps(document), "PartitionKey": "k"} for document in documents]
    answer = aws.client("kinesis").put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0, "a shard was throttled: put less at a time"


def put_all(aws, stream, records):
    """Put records as producers must: what a shard throttles is put again when there is room."""
    while records:
        answer = aws.client("kinesis").put_records(StreamName=stream, Records=records)
        results = zip(records, answer["Records"], strict=True)
        records = [record for record, result in results if "ErrorCode" in result]
        if records:
            time.sleep(0.1)


def invoke(aws, name, event=None, **settings):
    """Invoke a function; returns its decoded answer and the error header."""
    answer = aws.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode(), **settings
    )
    payload = answer["Payload"].read()
    return json.loads(payload) if payload else None, answer.get("FunctionError")


def is_running(pid):
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def role_with(aws, name, *statements, service="lambda.amazonaws.com"):
    """A role that a service may take, with just these statements; returns its ARN."""
    iam = aws.client("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy(service))
    set_rights(aws, name, *statements)
    return made["Role"]["Arn"]


def set_rights(aws, role, *statements):
    """Replace what a role may do."""
    # A policy has one statement at least.
    statements = statements or ({"Effect": "Deny", "Action": "none:Nothing", "Resource": "*"},)
    aws.client("iam").put_role_policy(
        RoleName=role, PolicyName="rights", PolicyDocument=policy_document(*statements)
    )


def allowing(*actions, on="*"):
    """A statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def acting(aws, role_arn):
    """The embedded AWS for somebody who has assumed a role with STS."""
    given = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="tests")["Credentials"]
    return aws.signed_by(
        Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    )


def records_held(server: EmbeddedAws, stream: str) -> int:
    """How many records a stream holds; not read off it, since its readers share a few calls a second."""
    region = server._parts._kinesis._region(server.aws.region)
    shards = region.named(stream, int(time.time() * 1000)).shards
    return sum(len(shard.log) for shard in shards.values())
