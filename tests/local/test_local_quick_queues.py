"""Queues that are quicker than moto's keep their times as those do."""

import time

import boto3
import pytest
from moto import mock_aws
from moto.sqs import models

from musicrec.local import quick_queues


@pytest.fixture
def queue(monkeypatch):
    """A client of moto's queues, and the address of one."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    quick_queues.install()
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        yield sqs, sqs.create_queue(QueueName="poison")["QueueUrl"]
    quick_queues.uninstall()


def received(sqs, url):
    answer = sqs.receive_message(
        QueueUrl=url, MessageSystemAttributeNames=["SentTimestamp"], WaitTimeSeconds=0
    )
    return answer.get("Messages", [])


def test_a_message_says_when_it_was_sent(queue):
    """In milliseconds of the epoch."""
    sqs, url = queue
    before = int(time.time() * 1000)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = received(sqs, url)
    assert before <= int(message["Attributes"]["SentTimestamp"]) <= int(time.time() * 1000)


def test_a_message_that_is_being_worked_on_or_delayed_is_not_seen(queue):
    """Neither is delivered to anybody else, and both are counted as what they are."""
    sqs, url = queue
    sqs.send_message(QueueUrl=url, MessageBody="worked on")
    assert len(received(sqs, url)) == 1
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=60)
    assert received(sqs, url) == []
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert counted["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_message_that_is_given_back_is_seen_again(queue):
    """As soon as its time of invisibility is over."""
    sqs, url = queue
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = received(sqs, url)
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert [again["Body"] for again in answer["Messages"]] == ["m"]


def test_a_message_is_kept_as_long_as_its_queue_says(queue, monkeypatch):
    """A minute in the shortest case; then it is not delivered any more."""
    sqs, url = queue
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert len(received(sqs, url)) == 1
    sqs.send_message(QueueUrl=url, MessageBody="old")
    later = time.time() + 60.5
    monkeypatch.setattr(quick_queues, "milliseconds", lambda: later * 1000)
    assert received(sqs, url) == []


@pytest.mark.usefixtures("queue")
def test_messages_ask_the_quick_clock_until_it_is_taken_out():
    """Then they have the clock that they came with."""
    assert models.unix_time_millis is quick_queues.milliseconds
    quick_queues.uninstall()
    assert models.unix_time_millis is not quick_queues.milliseconds
