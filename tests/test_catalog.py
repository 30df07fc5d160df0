"""The catalogue: the Kaggle file cleaned, and the artefact that Lambdas look tracks up in."""

import csv
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from musicrec import catalog
from musicrec.catalog import AUDIO_FEATURES, KAGGLE_COLUMNS, Catalog, CatalogFormatError, Track

REPOSITORY = Path(__file__).parent.parent
SAMPLE = REPOSITORY / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"
SHARED = Path(os.environ.get("MUSICREC_SHARED", REPOSITORY.parent / "shared"))
FULL = SHARED / "data" / "kaggle_spotify_tracks_114k.csv.gz"


def row(**changes: Any) -> dict[str, Any]:
    values = dict.fromkeys(AUDIO_FEATURES, 0.5) | {
        "track_id": "a" * 22,
        "artists": "Björk;Rosalía",
        "album_name": "Oral",
        "track_name": "Oral",
        "popularity": 40,
        "duration_ms": 200_000,
        "explicit": False,
        "key": 1,
        "mode": 1,
        "time_signature": 4,
        "track_genre": "electronic",
    }
    return values | changes


def kaggle(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "tracks.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["", *KAGGLE_COLUMNS])
        writer.writeheader()
        writer.writerows({"": index, **values} for index, values in enumerate(rows))
    return path


class TestReadKaggle:
    def test_merges_a_track_over_its_genres(self, tmp_path: Path):
        """A track listed once for each genre becomes one track with all genres and its best popularity."""
        path = kaggle(tmp_path, row(), row(track_genre="pop", popularity=55), row())
        (track,), report = catalog.read_kaggle(path)
        assert track.genres == ("electronic", "pop")
        assert track.popularity == 55
        assert (report.rows, report.tracks, report.merged, report.dropped) == (3, 1, 2, 0)

    def test_splits_artists(self, tmp_path: Path):
        """Artists are separated by semicolons in the file and are a tuple here."""
        (track,), _ = catalog.read_kaggle(kaggle(tmp_path, row()))
        assert track.artists == ("Björk", "Rosalía")

    @pytest.mark.parametrize("changes", [{"track_name": ""}, {"artists": ""}, {"duration_ms": 0}])
    def test_drops_what_cannot_be_shown_or_played(self, tmp_path: Path, changes: dict[str, Any]):
        """A row without name, artist or length is dropped and counted."""
        tracks, report = catalog.read_kaggle(kaggle(tmp_path, row(**changes)))
        assert not tracks
        assert report.dropped == 1

    def test_tempo_zero_is_unknown(self, tmp_path: Path):
        """Where the file found no beat it writes 0 for all that hangs on it; those are no values."""
        path = kaggle(tmp_path, row(tempo=0, danceability=0, speechiness=0, valence=0))
        (track,), report = catalog.read_kaggle(path)
        unknown = {"tempo", "danceability", "speechiness", "valence"}
        assert {*track.features} == {*AUDIO_FEATURES} - unknown
        assert report.unknown_tempo == 1

    def test_says_which_columns_are_missing(self, tmp_path: Path):
        """Another CSV is refused with the names of the columns that it lacks."""
        path = tmp_path / "other.csv"
        path.write_text("a,b\n1,2\n")
        with pytest.raises(CatalogFormatError, match="track_genre"):
            catalog.read_kaggle(path)

    def test_names_the_line_of_a_bad_number(self, tmp_path: Path):
        """A number that is none is reported with its line."""
        path = kaggle(tmp_path, row(), row(energy="loud"))
        with pytest.raises(CatalogFormatError, match="line 3"):
            catalog.read_kaggle(path)

    def test_sample(self):
        """The shipped sample has about 10,000 tracks over all 114 genres."""
        tracks, report = catalog.read_kaggle(SAMPLE)
        assert (report.rows, report.tracks, report.dropped) == (15_822, 9_990, 1)
        assert len({genre for track in tracks for genre in track.genres}) == 114

    @pytest.mark.slow
    @pytest.mark.skipif(not FULL.exists(), reason="the full Kaggle file is not on this machine")
    def test_full_file(self):
        """The full file's counts are those that its description gives."""
        _, report = catalog.read_kaggle(FULL)
        assert (report.rows, report.tracks, report.unknown_tempo) == (114_000, 89_740, 157)


class TestCatalog:
    def test_returns_what_was_written(self, tmp_path: Path):
        """A written track comes back equal, and a track merely seen played too."""
        full = Track(
            track_id="b" * 22,
            name="Ég anda",
            artists=("Sigur Rós",),
            album="Valtari",
            genres=("ambient", "iceland"),
            popularity=50,
            duration_ms=375_000,
            explicit=False,
            features={"energy": 0.25, "valence": 0.125},
        )
        seen = Track(track_id="a" * 22, name="?", artists=())
        assert catalog.write([full, seen], tmp_path / "c.sqlite") == 2
        with Catalog(tmp_path / "c.sqlite") as opened:
            assert len(opened) == 2
            assert list(opened) == [seen, full]
            assert opened.get(full.track_id) == full
            assert opened.get("z" * 22) is None

    def test_looks_up_more_than_one_query_holds(self, tmp_path: Path):
        """A look-up of any size works, unknown ids left out."""
        tracks = [Track(track_id=f"{n:022d}", name=str(n), artists=()) for n in range(1_200)]
        catalog.write(tracks, tmp_path / "c.sqlite")
        with Catalog(tmp_path / "c.sqlite") as opened:
            asked = [*(track.track_id for track in tracks), "x" * 22]
            found, known = opened.get_many(asked), opened.known(asked)
        assert found == {track.track_id: track for track in tracks}
        assert known == set(found)

    def test_gives_the_most_popular_first(self, tmp_path: Path):
        """Equals by id; what has no popularity is not among them."""
        numbers = {"a": 5, "b": None, "c": 9, "d": 5, "e": 0}
        tracks = [
            Track(track_id=key * 22, name=key, artists=("x",), popularity=number)
            for key, number in numbers.items()
        ]
        catalog.write(tracks, tmp_path / "c.sqlite")
        with Catalog(tmp_path / "c.sqlite") as opened:
            assert [track.name for track in opened.most_popular(9)] == ["c", "a", "d", "e"]
            assert len(opened.most_popular(2)) == 2

    def test_writing_again_replaces(self, tmp_path: Path):
        """A second write replaces the first, also beside an open reader."""
        path = tmp_path / "c.sqlite"
        catalog.write([Track(track_id="a" * 22, name="old", artists=())], path)
        with Catalog(path) as reader:
            catalog.write([Track(track_id="a" * 22, name="new", artists=())], path)
            old = reader.get("a" * 22)
        with Catalog(path) as reader:
            new = reader.get("a" * 22)
        assert old
        assert new
        assert (old.name, new.name) == ("old", "new")

    def test_refuses_other_files(self, tmp_path: Path):
        """A missing file and a file of another kind are named."""
        with pytest.raises(CatalogFormatError, match="no catalogue at"):
            Catalog(tmp_path / "none.sqlite")
        (tmp_path / "text.sqlite").write_text("not a database, but long enough to look at" * 20)
        with pytest.raises(CatalogFormatError, match="no catalogue artefact"):
            Catalog(tmp_path / "text.sqlite")

    def test_is_read_only(self, tmp_path: Path):
        """Nothing can be written through an open catalogue."""
        catalog.write([], tmp_path / "c.sqlite")
        with (
            Catalog(tmp_path / "c.sqlite") as opened,
            pytest.raises(sqlite3.OperationalError, match="readonly"),
        ):
            opened._connection.execute("DELETE FROM tracks")
