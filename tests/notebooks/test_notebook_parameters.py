"""Parameters given to a notebook are checked before anything runs."""

from pathlib import Path

import pytest
from good_notebook import good
from hypothesis import given
from hypothesis import strategies as st

from musicrec.notebooks.declared import (
    AnnotationError,
    ParameterTypeError,
    UnknownParameterError,
    check_given,
    declared,
    fits,
)
from musicrec.notebooks.document import of_mapping


@pytest.fixture
def notebook():
    content = good()
    content["cells"][1]["source"] = (
        "top_k: int = 10  # length of lists\n"
        'stack: str = "musicrec"  # name of the stack\n'
        "share: float = 0.2  # of the newest listens\n"
        "listeners: list[str] = [  # whose lists to look at\n"
        '    "Zoë",\n'
        "]\n"
        "day: str | None = None  # YYYY-MM-DD"
    )
    return of_mapping(content, Path("05_train.ipynb"))


class TestDeclared:
    def test_knows_types_defaults_and_comments(self, notebook):
        """The parameters cell is read without being run."""
        known = declared(notebook)
        assert {name: one.annotation for name, one in known.items()} == {
            "top_k": "int", "stack": "str", "share": "float", "listeners": "list[str]",
            "day": "str | None",
        }  # fmt: skip
        assert known["listeners"].default == ["Zoë"]
        assert known["listeners"].comment == "whose lists to look at"
        assert known["stack"].comment == "name of the stack"


class TestCheckGiven:
    def test_takes_values_of_the_declared_types(self, notebook):
        """A whole number is a float, too, and None fits where it is declared."""
        check_given(notebook, {"top_k": 5, "share": 1, "listeners": [], "day": None})
        check_given(notebook, {"day": "2026-01-11"})

    @pytest.mark.parametrize(
        ("name", "nearest"), [("TOPK", "top_k"), ("listener", "listeners"), ("stak", "stack")]
    )
    def test_an_unknown_name_is_an_error_with_the_nearest(self, notebook, name, nearest):
        """Papermill would run the notebook with its default and log a warning."""
        with pytest.raises(UnknownParameterError) as caught:
            check_given(notebook, {name: 5})
        message = str(caught.value)
        assert f"05_train.ipynb has no parameter {name!r}: did you mean {nearest!r}?" in message

    def test_a_notebook_without_parameters_takes_none(self):
        """There is no nearest name to offer then."""
        content = good()
        del content["cells"][1]
        with pytest.raises(UnknownParameterError, match="It declares none"):
            check_given(of_mapping(content, Path("x.ipynb")), {"a": 1})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("top_k", "5"),
            ("top_k", 5.0),
            ("top_k", True),
            ("stack", 7),
            ("listeners", [1]),
            ("day", 3),
        ],
    )
    def test_a_value_of_another_type_is_an_error(self, notebook, name, value):
        """The message has the declared type, the value and the default."""
        with pytest.raises(
            ParameterTypeError, match=f"05_train.ipynb: {name} is declared as"
        ) as one:
            check_given(notebook, {name: value})
        assert repr(value) in str(one.value)
        assert "like its default" in str(one.value)


class TestFits:
    @given(st.lists(st.integers()), st.dictionaries(st.text(), st.floats(allow_nan=False)))
    def test_brackets_look_at_every_element(self, numbers, weights):
        """Lists and dictionaries fit when all that is in them does, and not otherwise."""
        assert fits("list[int]", numbers)
        assert not fits("list[int]", [*numbers, "x"])
        assert fits("dict[str, float]", weights)
        assert not fits("dict[str, float]", {**weights, "x": "y"})

    def test_choices(self):
        """`Literal` names the values that a parameter may have."""
        assert fits("Literal['a', 'b']", "b")
        assert not fits("Literal['a', 'b']", "c")

    @pytest.mark.parametrize("annotation", ["Path", "set[int]", "np.ndarray", "Literal", "f()"])
    def test_other_types_are_refused(self, annotation):
        """Values cannot be checked against a type that no literal has."""
        with pytest.raises(AnnotationError, match="no type of a literal"):
            fits(annotation, 1)
