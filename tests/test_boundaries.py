"""What may import what, and what must stay light."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
HEAVY = {"pandas", "numpy", "pyarrow", "awswrangler", "scipy", "matplotlib"}
LIGHT = ("hot_path", "profile_builder", "recommendations")


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_the_command_line_imports_the_embedded_aws():
    """The package, the handlers and the producer work without musicrec.local."""
    local = REPOSITORY / "musicrec" / "local"
    outside = [path for path in sources("musicrec", "lambdas") if local not in path.parents]
    culprits = [
        path.name
        for path in outside
        if any(name.startswith("musicrec.local") for name in imported(path))
    ]
    assert culprits == ["cli.py"]


@pytest.mark.parametrize("path", sources("lambdas"), ids=lambda path: path.parent.name)
def test_handlers_do_not_ask_where_they_run(path: Path):
    """No handler reads the endpoint variables or names the loopback address."""
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("ENDPOINT_URL", "127.0.0.1", "localhost") if word in text]


@pytest.mark.parametrize("name", LIGHT)
def test_light_functions_stay_light(name: str):
    """Importing a light handler loads none of the data libraries."""
    program = "import handler, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY / "lambdas" / name,
        env={
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'lambdas' / name}",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    modules = {module.partition(".")[0] for module in json.loads(done.stdout.splitlines()[-1])}
    assert not modules & HEAVY
