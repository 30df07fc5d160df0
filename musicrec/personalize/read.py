"""Reading recommendations for one listener: named tracks, no control-plane call, bounded in time.

Which campaign and filters to ask stands in SSM parameters, read once a minute in one call. Every way
to fail is an error class that knows its HTTP answer, for the case that there is nothing to fall back
on (see `musicrec.personalize.serving`).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from msgspec import Struct

from musicrec.personalize import answers, experiments
from musicrec.personalize.answers import Assignment, FallbackReason, Item, Recommendations
from musicrec.personalize.choosing import Chosen, choose
from musicrec.personalize.experiments import Experiment, ExperimentFormatError
from musicrec.personalize.question import MAX_RESULTS, Question
from musicrec.retry import error_code, is_retryable, is_throttling

if TYPE_CHECKING:
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient

    from musicrec.catalog import Catalog
    from musicrec.parameters import Parameters
    from musicrec.retry import Retries

RETRY_AFTER_S: Final = 1
"""What a throttled client is told to wait, seconds: Personalize counts calls a second."""

NO_CAMPAIGN_RETRY_S: Final = 60
"""What a client is told to wait for a campaign; making one takes minutes."""

ATTEMPTS: Final = 3
"""Calls for one answer at most, where time allows: a listener is waiting."""

_GONE: Final = "ResourceNotFoundException"
_LOG: Final = logging.getLogger(__name__)


class RecommendationError(Exception):
    """A question that Personalize gave no recommendations for.

    Attributes:
        status: HTTP status of the answer when nothing else can be answered.
        error: its name for programs.
        detail: what it is about, e.g. the parameter.
        retry_after_s: when to ask again, seconds.
        experiment: the listener's arm, as far as that was known.
    """

    status: ClassVar[int]
    error: ClassVar[FallbackReason]
    retry_after_s: ClassVar[int] = RETRY_AFTER_S

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail
        self.experiment: Assignment | None = None


class ThrottledError(RecommendationError):
    """More questions at once than the campaign takes."""

    status, error = 429, "THROTTLED"


class NoCampaignError(RecommendationError):
    """There is no campaign to ask yet, or no more."""

    status, error, retry_after_s = 503, "NO_CAMPAIGN", NO_CAMPAIGN_RETRY_S


class UnavailableError(RecommendationError):
    """Personalize, or the parameter that names the campaign, could not be asked."""

    status, error = 503, "UNAVAILABLE"


class TooSlowError(RecommendationError):
    """Personalize did not answer in time."""

    status, error = 504, "TIMEOUT"


class ParameterNames(Struct, frozen=True, kw_only=True):
    """Names of the SSM parameters; all but the first may be missing where they point.

    Attributes:
        campaign: holds the ARN of the campaign.
        filter: that of the filter `filters.NO_SKIPS`.
        on_request_filter: that of `filters.ON_REQUEST`.
        experiment: holds an `experiments.Experiment`.
    """

    campaign: str
    filter: str
    on_request_filter: str
    experiment: str


class Recommender:
    """Asks Personalize for ranked tracks and names them.

    Args:
        runtime: client with bounded timeouts that repeats nothing by itself.
        parameters: SSM parameters.
        names: of those that are needed.
        catalog: gives the catalogue, or None while there is none.
    """

    def __init__(
        self,
        runtime: PersonalizeRuntimeClient,
        parameters: Parameters,
        names: ParameterNames,
        catalog: Callable[[], Catalog | None],
    ) -> None:
        self._runtime, self._parameters, self._catalog = runtime, parameters, catalog
        self._names = names

    def recommend(self, question: Question, retries: Retries) -> Recommendations:
        """Ranked tracks for a listener, known to Personalize or not.

        Args:
            question: what is asked.
            retries: when to try again, and until when.

        Raises:
            RecommendationError: one of its kinds, each with its HTTP answer.
        """
        try:
            return self._ask(question, retries)
        except NoCampaignError as error:
            if error.detail != _GONE:
                raise
        # What the parameters name is gone: somebody may have made another campaign since.
        for name in (self._names.campaign, self._names.filter, self._names.on_request_filter):
            self._parameters.forget(name)
        return self._ask(question, retries)

    def _ask(self, question: Question, retries: Retries) -> Recommendations:
        with _translated(None):
            values = self._parameters.get_all(msgspec.structs.astuple(self._names))
        campaign_arn, assigned = self._campaign(values, question.user_id)
        chosen = choose(
            question,
            no_skips=values[self._names.filter],
            on_request=values[self._names.on_request_filter],
            has_catalogue=not question.explicit and self._catalog() is not None,
        )
        with _translated(assigned):
            answer = self._call(campaign_arn, question, chosen, retries)
        items = self._named(answer.get("itemList", []))
        if chosen.is_cleaned_here:
            items = answers.without_explicit(items)
        return Recommendations(
            user_id=question.user_id,
            recommendation_id=answer.get("recommendationId"),
            items=items[: question.num_results],
            campaign_arn=campaign_arn,
            filter_arn=chosen.request.get("filterArn"),
            applied=chosen.applied,
            experiment=assigned,
            fallback=None,
        )

    def _campaign(
        self, values: Mapping[str, str | None], user_id: str
    ) -> tuple[str, Assignment | None]:
        """Whom to ask for a listener, and the arm that makes it so."""
        experiment = _experiment(values[self._names.experiment])
        assigned = (
            Assignment(name=experiment.name, arm=experiment.arm(user_id)) if experiment else None
        )
        if experiment and assigned and assigned.arm == "treatment":
            return experiment.campaign_arn, assigned
        campaign_arn = values[self._names.campaign]
        if not campaign_arn:
            error = NoCampaignError(
                "there is no campaign yet; create one (the notebook on campaigns does)",
                self._names.campaign,
            )
            error.experiment = assigned
            raise error
        return campaign_arn, assigned

    def _call(self, campaign_arn: str, question: Question, chosen: Chosen, retries: Retries) -> Any:
        """Personalize's answer; throttling and failures are tried again while there is time."""
        # Twice as many, so that as many as are asked for may remain.
        wanted = question.num_results * (2 if chosen.is_cleaned_here else 1)
        for attempt in itertools.count(1):
            if not retries.has_time():
                break
            try:
                return self._runtime.get_recommendations(
                    campaignArn=campaign_arn,
                    userId=question.user_id,
                    numResults=min(wanted, MAX_RESULTS),
                    **chosen.request,
                )
            except (BotoCoreError, ClientError) as error:
                again = attempt < ATTEMPTS and is_retryable(error) and retries.pause(attempt)
                if not again:
                    raise
        raise TooSlowError("there was no time left to ask Personalize", "timeout")

    def _named(self, ranked: list[Any]) -> list[Item]:
        catalog = self._catalog()
        tracks = catalog.get_many(one["itemId"] for one in ranked) if catalog else {}
        return [
            answers.item(one["itemId"], tracks.get(one["itemId"]), one.get("score"))
            for one in ranked
        ]


def _experiment(value: str | None) -> Experiment | None:
    """The experiment; one that cannot be read must not cost the listeners their lists."""
    if value is None:
        return None
    try:
        return experiments.decode(value)
    except ExperimentFormatError as error:
        _LOG.warning("%s", error)
        return None


@contextmanager
def _translated(assigned: Assignment | None) -> Iterator[None]:
    """What AWS's errors mean for a listener, who was assigned to an arm."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        meant = _meaning(error)
        meant.experiment = assigned
        raise meant from error
    except RecommendationError as error:
        error.experiment = assigned
        raise


def _meaning(error: BotoCoreError | ClientError) -> RecommendationError:
    code = error_code(error)
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return TooSlowError("Personalize did not answer in time", code)
    if is_throttling(error):
        return ThrottledError("too many questions at once; ask again later", code)
    if code == _GONE:
        return NoCampaignError(f"a campaign or filter does not exist any more: {error}", code)
    return UnavailableError(f"Personalize cannot be asked: {error}", code)
