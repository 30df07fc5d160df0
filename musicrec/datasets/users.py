"""The USERS dataset: one row a listener, from the profiles that the stream keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from musicrec.datasets import schemas
from musicrec.datasets.rows import tables
from musicrec.datasets.text import category, is_usable_id
from musicrec.profile import Profile, features

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

_TEXT_COLUMNS = frozenset(
    column.name for column in schemas.USERS.columns[1:] if column.type == "string"
)


def build(profiles: Iterable[Profile], run_date: str, dropped: Counter[str]) -> Iterator[pa.Table]:
    """The rows of the dataset, by user id.

    Args:
        profiles: in any order; all are held in memory as rows.
        run_date: `YYYY-MM-DD`; a row holds as of the end of that day, or of the listener's last
            event where that is later.
        dropped: counts the profiles that gave no row, by reason.
    """
    at = _end_of(run_date)
    rows = [_row(profile, at) for profile in profiles if _is_usable(profile, dropped)]
    yield from tables(schemas.USERS, sorted(rows, key=lambda row: str(row["USER_ID"])))


def _is_usable(profile: Profile, dropped: Counter[str]) -> bool:
    usable = is_usable_id(profile.user_id)
    dropped["unusable user id"] += not usable
    return usable


def _row(profile: Profile, at: int) -> dict[str, Any]:
    row = features(profile, max(at, profile.last_seen or at))
    return {
        name: category(value) if name in _TEXT_COLUMNS and isinstance(value, str) else value
        for name, value in row.items()
    }


def _end_of(day: str) -> int:
    end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    return int(end.timestamp() * 1000)
