import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.personalize.question import BadQuestionError, Question, parse


def once(**query):
    return {name: [value] for name, value in query.items()}


class TestParse:
    def test_defaults(self):
        """The listener alone is enough: 25 tracks, less what was skipped."""
        assert parse(once(user_id="björk")) == Question(
            user_id="björk", num_results=25, filter="no-skips", explicit=True, exclude_recent=False
        )

    def test_everything_given(self):
        """Numbers and truth values come as text; unknown parameters are passed over."""
        query = once(
            user_id="7", num_results="500", filter="none", explicit="false", exclude_recent="true",
            utm="x",
        )  # fmt: skip
        assert parse(query) == Question(
            user_id="7", num_results=500, filter="none", explicit=False, exclude_recent=True
        )

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            (None, "user_id"),
            ({}, "user_id"),
            (once(user_id=""), "user_id"),
            (once(user_id="u" * 257), "user_id"),
            *((once(user_id="u", num_results=text), "num_results") for text in (
                "", "many", "2.5", "0", "501", "-1", "+5", " 5", "1_0", "٣", "1e2", "0x10", "9" * 5000,
            )),
            *((once(user_id="u", filter=text), "filter") for text in ("all", "", "No-Skips")),
            *((once(user_id="u", explicit=text), "explicit") for text in ("", "no", "0", "True")),
            *((once(user_id="u", exclude_recent=text), "exclude_recent") for text in ("yes", "1")),
        ],
    )  # fmt: skip
    def test_a_bad_parameter_is_named(self, query, parameter):
        """The error names the parameter, in words and for programs."""
        with pytest.raises(BadQuestionError, match=f"^{parameter} ") as caught:
            parse(query)
        assert caught.value.parameter == parameter
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("parameter", ["user_id", "num_results", "filter", "explicit"])
    def test_a_parameter_given_twice_is_refused(self, parameter):
        """Which of two values was meant nobody can know, even if they are equal."""
        values = {"user_id": "u", "num_results": "5", "filter": "none", "explicit": "true"}
        query = once(**values) | {parameter: [values[parameter]] * 2}
        with pytest.raises(BadQuestionError, match=f"{parameter} is given 2 times"):
            parse(query)

    @given(st.dictionaries(
        st.sampled_from(["user_id", "num_results", "filter", "explicit", "exclude_recent", "x"]),
        st.lists(st.text(max_size=300), min_size=1, max_size=2),
    ))  # fmt: skip
    def test_whatever_is_sent_is_taken_or_refused_by_name(self, query):
        """No text leads to another error than the one that names its parameter."""
        refused, asked = None, None
        try:
            asked = parse(query)
        except BadQuestionError as error:
            refused = error.parameter
        if asked is None:
            assert refused in {"user_id"} | query.keys()
        else:
            assert 1 <= len(asked.user_id) <= 256
            assert 1 <= asked.num_results <= 500
