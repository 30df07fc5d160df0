"""Simulated privacy exports look like Spotify's."""

import json
import zipfile
from pathlib import Path

import pytest

from musicrec.catalog import read_kaggle
from musicrec.local import exports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def played(sample_tracks):
    return exports.one_listener(sample_tracks, 1_000, seed=4)


@pytest.fixture
def rows(played, sample_tracks, tmp_path):
    """All rows of an extended export."""
    exports.write_extended(tmp_path / "x.zip", played, sample_tracks, seed=4)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        names = [name for name in archive.namelist() if "Streaming_History" in name]
        return [row for name in sorted(names) for row in json.loads(archive.read(name))]


def test_the_same_seed_gives_the_same_bytes(played, sample_tracks, tmp_path):
    """An archive can be made again, whenever."""
    for name in ("a.zip", "b.zip"):
        exports.write_extended(tmp_path / name, played, sample_tracks, seed=4)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_rows_have_the_formats_fields(rows):
    """Every row of music carries what the importer and others read."""
    needed = {"ts", "ms_played", "spotify_track_uri", "reason_start", "reason_end", "skipped"}
    assert all(needed <= row.keys() for row in rows)
    assert all(row["ts"].endswith("Z") for row in rows)


def test_oddities_are_there(rows):
    """Nulls, podcasts, private rows, several kinds of start, and names beyond ASCII."""
    assert any(row["episode_name"] for row in rows)
    assert any(row["incognito_mode"] for row in rows)
    assert {None, 0, 1} <= {row["offline_timestamp"] for row in rows}
    assert any((row["offline_timestamp"] or 0) > 1e12 for row in rows)
    assert any(row["skipped"] is None for row in rows)
    assert any(not (row["master_metadata_track_name"] or "").isascii() for row in rows)
    assert {exports.USERNAME} == {row["username"] for row in rows}


def test_the_shipped_export_is_a_simulated_one():
    """The file beside the notebooks is the simulated one, whose personal values are invented."""
    folder = Path(__file__).parents[2] / "notebooks" / "data"
    tracks, _ = read_kaggle(folder / "spotify_tracks_sample.csv.gz")
    with zipfile.ZipFile(folder / "simulated_export.zip") as archive:
        names = [name for name in archive.namelist() if "Streaming_History" in name]
        rows = [row for name in names for row in json.loads(archive.read(name))]
    known = {track.track_id for track in tracks}
    ids = {(row["spotify_track_uri"] or "").rpartition(":")[2] for row in rows}
    assert len(ids & known) > 100
    assert {row["username"] for row in rows} == {exports.USERNAME}
    addresses = {row.get("ip_addr_decrypted") or row.get("ip_addr") for row in rows}
    assert all(address.startswith(exports.ADDRESS) for address in addresses)
