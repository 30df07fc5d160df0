"""The embedded Personalize in this process: requests without a network, jobs run when told to.

Every answer is judged on the spot: by status, by the errors that the operation declares, by the
output shape, and by time.
"""

from __future__ import annotations

import io
import json
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from personalize_models import MODELS
from personalize_shapes import complaints
from personalize_world import Clock

from musicrec.local.personalize.app import create_app
from musicrec.local.personalize.workers import Workers

REGION = "us-east-1"
PATIENT = 20.0
"""Seconds after which a call hangs; the slowest take a tenth of one."""

UNDECLARED = {"InvalidInputException", "SerializationException"}
"""Errors of the protocol and of validation, which any operation may answer with."""


class HangError(BaseException):
    """A call does not come back; no handler of exceptions may take it for a defect."""


@contextmanager
def deadline(seconds, what):
    """Fail when the block takes longer, also inside a regular expression."""

    def expired(*_):
        raise HangError(f"{what} took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, expired)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    start = time.monotonic()
    try:
        yield
    finally:
        rest = max(left - (time.monotonic() - start), 0.001) if left else 0
        signal.setitimer(signal.ITIMER_REAL, rest)
        signal.signal(signal.SIGALRM, before)


@dataclass
class MemoryS3:
    """The calls of an S3 client that jobs make, on a dictionary; one bucket refuses everything."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    buckets: tuple[str, ...] = ("bucket", "locked")

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803 - boto3's names
        """Keep an object."""
        self._enter(Bucket, "PutObject")
        self.objects[Bucket, Key] = Body

    def get_object(self, *, Bucket, Key):  # noqa: N803 - boto3's names
        """Find an object."""
        self._enter(Bucket, "GetObject")
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def list_objects_v2(self, *, Bucket, Prefix, MaxKeys):  # noqa: N803 - boto3's names
        """The first objects below a prefix."""
        (listed,) = self.paginate(Bucket=Bucket, Prefix=Prefix, Delimiter="")
        return {"Contents": sorted(listed["Contents"], key=lambda one: one["Key"])[:MaxKeys]}

    def get_paginator(self, _):
        """There is one, for listings."""
        return self

    def paginate(self, *, Bucket, Prefix, Delimiter):  # noqa: N803 - boto3's names
        """All on one page."""
        self._enter(Bucket, "ListObjectsV2")
        sizes = {key: len(body) for (bucket, key), body in self.objects.items() if bucket == Bucket}
        found = {key: size for key, size in sizes.items() if key.startswith(Prefix)}
        shown = [key for key in found if not Delimiter or Delimiter not in key[len(Prefix) :]]
        return [{"Contents": [{"Key": key, "Size": found[key]} for key in shown]}]

    def _enter(self, bucket, operation):
        code = "NoSuchBucket" if bucket not in self.buckets else "AccessDenied"
        if code == "NoSuchBucket" or bucket == "locked":
            raise ClientError({"Error": {"Code": code}}, operation)


@dataclass
class MemoryAws:
    """What the application needs of `musicrec.local.parts.Aws`."""

    s3: MemoryS3 = field(default_factory=MemoryS3)
    region: str = REGION
    account_id: str = "123456789012"

    def client(self, service):
        """Jobs ask for S3, and metric attributions for CloudWatch, which has one operation here."""
        return self if service == "cloudwatch" else self.s3

    def put_metric_data(self, *, Namespace, MetricData):  # noqa: N803 - boto3's names
        """Take what CloudWatch would."""
        assert Namespace == "AWS/Personalize"
        assert 0 < len(MetricData) <= 1000


class StagedWorkers(Workers):
    """Runs jobs in the thread of the request, or, while held, when the test says so."""

    def __init__(self):
        super().__init__()
        self.held = False
        self.waiting = []
        self.done = []

    def start(self, region, job, work):
        """Run it now, or keep it."""
        self.waiting.append((region, job, work))
        if not self.held:
            self.run(0)

    def run(self, place, meanwhile=lambda: None):
        """Run a waiting job; `meanwhile` happens after it began to compute."""
        region, job, work = self.waiting.pop(place)

        def both():
            meanwhile()
            work()

        self._run(region, job, both)
        self.done.append(job)


@dataclass
class Answer:
    """What came back: the error's code, None for success, and the members."""

    code: str | None
    content: dict


class Wire:
    """The application and the world around it."""

    def __init__(self):
        self.clock = Clock()
        self.aws = MemoryAws()
        self.app = create_app(aws=self.aws, clock=self.clock, patience=0.0)
        self.workers = self.app._workers = StagedWorkers()

    @property
    def region(self):
        """The registry behind the wire."""
        return self.app._region(REGION)

    def send(self, name, params):
        """One request to an operation; its answer, judged."""
        return self.post(name, json.dumps(params).encode())

    def post(self, name, body):
        """As `send`, with any body."""
        model = MODELS[name]
        environ = environment(model, body)
        with deadline(PATIENT, name):
            status, headers, content = self.serve(environ)
        judge(model, status, headers, content)
        members = json.loads(content or b"{}")
        return Answer(None if status == 200 else members["__type"], members)

    def serve(self, environ):
        """Status, headers and body of any WSGI request."""
        seen = []
        body = b"".join(
            self.app(environ, lambda status, headers: seen.append((status, dict(headers))))
        )
        return int(seen[0][0].split()[0]), seen[0][1], body


def environment(model, body):
    """A request as a server hands it on."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": model.http["requestUri"],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"AWS4 Credential=t/20260101/{REGION}/personalize/aws4_request",
    }
    if model.service_model.service_name == "personalize":
        environ["HTTP_X_AMZ_TARGET"] = f"AmazonPersonalize.{model.name}"
    return environ


def judge(model, status, headers, body):
    """Fail unless this is an answer that a client of the operation can expect."""
    assert headers["Content-Length"] == str(len(body))
    if status == 200:
        _judge_success(model.name, body)
        return
    error = json.loads(body)
    code = error["__type"]
    shapes = {shape.name: shape for shape in model.error_shapes}
    assert code in shapes.keys() | UNDECLARED, f"{model.name} does not declare {error}"
    assert error["message"], error
    assert headers["x-amzn-ErrorType"] == code
    rules = shapes[code].metadata.get("error", {}) if code in shapes else {}
    assert status == rules.get("httpStatusCode", 400), error


@lru_cache(maxsize=4096)  # most answers of a look are those of the look before
def _judge_success(name, body):
    model = MODELS[name]
    shape = model.output_shape
    if shape is None:
        assert body == b"", body
        return
    members = json.loads(body, parse_constant=_no_number)
    found = list(complaints(shape, members)) + list(strangers(shape, members))
    # The model gives some role ARNs of answers the pattern of Personalize's own ARNs.
    found = [text for text in found if ".roleArn does not match" not in text]
    assert not found, f"{model.name}: {found}"
    parser = create_parser(model.service_model.metadata["protocol"])
    response = {"status_code": 200, "headers": {}, "body": body}
    parsed = parser.parse(response, shape)
    assert parsed.keys() - {"ResponseMetadata"} == members.keys()


def _no_number(constant):
    raise AssertionError(f"{constant} is no JSON")


def strangers(shape, value, path=""):
    """Members that the model does not have, and nulls."""
    if value is None:
        yield f"{path} is null"
    elif shape.type_name == "structure":
        yield from (f"{path}.{name} is unknown" for name in value.keys() - shape.members.keys())
        for name in value.keys() & shape.members.keys():
            yield from strangers(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for entry in value:
            yield from strangers(shape.member, entry, f"{path}[]")
    elif shape.type_name == "map":
        for name, entry in value.items():
            yield from strangers(shape.value, entry, f"{path}.{name}")
