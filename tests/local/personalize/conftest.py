"""Fixtures of the embedded Personalize: one server a module, one region a test."""

import pytest
from personalize_data import item_rows
from personalize_office import NOW, Office
from personalize_shop import Shop
from personalize_world import Clock, Embedded

from musicrec.local.personalize.life_cycle import LifeCycle


def _clocked():
    clock = Clock()
    server = Embedded(clock=clock)
    yield server, clock
    server.stop()


@pytest.fixture(scope="module")
def embedded():
    """One server for a module."""
    server = Embedded()
    yield server
    server.stop()


@pytest.fixture
def embedded_at():
    """A server of one's own, and the clock that it goes by."""
    yield from _clocked()


@pytest.fixture
def world(embedded):
    """An empty region."""
    return embedded.world()


@pytest.fixture(scope="module")
def music(embedded):
    """A region with data, a trained solution and its campaign; tests must not change these."""
    users = [(f"u{n:03}", 15 + n % 10, "DE" if n % 2 else "FR") for n in range(60)]
    world = embedded.world().load(items=item_rows(), users=users)
    config = {
        "eventsConfig": {
            "eventParametersList": [
                {"eventType": "play", "weight": 0.3},
                {"eventType": "complete", "weight": 1.0},
            ]
        }
    }
    world.arns["campaign"] = world.campaign(name="live", solutionConfig=config)
    return world


@pytest.fixture(scope="module")
def clocked():
    """A server for the module, and the clock that it goes by."""
    yield from _clocked()


@pytest.fixture
def first(clocked):
    """A shop with the recipe of the first generation."""
    return Shop(*clocked, "aws-user-personalization")


@pytest.fixture
def second(clocked):
    """A shop with the recipe of the second generation."""
    return Shop(*clocked, "aws-user-personalization-v2")


@pytest.fixture
def office(clocked):
    """An office of one's own, at the beginning of time."""
    embedded, clock = clocked
    clock.now = float(NOW)
    embedded.app.life_cycle = LifeCycle()
    return Office(embedded, clock)
