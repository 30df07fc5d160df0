"""What can be set, and what holds when nobody sets it.

Imports nothing, because the command line shows these values before it loads what uses them.
"""

from typing import Final

ACCOUNTS_URL: Final = "https://accounts.spotify.com"
API_URL: Final = "https://api.spotify.com"
PLAYING_S: Final = 10.0
"""Seconds between polls while something plays; what other choices cost is in `docs/producer.md`."""
