"""Filters at work: which items come through."""

import numpy as np
import pytest
from personalize_data import ITEMS

from musicrec.local.personalize import avro, filter_values
from musicrec.local.personalize.csv_files import CsvFile, read
from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.filter_evaluation import (
    FilterContext,
    MissingValueError,
    allowed_items,
)
from musicrec.local.personalize.filter_language import parse
from musicrec.local.personalize.item_columns import ItemColumns
from musicrec.local.personalize.metadata import MetadataRecords

IDS = ["a", "b", "c", "d", "e"]  # `e` has no metadata
FILE = b"ITEM_ID,GENRE,TEMPO,YEAR\na,rock|pop,100,1980\nb,Rock,120,1990\nc,jazz,,2000\nd,,90.5,\n"


@pytest.fixture
def passing():
    """The ids that an expression lets through."""
    records = MetadataRecords(avro.parse(ITEMS), "ITEM_ID")
    records.replace_bulk(read([CsvFile("i", FILE)], records.schema))
    columns = ItemColumns.of(records, {name: code for code, name in enumerate(IDS)})

    def run(expression, **context):
        made = FilterContext(n_items=len(IDS), columns=columns, **context)
        return [IDS[code] for code in np.flatnonzero(allowed_items(parse(expression), made))]

    return run


class TestItems:
    @pytest.mark.parametrize(
        ("condition", "found"),
        [
            ('Items.GENRE IN ("rock")', "a"),
            ('Items.GENRE IN ("pop", "jazz")', "ac"),
            ('Items.GENRE IN ("*")', "abc"),
            ('Items.GENRE NOT IN ("rock")', "bc"),
            ("Items.TEMPO > 90.5", "ab"),
            ("Items.TEMPO >= 90.5", "abd"),
            ("Items.YEAR != 1980", "bc"),
            ("Items.YEAR = 1990", "b"),
            ('Items.GENRE IN ("rock", "Rock") AND Items.YEAR < 1985', "a"),
            ("Items.YEAR < 1985 OR Items.YEAR > 1995", "ac"),
        ],
    )
    def test_condition_includes_exactly(self, passing, condition, found):
        """Values match exactly, any of several in a cell; null matches nothing."""
        assert passing(f"INCLUDE ItemID WHERE {condition}") == list(found)

    def test_excludes_are_taken_from_the_includes(self, passing):
        """Whatever their order."""
        include = 'INCLUDE ItemID WHERE Items.GENRE IN ("*")'
        exclude = "EXCLUDE ItemID WHERE Items.YEAR = 1990"
        assert passing(f"{include} | {exclude}") == passing(f"{exclude} | {include}") == ["a", "c"]

    def test_exclude_alone_leaves_the_rest(self, passing):
        """Items without metadata included."""
        assert passing("EXCLUDE ItemID WHERE Items.YEAR >= 1990") == ["a", "d", "e"]

    def test_current_item_sets_the_limit(self, passing):
        """The request's item is compared with."""
        item = {"GENRE": "pop|jazz", "YEAR": 1990}
        expression = "INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE"
        assert passing(expression, item=item) == ["a", "c"]
        assert passing("INCLUDE ItemID WHERE Items.YEAR > CurrentItem.YEAR", item=item) == ["c"]
        assert passing(expression) == []


class TestPlaceholders:
    def test_values_come_with_the_request(self, passing):
        """Lists in quotes, numbers bare."""
        text = "INCLUDE ItemID WHERE Items.GENRE IN ($G) AND Items.YEAR < $Y"
        assert passing(text, values={"G": '"rock","jazz"', "Y": "1995"}) == ["a"]

    def test_include_without_a_value_is_an_error(self, passing):
        """The message names the placeholder."""
        with pytest.raises(MissingValueError, match=r"\$G"):
            passing("INCLUDE ItemID WHERE Items.GENRE IN ($G)", values={"g": '"rock"'})

    def test_exclude_without_a_value_is_ignored(self, passing):
        """Only that clause."""
        text = "EXCLUDE ItemID WHERE Items.GENRE IN ($G) | EXCLUDE ItemID WHERE Items.YEAR = 1980"
        assert passing(text) == ["b", "c", "d", "e"]

    @pytest.mark.parametrize("value", ["rock", '"rock', '"a""b"', '"a",', ""])
    def test_list_needs_quotes(self, value):
        """Bare words and broken lists are refused."""
        with pytest.raises(InvalidInputError, match="double quotes"):
            filter_values.texts("G", value)

    @pytest.mark.parametrize("value", ["rock", '"1970"', "nan", ""])
    def test_number_must_be_one(self, value):
        """Quoted numbers are refused."""
        with pytest.raises(InvalidInputError, match="must be a number"):
            filter_values.number("Y", value)


class TestUsersAndHistory:
    def test_clause_applies_if_the_user_fits(self, passing):
        """For others it is as if it were not there."""
        text = "EXCLUDE ItemID WHERE Items.YEAR = 1980 IF CurrentUser.AGE < 18"
        assert "a" not in passing(text, user={"AGE": 17})
        assert "a" in passing(text, user={"AGE": 18})
        assert "a" in passing(text, user={})

    def test_text_of_the_user_is_compared(self, passing):
        """Lists and equality."""
        text = 'EXCLUDE ItemID WHERE Items.YEAR = 1980 IF CurrentUser.COUNTRY IN ("DE", "FR")'
        assert "a" not in passing(text, user={"COUNTRY": "DE"})
        assert "a" in passing(text, user={"COUNTRY": "IT"})

    @pytest.mark.parametrize(
        ("types", "left"),
        [('IN ("Skip")', "abe"), ('IN ("*")', "e"), ('NOT IN ("skip")', "cde")],
    )
    def test_event_types_ignore_case(self, passing, types, left):
        """The star stands for any type."""
        recent = {"SKIP": np.array([2, 3]), "PLAY": np.array([0, 1])}
        text = f"EXCLUDE ItemID WHERE Interactions.EVENT_TYPE {types}"
        assert passing(text, recent=recent) == list(left)


class TestMetadataChanges:
    def test_put_after_the_import_wins_until_the_next_import(self):
        """The newest record of an id counts, however it came."""
        records = MetadataRecords(avro.parse(ITEMS), "ITEM_ID")
        table = read([CsvFile("i", FILE)], records.schema)
        records.replace_bulk(table)
        records.put("a", {"GENRE": "polka"})
        records.put("z", {"GENRE": "new"})
        assert records.row("a")["GENRE"] == "polka"
        assert {row["ITEM_ID"]: row["GENRE"] for row in records.all().to_pylist()} == {
            "a": "polka", "b": "Rock", "c": "jazz", "d": None, "z": "new",
        }  # fmt: skip
        records.replace_bulk(table)
        assert records.row("a")["GENRE"] == "rock|pop"
        assert records.row("z")["GENRE"] == "new"
        assert records.row("none") is None
        assert records.put_rows().num_rows == 2
