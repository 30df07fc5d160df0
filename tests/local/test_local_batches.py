"""A batch's way through a function: retries, halves, partial answers, giving up."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local import batches
from musicrec.local.batches import BatchRunner, Discarded, Record, StoppedError
from musicrec.local.mappings import Mapping, from_api, is_active, unsupported
from musicrec.local.parts import FunctionNotRunnableError, InvokeResult

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/plays"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
FAILED = InvokeResult(b'{"errorMessage":"no"}', "Unhandled")
NOW = 1_000_000.0


def mapping_with(**settings):
    return Mapping(
        uuid="m",
        stream_arn=STREAM,
        function_arn=FUNCTION,
        role_arn="arn:aws:iam::123456789012:role/r",
        starting_position="LATEST",
        **settings,
    )


def records_of(count, arrived_at=NOW):
    return [Record(str(n), f"key{n}", f"data{n}".encode(), arrived_at) for n in range(1, count + 1)]


class Run:
    """Runs one batch and notes what happened.

    Args:
        answer: from the sequence numbers of an invocation to its result, or an exception.
        stop_after: waits before the mapping counts as stopped.
    """

    def __init__(self, mapping, answer, stop_after=50):
        self.answer = answer
        self.seen = []
        self.waits = []
        self.discarded = []
        self.stop_after = stop_after
        self.runner = BatchRunner(
            mapping=mapping,
            shard_id="shardId-000000000000",
            invoke=self._invoke,
            discard=self.discarded.append,
            wait=self._wait,
            clock=lambda: NOW,
        )

    def __call__(self, records):
        """Run the batch; what was reported as processed is in `done`."""
        self.done = []
        self.runner.run(records, self.done.append)
        return self

    def _invoke(self, function, event):
        assert function == FUNCTION
        numbers = [int(r["kinesis"]["sequenceNumber"]) for r in json.loads(event)["Records"]]
        self.seen.append(numbers)
        result = self.answer(numbers)
        if isinstance(result, Exception):
            raise result
        return result

    def _wait(self, seconds):
        self.waits.append(seconds)
        return len(self.waits) >= self.stop_after


def succeed(_):
    return InvokeResult(b"null")


def poisoned(*bad):
    return lambda numbers: FAILED if set(bad) & set(numbers) else InvokeResult(b"null")


def partially(*bad):
    """A function with partial responses that can never process some records."""

    def answer(numbers):
        items = [{"itemIdentifier": str(n)} for n in numbers if n in bad]
        return InvokeResult(json.dumps({"batchItemFailures": items}).encode())

    return answer


class TestEvent:
    def test_shape(self):
        """The event is the one that Lambda makes of a Kinesis record."""
        record = Record("495", "user-1", b"\x00\xffplay", 1_545_084_650.987)
        (event,) = json.loads(
            batches.kinesis_event(mapping_with(), "shardId-000000000006", [record])
        )["Records"]
        kinesis = event.pop("kinesis")
        assert base64.b64decode(kinesis.pop("data")) == b"\x00\xffplay"
        assert kinesis == {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "user-1",
            "sequenceNumber": "495",
            "approximateArrivalTimestamp": 1_545_084_650.987,
        }
        assert event == {
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": "shardId-000000000006:495",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/r",
            "awsRegion": "us-east-1",
            "eventSourceARN": STREAM,
        }


class TestFirstFailure:
    @pytest.mark.parametrize(
        "payload",
        [b"null", b"{}", b'{"batchItemFailures": []}', b'{"batchItemFailures": null}', b'{"x":1}'],
    )
    def test_complete_success(self, payload):
        """An empty or absent list says that everything was processed."""
        assert batches.first_failure(records_of(3), payload) is None

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"not json",
            b'"text"',
            b"[]",
            b'{"batchItemFailures": "2"}',
            b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
            b'{"batchItemFailures": [{"itemIdentifier": null}]}',
            b'{"batchItemFailures": [{"wrongKey": "2"}]}',
            b'{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "77"}]}',
        ],
    )
    def test_complete_failure(self, payload):
        """A malformed answer, an empty identifier and a foreign one fail the whole batch."""
        assert batches.first_failure(records_of(3), payload) == 0

    def test_lowest_of_several(self):
        """Several failures count from the first of them."""
        payload = b'{"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}'
        assert batches.first_failure(records_of(3), payload) == 1


class TestRetries:
    def test_success_is_one_invocation(self):
        """A batch that succeeds is reported whole, without a wait."""
        run = Run(mapping_with(), succeed)(records_of(3))
        assert (run.seen, run.done, run.waits) == ([[1, 2, 3]], [3], [])

    def test_failure_is_retried_until_it_succeeds(self):
        """Without limits a batch is tried until it passes, ever more slowly."""
        answers = iter([FAILED, FAILED, FAILED, InvokeResult(b"null")])
        run = Run(mapping_with(), lambda _: next(answers))(records_of(2))
        assert run.seen == [[1, 2]] * 4
        assert run.done == [2]
        assert run.waits == [0.25, 0.5, 1.0]

    def test_waits_are_bounded(self):
        """A batch that keeps failing is tried every ten seconds at least."""
        run = Run(mapping_with(), lambda _: FAILED, stop_after=30)
        with pytest.raises(StoppedError):
            run(records_of(1))
        assert run.waits == sorted(run.waits)
        assert run.waits[-1] == 10.0

    def test_exhausted_retries_discard_the_batch(self):
        """Two retries are three invocations, then the batch is given up and the shard goes on."""
        run = Run(mapping_with(max_retries=2), lambda _: FAILED)(records_of(2))
        assert run.seen == [[1, 2]] * 3
        assert run.done == [2]
        (discarded,) = run.discarded
        assert discarded.condition == "RetryAttemptsExhausted"
        assert discarded.invocations == 3
        assert len(discarded.records) == 2

    def test_zero_retries(self):
        """With no retries the first failure discards."""
        run = Run(mapping_with(max_retries=0), lambda _: FAILED)(records_of(1))
        assert run.seen == [[1]]
        assert run.waits == []

    def test_function_that_cannot_run_uses_no_retries_up(self):
        """A throttled or missing function is waited for, and nothing is discarded."""
        answers = iter([FunctionNotRunnableError("gone")] * 3 + [InvokeResult(b"null")])
        run = Run(mapping_with(max_retries=0), lambda _: next(answers))(records_of(1))
        assert run.discarded == []
        assert len(run.waits) == 3

    def test_stop_while_waiting(self):
        """A stopped mapping leaves the batch undone, to be read again."""
        run = Run(mapping_with(), lambda _: FAILED, stop_after=1)
        with pytest.raises(StoppedError):
            run(records_of(1))
        assert run.done == []


class TestAge:
    def test_old_records_are_given_up_without_an_invocation(self):
        """Records beyond the age limit go to the destination; younger ones are processed."""
        old = records_of(2, arrived_at=NOW - 61)
        young = [Record("3", "k", b"", NOW - 59)]
        run = Run(mapping_with(max_record_age=60), succeed)(old + young)
        assert run.seen == [[3]]
        assert run.done == [2, 1]
        assert run.discarded[0].condition == "RecordAgeExceeded"

    def test_without_a_limit_age_does_not_matter(self):
        """The default keeps everything."""
        run = Run(mapping_with(), succeed)(records_of(2, arrived_at=0.0))
        assert run.seen == [[1, 2]]


class TestBisect:
    def test_halves_isolate_the_bad_record(self):
        """Halving loses the one bad record and processes all others, in order."""
        run = Run(mapping_with(bisect=True, max_retries=1), poisoned(6))(records_of(8))
        assert run.seen == [
            [1, 2, 3, 4, 5, 6, 7, 8],
            [1, 2, 3, 4],
            [5, 6, 7, 8],
            [5, 6],
            [5],
            [6],
            [6],
            [7, 8],
        ]
        assert [r.sequence_number for d in run.discarded for r in d.records] == ["6"]
        assert sum(run.done) == 8

    @given(count=st.integers(1, 40), bad=st.sets(st.integers(1, 40)))
    def test_exactly_the_bad_are_discarded(self, count, bad):
        """Whatever is bad, each good record succeeds once and each bad one is given up once."""
        run = Run(mapping_with(bisect=True, max_retries=0), poisoned(*bad))(records_of(count))
        given_up = [int(r.sequence_number) for d in run.discarded for r in d.records]
        passed = [n for numbers in run.seen if not bad & set(numbers) for n in numbers]
        assert given_up == sorted(n for n in bad if n <= count)
        assert passed == [n for n in range(1, count + 1) if n not in bad]


class TestPartialResponses:
    def test_redelivers_from_the_lowest_failure(self):
        """What came before the failure is done; everything behind it comes again."""
        answers = iter([partially(3)([1, 2, 3, 4]), InvokeResult(b"{}")])
        run = Run(mapping_with(partial_responses=True), lambda _: next(answers))(records_of(4))
        assert run.seen == [[1, 2, 3, 4], [3, 4]]
        assert run.done == [2, 2]

    def test_answer_is_ignored_unless_asked_for(self):
        """Without the setting the same answer is a success."""
        run = Run(mapping_with(), partially(1))(records_of(2))
        assert run.seen == [[1, 2]]

    def test_exhausted_retries_discard_from_the_failure_on(self):
        """What is left of the batch is given up, the failing record first."""
        run = Run(mapping_with(partial_responses=True, max_retries=1), partially(3))(records_of(4))
        assert run.seen == [[1, 2, 3, 4], [3, 4]]
        assert [r.sequence_number for r in run.discarded[0].records] == ["3", "4"]
        assert run.done == [2, 2]

    @given(count=st.integers(1, 30), bad=st.sets(st.integers(1, 30), max_size=6))
    def test_progress_reports_every_record_once(self, count, bad):
        """Reported and discarded records add up to the batch, whatever fails."""
        mapping = mapping_with(partial_responses=True, max_retries=2)
        run = Run(mapping, partially(*bad))(records_of(count))
        assert sum(run.done) == count


class TestFailureDocument:
    def test_names_the_records_and_not_their_content(self):
        """The document is Lambda's: where the records are, why they were given up."""
        first, last = Record("7", "k", b"secret", 1.5), Record("9", "k", b"secret", 2.25)
        discarded = Discarded([first, last], "RetryAttemptsExhausted", 3, FAILED)
        body = batches.failure_document(mapping_with(), "shardId-000000000001", discarded)
        document = json.loads(body)
        assert b"secret" not in body
        assert document["KinesisBatchInfo"] == {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "7",
            "endSequenceNumber": "9",
            "approximateArrivalOfFirstRecord": "1970-01-01T00:00:01.500Z",
            "approximateArrivalOfLastRecord": "1970-01-01T00:00:02.250Z",
            "batchSize": 2,
            "streamArn": STREAM,
        }
        assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert document["requestContext"]["functionArn"] == FUNCTION
        assert document["requestContext"]["approximateInvokeCount"] == 3
        assert document["responseContext"]["functionError"] == "Unhandled"


class TestMapping:
    CONFIGURATION = {  # noqa: RUF012 - tests copy it
        "UUID": "m",
        "EventSourceArn": STREAM,
        "FunctionArn": FUNCTION,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Enabled",
    }

    def test_defaults_are_lambdas(self):
        """What is not set is what Lambda takes for it: 100 records, no window, no limits."""
        mapping = from_api(self.CONFIGURATION, "role")
        assert (mapping.batch_size, mapping.window) == (100, 0.0)
        assert (mapping.max_retries, mapping.max_record_age, mapping.on_failure) == (None,) * 3
        assert not mapping.bisect
        assert not mapping.partial_responses

    def test_minus_one_is_no_limit(self):
        """Lambda's -1 means for ever."""
        limits = {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}
        mapping = from_api({**self.CONFIGURATION, **limits}, "role")
        assert (mapping.max_retries, mapping.max_record_age) == (None, None)

    @pytest.mark.parametrize(
        ("change", "active"),
        [
            ({}, True),
            ({"State": "Disabled"}, False),
            ({"EventSourceArn": "arn:aws:sqs:x:1:q"}, False),
        ],
    )
    def test_active(self, change, active):
        """Only enabled Kinesis mappings are worked on."""
        assert is_active({**self.CONFIGURATION, **change}) is active

    def test_unsupported_settings_are_named(self):
        """A stored setting that has no effect can be told of."""
        assert unsupported({**self.CONFIGURATION, "FilterCriteria": {"Filters": []}}) == [
            "FilterCriteria"
        ]
