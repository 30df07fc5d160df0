"""What happens to events on the stream: to Personalize, to profiles, to the lake.

Nothing is imported here, so that the hot Lambdas do not load what only the lake needs.
"""
