"""How long the light functions take to start, beside boto3 alone; and how large they are."""

import importlib.util

import pytest

from benchmarks import cold_start, start_times
from musicrec.deploying import packages


@pytest.mark.slow
def test_light_functions_start_in_little_more_than_boto3_takes():
    """Importing a light handler, tracing and all, takes at most 1.5 times the CPU of boto3 alone."""
    ratios = start_times.ratios(rounds=7)
    assert set(ratios) == set(start_times.LIGHT)
    assert max(ratios.values()) <= 1.5, ratios


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("awslambdaric") is None, reason="awslambdaric exists for Linux only"
)
def test_a_new_environment_answers_soon():
    """What answers listeners takes, to its first answer, at most 1.6 times an empty handler's CPU.

    The median of some turns; a busy machine gets two more tries.
    """
    functions = ("hot_path", "recommendations")
    for _ in range(3):
        found = cold_start.figures(cold_start.measure(5, functions))
        if max(found[name]["cpu_ratio"] for name in functions) <= 1.6:
            return
    pytest.fail(f"too slow to start: {found}")


@pytest.mark.parametrize("name", [*start_times.LIGHT, "dataset_builder"])
def test_zips_without_dependencies_stay_under_a_megabyte(name):
    """A function's own code and the package's, as Lambda gets them, have less than a million bytes."""
    assert 10_000 < len(packages.function_zip(name)) < 1_000_000
