"""The functions' clients: what they can do is what boto3's can."""

import gc

import boto3
import pytest
from botocore.exceptions import UnknownServiceError

from musicrec import clients

SERVICES = ("dynamodb", "personalize-events", "personalize-runtime", "s3", "sqs", "ssm")


@pytest.fixture(autouse=True)
def _aws(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


class TestClient:
    @pytest.mark.parametrize("service", SERVICES)
    def test_is_boto3s(self, service):
        """Operations, their parameters, the endpoint and the pagers are those of a plain boto3 client."""
        ours, plain = clients.client(service), boto3.client(service)
        assert ours.meta.endpoint_url == plain.meta.endpoint_url
        assert ours.meta.method_to_api_mapping == plain.meta.method_to_api_mapping
        for name in plain.meta.service_model.operation_names:
            shapes = [
                it.meta.service_model.operation_model(name).input_shape for it in (ours, plain)
            ]
            members = [list(shape.members) if shape else None for shape in shapes]
            assert members[0] == members[1]
        pagers = [
            [it.can_paginate(name) for name in sorted(it.meta.method_to_api_mapping)]
            for it in (ours, plain)
        ]
        assert pagers[0] == pagers[1]

    def test_is_made_once(self):
        """The same settings give the same client, others another."""
        assert clients.client("sqs") is clients.client("sqs")
        assert clients.client("sqs") is not clients.client("sqs", attempts=2)

    def test_a_service_that_is_not_there_is_named(self):
        """The error is botocore's, and says which services there are."""
        with pytest.raises(UnknownServiceError, match=r"'sqss'.*personalize-runtime"):
            clients.client("sqss")

    def test_garbage_is_collected_as_before(self):
        """Making a client leaves the collector as it was, on or off."""
        clients.client("sqs")
        assert gc.isenabled()
        gc.disable()
        try:
            clients.client("ssm")
            assert not gc.isenabled()
        finally:
            gc.enable()
