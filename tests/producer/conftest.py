"""Fixtures of the producer's tests: the services that it talks to, on the loopback interface."""

from collections.abc import Iterator

import pytest
from producer_world import Api, FakeSpotify, served


@pytest.fixture
def api() -> Iterator[Api]:
    """A scripted ingestion API."""
    service = Api()
    with served(service) as url:
        service.url = f"{url}/v1"
        yield service


@pytest.fixture
def spotify(monkeypatch) -> Iterator[FakeSpotify]:
    """A fake of Spotify's two hosts, reached without a proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    service = FakeSpotify()
    with served(service) as url:
        service.url = url
        yield service
