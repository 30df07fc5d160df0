"""musicrec: a serverless, real-time music recommender on AWS, run and researched from notebooks."""
