import pytest

from musicrec import popular
from musicrec.catalog import Track
from musicrec.popular import LENGTH, PopularCache, PopularList, PopularListError, PopularTrack

URI = "s3://bucket/catalog/popular.json"


@pytest.fixture
def cache(bucket_s3, clock):
    return PopularCache(bucket_s3, URI, clock)


def made(*names):
    tracks = tuple(PopularTrack(track_id=name, name=name, artists=("a",)) for name in names)
    return PopularList(until="2026-03-01", days=28, tracks=tracks)


def put(bucket_s3, content):
    body = content if isinstance(content, bytes) else popular.encode(content)
    bucket_s3.put_object(Bucket="bucket", Key="catalog/popular.json", Body=body)


class TestRanked:
    def test_a_song_stands_once(self):
        """Another id with the same title by the same main artist is the same song to a listener."""
        tracks = [
            PopularTrack(track_id="1", name="Jóga", artists=("Björk",)),
            PopularTrack(track_id="2", name="JÓGA", artists=("björk", "X")),
            PopularTrack(track_id="3", name="Jóga", artists=("Another",)),
            PopularTrack(track_id="4"),
            PopularTrack(track_id="4"),
        ]
        assert [track.track_id for track in popular.ranked(tracks)] == ["1", "3", "4"]

    def test_it_has_an_end(self):
        """Only so many tracks are listed, and not more of them are read than that takes."""
        read = []
        tracks = (read.append(n) or PopularTrack(track_id=str(n)) for n in range(LENGTH + 500))
        assert len(popular.ranked(tracks)) == LENGTH
        assert len(read) <= LENGTH + 1


class TestListed:
    def test_it_has_what_an_answer_needs(self):
        """Name, artists, genres and flag come along, features do not."""
        track = Track(
            track_id="1", name="Jóga", artists=("Björk",), genres=("pop",), explicit=True,
            popularity=7, features={"energy": 0.5},
        )  # fmt: skip
        assert popular.listed(track, 3) == PopularTrack(
            track_id="1", name="Jóga", artists=("Björk",), genres=("pop",), explicit=True, heard=3
        )


def test_it_lies_beside_the_catalogue():
    """One setting says where both are."""
    assert popular.beside("s3://bucket/catalog/catalog.sqlite") == URI


class TestCurrent:
    def test_it_is_read_once(self, bucket_s3, cache):
        """As long as it is fresh nothing is asked."""
        put(bucket_s3, made("x"))
        first = cache.current()
        bucket_s3.delete_object(Bucket="bucket", Key="catalog/popular.json")
        assert cache.current() is first is cache.held
        assert first == made("x")

    def test_a_new_one_is_seen(self, bucket_s3, cache, clock):
        """After its time the list is renewed if S3 holds another."""
        put(bucket_s3, made("x"))
        cache.current()
        put(bucket_s3, made("y"))
        assert cache.current() == made("x")
        clock.now += popular.MAX_AGE_S
        assert cache.current() == made("y")

    def test_an_unchanged_one_is_not_sent_again(self, bucket_s3, cache, clock):
        """S3 is asked for another than the one that is held."""
        put(bucket_s3, made("x"))
        first = cache.current()
        clock.now += popular.MAX_AGE_S
        assert cache.current() is first

    def test_an_old_one_serves_on(self, bucket_s3, cache, clock):
        """What is held is better than nothing, whatever became of S3's."""
        put(bucket_s3, made("x"))
        cache.current()
        clock.now += popular.MAX_AGE_S
        put(bucket_s3, b"{oops")
        assert cache.current() == made("x")

    @pytest.mark.parametrize("content", [None, b"{oops", b"[]"])
    def test_none_says_where_it_should_be(self, bucket_s3, cache, content):
        """A missing list and one that is none are errors that name the place and the next step."""
        if content is not None:
            put(bucket_s3, content)
        with pytest.raises(PopularListError, match=rf"{URI}.*daily build"):
            cache.current()
        assert cache.held is None
