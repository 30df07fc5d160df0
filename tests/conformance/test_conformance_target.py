"""What counts as AWS when a run is written down as one against AWS."""

import boto3
import pytest
from personalize_target import elsewhere


def client(**options):
    """A client that sends nothing."""
    return boto3.client(
        "personalize",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        **options,
    )


class TestElsewhere:
    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:4566", "https://amazonaws.com.example.org", "http://localhost"]
    )
    def test_stand_in_is_not_aws(self, url):
        """An endpoint with another host is named."""
        assert elsewhere([client(endpoint_url=url)]) == [url]

    def test_stand_in_in_the_environment_is_not_aws(self, monkeypatch):
        """AWS_ENDPOINT_URL, by which the whole project is switched, is seen too."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        assert elsewhere([client()]) == ["http://127.0.0.1:4566"]

    def test_aws_is_aws(self, monkeypatch):
        """The endpoint that botocore computes is AWS's."""
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        assert elsewhere([client()]) == []
