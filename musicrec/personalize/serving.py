"""A list for every listener: their own, or the popular one where Personalize has none to give.

What goes wrong with Personalize is no reason to show nothing. The answer says that it is the list
for everybody, and why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from musicrec.personalize.answers import Applied, Fallback, Recommendations, item
from musicrec.personalize.choosing import met
from musicrec.personalize.read import RecommendationError

if TYPE_CHECKING:
    from musicrec.personalize.question import Question
    from musicrec.personalize.read import Recommender
    from musicrec.popular import PopularList
    from musicrec.retry import Retries


def answer(
    question: Question,
    recommender: Recommender,
    popular: Callable[[], PopularList | None],
    retries: Retries,
) -> Recommendations:
    """The listener's own list, or the popular one.

    Args:
        question: what is asked.
        recommender: the way to Personalize.
        popular: gives the popular list, or None when there is none.
        retries: when to ask Personalize again, and until when.

    Raises:
        RecommendationError: Personalize gave nothing, and there is no popular list either.
    """
    try:
        return recommender.recommend(question, retries)
    except RecommendationError as error:
        standing_in = popular()
        if standing_in is None:
            raise
        return _fallen_back(question, error, standing_in)


def _fallen_back(
    question: Question, error: RecommendationError, popular: PopularList
) -> Recommendations:
    """The popular list; of one listener's skips and plays it knows nothing."""
    tracks = [track for track in popular.tracks if question.explicit or track.explicit is not True]
    return Recommendations(
        user_id=question.user_id,
        recommendation_id=None,
        items=[item(track.track_id, track) for track in tracks[: question.num_results]],
        campaign_arn=None,
        filter_arn=None,
        applied=Applied(
            filter=met(asked=question.filter != "none", by=None),
            explicit=met(asked=not question.explicit, by="catalogue"),
            exclude_recent=met(asked=question.exclude_recent, by=None),
        ),
        experiment=error.experiment,
        fallback=Fallback(reason=error.error),
    )
