"""How parts reach the embedded AWS."""

import pytest

from musicrec.local.parts import Aws


@pytest.fixture
def aws():
    return Aws("http://127.0.0.1:9")


class TestAws:
    def test_environment_plays_no_part(self, aws, monkeypatch):
        """A developer's own profile, region, endpoint and proxy cannot redirect a client."""
        monkeypatch.setenv("AWS_PROFILE", "somebody")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:2")
        client = aws.client("kinesis")
        assert client.meta.endpoint_url == "http://127.0.0.1:9"
        assert client.meta.region_name == "us-east-1"
        assert client.meta.config.proxies == {}
        assert client._get_credentials().access_key == "test"

    def test_client_is_made_once(self, aws):
        """One client a service serves all threads."""
        assert aws.client("sqs") is aws.client("sqs")

    def test_pool_holds_sixteen_connections_at_least(self, aws):
        """Many workers share a client without waiting for a connection."""
        assert aws.client("s3").meta.config.max_pool_connections >= 16

    def test_clients_do_not_count_for_equality(self, aws):
        """Two ways to the same place are equal whatever clients they have made."""
        aws.client("sqs")
        assert aws == Aws("http://127.0.0.1:9")

    def test_close_forgets_the_clients(self, aws):
        """After a close a new client is made."""
        before = aws.client("sqs")
        aws.close()
        assert aws.client("sqs") is not before
