"""The data behind the figures: what is drawn, how it is labelled; never the pixels."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from musicrec.catalog import AUDIO_FEATURES
from musicrec.research import plots
from musicrec.research.evaluation import Comparison, Interval
from musicrec.research.plots.items import principal_plane
from musicrec.research.plots.style import GREY, VERMILLION


@pytest.fixture(autouse=True)
def headless():
    """Draw without a display, and leave no figure behind."""
    before = plt.get_backend()
    plt.switch_backend("agg")
    yield
    assert plt.get_fignums() == []
    plt.switch_backend(before)


@pytest.fixture
def items():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.random((60, len(AUDIO_FEATURES))), columns=list(AUDIO_FEATURES))
    table.loc[0, "tempo"] = np.nan
    return table.assign(genres=[("rock",)] * 40 + [("pop", "rock")] * 20)


@pytest.fixture
def means():
    rng = np.random.default_rng(4)
    genres = [f"genre-{n}" for n in range(30)]
    return pd.DataFrame(rng.random((30, len(AUDIO_FEATURES))), genres, list(AUDIO_FEATURES))


def widths(container):
    return [bar.get_width() for bar in container]


def texts(axes):
    return [text.get_text() for text in axes.texts]


class TestCounts:
    def test_each_bar_carries_its_number(self):
        """Rows stand from the top down in the order given, as long as they are many."""
        figure = plots.bars(
            pd.Series({"kept": 4_000, "dropped": 12}), "What became of rows", "rows"
        )
        (axes,) = figure.axes
        assert [label.get_text() for label in axes.get_yticklabels()] == ["kept", "dropped"]
        assert axes.yaxis_inverted()
        assert widths(axes.containers[0]) == [4_000, 12]
        assert texts(axes) == ["4,000", "12"]
        assert axes.get_xlabel() == "rows"

    def test_parts_add_up(self):
        """Each part of a bar begins where the one before ends, and the legend names the parts."""
        table = pd.DataFrame({"play": [3, 5], "skip": [1, 2]}, index=["imported", "streamed"])
        (axes,) = plots.stacked_bars(table, "Interactions", "interactions").axes
        first, second = axes.containers
        assert widths(first) == [3, 5]
        assert [bar.get_x() for bar in second] == [3, 5]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["play", "skip"]


class TestStyle:
    def test_look_ends_with_the_block(self):
        """Outside the block, matplotlib's settings are as before."""
        before = plt.rcParams["figure.dpi"]
        with plots.style():
            assert plt.rcParams["figure.dpi"] == 110
        assert plt.rcParams["figure.dpi"] == before

    def test_figures_fit_a_notebook(self, items):
        """A figure is nine inches wide at 110 dots an inch, with its headline."""
        figure = plots.genres_per_track(items)
        assert figure.get_figwidth() == 9
        assert figure.dpi == 110
        assert figure.get_suptitle()


class TestRawFindings:
    def test_bar_and_label_for_each_finding(self):
        """Bars are as long as their counts, which stand beside them."""
        findings = pd.DataFrame({"rows": [900, 7], "share": [0.9, 0.007]}, ["first", "second"])
        axes = plots.raw_findings(findings).axes[0]
        assert widths(axes.containers[0]) == [900, 7]
        assert texts(axes) == ["900 (90.00%)", "7 (0.70%)"]
        assert axes.get_xscale() == "log"

    def test_rare_is_not_shown_as_never(self):
        """One row of a million has a share that does not round to nothing."""
        findings = pd.DataFrame({"rows": [1], "share": [1e-6]}, ["rare"])
        assert texts(plots.raw_findings(findings).axes[0]) == ["1 (< 0.01%)"]

    def test_nothing_found_is_shown_as_none(self):
        """A count of 0 has a label though a logarithm has no 0."""
        findings = pd.DataFrame({"rows": [0], "share": [0.0]}, ["none"])
        assert texts(plots.raw_findings(findings).axes[0]) == ["0 (0.00%)"]


class TestItems:
    def test_genres_per_track(self, items):
        """Forty tracks have one genre, twenty have two."""
        axes = plots.genres_per_track(items).axes[0]
        assert [bar.get_height() for bar in axes.containers[0]] == [40, 20]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]

    def test_distributions_count_known_values(self, items):
        """Each histogram holds all tracks whose value is known, and names its median."""
        figure = plots.feature_distributions(items)
        drawn = dict(zip(AUDIO_FEATURES, figure.axes, strict=False))
        heights = {
            name: sum(bar.get_height() for bar in axes.containers[0])
            for name, axes in drawn.items()
        }
        assert heights.pop("tempo") == 59
        assert set(heights.values()) == {60}
        assert drawn["energy"].get_title(loc="left") == f"energy: {items['energy'].median():.3g}"
        assert drawn["loudness"].get_xlabel() == "dB"

    def test_unused_panels_are_blank(self, items):
        """Four features in rows of three leave two panels without axes."""
        figure = plots.feature_distributions(items, AUDIO_FEATURES[:4])
        assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2


class TestGenreMap:
    def test_every_genre_is_a_point_and_names_never_overlap(self, means):
        """All genres are drawn; of their names only those that fit."""
        figure = plots.genre_map(means)
        axes = figure.axes[0]
        assert len(axes.collections[0].get_offsets()) == 30
        boxes = [text.get_window_extent() for text in axes.texts]
        assert 10 <= len(boxes) <= 30
        overlaps = [
            (i, j) for i, one in enumerate(boxes) for j, other in enumerate(boxes)
            if i < j and one.padded(-1).overlaps(other.padded(-1))
        ]  # fmt: skip
        assert overlaps == []

    def test_axes_say_what_they_are(self, means):
        """Axis labels name the features that pull and the variance explained."""
        axes = plots.genre_map(means).axes[0]
        assert "First component" in axes.get_xlabel()
        assert "% of variance" in axes.get_ylabel()
        assert any(name in axes.get_xlabel() for name in AUDIO_FEATURES)

    def test_plane_keeps_the_larger_spread_first(self, means):
        """Components are ordered, orthogonal, and no more is explained than there is."""
        places, explained, loadings = principal_plane(means)
        assert explained[0] >= explained[1] > 0
        assert explained.sum() <= 1
        assert places["x"].to_numpy() @ places["y"].to_numpy() == pytest.approx(0, abs=1e-9)
        assert (loadings.abs().max() == loadings.max()).all()

    def test_plane_finds_the_direction_of_difference(self):
        """Where all rows differ in one direction only, one component explains everything."""
        line = np.linspace(0, 1, 8)
        _, explained, loadings = principal_plane(pd.DataFrame({"a": line, "b": 2 * line}))
        assert explained[0] == pytest.approx(1)
        assert loadings["x"].tolist() == pytest.approx([0.5**0.5] * 2)


class TestListeners:
    def test_heat_map_groups_listeners_by_favourite(self):
        """Listeners with the same favourite stand together, genres by size."""
        shares = pd.DataFrame(
            {"rock": [0.9, 0.1, 0.8], "pop": [0.1, 0.8, 0.1], "folk": [0.0, 0.1, 0.1]}, list("uvw")
        )
        axes = plots.genre_shares(shares, genres=2).axes[0]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["rock", "pop"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["u", "w", "v"]
        assert axes.images[0].get_array().tolist() == [[0.9, 0.1], [0.8, 0.1], [0.1, 0.8]]

    def test_halves_match_listeners(self):
        """Only listeners of both halves are drawn, and the title has the rank correlation."""
        first = pd.DataFrame({"ENERGY": [0.1, 0.2, 0.9]}, list("uvw"))
        second = pd.DataFrame({"ENERGY": [0.3, 0.5]}, list("wu"))
        axes = plots.feature_halves(first, second, ["ENERGY"]).axes[0]
        assert axes.collections[0].get_offsets().tolist() == [[0.1, 0.5], [0.9, 0.3]]
        assert axes.get_title(loc="left") == "ENERGY: -1.00"

    def test_stability_sorts_features(self):
        """The most stable feature stands on top, kinds have their own marks."""
        table = pd.DataFrame(
            {"feature": ["A", "B", "C"], "kind": ["number", "category", "number"],
             "stability": [0.2, 0.9, 0.5]}
        )  # fmt: skip
        axes = plots.stability(table).axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "C", "B"]
        drawn = {line.get_label(): line.get_xdata().tolist() for line in axes.lines[:2]}
        assert drawn == {"category": [0.9], "number": [0.2, 0.5]}

    def test_user_features_say_how_many_listeners(self):
        """Every histogram holds the listeners whose value is known."""
        table = pd.DataFrame({"SKIP_RATE": [0.1, 0.2, np.nan], "ENERGY": [0.5, 0.6, 0.7]})
        figure = plots.user_features(table, ["SKIP_RATE", "ENERGY"])
        counts = [sum(bar.get_height() for bar in axes.containers[0]) for axes in figure.axes[:2]]
        assert counts == [2, 3]
        assert "3 listeners" in figure.get_suptitle()


class TestModels:
    @pytest.fixture
    def results(self):
        return pd.DataFrame(
            {"mean": [0.1, 0.3], "low": [0.05, 0.25], "high": [0.15, 0.35]}, ["Popularity", "New"]
        )

    def test_best_on_top_with_interval(self, results):
        """Models are sorted, every one has its dot at the mean and its line over the interval."""
        axes = plots.metric_panels({"NDCG@10": results}, "Models", ["Popularity"]).axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["Popularity", "New"]
        assert [list(line.get_xdata()) for line in axes.lines] == [
            [0.05, 0.15], [0.1], [0.25, 0.35], [0.3],
        ]  # fmt: skip
        assert texts(axes) == ["0.100", "0.300"]
        assert axes.get_xlim()[0] == 0

    def test_baselines_are_hollow(self, results):
        """A baseline is told from a model by form as well as colour."""
        axes = plots.metric_panels({"NDCG@10": results}, "Models", ["Popularity"]).axes[0]
        assert [axes.lines[n].get_markerfacecolor() == "white" for n in (1, 3)] == [True, False]

    def test_panels_keep_the_order_of_the_first(self, results):
        """A model has one height in all panels, also where another is ahead."""
        other = results.assign(mean=[0.9, 0.2])
        one, two = plots.metric_panels({"all": results, "new": other}, "Models").axes
        assert one.get_title(loc="left") == "all"
        assert [float(two.lines[n].get_xdata()[0]) for n in (1, 3)] == [0.9, 0.2]

    def test_uncertain_differences_are_grey(self):
        """A difference whose interval holds 0 is grey, a certain loss is red."""
        comparisons = {
            "loss": Comparison(Interval(-0.2, -0.3, -0.1), 0.1, 0.6),
            "chance": Comparison(Interval(0.01, -0.1, 0.1), 0.3, 0.3),
        }
        axes = plots.paired_differences({"NDCG@10": comparisons}, "Differences").axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["chance", "loss"]
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert [to_hex(dot.get_color(), keep_alpha=False) for dot in dots] == [
            GREY.lower(), VERMILLION.lower(),
        ]  # fmt: skip
        assert "better 10%, worse 60%" in texts(axes)[1]

    def test_segments_have_intervals_and_counts(self):
        """Each model has a point at each segment, which says how many listeners it has."""
        table = pd.DataFrame(
            {"model": ["A", "B", "A", "B"], "segment": ["short", "short", "long", "long"],
             "users": [7, 7, 3, 3], "mean": [0.1, 0.2, 0.3, 0.1],
             "low": [0.0, 0.1, 0.2, 0.0], "high": [0.2, 0.3, 0.5, 0.2]},
        )  # fmt: skip
        axes = plots.metric_by_segment(table, "NDCG@10").axes[0]
        points = [container.lines[0] for container in axes.containers]
        assert [list(line.get_ydata()) for line in points] == [[0.1, 0.3], [0.2, 0.1]]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["A", "B"]
        assert len({line.get_marker() for line in points}) == 2
        names = [label.get_text() for label in axes.get_xticklabels()]
        assert names == ["short\n7 listeners", "long\n3 listeners"]

    def test_places_are_written_into_their_cells(self):
        """Every share can be read; what was listened to stands on top."""
        table = pd.DataFrame(
            [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]],
            ["what was listened to", "popular"],
            ["1", "2", "never met"],
        )
        axes = plots.places_by_tenth(table, 10).axes[0]
        assert texts(axes) == ["50%", "25%", "25%", "100%", "0%", "0%"]
        assert [label.get_text() for label in axes.get_yticklabels()] == list(table.index)

    def test_shift_pairs_genres(self):
        """Both lists have a bar for every genre, and the genre that gained most stands on top."""
        before = pd.Series({"rock": 0.8, "pop": 0.2})
        after = pd.Series({"metal": 0.6, "rock": 0.4})
        axes = plots.list_shift(before, after).axes[0]
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == ["rock", "pop", "metal"]
        assert widths(axes.containers[0]) == [0.8, 0.2, 0.0]
        assert widths(axes.containers[1]) == [0.4, 0.0, 0.6]

    def test_small_shares_have_ticks_that_differ(self):
        """Shares of a few percent are told apart on the axis: no two ticks read alike."""
        made = plots.list_shift(pd.Series({"j-pop": 0.02}), pd.Series({"j-pop": 0.033}))
        made.canvas.draw()
        ticks = [label.get_text() for label in made.axes[0].get_xticklabels()]
        assert len(ticks) > 2
        assert len(set(ticks)) == len(ticks)

    def test_ranks_connect_what_stayed(self):
        """An item of both lists is a line between its ranks; the others have only their names."""
        axes = plots.ranks(["a", "b"], ["c", "a"], {"a": "Song A", "c": "x" * 60}).axes[0]
        assert [list(line.get_ydata()) for line in axes.lines] == [[1, 2]]
        shown = texts(axes)
        assert {"Song A  1", "b  2", "2  Song A"} <= set(shown)
        assert any(text.endswith("…") for text in shown)


class TestLive:
    def test_arms_stand_beside_their_ranks(self):
        """An arm has its interval on the left and its line by rank on the right, in one colour."""
        outcome = pd.DataFrame(
            {"listeners": [5, 4], "mean": [3.0, 2.0], "low": [2.0, 1.0], "high": [4.0, 3.0]},
            ["ours", "theirs"],
        )
        ranks = pd.DataFrame([[0.5, 0.25], [0.4, 0.1]], ["ours", "theirs"], [1, 2])
        left, right = plots.arms(outcome, ranks, "tracks heard", "Arms").axes
        assert texts(left) == ["3.00", "2.00"]
        names = [label.get_text() for label in left.get_xticklabels()]
        assert names == ["ours\n5 listeners", "theirs\n4 listeners"]
        assert [list(line.get_ydata()) for line in right.lines] == [[0.5, 0.25], [0.4, 0.1]]
        assert left.lines[1].get_color() == right.lines[0].get_color()

    def test_reaction_says_what_was_played(self):
        """Lines are shares after each play, bands say which genre each play was of."""
        table = pd.DataFrame(
            {"jazz": [0.0, 0.5, 0.25], "punk": [0.0, 0.0, 0.5], "all else": [1.0, 0.5, 0.25]}
        )
        figure = plots.reaction({"somebody new": table}, ["jazz", "punk"], 25)
        (axes,) = figure.axes
        shares = {line.get_label(): list(line.get_ydata()) for line in axes.lines[:3]}
        assert shares["jazz"] == [0.0, 0.5, 0.25]
        assert texts(axes) == ["plays jazz", "plays punk"]
        bands = {line.get_color(): list(line.get_xdata()) for line in axes.lines[3:]}
        assert list(bands.values()) == [[0.6, 1.4], [1.6, 2.4]]


class TestOperations:
    def test_drift_stands_beside_chance(self):
        """Each feature has a bar for chance and one mark, the most moved on top."""
        table = pd.DataFrame(
            {"psi": [0.9, 0.2, 0.05, np.nan], "chance": [0.1, 0.1, 0.1, np.nan],
             "says": ["moved", "watch", "steady", "too few listeners"]},
            ["ENERGY", "TEMPO", "VALENCE", "PEAK_TIME"],
        )  # fmt: skip
        axes = plots.drift(table).axes[0]
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == ["VALENCE", "TEMPO", "ENERGY"]
        assert widths(axes.containers[0]) == [0.1, 0.1, 0.1]
        marks = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
        assert (marks["moved"], marks["watch"], marks["steady"]) == ([0.9], [0.2], [0.05])
        assert len({line.get_marker() for line in axes.lines}) == 4

    def test_dollars_have_both_ends(self):
        """The bar reaches the highest bill, its label says the lowest too."""
        table = pd.DataFrame({"at least": [0.0], "at most": [146.0]}, ["campaign musicrec"])
        axes = plots.dollars(table, "What bills").axes[0]
        assert widths(axes.containers[0]) == [146.0]
        assert texts(axes) == ["0.00 to 146.00"]
        assert "US dollars a month" in axes.get_xlabel()

    def test_nothing_that_bills_is_an_empty_figure(self):
        """A stack that was taken down has no bars."""
        table = pd.DataFrame({"at least": [], "at most": []}, dtype="float64")
        assert texts(plots.dollars(table, "What bills").axes[0]) == []
