"""The plain Python runtime client's own parts; test_local_functions.py runs it as a whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from musicrec.local import runtime_client
from musicrec.local.runtime_client import StartError


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A directory of importable modules; returns a function that writes one."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)

    return write


class TestLoadHandler:
    @pytest.mark.parametrize("name", ["tasks_a.run", "tasks_pkg.inner.run", "tasks_pkg/inner.run"])
    def test_dots_and_slashes(self, code, name):
        """A handler may stand in a package, written either way."""
        code("tasks_a.py", "def run(e, c): return 1")
        code("tasks_pkg/inner.py", "def run(e, c): return 1")
        assert runtime_client.load_handler(name)({}, None) == 1

    @pytest.mark.parametrize(
        ("text", "name", "kind"),
        [
            ("x = 1", "tasks_b.run", "Runtime.HandlerNotFound"),
            ("import not_there_at_all", "tasks_c.run", "Runtime.ImportModuleError"),
            ("def :", "tasks_d.run", "Runtime.UserCodeSyntaxError"),
        ],
    )
    def test_reasons(self, code, text, name, kind):
        """Each reason has Lambda's name."""
        code(name.split(".")[0] + ".py", text)
        with pytest.raises(StartError) as raised:
            runtime_client.load_handler(name)
        assert raised.value.kind == kind


class TestErrorDocument:
    def test_trace_begins_in_the_handler(self):
        """The frame that called the handler is left out."""

        def handler():
            raise ValueError("no")

        try:
            handler()
        except ValueError as error:
            document, kind = runtime_client.error_document(error, "request-1")
        document = json.loads(document)
        assert kind == "ValueError"
        assert document["errorMessage"] == "no"
        assert document["requestId"] == "request-1"
        assert len(document["stackTrace"]) == 1
        assert "handler" in document["stackTrace"][0]


class TestIsolation:
    def test_imports_nothing_of_this_package(self):
        """Run as a script, it loads the standard library alone."""
        path = Path(runtime_client.__file__)
        program = (
            "import runpy, sys\n"
            f"runpy.run_path({str(path)!r}, run_name='loaded')\n"
            "print([name for name in sys.modules if name.split('.')[0] in "
            "('musicrec', 'boto3', 'moto', 'msgspec')])"
        )
        output = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert output.stdout.strip() == "[]"
