import csv

import pytest
from aws_world import BUCKET, DEPLOYMENT, track_id

from musicrec.catalog import AUDIO_FEATURES, KAGGLE_COLUMNS, CatalogFormatError, Track
from musicrec.datasets import catalogue, popular_list
from musicrec.datasets.catalogue import CatalogNotPublishedError
from musicrec.popular import PopularList


@pytest.fixture
def kaggle(tmp_path):
    """A Kaggle file of one track in two genres."""
    path = tmp_path / "tracks.csv"
    numbers = dict.fromkeys(AUDIO_FEATURES, "0.5")
    row = dict.fromkeys(KAGGLE_COLUMNS, "1") | numbers
    row |= {
        "track_id": track_id(1),
        "artists": "Björk",
        "track_name": "Jóga",
        "explicit": "False",
    }
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, KAGGLE_COLUMNS)
        writer.writeheader()
        writer.writerows(row | {"track_genre": genre} for genre in ("trip-hop", "electronic"))
    return path


class TestPublish:
    def test_puts_the_artefact_where_the_deployment_says(self, aws, kaggle):
        """What is published is what Lambdas open, and the report says what was cleaned."""
        report = catalogue.publish(kaggle, aws.clients.s3, BUCKET)
        assert (report.rows, report.tracks, report.merged) == (2, 1, 1)
        assert DEPLOYMENT.catalog_uri == f"s3://{BUCKET}/{catalogue.CATALOG_KEY}"
        with catalogue.downloaded(aws.clients.s3, BUCKET) as opened:
            assert opened.get(track_id(1)).genres == ("electronic", "trip-hop")

    def test_keeps_tracks_that_were_merely_seen(self, aws, kaggle):
        """Publishing again does not take away the names that daily builds added."""
        seen = Track(track_id=track_id(7), name="New", artists=("Somebody",))
        old = Track(track_id=track_id(8), name="Old", artists=("A",), genres=("gone",))
        catalogue.upload([seen, old], aws.clients.s3, BUCKET)
        catalogue.publish(kaggle, aws.clients.s3, BUCKET)
        with catalogue.downloaded(aws.clients.s3, BUCKET) as opened:
            assert [track.track_id for track in opened] == [track_id(1), track_id(7)]

    def test_lists_what_the_file_calls_popular(self, aws, kaggle):
        """From the first day there is a list for everybody; a second publication changes nothing."""
        catalogue.publish(kaggle, aws.clients.s3, BUCKET)
        first = popular_list.standing(aws.clients.s3, BUCKET)
        (track,) = first.tracks
        assert (track.name, track.artists, track.heard) == ("Jóga", ("Björk",), 0)
        assert (first.until, first.days) == (None, 0)
        catalogue.publish(kaggle, aws.clients.s3, BUCKET)
        assert popular_list.standing(aws.clients.s3, BUCKET) == first

    def test_leaves_what_was_really_heard(self, aws, kaggle):
        """A list that a daily build counted is not replaced by the file's popularity."""
        counted = PopularList(until="2026-03-01", days=28, tracks=())
        popular_list.upload(counted, aws.clients.s3, BUCKET)
        catalogue.publish(kaggle, aws.clients.s3, BUCKET)
        assert popular_list.standing(aws.clients.s3, BUCKET) == counted

    def test_of_another_file_changes_nothing(self, aws, tmp_path):
        """A file without the Kaggle columns is refused before anything is uploaded."""
        path = tmp_path / "other.csv"
        path.write_text("a,b\n1,2\n")
        with pytest.raises(CatalogFormatError, match="lacks the columns"):
            catalogue.publish(path, aws.clients.s3, BUCKET)
        assert "Contents" not in aws.clients.s3.list_objects_v2(Bucket=BUCKET)


class TestDownloaded:
    def test_of_nothing_says_what_to_do(self, aws):
        """A missing catalogue is an error with the next step."""
        with (
            pytest.raises(CatalogNotPublishedError, match="publish the Kaggle"),
            catalogue.downloaded(aws.clients.s3, BUCKET),
        ):
            pass
