"""What skips do: what each lesson learns from, and what its lists are judged by."""

import numpy as np
import pandas as pd
import pytest

from musicrec.research import skips
from musicrec.research.models import RepeatHistory

CUT = 100


def row(user, item, at, kind):
    return {"USER_ID": user, "ITEM_ID": item, "TIMESTAMP": at, "EVENT_TYPE": kind}


@pytest.fixture
def rows():
    """Ann hears "good" to the end, begins "tried" twice and skips "bad" thrice; then the same again."""
    found = []
    for start in (0, CUT):
        found += [row("ann", "good", start + 2, "play"), row("ann", "good", start + 2, "complete")]
        found += [row("ann", "tried", start + at, "play") for at in (3, 4)]
        found += [row("ann", "bad", start + at, "skip") for at in (5, 7, 9)]
        found += [row("ben", "good", start + 11, "complete")]
    return pd.DataFrame(found)


@pytest.fixture
def taught(rows):
    return skips.lessons(
        RepeatHistory, rows, 0.5, 1, lambda ids: np.zeros((len(ids), 1), dtype=np.float32)
    )


def of_ann(lesson, metric):
    return lesson.completed.metrics[metric][0]


class TestLessons:
    def test_each_learns_from_more(self, taught):
        """The model repeats what it was taught as liked: at last what was skipped."""
        items = ["bad", "good", "tried"]
        shown = [items[lesson.completed.lists[0][0]] for lesson in taught.values()]
        assert list(taught) == list(skips.TAUGHT)
        assert shown == ["good", "tried", "bad"]

    def test_all_are_judged_by_what_is_completed(self, taught):
        """The same two listeners are asked in each lesson."""
        assert [lesson.completed.users.tolist() for lesson in taught.values()] == [[0, 1]] * 3
        assert [of_ann(lesson, "ndcg_at_1") for lesson in taught.values()] == [1.0, 0.0, 0.0]

    def test_begun_counts_what_was_not_heard_out(self, taught):
        """A judge who takes a beginning for liking finds the second lesson right."""
        assert [lesson.started.metrics["ndcg_at_1"][0] for lesson in taught.values()] == [1, 1, 0]

    def test_filter_takes_out_what_was_skipped(self, taught):
        """All of the last lesson's list was skipped before; without that it is the second's."""
        assert [of_ann(lesson, skips.BEFORE) for lesson in taught.values()] == [0, 0, 1]
        assert of_ann(taught["skips as well"], skips.SERVED) == of_ann(
            taught["begun as well"], skips.SERVED
        )
        assert of_ann(taught["skips as well"], skips.NEXT) == 0

    def test_tables_and_differences_have_all_lessons(self, taught):
        """Every measure compares the same lessons, the strictest being what others are held against."""
        tables = skips.tables(taught, 1, 0)
        assert all(set(table.index) == set(skips.TAUGHT) for table in tables.values())
        found = skips.paired(taught, 1, 0)
        for comparisons in found.values():
            assert list(comparisons) == [
                "begun as well - completed only",
                "skips as well - completed only",
            ]


def test_what_is_skipped_and_completed_later_is_no_skip(rows):
    """Ann comes to like the bad one: it is not counted as skipped next."""
    turned = pd.concat([rows, pd.DataFrame([row("ann", "bad", 2 * CUT, "complete")])])
    before = turned["TIMESTAMP"] < CUT
    turned = turned[~(before & (turned["EVENT_TYPE"] == "skip"))]
    turned = pd.concat([turned, pd.DataFrame([row("ann", "bad", 9, "complete")])])
    taught = skips.lessons(
        RepeatHistory, turned, 0.5, 2, lambda ids: np.zeros((len(ids), 1), dtype=np.float32)
    )
    assert of_ann(taught["completed only"], skips.NEXT) == 0
