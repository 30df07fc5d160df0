"""The three Personalize datasets: their schemas, how they are built and checked, and the daily run."""
