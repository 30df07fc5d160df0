"""The zips of the functions."""

import io
import zipfile

import pytest

from musicrec.deploying import packages


@pytest.fixture
def lambdas(tmp_path):
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet" / "handler.py").write_text("def lambda_handler(event, context): ...\n")
    (tmp_path / "greet" / "notes.txt").write_text("not code")
    return tmp_path


def names(content):
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


class TestFunctionZip:
    def test_holds_the_handler_and_the_package(self, lambdas):
        """The handler is at the top, the package beside it, without its laptop parts."""
        listed = names(packages.function_zip("greet", lambdas))
        assert listed[0] == "handler.py"
        assert "musicrec/events.py" in listed
        assert not [n for n in listed if n.startswith(("musicrec/local/", "musicrec/research/"))]
        assert all(name.endswith(".py") for name in listed)

    def test_the_same_sources_make_the_same_bytes(self, lambdas):
        """Times of files play no part, so that a second deployment changes nothing."""
        first = packages.function_zip("greet", lambdas)
        (lambdas / "greet" / "handler.py").touch()
        assert packages.function_zip("greet", lambdas) == first

    def test_a_missing_handler_is_named(self, lambdas):
        """A function without a handler is an error that shows the path."""
        with pytest.raises(packages.HandlerNotFoundError, match=r"nobody.handler\.py"):
            packages.function_zip("nobody", lambdas)

    def test_a_zip_with_data_is_refused(self, lambdas, monkeypatch):
        """A zip over the limit fails with its size."""
        monkeypatch.setattr(packages, "MAX_ZIP_BYTES", 10)
        with pytest.raises(packages.PackageTooLargeError, match="greet"):
            packages.function_zip("greet", lambdas)
