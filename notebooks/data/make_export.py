"""Write the simulated privacy export that ships with the repository.

    python notebooks/data/make_export.py [ROWS [PATH]]

The listener, the listening and every personal value in it are invented. More rows make an export
like that of somebody who has listened for a decade.
"""

import sys
from pathlib import Path

from musicrec.catalog import read_kaggle
from musicrec.local import exports

HERE = Path(__file__).parent
ROWS = 6_000
SEED = 2026


def main() -> None:
    """Write the archive; the same arguments give the same bytes."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "simulated_export.zip"
    tracks, _ = read_kaggle(HERE / "spotify_tracks_sample.csv.gz")
    played = exports.one_listener(tracks, rows, SEED, busy=rows > ROWS)
    truth = exports.write_extended(path, played, tracks, SEED)
    print(f"{truth.rows:,} rows, {truth.ends.total():,} plays -> {path}")  # noqa: T201


if __name__ == "__main__":
    main()
