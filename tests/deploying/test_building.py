"""Everything that Lambda gets, in one folder; pip is left out."""

import io
import sys
import zipfile

import msgspec
import pytest

from musicrec.deploying import building, bytecode, layer, packages
from musicrec.stack import INFRA_DIRECTORY


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.py", content)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _no_pip(monkeypatch):
    monkeypatch.setattr(layer, "layer_zip", lambda version: zipped(dependency=f"'{version}'"))
    monkeypatch.setattr(bytecode, "interpreter", lambda _version: None)


class TestBuild:
    def test_writes_a_zip_a_function_and_the_layer(self, tmp_path):
        """Terraform finds `<key>.zip` for each function of the stack, and `dependencies.zip`."""
        built = building.build(tmp_path)
        stack = msgspec.json.decode((INFRA_DIRECTORY / "stack.json").read_bytes())
        wanted = {f"{key}.zip" for key in (*stack["functions"], "dependencies")}
        assert {path.name for path in tmp_path.iterdir()} == wanted
        assert {one.path.name: one.size for one in built} == {
            path.name: path.stat().st_size for path in tmp_path.iterdir()
        }
        assert not any(one.compiled for one in built)

    def test_too_much_for_one_upload_is_refused(self, tmp_path, monkeypatch):
        """A zip beyond Lambda's limit is named with its size."""
        monkeypatch.setattr(building, "MAX_UPLOAD_BYTES", 10)
        with pytest.raises(building.LimitExceededError, match=r"dependencies\.zip"):
            building.build(tmp_path)

    def test_too_much_in_all_is_refused(self, tmp_path, monkeypatch):
        """A function that has no room beside the layer is named."""
        monkeypatch.setattr(building, "MAX_UNPACKED_BYTES", 10_000)
        with pytest.raises(building.LimitExceededError, match=r"hot_path\.zip"):
            building.build(tmp_path)

    def test_byte_code_goes_beside_the_sources(self, tmp_path, monkeypatch):
        """With an interpreter at hand sources are compiled, the same each time, and work by themselves."""
        monkeypatch.setattr(bytecode, "interpreter", lambda _version: sys.executable)
        monkeypatch.setattr(
            packages, "function_zip", lambda _key: zipped(handler="WORD = {'a', 'b'}")
        )
        for folder in ("one", "two"):
            built = building.build(tmp_path / folder)
        assert all(one.compiled for one in built)
        path = tmp_path / "one" / "hot_path.zip"
        assert path.read_bytes() == (tmp_path / "two" / "hot_path.zip").read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            (compiled,) = [name for name in names if name.endswith(".pyc")]
            assert b"/var/task/handler.py" in archive.read(compiled)


class TestPythonVersion:
    def test_reads_lambdas_name_of_it(self):
        """`python3.12` is Python 3.12."""
        assert building.python_version({"a": "python3.12", "b": "python3.12"}) == "3.12"

    @pytest.mark.parametrize(
        "runtimes", [{"a": "python3.12", "b": "python3.13"}, {"a": "nodejs22.x"}]
    )
    def test_one_layer_serves_one_python(self, runtimes):
        """Several runtimes, and one that is not Python, are refused by name."""
        with pytest.raises(building.RuntimesDifferError, match=r"python3\.1|nodejs"):
            building.python_version(runtimes)


class TestInterpreter:
    def test_a_version_that_is_not_there_is_none(self, monkeypatch):
        """Without such an interpreter there is no byte code, and no error."""
        monkeypatch.undo()
        monkeypatch.setenv("PATH", "")
        assert bytecode.interpreter("2.0") is None

    def test_a_source_that_is_not_valid_is_refused(self):
        """What the functions' Python cannot compile is shown."""
        with pytest.raises(bytecode.SourceNotCompiledError, match=r"handler\.py"):
            bytecode.with_bytecode(zipped(handler="def ("), sys.executable, bytecode.IN_FUNCTION)
