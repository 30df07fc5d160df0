"""The page that says which rule of which operation the conformance suite holds, and where it passed."""

from __future__ import annotations

from botocore.session import Session
from personalize_models import SERVICES

from musicrec.local.personalize.operations import OPERATIONS

HEAD = """# What the conformance suite holds

Made by `python -m pytest tests/conformance --coverage-page docs/personalize-coverage.md`. Every rule
below is a test that talks boto3 to an endpoint and passes against the embedded Personalize. "AWS"
gives the day on which the same test last passed against the real service (`--aws`); "documents only"
means that it never ran there.

{count} rules of {operations} operations; {seen} of them were seen to hold on AWS. The constraints of
botocore's service models (required, types, lengths, ranges, patterns, enumerations) are held apart
from these, one bad request for each, by `tests/local/personalize/test_personalize_model_sweep.py`.
"""


def rules(items):
    """For each operation its (rule, test, node id), in the order of collection."""
    found = {}
    for item in items:
        for mark in item.iter_markers("operation"):
            doc = (item.function.__doc__ or "").strip().splitlines()[0]
            case = item.callspec.id if hasattr(item, "callspec") else None
            for name in mark.args:
                rule = doc if case in {None, name} else f"{doc} ({case})"
                found.setdefault(name, []).append((rule, item.name, item.nodeid))
    return found


def render(items, verified):
    """The page as Markdown.

    Args:
        items: the collected tests.
        verified: days by node id.
    """
    by_operation = rules(items)
    listed = [rule for rules in by_operation.values() for rule in rules]
    seen = sum(node in verified for _, _, node in listed)
    lines = [HEAD.format(count=len(listed), operations=len(by_operation), seen=seen)]
    for service in SERVICES:
        names = sorted(Session().get_service_model(service).operation_names)
        lines += [
            f"## {service}",
            "",
            "| operation | rule | tested by | AWS |",
            "|---|---|---|---|",
        ]
        for name in names:
            if name not in OPERATIONS:
                refused = "**not emulated**: refused with `InvalidInputException`"
                lines.append(f"| {name} | {refused} | | |")
            lines += [
                row(name, rule, test, verified.get(node))
                for rule, test, node in by_operation.get(name, [])
            ]
        lines.append("")
    return "\n".join(lines)


def row(name, rule, test, day):
    """One line of a table."""
    escaped = rule.replace("|", "\\|")
    return f"| {name} | {escaped} | `{test}` | {day or 'documents only'} |"
