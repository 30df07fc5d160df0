"""Conformance cases: the file format, how differences are found, and the project's shared cases."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from musicrec.producer import scenarios
from musicrec.producer.commands import app

SHARED = (
    Path(os.environ.get("MUSICREC_SHARED", Path(__file__).parents[3] / "shared"))
    / "data"
    / "playback_scenarios.json"
)

CASE = {
    "id": "1",
    "title": "a skip",
    "snapshots": [
        {"t": 0, "kind": "play", "uri": "A", "dur": 200_000, "pos": 0, "dev": "d", "repeat": "off"},
        {"t": 10_000, "kind": "play", "uri": "B", "dur": 90_000, "pos": 3000, "dev": "d"},
    ],
    "expected": [
        {"type": "session_start", "at_s": 0.0},
        {"type": "play", "at_s": 0.0, "track": "A", "from_ms": 0, "repeat": False},
        {
            "type": "skip",
            "at_s": 7.0,
            "track": "A",
            "listened_ms": 7000,
            "ratio": 0.035,
            "end_pos": 7000,
            "qualified": False,
            "reason": "next",
        },
        {"type": "play", "at_s": 7.0, "track": "B", "from_ms": 0, "repeat": False},
    ],
}


@pytest.fixture
def written(tmp_path):
    """Writes a file of one case, its expectation changed by the caller."""

    def write(change=lambda _: None):
        case = json.loads(json.dumps(CASE))
        change(case["expected"])
        path = tmp_path / "cases.json"
        path.write_text(json.dumps({"units": "ms", "tracks_s": {}, "scenarios": [case]}))
        return path

    return write


class TestDifferences:
    def test_a_right_case_has_none(self, written):
        """Events that agree in every named field are no mismatch."""
        assert scenarios.check(written()) == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("type", "complete"),
            ("at_s", 7.1),
            ("track", "B"),
            ("listened_ms", 7001),
            ("ratio", 0.036),
            ("end_pos", 1),
            ("qualified", True),
            ("reason", "stop"),
            ("direction", "back"),
        ],
    )
    def test_every_field_counts(self, written, field, value):
        """A difference in any one field, unknown ones included, is one mismatch."""
        path = written(lambda expected: expected[2].update({field: value}))
        (mismatch,) = scenarios.check(path)
        assert (mismatch.case, mismatch.position) == ("1", 2)
        assert mismatch.emitted == CASE["expected"][2]

    def test_a_missing_event_is_told(self, written):
        """An event that is expected and not emitted stands against nothing."""
        path = written(lambda expected: expected.append({"type": "stop", "at_s": 9.0}))
        (mismatch,) = scenarios.check(path)
        assert (mismatch.expected, mismatch.emitted) == ({"type": "stop", "at_s": 9.0}, None)

    def test_a_superfluous_event_is_told(self, written):
        """An event that is emitted and not expected stands against nothing."""
        (mismatch,) = scenarios.check(written(lambda expected: expected.pop()))
        assert mismatch.expected is None

    @pytest.mark.parametrize("text", ["{", "[]", '{"scenarios": [{"id": "1"}]}'])
    def test_another_format_is_refused(self, tmp_path, text):
        """The message names the file and the format."""
        path = tmp_path / "x.json"
        path.write_text(text)
        with pytest.raises(scenarios.ScenarioFileError, match=r"x\.json.*scenarios"):
            scenarios.check(path)


class TestCommand:
    def test_agreement_exits_with_zero(self, written):
        """The closing line counts the cases."""
        result = CliRunner().invoke(app, ["check-scenarios", str(written())])
        assert result.exit_code == 0
        assert result.output.splitlines()[-1] == "1 cases: 1 right, 0 wrong, 0 mismatches"

    def test_a_mismatch_is_shown_and_exits_with_one(self, written):
        """Case, expected and emitted event are printed before the count."""
        path = written(lambda expected: expected[2].update(type="complete"))
        result = CliRunner().invoke(app, ["check-scenarios", str(path)])
        assert result.exit_code == 1
        lines = result.output.splitlines()
        assert lines[0] == "case 1 (a skip), event 3"
        assert lines[1].startswith('  expected: {"type":"complete"')
        assert lines[2].startswith('  emitted:  {"type":"skip"')
        assert lines[-1] == "1 cases: 0 right, 1 wrong, 1 mismatches"

    def test_a_foreign_file_exits_with_one(self, tmp_path):
        """A file of another format is an error without a traceback."""
        path = tmp_path / "x.json"
        path.write_text("{}")
        result = CliRunner().invoke(app, ["check-scenarios", str(path)])
        assert result.exit_code == 1
        assert "scenarios" in result.output


@pytest.mark.skipif(not SHARED.exists(), reason=f"the shared cases are not at {SHARED.parent}")
def test_the_shared_cases_pass():
    """The machine does exactly what the project's shared cases expect."""
    assert scenarios.check(SHARED) == []
    assert len(scenarios.read(SHARED)) >= 24
