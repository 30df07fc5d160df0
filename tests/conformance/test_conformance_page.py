"""The coverage page is that of the suite."""

import pytest


class TestPage:
    def test_page_lists_every_rule(self, request, pytestconfig):
        """What is tested here stands on the coverage page, unless that is being written."""
        if pytestconfig.getoption("--coverage-page"):
            pytest.skip("the page is written when all tests have passed")
        text = (pytestconfig.rootpath / "docs" / "personalize-coverage.md").read_text()
        ours = [item for item in request.session.items if item.path.parent == request.path.parent]
        names = {item.name for item in ours if item.get_closest_marker("operation")}
        assert [name for name in sorted(names) if f"`{name}`" not in text] == []
