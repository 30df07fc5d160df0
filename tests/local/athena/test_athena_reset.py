"""The embedded Athena ends and forgets with the server that it is part of."""

import pytest
import requests
from botocore.exceptions import ClientError

from musicrec.local.server import EmbeddedAws

pytestmark = pytest.mark.slow

LONG = "SELECT count(*) FROM UNNEST(sequence(1, 300000)) AS a(x), UNNEST(sequence(1, 300000)) AS b(y) WHERE x * y % 7 = 3"
SETTINGS = {"ResultConfiguration": {"OutputLocation": "s3://lake/results/"}}


def test_reset_forgets_everything():
    """After moto's reset no query and no work group of before is known."""
    with EmbeddedAws() as server:
        server.aws.client("s3").create_bucket(Bucket="lake")
        athena = server.aws.client("athena")
        athena.create_work_group(Name="mine")
        query_id = athena.start_query_execution(QueryString=LONG, **SETTINGS)["QueryExecutionId"]
        requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=30)
        assert [one["Name"] for one in athena.list_work_groups()["WorkGroups"]] == ["primary"]
        with pytest.raises(ClientError, match="was not found"):
            athena.get_query_execution(QueryExecutionId=query_id)


def test_stopping_the_server_ends_queries():
    """A server with a running query stops at once."""
    with EmbeddedAws() as server:
        server.aws.client("s3").create_bucket(Bucket="lake")
        server.aws.client("athena").start_query_execution(QueryString=LONG, **SETTINGS)
