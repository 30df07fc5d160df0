"""Amazon Personalize, embedded: the three services that no open emulator has, one module a concern.

`app` is the way in. Behaviour comes from botocore's service models and AWS's documents, see
docs/embedded-personalize.md for what is left out.
"""
