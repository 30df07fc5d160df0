"""The whole system on one machine, from a listener's plays to recommendations, step by step."""
