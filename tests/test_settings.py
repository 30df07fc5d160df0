import pytest
from msgspec import Struct

from musicrec.settings import InvalidSettingError, MissingSettingError, load


class Example(Struct, frozen=True, rename="upper"):
    queue_url: str
    batch_size: int = 10


class TestLoad:
    def test_variables_are_the_fields_in_capitals(self):
        """Each field is read from its variable and converted to its type."""
        assert load(Example, {"QUEUE_URL": "https://q", "BATCH_SIZE": "5", "HOME": "/"}) == Example(
            queue_url="https://q", batch_size=5
        )

    def test_a_default_needs_no_variable(self):
        """A field with a default may be left out, or empty."""
        assert load(Example, {"QUEUE_URL": "q", "BATCH_SIZE": ""}).batch_size == 10

    @pytest.mark.parametrize("environ", [{}, {"QUEUE_URL": ""}])
    def test_a_missing_variable_is_named(self, environ):
        """The error names the variable that is not set, or set to nothing."""
        with pytest.raises(MissingSettingError, match="QUEUE_URL"):
            load(Example, environ)

    def test_a_wrong_value_is_named(self):
        """The error names the variable whose value does not fit."""
        with pytest.raises(InvalidSettingError, match="BATCH_SIZE"):
            load(Example, {"QUEUE_URL": "q", "BATCH_SIZE": "many"})
