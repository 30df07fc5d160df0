"""The layer of dependencies: what is in it, and that functions need nothing else."""

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from musicrec.deploying import layer, packages

REPOSITORY = Path(__file__).parents[2]
FUNCTIONS = sorted(path.name for path in (REPOSITORY / "lambdas").iterdir() if path.is_dir())
MANAGED = {
    "awswrangler", "jsonpath-ng", "numpy", "packaging", "pandas", "pyarrow", "python-dateutil",
    "requests", "certifi", "charset-normalizer", "idna", "setuptools", "typing-extensions", "six",
}  # fmt: skip
"""What the AWS SDK for pandas layer holds of the dataset builder's imports.

The build of that layer installs awswrangler with its extras for Redshift, MySQL, PostgreSQL, Gremlin,
OpenSearch and Excel (building/lambda/build-lambda-layer.sh in its repository); boto3 and what it needs
it leaves to the runtime.
"""

GUARD = """
import sys
from importlib.machinery import PathFinder

allowed = set(sys.argv[1].split(",")) | set(sys.stdlib_module_names)

class Guard(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in allowed or top.startswith("_sysconfigdata"):
            return super().find_spec(name, path, target)
        return None

sys.meta_path = [Guard if one is PathFinder else one for one in sys.meta_path]
import handler
"""
"""Imports a handler where only some modules can be found."""


def modules_of(distributions) -> set[str]:
    """The top-level modules that distributions bring."""
    wanted = {name.lower().replace("_", "-") for name in distributions}
    return {
        module
        for module, names in importlib.metadata.packages_distributions().items()
        if wanted & {name.lower().replace("_", "-") for name in names}
    }


def available(function: str) -> set[str]:
    """What a function can import beside the standard library."""
    layers = {*layer.IN_RUNTIME, *layer.DISTRIBUTIONS}
    if function == "dataset_builder":
        layers |= MANAGED
    return modules_of(layers) | {"handler", "musicrec"}


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs, wherever in it."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    return walk(ast.parse(path.read_text(encoding="utf-8")))


def reached(function: str) -> set[str]:
    """Every module outside the package that a function's own sources can import, now or later."""
    waiting, seen, others = [REPOSITORY / "lambdas" / function / "handler.py"], set(), set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for name in imports(path):
            if not name.startswith("musicrec"):
                others.add(name.partition(".")[0])
                continue
            base = REPOSITORY.joinpath(*name.split("."))
            found = [it for it in (base.with_suffix(".py"), base / "__init__.py") if it.is_file()]
            waiting += [it for it in found if it not in seen]
    return others - sys.stdlib_module_names


def started(function, program, *given):
    """A program run as Lambda would run it: from the function's folder, with little else around."""
    place = REPOSITORY / "lambdas" / function
    return subprocess.run(
        [sys.executable, "-c", program, *given],
        cwd=place,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": f"{REPOSITORY}:{place}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "STACK": "musicrec",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("function", FUNCTIONS)
class TestImports:
    def test_starting_takes_nothing_that_lambda_lacks(self, function):
        """A handler starts where only the runtime's modules, the layer's and its own zip's exist."""
        done = started(function, GUARD, ",".join(sorted(available(function))))
        assert done.returncode == 0, done.stderr

    def test_what_is_imported_later_is_there_too(self, function):
        """No import in a function's own sources names a module that Lambda lacks."""
        assert reached(function) - available(function) == set()

    def test_its_zip_holds_every_module_of_ours(self, function):
        """Handlers start from the zip alone: nothing that they import of the package was left out."""
        with zipfile.ZipFile(BytesIO(packages.function_zip(function))) as archive:
            names = set(archive.namelist())
        program = "import handler, json, sys; print(json.dumps([m for m in sys.modules]))"
        done = started(function, program)
        ours = [it for it in json.loads(done.stdout) if it.startswith("musicrec")]
        files = {it.replace(".", "/") for it in ours}
        assert not [
            it for it in files if f"{it}.py" not in names and f"{it}/__init__.py" not in names
        ]


class TestPinned:
    def test_versions_are_those_of_the_lock_file(self):
        """What functions import on AWS is what the tests ran with."""
        installed = {f"{name}=={importlib.metadata.version(name)}" for name in layer.DISTRIBUTIONS}
        assert set(layer.pinned(layer.LOCK)) == installed

    def test_markers_are_not_part_of_a_version(self, tmp_path):
        """A line that holds for some machines only is read up to its marker."""
        lock = tmp_path / "requirements.lock"
        lock.write_text(
            "".join(f"{name}==1.0 ; sys_platform == 'x'\n" for name in layer.DISTRIBUTIONS)
        )
        assert layer.pinned(lock) == [f"{name}==1.0" for name in layer.DISTRIBUTIONS]

    def test_what_is_not_locked_is_named(self, tmp_path):
        """A dependency without a version stops the build."""
        lock = tmp_path / "requirements.lock"
        lock.write_text("msgspec==0.22.0\n")
        with pytest.raises(layer.NotLockedError, match="aws-lambda-powertools"):
            layer.pinned(lock)


def wheel(folder: Path, name: str, files: dict[str, str], tag: str = "py3-none-any") -> None:
    """A wheel as pip takes it."""
    module = name.replace("-", "_")
    about = f"{module}-1.0.dist-info"
    files = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{about}/licenses/LICENSE": "do as you like",
    }
    with zipfile.ZipFile(folder / f"{module}-1.0-{tag}.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(f"{about}/RECORD", "".join(f"{path},,\n" for path in files))


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Pip finds wheels of our making, and no registry."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "requirements.lock"
    path.write_text("".join(f"{name}==1.0\n" for name in layer.DISTRIBUTIONS))
    return path


@pytest.mark.slow
class TestLayerZip:
    def test_holds_lambdas_wheels_and_nothing_idle(self, wheels, lock):
        """Compiled parts are those for arm64; tests, stubs and pip's records stay out; bytes repeat."""
        for name in layer.DISTRIBUTIONS:
            wheel(wheels, name, {f"{name.replace('-', '_')}/__init__.py": ""})
        (wheels / "msgspec-1.0-py3-none-any.whl").unlink()
        for machine in ("aarch64", "x86_64"):
            files = {
                f"msgspec/_core.{machine}.so": "machine code",
                "msgspec/__init__.py": "",
                "msgspec/__init__.pyi": "",
                "msgspec/tests/test_it.py": "",
            }
            wheel(wheels, "msgspec", files, f"cp312-cp312-manylinux2014_{machine}")
        first = layer.layer_zip("3.12", lock)
        with zipfile.ZipFile(BytesIO(first)) as archive:
            names = [name for name in archive.namelist() if "/msgspec" in name]
        assert names == [
            "python/msgspec/__init__.py",
            "python/msgspec/_core.aarch64.so",
            "python/msgspec-1.0.dist-info/METADATA",
            "python/msgspec-1.0.dist-info/licenses/LICENSE",
        ]
        assert layer.layer_zip("3.12", lock) == first

    @pytest.mark.usefixtures("wheels")
    def test_says_what_pip_says(self, lock):
        """A version without a wheel for Lambda is an error that names it."""
        with pytest.raises(layer.LayerNotResolvedError, match=r"aws-lambda-powertools==1\.0"):
            layer.layer_zip("3.12", lock)
