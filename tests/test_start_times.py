"""How long the light functions take to start, beside boto3 alone; and how large they are."""

import pytest

from benchmarks import start_times
from musicrec.deploying import packages


@pytest.mark.slow
def test_light_functions_start_in_little_more_than_boto3_takes():
    """Importing a light handler, tracing and all, takes at most 1.5 times the CPU of boto3 alone."""
    ratios = start_times.ratios(rounds=7)
    assert set(ratios) == set(start_times.LIGHT)
    assert max(ratios.values()) <= 1.5, ratios


@pytest.mark.parametrize("name", [*start_times.LIGHT, "dataset_builder"])
def test_zips_without_dependencies_stay_under_a_megabyte(name):
    """A function's own code and the package's, as Lambda gets them, have less than a million bytes."""
    assert 10_000 < len(packages.function_zip(name)) < 1_000_000
