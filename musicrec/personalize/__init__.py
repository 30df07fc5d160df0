"""Amazon Personalize: operating it from notebooks, and reading recommendations in a Lambda.

Nothing is imported here, so that the read path does not load what only operating needs.
"""
