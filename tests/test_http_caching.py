import pytest

from musicrec.http_caching import is_known, weak_etag

ETAG = weak_etag(b"content")


class TestWeakEtag:
    def test_same_content_has_the_same_tag(self):
        """A tag stands for the content, and is of the form that RFC 9110 gives weak ones."""
        assert weak_etag(b"content") == ETAG != weak_etag(b"contents")
        assert ETAG.startswith('W/"')
        assert ETAG.endswith('"')


class TestIsKnown:
    @pytest.mark.parametrize(
        "value",
        [ETAG, ETAG.removeprefix("W/"), f'"other", {ETAG}', f'W/"a",{ETAG},"b"', "*", " * "],
    )
    def test_a_named_tag_is_known(self, value):
        """Alone or in a list, weak or strong, and as the star that means any."""
        assert is_known(ETAG, {"If-None-Match": value})
        assert is_known(ETAG, {"if-none-match": value})

    @pytest.mark.parametrize(
        "headers",
        [None, {}, {"If-None-Match": ""}, {"If-None-Match": '"other"'}, {"If-Match": ETAG},
         {"If-None-Match": ETAG.strip('W/"')}, {"If-None-Match": "x*"}],
    )  # fmt: skip
    def test_everything_else_is_not(self, headers):
        """Another tag, a tag without its quotes, or no header at all."""
        assert not is_known(ETAG, headers)
