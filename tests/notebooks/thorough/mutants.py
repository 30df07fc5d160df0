"""Small wrongs in the package that a notebook has to notice, and the package with one of them in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import musicrec

PACKAGE = Path(musicrec.__file__).parent


@dataclass(frozen=True)
class Mutant:
    """One wrong.

    Attributes:
        name: what is wrong.
        file: of the package.
        before: text that stands there once.
        after: what takes its place.
        notebooks: numbers of those that should notice, the likeliest first.
    """

    name: str
    file: str
    before: str
    after: str
    notebooks: tuple[str, ...]


PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "03": {"run_date": "2026-01-12"},  # the build that 04 to 07 go on with stays as it is
    "05": {"recipes": [], "folds": 2},  # judges this package's models; Personalize is not mutated
}
"""What a notebook is given here, mutated or not, by its number."""


@dataclass(frozen=True)
class Copy:
    """A copy of the package with one text replaced; all other files are links to the real ones."""

    folder: Path
    mutant: Mutant

    def write(self) -> Path:
        """Make it; returns the folder to put on the path.

        Raises:
            AssertionError: the text to replace stands there more or less than once.
        """
        parts = Path(self.mutant.file).parts
        real, copied = PACKAGE, self.folder / PACKAGE.name
        for part in parts:
            copied.mkdir(parents=True)
            for child in real.iterdir():
                if child.name not in {part, "__pycache__"}:
                    (copied / child.name).symlink_to(child)
            real, copied = real / part, copied / part
        text = real.read_text(encoding="utf-8")
        found = text.count(self.mutant.before)
        assert found == 1, (
            f"{self.mutant.name}: {self.mutant.before!r} stands {found} times in {real}"
        )
        copied.write_text(text.replace(self.mutant.before, self.mutant.after), encoding="utf-8")
        return self.folder


HARMLESS = Mutant(
    "nothing but a comment",
    "decay.py",
    "HALF_LIFE_MS: Final = 60 * DAY_MS",
    "HALF_LIFE_MS: Final = 60 * DAY_MS  # two months",
    (),
)

MUTANTS = [
    Mutant(
        "profiles forget twice as fast", "decay.py",
        "HALF_LIFE_MS: Final = 60 * DAY_MS", "HALF_LIFE_MS: Final = 30 * DAY_MS", ("09", "02"),
    ),
    Mutant(
        "who plays ten tracks a day is a heavy listener", "profile.py",
        '(25.0, "regular"))', '(10.0, "regular"))', ("02",),
    ),
    Mutant(
        "NDCG discounts from the second rank on", "research/metrics.py",
        "np.arange(2, length + 2)", "np.arange(3, length + 3)", ("05",),
    ),
    Mutant(
        "NDCG's gain at a hit is halved", "research/metrics.py",
        "hits(ranked, relevant, k).astype(np.float64)) / dcg",
        "0.5 * hits(ranked, relevant, k).astype(np.float64)) / dcg", ("05",),
    ),
    Mutant(
        "NDCG's ideal holds all relevant items", "research/metrics.py",
        "possible = min(k, len(np.unique(relevant)))", "possible = len(np.unique(relevant))", ("05",),
    ),
    Mutant(
        "the training reaches a day into the test", "research/splits.py",
        "learnt.select(learnt.timestamps < cut)", "learnt.select(learnt.timestamps <= cut + 86_400)",
        ("05",),
    ),
    Mutant(
        "what was heard before may be recommended as new", "research/evaluation.py",
        "scores[case.history] = -np.inf", "scores[case.history[:0]] = -np.inf", ("05",),
    ),
    Mutant(
        "tracks that nobody had met count as rare ones", "research/beyond.py",
        "groups[share == 0] = TENTHS", "groups[share == 0] = TENTHS - 1", ("05",),
    ),
    Mutant(
        "the filter of what was skipped looks at plays", "research/skips.py",
        "SKIPPED: Final = (EventType.SKIP,)", "SKIPPED: Final = (EventType.PLAY,)", ("05",),
    ),
    Mutant(
        "a track that was begun counts as heard to the end", "research/experiment.py",
        '"completed": EventType.COMPLETE', '"completed": EventType.PLAY', ("06",),
    ),
    Mutant(
        "shares of genres are halved", "research/reaction.py",
        "sum(values) / max(1, len(values))", "sum(values) / max(1, 2 * len(values))", ("06",),
    ),
    Mutant(
        "an import wants a hundred times as much", "datasets/schemas.py",
        "MIN_INTERACTIONS: Final = 1000", "MIN_INTERACTIONS: Final = 100_000", ("03",),
    ),
    Mutant(
        "USERS may have five columns", "datasets/schemas.py",
        '"users": 25,', '"users": 5,', ("03",),
    ),
    Mutant(
        "categories may have ten characters", "datasets/schemas.py",
        "MAX_TEXT_CHARACTERS: Final = 1000", "MAX_TEXT_CHARACTERS: Final = 10", ("03",),
    ),
    Mutant(
        "Personalize's advice on categories is ten times as lax", "datasets/facts.py",
        "DISTINCT_CAP: Final = 1001", "DISTINCT_CAP: Final = 100_001", ("03",),
    ),
    Mutant(
        "skips are not imported", "events.py",
        "PERSONALIZE_TYPES: Final = frozenset({EventType.PLAY, EventType.COMPLETE, EventType.SKIP})",
        "PERSONALIZE_TYPES: Final = frozenset({EventType.PLAY, EventType.COMPLETE})", ("03",),
    ),
    Mutant(
        "a query costs twice as much", "query.py",
        "DOLLARS_PER_TERABYTE: Final = 5.0", "DOLLARS_PER_TERABYTE: Final = 10.0", ("08",),
    ),
    Mutant(
        "a training costs twice as much", "personalize/cost.py",
        "V2_TRAINING_PER_1000_INTERACTIONS: Final = 0.002",
        "V2_TRAINING_PER_1000_INTERACTIONS: Final = 0.004", ("04",),
    ),
    Mutant(
        "a campaign's minimum costs half", "personalize/cost.py",
        "TPS_HOUR: Final = 0.20", "TPS_HOUR: Final = 0.10", ("90", "07"),
    ),
    Mutant(
        "a play counts as much as its completion in training", "personalize/solutions.py",
        '{"play": 0.3, "complete": 1.0}', '{"play": 1.0, "complete": 1.0}', ("06",),
    ),
    Mutant(
        "the filter keeps skipped tracks", "personalize/filters.py",
        'IN ("skip")', 'IN ("seek")', ("06",),
    ),
    Mutant(
        "a tempo of 0 is a tempo", "catalog.py",
        'if features["tempo"] == 0:', 'if features["tempo"] < 0:', ("01",),
    ),
    Mutant(
        "drift is counted in halves, not tenths", "research/drift.py",
        "BINS: Final = 10", "BINS: Final = 2", ("07",),
    ),
    Mutant(
        "a plan forgets the schemas", "personalize/teardown.py",
        "return [*steps, *_schemas(client, stack)]",
        "return [*steps]", ("90",),
    ),
    Mutant(
        "a twentieth of a track is listening to it", "research/own_history.py",
        "LISTENED_SHARE: Final = 0.5", "LISTENED_SHARE: Final = 0.05", ("09",),
    ),
]  # fmt: skip
