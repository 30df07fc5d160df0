"""Other people's recommenders behind the project's `Model` protocol, for `benchmarks.models`.

RecTools and `implicit` come with the extra `bench`. RecTools pins an older NumPy than the project
installs otherwise, so the extra belongs into a virtual environment of its own.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from musicrec.research.models.base import Interactions


def faded(history: NDArray[np.int32], n_items: int, half_life: float | None) -> NDArray[np.float32]:
    """The history as a row over all items: an item `half_life` positions back counts half.

    An item met several times counts by its newest meeting; without a half-life all count 1.
    """
    row = np.zeros(n_items, dtype=np.float32)
    ages = np.arange(len(history))[::-1]
    row[history] = 1.0 if half_life is None else 0.5 ** (ages / half_life)
    return row


def user_rows(interactions: Interactions) -> sparse.csr_matrix:
    """Who met what as 0 and 1, a row for each user with any interaction."""
    users, items = interactions.distinct_pairs()
    _, rows = np.unique(users, return_inverse=True)
    values = np.ones(len(items), dtype=np.float32)
    shape = (int(rows.max(initial=-1)) + 1, interactions.n_items)
    return sparse.csr_matrix((values, (rows, items)), shape=shape)


@dataclass(frozen=True)
class AlsConfig:
    """Of `implicit`'s ALS, and how a history that it was not trained on is folded in.

    Attributes:
        factors: length of the vectors.
        regularization: of both sides.
        alpha: confidence of an interaction.
        iterations: over both sides.
        half_life: an item this many positions back counts half; all count alike when absent.
    """

    factors: int = 64
    regularization: float = 3.0
    alpha: float = 5.0
    iterations: int = 15
    half_life: float | None = None


class Als:
    """`implicit`'s alternating least squares; a history gets its vector by one more half step."""

    def __init__(self, config: AlsConfig | None = None) -> None:
        self.config = config or AlsConfig()

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Factorise with a fixed seed."""
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - an optional extra

        model = AlternatingLeastSquares(
            factors=self.config.factors,
            regularization=self.config.regularization,
            alpha=self.config.alpha,
            iterations=self.config.iterations,
            random_state=0,
        )
        model.fit(user_rows(interactions), show_progress=False)
        self._items = np.asarray(model.item_factors)
        ridge = self.config.regularization * np.eye(self.config.factors, dtype=np.float32)
        self._gram = self._items.T @ self._items + ridge
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Products of the history's vector with every item's."""
        met = np.unique(history)
        row = faded(history, len(self._items), self.config.half_life)
        weights = self.config.alpha * row[met]
        rows = self._items[met]
        vector = np.linalg.solve(self._gram + (rows.T * weights) @ rows, rows.T @ weights)
        return np.asarray(self._items @ vector, dtype=np.float32)


class Ease:
    """EASE: the item-to-item weights that best rebuild each row from the others' items, a ridge.

    Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019. The inverse is taken on the
    side of the users (Woodbury), which gives the same numbers and is cheap where users are few.
    """

    def __init__(self, ridge: float = 100.0, half_life: float | None = None) -> None:
        """Choose the strength of the ridge and how a history fades, as in `AlsConfig`."""
        self._ridge = ridge
        self._half_life = half_life

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Invert the regularised products of users."""
        self._rows = user_rows(interactions)
        among_users = (self._rows @ self._rows.T).toarray()
        among_users[np.diag_indices_from(among_users)] += self._ridge
        self._solved = np.linalg.solve(among_users, self._rows.toarray())
        explained = np.asarray(self._rows.multiply(self._solved).sum(axis=0)).ravel()
        self._diagonal = (1 - explained) / self._ridge
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Summed weights from the history to every item; off by a constant for items met."""
        row = faded(history, self._rows.shape[1], self._half_life)
        precision = (row - (self._rows @ row) @ self._solved) / self._ridge
        return np.asarray(-precision / self._diagonal, dtype=np.float32)


@dataclass(frozen=True)
class SasRecConfig:
    """Of RecTools' SASRec; everything else is RecTools' default.

    Attributes:
        epochs: passes over the users.
        factors: length of the vectors.
        batch: users of a step; with RecTools' 128 a few hundred users make too few steps.
        length: newest items of a history that are read.
    """

    epochs: int = 60
    factors: int = 64
    batch: int = 32
    length: int = 100


class SasRec:
    """RecTools' SASRec with full softmax, asked for one history at a time."""

    def __init__(self, config: SasRecConfig | None = None) -> None:
        self.config = config or SasRecConfig()

    def fit(
        self,
        interactions: Interactions,
        item_features: NDArray[np.float32] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Self:
        """Train on the CPU with a fixed seed."""
        import torch  # noqa: PLC0415 - an optional extra
        from rectools.dataset import Dataset  # noqa: PLC0415 - an optional extra
        from rectools.models import SASRecModel  # noqa: PLC0415 - an optional extra

        _quiet()
        torch.manual_seed(0)
        model = SASRecModel(
            epochs=self.config.epochs,
            n_factors=self.config.factors,
            batch_size=self.config.batch,
            session_max_len=self.config.length,
            recommend_torch_device="cpu",
        )
        model.fit(Dataset.construct(_rectools_frame(interactions)))
        self._network = model.torch_model.eval()
        known = model.data_preparator.get_known_item_ids().astype(np.int64)
        self._tokens = np.zeros(interactions.n_items, dtype=np.int64)
        self._tokens[known] = model.data_preparator.get_known_items_sorted_internal_ids()
        with torch.no_grad():
            self._items = self._network.item_model.get_all_embeddings()
        return self

    def scores(
        self,
        history: NDArray[np.int32],
        timestamps: NDArray[np.int64] | None = None,  # noqa: ARG002 - part of the protocol
    ) -> NDArray[np.float32]:
        """Logits of the next item; -inf for items that nobody met in training."""
        import torch  # noqa: PLC0415 - an optional extra

        tokens = self._tokens[history]
        newest = tokens[tokens > 0][-self.config.length :]
        padded = np.zeros((1, self.config.length), dtype=np.int64)
        padded[0, self.config.length - len(newest) :] = newest
        with torch.no_grad():
            encoded = self._network.encode_sessions({"x": torch.from_numpy(padded)}, self._items)
            logits = (self._items @ encoded[0, -1]).numpy()
        return np.where(self._tokens > 0, logits[self._tokens], -np.inf).astype(np.float32)


def _rectools_frame(interactions: Interactions) -> pd.DataFrame:
    # RecTools orders by time alone; the row's place keeps equal times in their order.
    return pd.DataFrame(
        {
            "user_id": interactions.users,
            "item_id": interactions.items,
            "weight": 1.0,
            "datetime": pd.to_datetime(np.arange(len(interactions)), unit="s"),
        }
    )


def _quiet() -> None:
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="rectools")
