"""The recipes that Amazon Personalize lists.

Names, types and hyperparameters are those of AWS's recipe pages.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from musicrec.local.personalize.errors import ResourceNotFoundError
from musicrec.local.personalize.recipes import (
    PERSONALIZED_ACTIONS,
    PERSONALIZED_RANKING,
    POPULAR_ITEMS,
    RELATED_ITEMS,
    TREND_INTERVALS,
    USER_PERSONALIZATION,
    USER_SEGMENTATION,
    Hyperparameter,
    Recipe,
)

_FLAG: Final = Hyperparameter("true")
_RECURRENT: Final = (
    ("hidden_dimension", Hyperparameter("149", 32, 256)),
    ("bptt", Hyperparameter("32", 2, 32)),
    ("recency_mask", _FLAG),
)
_LEGACY: Final = (
    ("hidden_dimension", Hyperparameter("43", 32, 256)),
    ("bptt", Hyperparameter("32", 2, 32)),
    ("recency_mask", _FLAG),
)
_HISTORY: Final = (
    ("min_user_history_length_percentile", Hyperparameter("0.0", 0, 1)),
    ("max_user_history_length_percentile", Hyperparameter("0.99", 0, 1)),
)
_SEGMENTS: Final = (("hidden_dimension", Hyperparameter("149", 32, 256)),)
_DISCOUNT: Final = "popularity_discount_factor"

_CUSTOM: Final = (
    Recipe(
        "aws-hrnn",
        USER_PERSONALIZATION,
        "Items that a user will interact with, legacy",
        _LEGACY,
        trainable=True,
        scored=True,
        transformation=_HISTORY,
    ),
    Recipe(
        "aws-hrnn-coldstart",
        USER_PERSONALIZATION,
        "Items that a user will interact with, new ones among them, legacy",
        _RECURRENT,
        trainable=True,
        updatable=True,
        scored=True,
        feature_transformation="featurize_coldstart",
        transformation=(
            ("cold_start_max_interactions", Hyperparameter("15", 0, 1_000_000)),
            ("cold_start_max_duration", Hyperparameter("5.0", 0, 1_000_000)),
            (
                "cold_start_relative_from",
                Hyperparameter("latestItem", choices=("latestitem", "currenttime")),
            ),
        ),
    ),
    Recipe(
        "aws-hrnn-metadata",
        USER_PERSONALIZATION,
        "Items that a user will interact with, by metadata too, legacy",
        _LEGACY,
        trainable=True,
        scored=True,
        feature_transformation="featurize_metadata",
        transformation=_HISTORY,
    ),
    Recipe(
        "aws-item-affinity",
        USER_SEGMENTATION,
        "Segments of users by affinity to items",
        _SEGMENTS,
        trainable=True,
    ),
    Recipe(
        "aws-item-attribute-affinity",
        USER_SEGMENTATION,
        "Segments of users by affinity to attributes of items",
        _SEGMENTS,
        trainable=True,
    ),
    Recipe("aws-next-best-action", PERSONALIZED_ACTIONS, "The next best actions for a user"),
    Recipe(
        "aws-personalized-ranking",
        PERSONALIZED_RANKING,
        "Ranks a given list of items for a user",
        _RECURRENT,
        trainable=True,
        scored=True,
        transformation=_HISTORY,
    ),
    Recipe(
        "aws-personalized-ranking-v2",
        PERSONALIZED_RANKING,
        "Ranks a given list of items for a user, second generation",
        (("apply_recency_bias", _FLAG),),
        trainable=True,
        takes_events_config=True,
        scored=True,
    ),
    Recipe(
        "aws-popularity-count",
        POPULAR_ITEMS,
        "Items by the number of distinct users who interacted with them",
        trainable=True,
        feature_transformation="sims",
    ),
    Recipe(
        "aws-semantic-similarity",
        RELATED_ITEMS,
        "Items whose texts mean the like of a given item's",
    ),
    Recipe(
        "aws-similar-items",
        RELATED_ITEMS,
        "Items like a given one by interactions and metadata",
        (
            (_DISCOUNT, Hyperparameter("0.0", 0, 1)),
            ("item_id_hidden_dim", Hyperparameter("100", 30, 200)),
            ("item_metadata_hidden_dim", Hyperparameter("100", 30, 200)),
        ),
        trainable=True,
    ),
    Recipe(
        "aws-sims",
        RELATED_ITEMS,
        "Items that the same users interacted with",
        (
            (_DISCOUNT, Hyperparameter("0.5", 0, 1)),
            ("min_cointeraction_count", Hyperparameter("3", 0, 10)),
        ),
        trainable=True,
        feature_transformation="sims",
        transformation=(
            ("min_user_history_length_percentile", Hyperparameter("0.005", 0, 1)),
            ("max_user_history_length_percentile", Hyperparameter("0.995", 0, 1)),
            ("min_item_interaction_count_percentile", Hyperparameter("0.01", 0, 1)),
            ("max_item_interaction_count_percentile", Hyperparameter("0.9", 0, 1)),
        ),
    ),
    Recipe(
        "aws-trending-now",
        POPULAR_ITEMS,
        "Items whose popularity grows fastest",
        trainable=True,
        transformation=(
            (
                "trend_discovery_frequency",
                Hyperparameter("2 hours", choices=tuple(TREND_INTERVALS)),
            ),
        ),
        algorithm="aws-trending-now-custom",
    ),
    Recipe(
        "aws-user-personalization",
        USER_PERSONALIZATION,
        "Items that a user will interact with",
        _RECURRENT,
        trainable=True,
        updatable=True,
        scored=True,
        transformation=_HISTORY,
    ),
    Recipe(
        "aws-user-personalization-v2",
        USER_PERSONALIZATION,
        "Items that a user will interact with, second generation",
        (("apply_recency_bias", _FLAG),),
        trainable=True,
        takes_events_config=True,
        scored=True,
    ),
)

_ECOMMERCE: Final = partial(Recipe, domain="ECOMMERCE")
_VIDEO: Final = partial(Recipe, domain="VIDEO_ON_DEMAND")

_DOMAIN: Final = (
    _ECOMMERCE(
        "aws-ecomm-customers-who-viewed-x-also-viewed",
        RELATED_ITEMS,
        "Items that customers viewed who viewed a given one",
        base="aws-sims",
        learns_from="View",
        hides="Purchase",
        needs_user=True,
    ),
    _ECOMMERCE(
        "aws-ecomm-frequently-bought-together",
        RELATED_ITEMS,
        "Items that customers bought who bought a given one",
        base="aws-sims",
        learns_from="Purchase",
    ),
    _ECOMMERCE(
        "aws-ecomm-popular-items-by-purchases",
        POPULAR_ITEMS,
        "Items that most customers bought",
        base="aws-popularity-count",
        learns_from="Purchase",
        needs_user=True,
    ),
    _ECOMMERCE(
        "aws-ecomm-popular-items-by-views",
        POPULAR_ITEMS,
        "Items that most customers viewed",
        base="aws-popularity-count",
        learns_from="View",
        needs_user=True,
    ),
    _ECOMMERCE(
        "aws-ecomm-recommended-for-you",
        USER_PERSONALIZATION,
        "Items for a customer who has not bought them",
        base="aws-user-personalization",
        hides="Purchase",
    ),
    _VIDEO(
        "aws-vod-because-you-watched-x",
        RELATED_ITEMS,
        "Videos that users watched who watched a given one",
        base="aws-sims",
        learns_from="Watch",
        hides="Watch",
        needs_user=True,
    ),
    _VIDEO(
        "aws-vod-more-like-x",
        RELATED_ITEMS,
        "Videos like a given one by interactions and metadata",
        base="aws-similar-items",
        hides="Watch",
        needs_user=True,
        needs_items=True,
    ),
    _VIDEO(
        "aws-vod-most-popular",
        POPULAR_ITEMS,
        "Videos that most users watched",
        base="aws-popularity-count",
        learns_from="Watch",
        needs_user=True,
    ),
    _VIDEO(
        "aws-vod-top-picks",
        USER_PERSONALIZATION,
        "Videos for a user who has not watched them",
        base="aws-user-personalization",
        hides="Watch",
    ),
    _VIDEO(
        "aws-vod-trending-now",
        POPULAR_ITEMS,
        "Videos whose popularity grows fastest",
        base="aws-trending-now",
    ),
)
"""As AWS's pages on the use cases of the two domains describe them."""

RECIPES: Final = {
    recipe.arn: recipe for recipe in sorted((*_CUSTOM, *_DOMAIN), key=lambda recipe: recipe.name)
}
"""All recipes by ARN, alphabetical."""


def recipe_of(arn: str) -> Recipe:
    """The recipe of that ARN.

    Raises:
        ResourceNotFoundError: there is none.
    """
    try:
        return RECIPES[arn]
    except KeyError:
        raise ResourceNotFoundError(arn) from None
