"""The embedded AWS: everything that lets the deployed stack run on a laptop without an account."""
