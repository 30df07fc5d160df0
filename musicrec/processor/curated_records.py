"""What a curated day was made of, and what was left out, in the object beside it."""

from __future__ import annotations

from msgspec import Struct


class Taken(Struct, frozen=True, kw_only=True):
    """What one rewriting of a day took in.

    Attributes:
        rows: rows of the raw lake.
        invalid: of them no valid events.
        other: of them events that are no interactions.
        added: interactions that the day lacked.
    """

    rows: int = 0
    invalid: int = 0
    other: int = 0
    added: int = 0

    @property
    def duplicates(self) -> int:
        """Interactions that were there already, or twice among the new rows."""
        return self.rows - self.invalid - self.other - self.added

    def __add__(self, more: Taken) -> Taken:
        return Taken(
            rows=self.rows + more.rows,
            invalid=self.invalid + more.invalid,
            other=self.other + more.other,
            added=self.added + more.added,
        )


class DayRecord(Struct, frozen=True, kw_only=True):
    """What a curated day was made of.

    Attributes:
        sources: the raw objects taken in: name below the day, and ETag.
        taken: by generation; the first is generation 1.
        ordered: whether the rows lie in the order of the CSV.
    """

    sources: dict[str, str] = {}
    taken: list[Taken] = []
    ordered: bool = True

    @property
    def generation(self) -> int:
        """How often the day was written."""
        return len(self.taken)

    @property
    def rows(self) -> int:
        """Interactions of the day."""
        return sum(taken.added for taken in self.taken)

    def since(self, generation: int) -> Taken:
        """What came in after a generation."""
        return sum(self.taken[generation:], Taken())
