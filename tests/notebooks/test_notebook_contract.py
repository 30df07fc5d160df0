"""Every rule of the contract, on a notebook that keeps it and on some that break it in one place."""

import json
from pathlib import Path
from typing import Any

import pytest
from good_notebook import QUESTION, code, good, recorded, signed, write

from musicrec.notebooks import contract
from musicrec.notebooks.document import NotANotebookError
from musicrec.notebooks.violations import Limits


def with_parameters(line: str) -> dict[str, Any]:
    content = good()
    content["cells"][1]["source"] = line
    return signed(content)


def with_question(text: str) -> dict[str, Any]:
    content = good()
    content["cells"][0]["source"] = text
    return content


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good notebook with one value replaced, by a path like `cells.3.outputs`."""
    content: Any = good()
    *steps, last = path.split(".")
    inner = content
    for step in steps:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[last] = value
    return content


def without(path: str) -> dict[str, Any]:
    content: Any = good()
    *steps, last = path.split(".")
    inner = content
    for step in steps:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    del inner[last]
    return content


COST = "from musicrec.personalize import cost, solutions\nestimate = cost.of_training(1000)\n"
ASK = 'cost.require_confirmation("the training", estimate, confirm=confirm)\n'
TRAIN = "solutions.train(clients, arn)"
TEAR = "from musicrec.personalize import teardown\n"
LONG = "def long(x):\n" + "".join(f"    x += {n}\n" for n in range(6)) + "    return x"

BROKEN = {
    "no title": (with_question("Just text"), "question", 1, "no title"),
    "no question": (with_question("# 01 · Example\n\nIt counts."), "question", 1, "no question"),
    "a question that asks nothing": (with_question("# 01\n\n**Question** none."), "question", 1, "no"),
    "not Python": (good("total = = 3"), "python", 5, "total = = 3"),
    "no parameters": (changed("cells.1.metadata", {}), "one-parameters-cell", None, "0 cells"),
    "two cells": (
        changed("cells.3.metadata", {"tags": ["parameters"]}), "one-parameters-cell", None, "(2, 4)",
    ),
    "code before": (
        signed({**good(), "cells": [good()["cells"][n] for n in (0, 2, 1, 3, 4)]}),
        "one-parameters-cell", 3, "code stands before",
    ),
    "computed": (
        with_parameters('p: str = "a" + "b"  # a path'), "parameters-literal", 2, "is computed",
    ),
    "derived": (
        with_parameters("a: int = 1  # one\nb: int = a  # two"), "parameters-literal", 2, "b: int = a",
    ),
    "a call among them": (
        with_parameters("import os"), "parameters-literal", 2, "`import os` is no assignment",
    ),
    "no type": (with_parameters("days = 7  # days"), "parameters-typed", 2, "`days = 7` has no type"),
    "wrong type": (
        with_parameters('days: int = "7"  # days'), "parameters-typed", 2, "default is no int",
    ),
    "truth for a number": (
        with_parameters("days: int = True  # days"), "parameters-typed", 2, "default is no int",
    ),
    "a strange type": (
        with_parameters("d: Path = None  # where"), "parameters-typed", 2, "no type of a literal",
    ),
    "no comment": (
        with_parameters("days: int = 7"), "parameters-commented", 2, "`days: int = 7` has no comment",
    ),
    "set again": (good("days = 8"), "parameters-stay", 5, "'days' is set again"),
    "a secret's name": (
        with_parameters('api_key: str = "k"  # of the API'), "no-secrets", 2, "'api_key'",
    ),
    "a secret's name in a call": (good('connect(password="x")'), "no-secrets", 5, "'password'"),
    "a key in a cell": (good('where = "AKIA' + "Q" * 16 + '"'), "no-secrets", 5, "AKIAQQQQ…"),
    "a key in an output": (
        changed("cells.3.outputs", [
            {"output_type": "stream", "name": "stdout", "text": "ASIA" + "Z" * 16}
        ]),
        "no-secrets", 4, "an AWS access key id",
    ),
    "a password in an address": (
        good('url = "https://me:hunter2@example.org"'), "no-secrets", 5, "a password in an address",
    ),
    "a long function": (good(LONG), "short-functions", 5, "'long' has 8 lines, 5 are allowed"),
    "a class": (good("class Thing:\n    pass"), "short-functions", 5, "class Thing"),
    "boto3": (good("import boto3"), "no-clients", 5, "`import boto3`"),
    "botocore": (good("from botocore.config import Config"), "no-clients", 5, "botocore.config"),
    "a client of a session": (good('s3 = session.client("s3")'), "no-clients", 5, "session.client"),
    "a shell": (good("!aws s3 ls"), "no-clients", 5, "`!aws s3 ls` runs in a shell"),
    "a shell cell": (good("%%bash\naws s3 ls"), "no-clients", 5, "%%bash"),
    "a loop": (good("while not done():\n    pass"), "no-polling", 5, "while not done():"),
    "a sleep": (good("import time\ntime.sleep(3)"), "no-polling", 5, "`time.sleep(3)` waits"),
    "a sleep by another way": (
        good("from time import sleep\nfor _ in range(3):\n    sleep(60)"), "no-polling", 5, "sleep(60)",
    ),
    "training unasked": (good(COST + TRAIN), "costs-confirmed", 5, "starts a training"),
    "training asked afterwards": (
        good(COST + "print(estimate)\n" + TRAIN + "\n" + ASK), "costs-confirmed", 5, "starts a training",
    ),
    "training always confirmed": (
        good(COST + "print(estimate)\n" + ASK.replace("confirm=confirm", "confirm=True") + TRAIN),
        "costs-confirmed", 5, "is always confirmed",
    ),
    "estimate not printed": (good(COST + ASK + TRAIN), "costs-confirmed", 5, "was not printed"),
    "a campaign by a client": (
        good("clients.personalize.create_campaign(name='x')"), "costs-confirmed", 5, "create_campaign",
    ),
    "deletion unasked": (
        good(TEAR + "teardown.execute(clients, steps, dry_run=False)"),
        "deletion-confirmed", 5, "deletes whatever",
    ),
    "nothing recorded": (
        signed(changed("cells.4.source", "print(total)")), "closing-record", 5, "records no result",
    ),
    "recorded too early": (
        signed({**good(), "cells": [good()["cells"][n] for n in (0, 1, 2, 4, 3)]}),
        "closing-record", 5, "records no result",
    ),
    "not run": (changed("cells.3.execution_count", None), "run-in-order", 4, "was not run"),
    "run out of order": (changed("cells.3.execution_count", 7), "run-in-order", 4, "as number 7, not 3"),
    "an error kept": (
        changed("cells.3.outputs", [
            {"output_type": "error", "ename": "E", "evalue": "went wrong", "traceback": []}
        ]),
        "run-in-order", 4, "went wrong",
    ),
    "edited since": (
        changed("cells.3.source", "total = 4 * days\nprint(total)"),
        "outputs-by-this-source", None, "was changed after",
    ),
    "never run by us": (without("metadata.musicrec"), "outputs-by-this-source", None, "nothing says"),
    "an output stripped": (
        changed("cells.3.outputs", []), "outputs-complete", 4, "0 outputs are stored, its run made 1",
    ),
    "recorded twice": (
        changed("cells.3.outputs", [recorded("total", 5)]), "outputs-complete", None, "'total' twice",
    ),
    "not measured": (without("metadata.musicrec.seconds"), "run-in-time", None, "are not stored"),
    "too slow": (changed("metadata.musicrec.seconds", 61.2), "run-in-time", None, "took 61 s"),
}  # fmt: skip


class TestContract:
    def test_a_good_notebook_breaks_nothing(self, tmp_path: Path):
        """The notebook from which the bad ones are made keeps every rule."""
        assert contract.check(write(good(), tmp_path)) == []

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_bad_notebook_is_told_where_and_what_to_do(self, name: str, tmp_path: Path):
        """The broken rule is named with notebook, cell, the offending text and a next step."""
        content, rule, cell, words = BROKEN[name]
        found = [one for one in contract.check(write(content, tmp_path)) if one.rule == rule]
        assert found, contract.check(write(content, tmp_path))
        assert found[0].cell == cell
        assert words in found[0].found
        assert found[0].advice
        where = "01_example.ipynb" if cell is None else f"01_example.ipynb, cell {cell}"
        assert str(found[0]).startswith(f"{where}: {found[0].found}\n")

    def test_every_rule_is_broken_by_an_example(self):
        """No rule stands without a notebook that shows that it can fail."""
        assert {rule for _, rule, _, _ in BROKEN.values()} == {one.name for one in contract.RULES}

    @pytest.mark.parametrize(
        "cell",
        [
            COST + "print(estimate)\n" + ASK + TRAIN,
            COST + "print(cost.combined(estimate, estimate))\n" + ASK + TRAIN,
            COST + "solutions.train(clients, arn, confirm=confirm)",
            TEAR + "teardown.execute(clients, steps, dry_run=not confirm)",
            "%matplotlib inline",
            "def short(x):\n    return x + 1",
            "client = clients.s3\nclient.list_buckets()",
            "tokens = 3\ntoken_count = len(words)",
        ],
    )
    def test_what_is_good_is_left_alone(self, cell: str, tmp_path: Path):
        """Cells that do the right thing break no rule."""
        assert contract.check(write(good(cell), tmp_path)) == []

    def test_a_repository_adds_its_own_costly_functions(self, tmp_path: Path):
        """What costs money elsewhere is named by its full name."""
        path = write(good("from shop import buy\nbuy(3)"), tmp_path)
        limits = Limits(costly={"shop.buy": "a purchase"})
        (found,) = contract.check(path, limits)
        assert "`buy(3)` starts a purchase" in found.found

    def test_text_may_be_edited_without_a_run(self, tmp_path: Path):
        """Markdown is not part of the digest; code is."""
        assert contract.check(write(with_question(QUESTION + "\n\nMore."), tmp_path)) == []

    def test_sources_in_lines_are_the_same_source(self, tmp_path: Path):
        """A cell's text stored as a list of lines, as Jupyter does, gives the same digest."""
        content = good()
        for cell in content["cells"]:
            cell["source"] = cell["source"].splitlines(keepends=True)
        assert contract.check(write(content, tmp_path)) == []

    @pytest.mark.parametrize("text", ["no JSON", json.dumps({"nbformat": 3}), "[]"])
    def test_other_files_are_refused(self, text: str, tmp_path: Path):
        """A file that is no notebook of format 4 is named, with what is wrong."""
        path = tmp_path / "other.ipynb"
        path.write_text(text)
        with pytest.raises(NotANotebookError, match=r"other\.ipynb is no notebook of format 4"):
            contract.check(path)

    def test_empty_cells_do_not_count(self, tmp_path: Path):
        """An empty code cell is neither run nor measured."""
        content = good()
        content["cells"].append(code(""))
        assert contract.check(write(content, tmp_path)) == []
