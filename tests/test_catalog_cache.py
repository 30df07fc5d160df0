import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from musicrec import catalog
from musicrec.catalog import Track
from musicrec.catalog_cache import MAX_AGE_S, CatalogCache, CatalogMissingError

URI = "s3://bucket/catalog/catalog.sqlite"


@pytest.fixture
def calls(bucket_s3):
    made = []
    bucket_s3.meta.events.register("before-call.s3", lambda model, **_: made.append(model.name))
    return made


@pytest.fixture
def publish(bucket_s3, tmp_path):
    def put(*track_ids):
        path = tmp_path / "built.sqlite"
        catalog.write([Track(track_id=one, name=one, artists=("a",)) for one in track_ids], path)
        bucket_s3.upload_file(str(path), "bucket", "catalog/catalog.sqlite")

    return put


@pytest.fixture
def cache(bucket_s3, clock, tmp_path):
    directory = tmp_path / "cache"
    directory.mkdir()
    return CatalogCache(bucket_s3, URI, clock, directory)


class TestCurrent:
    def test_it_is_downloaded_once(self, cache, publish, calls):
        """Between checks no call goes to S3."""
        publish("x")
        calls.clear()
        assert cache.current().get("x")
        assert cache.current().get("x")
        assert calls == ["HeadObject", "GetObject"]

    def test_an_unchanged_one_is_not_downloaded_again(self, cache, publish, calls, clock):
        """A check that finds the same artefact keeps it."""
        publish("x")
        held = cache.current()
        calls.clear()
        clock.now += MAX_AGE_S
        assert cache.current() is held
        assert calls == ["HeadObject"]

    def test_a_new_one_takes_its_place(self, cache, publish, clock, tmp_path):
        """A changed artefact is seen at the next check, and the old file goes."""
        publish("x")
        cache.current()
        publish("x", "y")
        assert len(cache.current()) == 1
        clock.now += 60
        assert len(cache.current(max_age_s=60)) == 2
        assert len(list((tmp_path / "cache").iterdir())) == 1

    def test_processes_share_a_download(self, cache, publish, bucket_s3, tmp_path, calls):
        """A second process on the same disk finds the file of the first."""
        publish("x")
        cache.current()
        calls.clear()
        assert CatalogCache(bucket_s3, URI, lambda: 0.0, tmp_path / "cache").current().get("x")
        assert calls == ["HeadObject"]

    def test_a_missing_one_is_named(self, cache):
        """Without an artefact the error says where it was looked for."""
        with pytest.raises(CatalogMissingError, match=URI):
            cache.current()

    def test_it_is_found_as_soon_as_it_is_there(self, cache, publish):
        """A failure is not remembered."""
        with pytest.raises(CatalogMissingError):
            cache.current()
        publish("x")
        assert cache.current().get("x")

    def test_the_held_one_serves_while_s3_is_down(self, cache, publish, bucket_s3, clock):
        """A check that fails keeps the catalogue that is there."""
        publish("x")
        cache.current()
        bucket_s3.delete_object(Bucket="bucket", Key="catalog/catalog.sqlite")
        clock.now += MAX_AGE_S
        assert cache.current().get("x")

    def test_other_refusals_come_through(self, clock, tmp_path):
        """An error that does not mean absence keeps its own name."""
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        with Stubber(client) as stubber:
            stubber.add_client_error("head_object", "SlowDown", http_status_code=503)
            with pytest.raises(ClientError, match="SlowDown"):
                CatalogCache(client, URI, clock, tmp_path).current()
