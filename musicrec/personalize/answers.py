"""What `GET /recommendations` answers: the tracks, who ranked them, and what of the question held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from musicrec.personalize.experiments import ArmName

if TYPE_CHECKING:
    from musicrec.catalog import Track
    from musicrec.popular import PopularTrack

TRACK_URL: Final = "https://open.spotify.com/track/"

Met = Literal["not_asked", "personalize", "catalogue", "not_applied"]
"""How a wish was met: by a filter of Personalize, by what the catalogue says of each track, or not."""

FallbackReason = Literal["NO_CAMPAIGN", "THROTTLED", "TIMEOUT", "UNAVAILABLE"]


class Item(Struct, frozen=True, kw_only=True):
    """One ranked track.

    Attributes:
        track_id: Spotify's id.
        score: Personalize's score, where the recipe gives one.
        name: title; None when the catalogue lacks the track.
        artists: names, main artist first.
        genres: the catalogue's genres.
        explicit: parental advisory flag; None when the catalogue does not know.
        url: where to play it.
    """

    track_id: str
    score: float | None
    name: str | None
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    explicit: bool | None
    url: str


class Applied(Struct, frozen=True, kw_only=True):
    """How each wish of the question was met; the fields are its parameters."""

    filter: Met = "not_asked"
    explicit: Met = "not_asked"
    exclude_recent: Met = "not_asked"


class Assignment(Struct, frozen=True, kw_only=True):
    """The side of an experiment that the listener is on."""

    name: str
    arm: ArmName


class Fallback(Struct, frozen=True, kw_only=True):
    """Why the list is not the listener's own, and what it is instead."""

    reason: FallbackReason
    list: Literal["popular"] = "popular"


class Recommendations(Struct, frozen=True, kw_only=True):
    """The answer for one listener.

    Attributes:
        user_id: the listener.
        recommendation_id: to be sent with the plays that follow from this list; None for a list
            that Personalize did not make.
        items: tracks, the best first.
        campaign_arn: which campaign ranked them; None when none did.
        filter_arn: which filter of Personalize was applied, if any.
        applied: how each wish of the question was met.
        experiment: the listener's arm, while there is an experiment.
        fallback: why the list is the same for everybody; None when it is the listener's own.
    """

    user_id: str
    recommendation_id: str | None
    items: list[Item]
    campaign_arn: str | None
    filter_arn: str | None
    applied: Applied
    experiment: Assignment | None
    fallback: Fallback | None


def item(track_id: str, track: Track | PopularTrack | None, score: float | None = None) -> Item:
    """A ranked track with what is known of it."""
    return Item(
        track_id=track_id,
        score=score,
        name=track.name if track else None,
        artists=track.artists if track else (),
        genres=track.genres if track else (),
        explicit=track.explicit if track else None,
        url=f"{TRACK_URL}{track_id}",
    )


def without_explicit(items: Iterable[Item]) -> list[Item]:
    """The items less those that the catalogue marks; what it does not know stays."""
    return [one for one in items if one.explicit is not True]
