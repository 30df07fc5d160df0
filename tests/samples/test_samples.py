"""AWS's own notebooks run against the embedded AWS; skipped without a checkout of them.

`pytest tests/samples --samples CHECKOUT` runs them, in about half an hour. The kernel's environment
is that of `run_sample.py`; `--samples-environment` names another. "Proof of concept" wants one of
Python 3.10, the last for which there is a pandas before 1.4.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_sample.py")
PLACEHOLDERS = ("INSERT ARN HERE", "INSERT ROLE NAME HERE")
FIRST = "getting_started/notebooks"
DOMAINS = "getting_started/notebooks_managed_domains"
CASES = "next_steps/core_use_cases"
WORKSHOPS = "next_steps/workshops"
POC = f"{WORKSHOPS}/POC_in_a_box"
AGENT = "next_steps/generative_ai/personalized_recommender_agent"
SCIENCE = "next_steps/data_science"
IMPACT = "next_steps/evaluation/measuring_impact_of_recommendations"
CAMPAIGN = "next_steps/generative_ai/personalized_marketing_campaign"
CLEAN_UP = "Clean_Up_Resources.ipynb"


@dataclass
class Series:
    """Notebooks that build on each other.

    Attributes:
        notebooks: paths in the checkout, in order.
        fails: cells that fail on AWS too, by notebook; those that the reader is to fill in aside.
        by_chance: likewise, but only for some of the users whom the notebook draws by lot.
        define: what a notebook uses and leaves undefined.
        waits: whether it waits for what it deletes, and does not leave that to its reader.
    """

    notebooks: list[str]
    fails: dict[str, set[int]] = field(default_factory=dict)
    by_chance: dict[str, set[int]] = field(default_factory=dict)
    define: list[str] = field(default_factory=list)
    waits: bool = True


PRACTICES = f"{FIRST}/3.Best_Practices-Clientside.ipynb"
RANKING = f"{CASES}/personalized_ranking/personalize_ranking_example.ipynb"
CLEAN_DOMAIN = f"{DOMAINS}/{CLEAN_UP}"
BATCH = f"{CASES}/batch_recommendations/user_personalization_batch_recommendations_example.ipynb"

SERIES = {
    "getting started": Series(
        [
            f"{FIRST}/1.Building_Your_First_Campaign.ipynb",
            f"{FIRST}/2.View_Campaign_And_Interactions.ipynb",
            f"{FIRST}/99.Cleanup.ipynb",
        ]
    ),
    "best practices": Series(
        [PRACTICES],
        fails={PRACTICES: {10, 17}},  # YAML in code cells
        by_chance={PRACTICES: {56}},  # lacks the title of film 1, whose row it takes for a header
        define=["role_arn=arn:aws:iam::123456789012:role/PersonalizeSamples"],
    ),
    "ranking": Series([RANKING], fails={RANKING: {17}}),  # a wrong unit of time, to show it
    "batch": Series([BATCH], fails={BATCH: {17}}),  # likewise
    "sims": Series([f"{CASES}/related_items/personalize_sims_example.ipynb"]),
    "similar items": Series([f"{CASES}/related_items/personalize_aws_similar_items_example.ipynb"]),
    "trending": Series([f"{CASES}/trending_now/trending_now_example.ipynb"]),
    "promotions": Series(
        [f"{CASES}/filters/promotions/{name}" for name in ("Promotions.ipynb", CLEAN_UP)]
    ),
    "video domain": Series(
        [f"{DOMAINS}/Building_Your_First_Recommender_Video_On_Demand.ipynb", CLEAN_DOMAIN]
    ),
    "shop domain": Series(
        [f"{DOMAINS}/Building_Your_First_Recommender_Ecommerce.ipynb", CLEAN_DOMAIN]
    ),
    "segments": Series([f"{CASES}/user_segmentation/user_segmentation_example.ipynb"]),
    "proof of concept": Series(
        [
            f"{POC}/{name}.ipynb"
            for name in (
                "01_Validating_and_Importing_User_Item_Interaction_Data",
                "02_Validating_and_Importing_Item_Metadata",
                "03_Creating_and_Evaluating_Solutions",
                "04_Deploying_Campaigns_and_Filters",
                "05_Interacting_with_Campaigns_and_Filters",
                "06_Clean_Up_Resources",
            )
        ],
        waits=False,
    ),
    "context": Series(
        [f"{CASES}/user_personalization/user-personalization-with-contextual-recommendations.ipynb"]
    ),
    "automatic context": Series(
        [
            f"{CASES}/automatic_context/notebooks/{name}.ipynb"
            for name in ("1.Building_Personalize_Campaign", "3.Cleanup")
        ]
    ),
    "objective": Series([f"{CASES}/objective_optimization/objective-optimization.ipynb"]),
    "text": Series([f"{CASES}/metadata/item-text-unstructured-metadata.ipynb"]),
    "holdout": Series(
        [f"{SCIENCE}/offline_performance_evaluation/personalize_temporal_holdout.ipynb"]
    ),
    "workshop of 2019": Series([f"{WORKSHOPS}/Reinvent_2019/ReInvent2019_Workshop.ipynb"]),
    "impact": Series(
        [
            f"{IMPACT}/Measure_Impact_of_Recommendations.ipynb",
            f"{IMPACT}/{CLEAN_UP}",
        ]
    ),
    "airline segments": Series(
        [f"{CAMPAIGN}/airline_ticket_user_segmentation_09212023_github.ipynb"]
    ),
    "movie machine": Series(
        [
            f"{WORKSHOPS}/magic_movie_machine/notebooks/Building the Magic Movie Machine Recommender.ipynb"
        ]
    ),
    "agent": Series(
        [
            f"{AGENT}/{name}.ipynb"
            for name in (
                "01_Recommender-Agent_Configure-Personalize-Resources",
                "03_Recommender-Agent_CleanUp",
            )
        ]
    ),
}


@pytest.fixture
def command(request):
    """The runner with the options of this run."""
    samples = request.config.getoption("--samples")
    if samples is None:
        pytest.skip("needs --samples, a checkout of aws-samples/amazon-personalize-samples")
    environment = request.config.getoption("--samples-environment")
    chosen = ["--environment", environment] if environment else []
    return [sys.executable, str(RUNNER), "--samples", samples, "--json", "--keep-going", *chosen]


def asks_reader(samples, notebook, place):
    """Whether the cell leaves something for its reader to write."""
    cell = json.loads((Path(samples) / notebook).read_text())["cells"][place]
    return any(text in "".join(cell["source"]) for text in PLACEHOLDERS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("series", SERIES.values(), ids=SERIES)
def test_they_run_whole(series, command, request):
    """But for cells that fail on AWS as well."""
    options = [] if series.waits else ["--delete-at-once"]
    defined = [part for text in series.define for part in ("--define", text)]
    done = subprocess.run(
        [*command, *options, *defined, *series.notebooks],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-3000:]
    outcomes = json.loads(done.stdout)
    assert [outcome["notebook"] for outcome in outcomes] == series.notebooks
    samples = request.config.getoption("--samples")
    for outcome in outcomes:
        known = series.fails.get(outcome["notebook"], set())
        failed = {
            cell["place"]: cell["error"]
            for cell in outcome["failed"]
            if not asks_reader(samples, outcome["notebook"], cell["place"])
        }
        assert failed.keys() - series.by_chance.get(outcome["notebook"], set()) == known, failed
