"""The command that asks the lake: finds the stack, prints rows, and says what went wrong."""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import BotoCoreError
from rich.console import Console

from musicrec import deployment
from musicrec.query import Form, QueryRefusedError, ask, rendered


def run(sql: str, stack: str, form: str) -> int:
    """Ask, print, and give the exit code.

    Args:
        sql: one statement.
        stack: name of the deployed stack.
        form: `table`, `csv` or `json`.
    """
    errors = Console(stderr=True, soft_wrap=True)
    try:
        chosen = Form(form)
    except ValueError:
        errors.print(f"--format takes {', '.join(Form)}, not {form!r}", markup=False)
        return 2
    try:
        session = boto3.Session()
        answer = ask(sql, deployment.load(stack, session.client("ssm")), session)
    except (QueryRefusedError, deployment.DeploymentNotFoundError) as error:
        errors.print(str(error), markup=False, highlight=False)
        return 1
    except BotoCoreError as error:
        errors.print(
            f"{error}\nset the variables that `musicrec up` prints, or those of your AWS account",
            markup=False,
            highlight=False,
        )
        return 1
    shown = rendered(answer.frame, chosen)
    if isinstance(shown, str):
        sys.stdout.write(f"{shown}\n")
    else:
        Console().print(shown)
    errors.print(str(answer), markup=False, highlight=False)
    return 0
