"""`python -m musicrec.notebooks`: check, run and keep notebooks from a shell."""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
from pathlib import Path
from typing import Any

from musicrec.notebooks import contract, running
from musicrec.notebooks.declared import declared
from musicrec.notebooks.document import read


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit code."""
    given = _parser().parse_args(arguments)
    code: int = given.command(given)
    return code


def check(given: argparse.Namespace) -> int:
    """Print every place that breaks the contract; 1 when there is one."""
    found = [one for path in given.notebooks for one in contract.check(path)]
    sys.stdout.writelines(f"{one}\n" for one in found)
    return int(bool(found))


def run(given: argparse.Namespace) -> int:
    """Run one notebook with parameters and print what it took."""
    known = declared(read(given.notebook))
    values = {
        name: text if name in known and known[name].annotation == "str" else _literal(text)
        for name, text in given.parameter
    }
    executed = running.execute(given.notebook, given.output, values)
    _say(executed)
    return 0


def keep(given: argparse.Namespace) -> int:
    """Run notebooks in order, each with its own parameters, and store their outputs in them."""
    with tempfile.TemporaryDirectory() as folder:
        for path in given.notebooks:
            executed = running.execute(path, Path(folder) / path.name)
            running.keep(executed, path)
            _say(executed)
    return 0


def _say(executed: Path) -> None:
    measured = read(executed).run
    sys.stdout.write(
        f"{executed.name}  {measured['seconds']} s  {measured['peak_mb']} MB at most\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m musicrec.notebooks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help="print what breaks the contract")
    checking.add_argument("notebooks", nargs="+", type=Path)
    checking.set_defaults(command=check)
    one = commands.add_parser("run", help="run a notebook with checked parameters")
    one.add_argument("notebook", type=Path)
    one.add_argument("output", type=Path)
    one.add_argument("-p", "--parameter", action="append", nargs=2, default=[])
    one.set_defaults(command=run)
    keeping = commands.add_parser("keep", help="run notebooks, store their outputs in them")
    keeping.add_argument("notebooks", nargs="+", type=Path)
    keeping.set_defaults(command=keep)
    return parser


def _literal(text: str) -> Any:
    """A value given in a shell: Python's literal, or the text where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
