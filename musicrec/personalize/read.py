"""Reading recommendations for one listener: checked question, named tracks, no control-plane call.

Which campaign and filter to ask stands in two SSM parameters, read once a minute. Every way to fail
is an error class that knows its HTTP answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from msgspec import Meta, Struct

from musicrec.retry import error_code, is_throttling

if TYPE_CHECKING:
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient

    from musicrec.catalog import Catalog, Track
    from musicrec.parameters import Parameters

TRACK_URL: Final = "https://open.spotify.com/track/"

RETRY_AFTER_S: Final = 1
"""What a throttled client is told to wait, seconds: Personalize counts calls a second."""

NO_CAMPAIGN_RETRY_S: Final = 60
"""What a client is told to wait for a campaign; making one takes minutes."""


class RecommendationError(Exception):
    """A question that gets no recommendations.

    Attributes:
        status: HTTP status of the answer.
        error: its name for programs.
        detail: what it is about, e.g. the parameter.
        retry_after_s: when to ask again, seconds; None when asking again does not help.
    """

    status: ClassVar[int]
    error: ClassVar[str]
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class BadQuestionError(RecommendationError):
    """A parameter is missing or malformed."""

    status, error = 400, "BAD_REQUEST_PARAMETERS"


class ThrottledError(RecommendationError):
    """More questions at once than the campaign takes."""

    status, error, retry_after_s = 429, "THROTTLED", RETRY_AFTER_S


class NoCampaignError(RecommendationError):
    """There is no campaign to ask yet, or no more."""

    status, error, retry_after_s = 503, "NO_CAMPAIGN", NO_CAMPAIGN_RETRY_S


class UnavailableError(RecommendationError):
    """Personalize, or the parameter that names the campaign, could not be asked."""

    status, error, retry_after_s = 503, "UNAVAILABLE", RETRY_AFTER_S


class TooSlowError(RecommendationError):
    """Personalize did not answer in time."""

    status, error, retry_after_s = 504, "TIMEOUT", RETRY_AFTER_S


class Question(Struct, frozen=True, kw_only=True):
    """Query parameters of `GET /recommendations`; unknown ones are passed over.

    Attributes:
        user_id: the listener, as in the events.
        num_results: how many tracks.
        filter: `no-skips` leaves out what the listener skipped lately, `none` nothing.
    """

    user_id: Annotated[str, Meta(min_length=1, max_length=256)]
    num_results: Annotated[int, Meta(ge=1, le=500)] = 25
    filter: Literal["no-skips", "none"] = "no-skips"


class Item(Struct, frozen=True, kw_only=True):
    """One ranked track.

    Attributes:
        track_id: Spotify's id.
        score: Personalize's score, where the recipe gives one.
        name: title; None when the catalogue lacks the track.
        artists: names, main artist first.
        genres: the catalogue's genres.
        url: where to play it.
    """

    track_id: str
    score: float | None
    name: str | None
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    url: str


class Recommendations(Struct, frozen=True, kw_only=True):
    """The answer for one listener.

    Attributes:
        user_id: the listener.
        recommendation_id: to be sent with the plays that follow from this list.
        items: tracks, the best first.
        campaign_arn: which campaign ranked them.
        filter_arn: which filter was applied, if any.
    """

    user_id: str
    recommendation_id: str | None
    items: list[Item]
    campaign_arn: str
    filter_arn: str | None


class Recommender:
    """Asks Personalize for ranked tracks and names them.

    Args:
        runtime: client with bounded timeouts.
        parameters: SSM parameters.
        campaign_parameter: name of the one that holds the campaign's ARN.
        filter_parameter: name of the one that holds the filter's ARN; it may not exist.
        catalog: gives the catalogue, or None while there is none.
    """

    def __init__(
        self,
        runtime: PersonalizeRuntimeClient,
        parameters: Parameters,
        *,
        campaign_parameter: str,
        filter_parameter: str,
        catalog: Callable[[], Catalog | None],
    ) -> None:
        self._runtime, self._parameters, self._catalog = runtime, parameters, catalog
        self._campaign_parameter = campaign_parameter
        self._filter_parameter = filter_parameter

    def recommend(self, question: Question) -> Recommendations:
        """Ranked tracks for a listener, known to Personalize or not.

        Raises:
            RecommendationError: one of its kinds, each with its HTTP answer.
        """
        try:
            return self._ask(question)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise _translated(error) from error
        except BotoCoreError as error:
            raise _translated(error) from error
        # What the parameters name is gone: somebody may have made another campaign since.
        self._parameters.forget(self._campaign_parameter)
        self._parameters.forget(self._filter_parameter)
        try:
            return self._ask(question)
        except (BotoCoreError, ClientError) as error:
            raise _translated(error) from error

    def _ask(self, question: Question) -> Recommendations:
        campaign_arn = self._parameters.get(self._campaign_parameter)
        if not campaign_arn:
            raise NoCampaignError(
                "there is no campaign yet; create one (the notebook on campaigns does)",
                self._campaign_parameter,
            )
        wanted = question.filter != "none"
        filter_arn = self._parameters.get(self._filter_parameter) if wanted else None
        request: dict[str, Any] = {"filterArn": filter_arn} if filter_arn else {}
        answer = self._runtime.get_recommendations(
            campaignArn=campaign_arn,
            userId=question.user_id,
            numResults=question.num_results,
            **request,
        )
        return Recommendations(
            user_id=question.user_id,
            recommendation_id=answer.get("recommendationId"),
            items=self._named(answer["itemList"]),
            campaign_arn=campaign_arn,
            filter_arn=filter_arn,
        )

    def _named(self, ranked: list[Any]) -> list[Item]:
        catalog = self._catalog()
        tracks = catalog.get_many(one["itemId"] for one in ranked) if catalog else {}
        return [_item(one, tracks.get(one["itemId"])) for one in ranked]


def parse(query: Mapping[str, str] | None) -> Question:
    """Read the query parameters of a request; API Gateway gives None when there are none.

    Raises:
        BadQuestionError: a parameter is missing or malformed; `detail` names it.
    """
    given = query or {}
    for parameter in msgspec.structs.fields(Question):
        name = parameter.encode_name
        if name not in given:
            if parameter.required:
                raise BadQuestionError(f"{name} is missing", name)
            continue
        try:
            msgspec.convert(given[name], parameter.type, strict=False)
        except msgspec.ValidationError as error:
            raise BadQuestionError(f"{name}: {error}", name) from error
    return msgspec.convert(given, Question, strict=False)


def _item(ranked: Mapping[str, Any], track: Track | None) -> Item:
    track_id = ranked["itemId"]
    return Item(
        track_id=track_id,
        score=ranked.get("score"),
        name=track.name if track else None,
        artists=track.artists if track else (),
        genres=track.genres if track else (),
        url=f"{TRACK_URL}{track_id}",
    )


def _translated(error: BotoCoreError | ClientError) -> RecommendationError:
    code = error_code(error)
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return TooSlowError("Personalize did not answer in time", code)
    if is_throttling(error):
        return ThrottledError("too many questions at once; ask again later", code)
    if code == "ResourceNotFoundException":
        return NoCampaignError("the campaign does not exist any more", code)
    return UnavailableError(f"Personalize cannot be asked: {error}", code)
