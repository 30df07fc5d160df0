"""Invented tracks: what listeners play that the catalogue has never heard of.

Most of a real listener's plays are of tracks that the Kaggle file lacks, so the simulation needs
tracks with names, artists and ids that exist nowhere. Names mix several scripts, because a system
that only ever saw ASCII fails on the first Japanese title. They are a constant of the project: the
same for every seed, so that all listeners of all simulations share one invented repertoire.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct

from musicrec.events import TrackInfo

ARTISTS_PER_GENRE: Final = 40
TRACKS_PER_ARTIST: Final = 12
"""With 40 artists a genre has 480 invented tracks, some twice what the shipped sample has."""

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MEDIAN_DURATION_MS: Final = 208_000


class _Tongue(Struct, frozen=True):
    """Sounds for made-up artist names, words for titles, and what goes between two words."""

    sounds: tuple[str, ...]
    words: tuple[str, ...]
    space: str = " "


_TONGUES: Final = (
    _Tongue(
        ("bel", "dor", "fen", "kit", "lo", "mar", "nim", "os", "ra", "tal", "vey", "wyn"),
        ("Copper", "Harbour", "Slow", "Tuesday", "Paper", "Moth", "Northern", "Engine", "Salt"),
    ),
    _Tongue(
        ("bri", "cal", "den", "el", "ho", "jun", "lis", "mo", "per", "san", "tem", "yo"),
        ("Glass", "Orchard", "Distant", "Kettle", "Silver", "Alley", "Winter", "Radio", "Low"),
    ),
    _Tongue(
        ("åsk", "bjø", "dal", "frö", "grå", "hav", "lin", "mø", "sol", "tor", "vår", "ög"),
        ("Små", "Nätter", "Blå", "Dagen", "Stjärna", "Drøm", "Över", "Hjem", "Älv"),
    ),
    _Tongue(
        ("ché", "dou", "fleu", "gî", "lée", "mar", "noë", "pré", "rou", "sé", "val", "zé"),
        ("Été", "Forêt", "Lumière", "Déjà", "Rivière", "Fenêtre", "Matin", "Léger", "Août"),
    ),
    _Tongue(
        ("ñu", "ção", "be", "dá", "gui", "lí", "mó", "nei", "ro", "sé", "tê", "vã"),
        ("Mañana", "Corazón", "Luz", "Coração", "Río", "Saudade", "Última", "Canção", "Sueño"),
    ),
    _Tongue(
        ("ał", "bże", "ćma", "dzi", "łą", "mě", "ńe", "ře", "śli", "žo", "wę", "źró"),
        ("Noc", "Źródło", "Świt", "Město", "Cień", "Řeka", "Żółty", "Sníh", "Łąka"),
    ),
    _Tongue(
        ("ве", "да", "жи", "ка", "ло", "ми", "но", "ра", "со", "ти", "ша", "яр"),  # noqa: RUF001 - Cyrillic is meant
        ("Ночной", "Поезд", "Тихо", "Снег", "Дорога", "Синий", "Весна", "Окно", "Далеко"),
    ),
    _Tongue(
        ("あ", "か", "さく", "しの", "つき", "なみ", "はな", "まゆ", "ゆき", "りん"),
        ("夜", "電車", "青い", "海", "花火", "雨", "遠い", "窓", "夏"),
        "の",
    ),
    _Tongue(
        ("가", "나", "도", "라", "미", "바", "소", "유", "지", "하"),
        ("바람", "밤", "별", "하늘", "비", "기억", "봄", "바다", "노래"),
    ),
)


class OutsideTrack(Struct, frozen=True):
    """One invented track.

    Attributes:
        track_id: 22 base62 characters, as Spotify's own ids are.
        info: the names that a player would show.
        duration_ms: length.
        standing: how little known it is: 0 for its genre's best known, growing.
    """

    track_id: str
    info: TrackInfo
    duration_ms: int
    standing: float


def base62_id(*parts: str | int) -> str:
    """22 base62 characters that depend on `parts` alone."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    number, characters = int.from_bytes(digest, "big"), []
    for _ in range(22):
        number, remainder = divmod(number, 62)
        characters.append(_BASE62[remainder])
    return "".join(characters)


def stable_seed(text: str) -> int:
    """A seed from text that does not change with Python's hash randomisation."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def invent(genre: str) -> Iterator[OutsideTrack]:
    """The invented tracks of one genre, artist by artist, best known artist first."""
    rng = np.random.default_rng(stable_seed(f"outside {genre}"))
    for artist_rank in range(ARTISTS_PER_GENRE):
        tongue = _TONGUES[rng.integers(len(_TONGUES))]
        artist = _artist(rng, tongue)
        album = _title(rng, tongue)
        for track_rank in range(TRACKS_PER_ARTIST):
            yield OutsideTrack(
                track_id=base62_id("outside", genre, artist_rank, track_rank),
                info=TrackInfo(name=_title(rng, tongue), artists=[artist], album=album),
                duration_ms=int(_MEDIAN_DURATION_MS * rng.lognormal(0.0, 0.3)),
                standing=float(np.log1p(artist_rank) + 0.5 * np.log1p(track_rank)),
            )


def _artist(rng: np.random.Generator, tongue: _Tongue) -> str:
    words = ("".join(_pick(rng, tongue.sounds, 2)).capitalize() for _ in range(2))
    return " ".join(words)


def _title(rng: np.random.Generator, tongue: _Tongue) -> str:
    return tongue.space.join(_pick(rng, tongue.words, int(rng.integers(2, 4))))


def _pick(rng: np.random.Generator, stock: tuple[str, ...], count: int) -> list[str]:
    return [stock[index] for index in rng.permutation(len(stock))[:count]]
