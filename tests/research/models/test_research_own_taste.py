"""What one history says about tracks that it does not hold."""

import numpy as np
import pytest

from musicrec.research.models.base import Interactions, NotFittedError
from musicrec.research.models.own_taste import OwnTaste, OwnTasteConfig

ITEMS = [f"rock-{n}" for n in range(30)] + [f"jazz-{n}" for n in range(5)]
IS_JAZZ = np.array([item.startswith("jazz") for item in ITEMS])


@pytest.fixture
def features():
    """Thirty rock tracks that sound alike and five jazz tracks that do."""
    rng = np.random.default_rng(1)
    centre = np.where(IS_JAZZ[:, None], [0.0, 3.0, 0.0], [3.0, 0.0, 0.0])
    return (centre + rng.normal(0, 0.3, (len(ITEMS), 3))).astype(np.float32)


def fitted(features, **more) -> OwnTaste:
    interactions = Interactions.from_rows([("you", "rock-0", 1)], item_ids=ITEMS)
    order = [ITEMS.index(item) for item in interactions.item_ids]
    return OwnTaste(**more).fit(interactions, features[order])


def code(item: str) -> int:
    return sorted(ITEMS).index(item)


def history(*items: str) -> np.ndarray:
    return np.array([code(item) for item in items], dtype=np.int32)


JAZZ = [code(item) for item in ITEMS if item.startswith("jazz")]


class TestScores:
    def test_follow_what_was_heard(self, features):
        """Who heard jazz gets jazz."""
        best = np.argsort(-fitted(features).scores(history("jazz-1", "jazz-2")))[:3]
        assert set(best) <= set(JAZZ)

    def test_give_each_taste_its_share(self, features):
        """Two listens of each kind weigh alike, although there are six times as many rock tracks."""
        scores = fitted(features).scores(history("rock-1", "jazz-1", "rock-2", "jazz-2"))
        shares = scores / scores.sum()
        assert shares[JAZZ].sum() == pytest.approx(0.5, abs=0.05)

    def test_let_old_plays_fade(self, features):
        """What was heard long ago says less."""
        config = OwnTasteConfig(half_life_plays=1.0)
        model = fitted(features, config=config)
        assert model.scores(history("jazz-1", "rock-1"))[JAZZ].sum() < 0.45 * sum(
            model.scores(history("jazz-1", "rock-1"))
        )

    def test_do_not_let_one_track_speak_alone(self, features):
        """A hundred plays of one track count ten times one play, not a hundred times."""
        model = fitted(features, config=OwnTasteConfig(half_life_plays=1e9))
        scores = model.scores(history(*["rock-1"] * 100, "jazz-1"))
        assert scores[JAZZ].sum() / scores.sum() == pytest.approx(1 / 11, abs=0.01)

    def test_take_the_prior_into_account(self, features):
        """Of tracks that sound alike the likelier one comes first."""
        prior = np.ones(len(ITEMS), dtype=np.float32)
        prior[code("jazz-4")] = 100
        scores = fitted(features, prior=prior).scores(history("jazz-1"))
        assert scores.argmax() == code("jazz-4")

    def test_are_popularity_for_a_cold_user(self, features):
        """Without a history there is only what others met."""
        assert fitted(features).scores(history()).argmax() == code("rock-0")

    def test_need_a_fit(self):
        """Asked too early the model says so."""
        with pytest.raises(NotFittedError):
            OwnTaste().scores(history("rock-1"))

    def test_without_features_nothing_is_alike(self):
        """Nothing can be said, and nothing breaks."""
        interactions = Interactions.from_rows([("you", "a", 1)], item_ids=["a", "b"])
        assert not OwnTaste().fit(interactions).scores(np.array([0], dtype=np.int32)).any()


def test_voices_name_the_reason(features):
    """The track of the history that sounds most alike is the reason; never the track itself."""
    model = fitted(features)
    heard = history("rock-1", "jazz-1", "jazz-2")
    assert set(model.voices(code("jazz-3"), heard, 2)) == set(history("jazz-1", "jazz-2"))
    assert code("jazz-1") not in model.voices(code("jazz-1"), heard)
