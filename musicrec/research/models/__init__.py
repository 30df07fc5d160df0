"""The models, one a module, all with the interface of `musicrec.research.models.base.Model`."""

from musicrec.research.models.cooccurrence import Cooccurrence, CooccurrenceConfig
from musicrec.research.models.item_knn import ItemKnn, ItemKnnConfig
from musicrec.research.models.low_rank import LowRankEase, LowRankEaseConfig
from musicrec.research.models.moment_and_taste import MomentAndTaste, MomentAndTasteConfig
from musicrec.research.models.popularity import Popularity
from musicrec.research.models.recent_popularity import RecentPopularity, RecentPopularityConfig
from musicrec.research.models.repeat_history import RepeatHistory, RepeatHistoryConfig

__all__ = [
    "Cooccurrence",
    "CooccurrenceConfig",
    "ItemKnn",
    "ItemKnnConfig",
    "LowRankEase",
    "LowRankEaseConfig",
    "MomentAndTaste",
    "MomentAndTasteConfig",
    "Popularity",
    "RecentPopularity",
    "RecentPopularityConfig",
    "RepeatHistory",
    "RepeatHistoryConfig",
]
