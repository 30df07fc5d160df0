"""Names as people write them, made into cells that an import job takes.

One odd name must not stop everybody's import, so what can be made harmless is, here; identifiers
cannot be changed and are refused instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from musicrec.datasets.schemas import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS, RESERVED_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f\x85\u2028\u2029]+")


def category(text: str | None) -> str | None:
    """A name as one categorical value; None when nothing is left of it.

    Line breaks and other blanks become single spaces, the separator `|` a slash, a reserved word
    gets ordinary capitals, and the length is cut to the service's limit.
    """
    if text is None:
        return None
    plain = _BLANKS.sub(" ", text).replace("|", "/").strip()[:MAX_TEXT_CHARACTERS].strip()
    return plain.title() if plain in RESERVED_WORDS else plain or None


def categories(names: Iterable[str]) -> str | None:
    """Several names as one cell; those that no longer fit the service's limit are left out."""
    cell = "|".join(filter(None, map(category, names)))
    if len(cell) > MAX_TEXT_CHARACTERS:
        cell = cell[: MAX_TEXT_CHARACTERS + 1].rpartition("|")[0]
    return cell or None


def usable_ids(identifiers: pa.Array) -> pa.Array:
    """`is_usable_id` of each identifier."""
    lengths = pc.utf8_length(identifiers)
    fits = pc.and_(pc.greater(lengths, 0), pc.less_equal(lengths, MAX_ID_CHARACTERS))
    barred = pc.or_(
        pc.is_in(identifiers, pa.array(sorted(RESERVED_WORDS))),
        pc.match_substring_regex(identifiers, r"[\r\n]"),
    )
    return pc.and_(fits, pc.invert(barred))


def is_usable_id(identifier: str) -> bool:
    """Whether an identifier can stand in a CSV line as it is."""
    return (
        0 < len(identifier) <= MAX_ID_CHARACTERS
        and identifier not in RESERVED_WORDS
        and not any(character in identifier for character in "\r\n")
    )
