"""The page that says which rule of which operation the conformance suite holds, and where it passed."""

from __future__ import annotations

from botocore.session import Session

from musicrec.local.personalize import absent
from musicrec.local.personalize.operations import OPERATIONS

SERVICES = ("personalize", "personalize-events", "personalize-runtime")

HEAD = """# What the conformance suite holds

Made by `python -m pytest tests/conformance --coverage-page docs/personalize-coverage.md`. Every rule
below is a test that talks boto3 to an endpoint and passes against the embedded Personalize. "AWS"
gives the day on which the same test last passed against the real service (`--aws`); "documents only"
means that it never ran there.
"""


def rules(items):
    """For each operation its (rule, test, node id), in the order of collection."""
    found = {}
    for item in items:
        for mark in item.iter_markers("operation"):
            doc = (item.function.__doc__ or "").strip().splitlines()[0]
            case = f" ({item.callspec.id})" if hasattr(item, "callspec") else ""
            for name in mark.args:
                found.setdefault(name, []).append((doc + case, item.name, item.nodeid))
    return found


def render(items, verified):
    """The page as Markdown.

    Args:
        items: the collected tests.
        verified: days by node id.
    """
    by_operation = rules(items)
    lines = [HEAD]
    for service in SERVICES:
        names = sorted(Session().get_service_model(service).operation_names)
        lines += [
            f"## {service}",
            "",
            "| operation | rule | tested by | AWS |",
            "|---|---|---|---|",
        ]
        for name in names:
            lines += [
                row(name, rule, test, verified.get(node))
                for rule, test, node in by_operation.get(name, [])
            ]
            if name not in by_operation:
                lines.append(f"| {name} | {without_rule(name)} | | |")
        lines.append("")
    return "\n".join(lines)


def row(name, rule, test, day):
    """One line of a table."""
    escaped = rule.replace("|", "\\|")
    return f"| {name} | {escaped} | `{test}` | {day or 'documents only'} |"


def without_rule(name):
    """What to say of an operation that no test of the suite calls."""
    if name in absent.OPERATIONS:
        return "answers that there are none; making one is refused"
    if name in OPERATIONS:
        return "emulated; no rule in this suite yet"
    return "not emulated; refused with `InvalidInputException`"
