"""Which resource a path belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicrec.local.gateway.definition import Method, Resource
from musicrec.local.gateway.matching import match_method, match_resource

PATHS = ("/", "/events", "/users/{id}", "/users/me", "/users/{id}/plays", "/files/{path+}")
RESOURCES = tuple(Resource(path, path, {}) for path in PATHS)
METHOD = Method("GET", False, False, (), {}, None)


def matched(path):
    found = match_resource(RESOURCES, path)
    return found and (found[0].path, found[1])


class TestMatchResource:
    @pytest.mark.parametrize(
        ("path", "resource", "parameters"),
        [
            ("/", "/", {}),
            ("/events", "/events", {}),
            ("/users/7", "/users/{id}", {"id": "7"}),
            ("/users/me", "/users/me", {}),
            ("/users/me/plays", "/users/{id}/plays", {"id": "me"}),
            ("/files/a/b%2Fc", "/files/{path+}", {"path": "a/b/c"}),
            ("/users/Bj%C3%B6rk", "/users/{id}", {"id": "Björk"}),
        ],
    )
    def test_finds_the_most_specific(self, path, resource, parameters):
        """Exact parts win over parameters, parameters over greedy ones, values are decoded."""
        assert matched(path) == (resource, parameters)

    @pytest.mark.parametrize(
        "path",
        ["/nope", "/events/", "//events", "/events/x", "/Events", "/users", "/users//plays", "/files",
         "/../events", "/events%2F", "/%2Fevents"],
    )  # fmt: skip
    def test_near_misses_find_nothing(self, path):
        """Doubled and trailing slashes, other letters and path tricks match no resource."""
        assert matched(path) is None

    @given(st.text(alphabet="ab/{}+%.", max_size=12))
    def test_any_path_is_answered(self, path):
        """No path makes matching fail."""
        match_resource(RESOURCES, "/" + path)


class TestMatchMethod:
    def test_any_method_catches_the_rest(self):
        """A resource's own method comes before its ANY method."""
        own, other = METHOD, Method("ANY", True, False, (), {}, None)
        resource = Resource("r", "/r", {"GET": own, "ANY": other})
        assert match_method(resource, "GET") is own
        assert match_method(resource, "POST") is other

    def test_missing_method_is_none(self):
        """A method that the resource lacks is not found."""
        assert match_method(Resource("r", "/r", {"GET": METHOD}), "POST") is None
