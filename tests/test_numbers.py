"""Every measured number in the README and in docs names where it comes from, and is what stands there.

Behind a number in running text, `<!-- is 04 interactions -->` names a notebook by its number and a result that
it recorded; `<!-- is benchmarks/results/models.json ratings.MomentAndTaste.ndcg -->` a benchmark's file and the path in
it. Before a table or a block of output, which cannot hold comments, `<!-- below 04 interactions 49,278 -->` also says
how the number is written there. `<!-- table benchmarks/results/producer.json accuracy -->` stands before a whole table
as a benchmark printed it, `<!-- excerpt docs/demo.txt -->` before lines that a run of the demo printed. A quantity that
is nobody's measurement but a setting, a limit of AWS or of Spotify, or arithmetic stands in a paragraph, item or
section that says so in its first line: `<!-- settings -->`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from musicrec.notebooks.recording import results

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BEHIND = re.compile(r"(?P<shown>[-+]?[\d,]*\.?\d+ ?%?)\s*<!-- is (?P<source>\S+) (?P<key>\S+) -->")
BEFORE = re.compile(r"<!-- below (?P<source>\S+) (?P<key>\S+) (?P<shown>\S+) -->")
ANY = re.compile(r"<!-- (?:is|below) ")
BLOCK = re.compile(
    r"<!-- (?P<kind>table|excerpt) (?P<source>\S+)(?: (?P<key>\S+))? -->\n"
    r"(?:```\n(?P<fenced>[\s\S]*?)```|(?P<text>(?:.+\n)*))"
)
QUANTITY = re.compile(
    r"(?<![\w/.,-])\d[\d,.]*\s?(?:%|ms\b|µs\b|s\b|seconds?\b|[KMG]B\b|(?:requests|events|plays|polls|rows) a\b|times\b)"
    r"(?P<marker>\s?<!-- is )?"
)
SETTINGS = "<!-- settings -->"
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


class Claim(NamedTuple):
    """A number on a page."""

    page: str
    shown: str
    source: str
    key: str


def claims(page: Path, text: str) -> Iterator[Claim]:
    """The page's numbers that name their source."""
    for found in BEHIND.finditer(text):
        yield Claim(page.name, found["shown"], found["source"], found["key"])
    for found in BEFORE.finditer(text):
        rest = text[found.end() :]
        where = re.search(rf"(?<![\d.,]){re.escape(found['shown'])}(?![\d]|[.,]\d)", rest)
        assert where, f"{page.name}: {found['shown']} does not stand below {found[0]}"
        yield Claim(page.name, found["shown"], found["source"], found["key"])


def truth(claim: Claim) -> Any:
    """What the source says."""
    if claim.source.endswith(".json"):
        value = json.loads((REPOSITORY / claim.source).read_text(encoding="utf-8"))
        for step in claim.key.split("."):
            value = value[step]
        return value
    (notebook,) = (REPOSITORY / "notebooks").glob(f"{claim.source}_*.ipynb")
    return results(notebook)[claim.key].value


def agrees(shown: str, value: float) -> bool:
    """Whether a number is the value, rounded as it is written."""
    percent = shown.endswith("%")
    digits = shown.rstrip(" %").replace(",", "")
    decimals = len(digits.partition(".")[2])
    scaled = value * 100 if percent else value
    return abs(float(digits) - scaled) <= 0.5 * 10**-decimals + 1e-9


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_numbers_are_those_of_their_source(page: Path):
    """Each number that names a source is the source's, rounded as it is written."""
    text = page.read_text(encoding="utf-8")
    found = list(claims(page, re.sub(r"`<!--[^`]*`", "", text)))
    assert len(found) == len(ANY.findall(re.sub(r"`<!--[^`]*`", "", text))), (
        "a marker has no number"
    )
    wrong = [(claim, truth(claim)) for claim in found if not agrees(claim.shown, truth(claim))]
    assert wrong == []


def quoted(found: re.Match[str]) -> list[str]:
    """The lines that a block's source has."""
    text = (REPOSITORY / found["source"]).read_text(encoding="utf-8")
    return (
        text.splitlines()
        if found["kind"] == "excerpt"
        else json.loads(text)["tables"][found["key"]]
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_those_of_their_source(page: Path):
    """A table stands as the benchmark printed it, an excerpt's lines as the demo did, in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines = (found["fenced"] or found["text"]).splitlines()
        shown = [line for line in lines if line.strip() not in {"", "..."}]
        source = iter(quoted(found))
        assert shown, found[0]
        missing = [line for line in shown if line not in source]
        assert missing == [], f"{page.name}: not in {found['source']}, or not in this order"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_quantity_says_what_it_is(page: Path):
    """No number with a unit stands in prose without its source."""
    prose = CODE.sub("", page.read_text(encoding="utf-8"))
    paragraphs = [part for part in prose.split("\n\n") if SETTINGS not in part]
    lines = [line for part in paragraphs for line in part.splitlines() if not line.startswith("|")]
    found = [(quantity, line) for line in lines for quantity in QUANTITY.finditer(line)]
    assert [f"{it[0]} in: {line}" for it, line in found if not it["marker"]] == []


def test_somebody_names_a_source():
    """The tests above would also pass on pages without markers."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert any(list(claims(page, text)) for page, text in zip(PAGES, texts, strict=True))
    assert {found["kind"] for text in texts for found in BLOCK.finditer(text)} == {
        "table",
        "excerpt",
    }


@pytest.mark.parametrize(
    ("shown", "value", "right"),
    [
        ("49,278", 49_278, True), ("49,277", 49_278, False), ("0.09", 0.0882, True),
        ("0.08", 0.0882, False), ("47 %", 0.4726, True), ("47%", 0.48, False), ("-0.1", -0.12, True),
    ],
)  # fmt: skip
def test_rounding(shown: str, value: float, *, right: bool):
    """A number may have fewer digits than the result, not other ones."""
    assert agrees(shown, value) is right
