"""The filter language: what parses, into what, and what is refused where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.personalize.errors import InvalidInputError
from musicrec.local.personalize.filter_language import (
    Condition,
    CurrentItem,
    Number,
    Placeholder,
    Texts,
    parse,
)

SKIPS = Condition("INTERACTIONS", "EVENT_TYPE", "IN", Texts(("skip",)))


class TestParse:
    def test_filter_of_this_project(self):
        """The filter that keeps skipped tracks out."""
        (clause,) = parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("skip")').clauses
        assert not clause.include
        assert clause.any_of == ((SKIPS,),)

    def test_keywords_datasets_and_fields_ignore_case(self):
        """AWS's samples write them in every case."""
        expression = parse('exclude itemid where interactions.event_type in ("skip")')
        assert expression.clauses[0].any_of == ((SKIPS,),)

    def test_text_keeps_its_case_and_escapes(self):
        """Values match exactly."""
        condition = parse(r'INCLUDE ItemID WHERE Items.A IN ("Rock \"n\" Roll", "*x")').clauses[0]
        assert condition.any_of[0][0].operand == Texts(('Rock "n" Roll', "*x"))

    def test_and_binds_tighter_than_or(self):
        """A or (B and C)."""
        clause = parse(
            "INCLUDE ItemID WHERE Items.A = 1 OR Items.B > 2 AND Items.C <= -3.5"
        ).clauses[0]
        assert [[c.field for c in alternative] for alternative in clause.any_of] == [
            ["A"],
            ["B", "C"],
        ]
        assert clause.any_of[1][1].operand == Number(-3.5)

    def test_clauses_are_joined_by_a_bar(self):
        """Verbs may differ."""
        expression = parse(
            'INCLUDE ItemID WHERE Items.GENRE IN ($G) | EXCLUDE ItemID WHERE Interactions.event_type IN ("*")'
        )
        assert [clause.include for clause in expression.clauses] == [True, False]
        assert expression.clauses[0].any_of[0][0].operand == Placeholder("G")
        assert expression.fields() == {("ITEMS", "GENRE"), ("INTERACTIONS", "EVENT_TYPE")}

    def test_conditions_on_the_user_close_an_expression(self):
        """IF takes CurrentUser only."""
        clause = parse(
            'EXCLUDE ItemID WHERE Items.EXPLICIT IN ("True") IF CurrentUser.AGE < 18 AND CurrentUser.SEX = "F"'
        ).clauses[0]
        assert [(c.field, c.operator) for c in clause.only_if] == [("AGE", "<"), ("SEX", "=")]

    def test_current_item_may_be_compared(self):
        """In lists and in comparisons."""
        clause = parse(
            "INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE AND Items.YEAR >= CurrentItem.YEAR"
        ).clauses[0]
        assert [c.operand for c in clause.any_of[0]] == [CurrentItem("GENRE"), CurrentItem("YEAR")]

    @pytest.mark.parametrize(
        ("expression", "text"),
        [
            ("", "ends where INCLUDE or EXCLUDE is expected"),
            ("INCLUDE", "ends where"),
            ("REMOVE ItemID WHERE Items.A = 1", "position 1 "),
            ("INCLUDE ItemID WHERE Items.A ~ 1", "Invalid input symbol: ~ .at position 30"),
            ("INCLUDE ItemID WHERE Items.A = ", "ends where a number"),
            ("INCLUDE ItemID WHERE Items.A IN (rock)", "'rock' .at position 34"),
            ("INCLUDE ItemID WHERE Items.A IN ()", r"'\)' .at position 34"),
            ('INCLUDE ItemID WHERE Items.A IN ("a"', "ends where"),
            ('INCLUDE ItemID WHERE Items.A IN ("a" "b")', "position 38"),
            ("INCLUDE ItemID WHERE Items.A IN ($A, $B)", "position 36"),
            ('INCLUDE ItemID WHERE Items.A = "x"', "position 32"),
            ("INCLUDE ItemID WHERE Items.A = 1 Items.B = 2", "Unexpected 'Items'"),
            ('EXCLUDE ItemID WHERE Interactions.VALUE IN ("x")', "EVENT_TYPE only"),
            ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE = 1", "IN and NOT IN"),
            ('EXCLUDE ItemID WHERE Users.A IN ("x")', "cannot be filtered by USERS.A"),
            (
                'EXCLUDE ItemID WHERE Items.A = 1 AND Interactions.EVENT_TYPE IN ("x")',
                "one dataset only",
            ),
            ("EXCLUDE ItemID WHERE Items.A = 1 IF Items.B = 2", "CurrentUser only"),
            ("INCLUDE UserID WHERE Users.A = 1 IF CurrentUser.B = 2", "a segment has none"),
            ('EXCLUDE ItemID WHERE Items.A = 1 IF CurrentUser.B < "x"', "compares numbers"),
        ],
    )
    def test_error_points_at_the_place(self, expression, text):
        """The message says what is wrong and where."""
        with pytest.raises(InvalidInputError, match=text):
            parse(expression)

    def test_placeholder_with_not_in_has_the_service_s_own_message(self):
        """AWS documents this text."""
        with pytest.raises(InvalidInputError) as caught:
            parse("EXCLUDE ItemID WHERE Items.A NOT IN ($X)")
        assert caught.value.message == (
            "Invalid input symbol: $X. Placeholders are not allowed with NOT_IN operator."
        )

    @given(
        st.lists(
            st.sampled_from(
                [
                    "INCLUDE",
                    "EXCLUDE",
                    "ItemID",
                    "UserID",
                    "WHERE",
                    "Items",
                    ".",
                    "Interactions",
                    "EVENT_TYPE",
                    "A",
                    "IN",
                    "NOT",
                    "(",
                    ")",
                    '"x"',
                    "$P",
                    "=",
                    "<",
                    "1",
                    "AND",
                    "OR",
                    "IF",
                    "CurrentUser",
                    "CurrentItem",
                    "|",
                    ",",
                    "~",
                ]
            ),
            max_size=20,
        )
    )
    def test_any_text_parses_or_is_refused(self, words):
        """No input breaks the parser in another way."""
        try:
            expression = parse(" ".join(words))
        except InvalidInputError:
            return
        assert expression.clauses
