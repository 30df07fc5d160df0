"""Draw the sample that ships with the repository from the full Kaggle file.

    python notebooks/data/make_sample.py PATH_TO_FULL_FILE

Ninety tracks are drawn from each of the 114 genres, and every row of a drawn track is kept, so that
the file's own quirks (a track once for each genre, exact duplicates, the row without names) survive.
"""

import gzip
import sys
from pathlib import Path

import pandas as pd

PER_GENRE = 90
SEED = 2026
TARGET = Path(__file__).with_name("spotify_tracks_sample.csv.gz")


def draw(full: pd.DataFrame) -> pd.DataFrame:
    """The rows of the drawn tracks, in the file's order, with the file's own row index."""
    drawn = full.groupby("track_genre").sample(n=PER_GENRE, random_state=SEED)
    nameless = full.loc[full["track_name"].isna(), "track_id"]
    return full[full["track_id"].isin({*drawn["track_id"], *nameless})]


def main() -> None:
    """Write the sample beside this script; the same input gives the same bytes."""
    full = pd.read_csv(sys.argv[1], index_col=0, dtype=str, keep_default_na=False, na_values=[""])
    sample = draw(full)
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(sample.to_csv().encode())
    print(f"{len(sample)} rows, {sample['track_id'].nunique()} tracks -> {TARGET}")  # noqa: T201


if __name__ == "__main__":
    main()
