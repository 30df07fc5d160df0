"""Results recorded in a notebook come back as they were, and are held to both sides."""

import math
from pathlib import Path

import numpy as np
import pytest
from good_notebook import good, recorded, write
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from musicrec.notebooks import record
from musicrec.notebooks.recording import MIME, RecordError, Result, differences, results


def shown(name, value, **options):
    """What a notebook would hold of one call."""
    InteractiveShell.instance()
    with capture_output() as captured:
        record(name, value, **options)
    (output,) = captured.outputs
    return output


class TestRecord:
    def test_writes_text_and_a_machine_readable_part(self):
        """People see a line; programs find name, value and tolerance under a media type."""
        output = shown("ndcg_at_10", 0.0591234, within=0.002)
        assert output.data["text/plain"] == "ndcg_at_10 = 0.05912"
        assert output.data[MIME] == {"name": "ndcg_at_10", "value": 0.05912, "within": 0.002}
        assert output.metadata == {"musicrec": {"record": "ndcg_at_10"}}

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            (49_278, 49_278), (np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True),
            ("co-occurrence", "co-occurrence"), (None, None), (np.nan, None), (123_456.789, 123_500.0),
        ],
    )  # fmt: skip
    def test_takes_scalars_of_any_kind(self, value, kept):
        """NumPy's scalars become Python's, fractions keep four digits, counts all of theirs."""
        found = shown("x", value).data[MIME]["value"]
        assert found == kept
        assert type(found) is type(kept)

    @pytest.mark.parametrize("value", [math.inf, -math.inf, [1], {"a": 1}, np.array([1, 2])])
    def test_refuses_what_is_no_result(self, value):
        """A number that is none, or more than one, cannot be held."""
        with pytest.raises((RecordError, ValueError)):
            record("x", value)

    @pytest.mark.parametrize("name", ["", "NDCG", "ndcg@10", "1st", "with space"])
    def test_refuses_other_names(self, name):
        """Names are those of variables, so that other places can name a result."""
        with pytest.raises(RecordError, match="no name of a result"):
            record(name, 1)

    def test_refuses_a_negative_tolerance(self):
        """A distance has no direction."""
        with pytest.raises(RecordError, match="is negative"):
            record("x", 1, within=-0.1)


class TestResults:
    def test_reads_back_in_order(self, tmp_path: Path):
        """What the outputs of a notebook file hold, by name."""
        content = good()
        content["cells"][-1]["outputs"].append(recorded("share", 0.25, 0.01))
        path = write(content, tmp_path)
        assert results(path) == {
            "total": Result(name="total", value=21),
            "share": Result(name="share", value=0.25, within=0.01),
        }


class TestDifferences:
    @pytest.mark.parametrize("value", [0.05, 0.07])
    def test_better_is_as_wrong_as_worse(self, value):
        """The tolerance has two sides."""
        kept = {"ndcg": Result(name="ndcg", value=0.06, within=0.005)}
        assert differences(kept, {"ndcg": Result(name="ndcg", value=value)}) == [
            f"ndcg is {value}, kept was 0.06 (within 0.005)"
        ]
        assert not differences(kept, {"ndcg": Result(name="ndcg", value=0.0649)})

    def test_names_must_be_the_same(self):
        """A result that has gone, or come, is a difference."""
        one, other = {"a": Result(name="a", value=1)}, {"b": Result(name="b", value=1)}
        assert differences(one, other) == [
            "a is not recorded any more",
            "b is not among the kept results",
        ]

    @pytest.mark.parametrize(
        ("kept", "fresh"), [(True, 1), (1, None), ("a", "b"), (None, 0.0), (3, 4), (0, False)]
    )
    def test_without_a_tolerance_values_are_equal_or_differ(self, kept, fresh):
        """Counts, texts and truth values have no distance."""
        assert not Result(name="x", value=kept, within=0.0).holds(fresh)
        assert Result(name="x", value=kept).holds(kept)

    @given(st.floats(-1e6, 1e6), st.floats(0, 10), st.floats(-20, 20))
    def test_holds_is_symmetrical(self, value, within, away):
        """Whichever of two runs is kept, the other one holds or does not."""
        one = Result(name="x", value=value, within=within)
        other = Result(name="x", value=value + away, within=within)
        assert one.holds(other.value) == other.holds(one.value)
