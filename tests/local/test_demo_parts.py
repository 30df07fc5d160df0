"""The demo's parts: progress lines, lists side by side, stations, whom it shows, kept notebooks."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import delivery_world
import nbformat
import pytest
import requests
from botocore.exceptions import ClientError
from rich.console import Console

from musicrec import events
from musicrec.local.demo import listening, notebooks, stations
from musicrec.local.demo.listening import (
    Answer,
    NothingMovedError,
    RecommendationsError,
    Recommended,
)
from musicrec.local.demo.population import NothingElseError, Population
from musicrec.local.demo.progress import Steps
from musicrec.local.demo.stations import Station
from musicrec.notebooks.running import keep


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def answer(*genres: str) -> Answer:
    items = [
        Recommended(f"{n:022d}", f"song {n}", ["Björk"], [genre] if genre else [])
        for n, genre in enumerate(genres)
    ]
    return Answer("u", items)


class TestAsk:
    @pytest.fixture
    def stack(self):
        return SimpleNamespace(deployment=SimpleNamespace(api_url="http://127.0.0.1:1/x/v1"))

    def answering(self, monkeypatch, status, **members):
        body = {"user_id": "u", "items": [], "applied": {}} | members
        response = SimpleNamespace(status_code=status, content=json.dumps(body), text="why")
        monkeypatch.setattr(requests, "get", lambda *_, **__: response)

    def test_the_listener_s_own_list_is_read(self, stack, monkeypatch):
        """What the demo does not show is passed over."""
        self.answering(monkeypatch, 200, fallback=None)
        assert listening.ask(stack, "u", 25) == Answer("u", [])

    def test_the_popular_list_is_no_answer_here(self, stack, monkeypatch):
        """The demo shows what was learnt; a list for everybody means that something is wrong."""
        self.answering(monkeypatch, 200, fallback={"reason": "THROTTLED", "list": "popular"})
        with pytest.raises(RecommendationsError, match="popular list"):
            listening.ask(stack, "u", 25)

    def test_an_error_is_shown(self, stack, monkeypatch):
        """With its status and text."""
        self.answering(monkeypatch, 503)
        with pytest.raises(RecommendationsError, match="HTTP 503: why"):
            listening.ask(stack, "u", 25)


class TestSteps:
    def test_a_step_says_what_and_how_long(self):
        """A line when it begins, its results, and its time when it ends."""
        out, ticks = console(), iter([10.0, 12.5])
        steps = Steps(out, 2, clock=lambda: next(ticks))
        with steps.step("Load the catalogue"):
            steps.say("9,990 tracks [sic]")
        assert printed(out).split("\n")[:3] == [
            "[1/2] Load the catalogue",
            "      9,990 tracks [sic]",
            "      2.5 s",
        ]
        assert steps.seconds == {"Load the catalogue": 2.5}

    def test_a_failing_step_says_so_and_fails(self):
        """The error goes on to the caller, behind a line that names the failure."""
        out = console()
        with pytest.raises(ZeroDivisionError), Steps(out, 1).step("Divide"):
            _ = 1 / 0
        assert "failed after" in printed(out)

    def test_items_pass_through_the_bar(self):
        """What is tracked comes out as it went in, with or without a terminal."""
        assert list(Steps(console(), 1).track("abc", 3, "letters")) == ["a", "b", "c"]


class TestAnswer:
    def test_share_counts_tracks_of_the_genre(self):
        """A list's share of a genre is over all its tracks, unknown ones included."""
        assert answer("rock", "", "pop", "rock").share("rock") == 0.5
        assert answer().share("rock") == 0

    def test_side_by_side_marks_the_genre(self):
        """Tracks of the genre stand out in both lists, rank by rank."""
        out = console()
        out.print(listening.side_by_side(answer("pop", "rock"), answer("rock", ""), "rock", 2))
        first, second = printed(out).splitlines()[1:3]
        assert first.split() == ["1", "song", "0", "Björk", "*", "song", "0", "Björk"]
        assert second.split() == ["2", "*", "song", "1", "Björk", "song", "1", "Björk"]

    def test_brackets_in_a_title_are_text(self):
        """A title that looks like markup is printed as it is."""
        out = console()
        odd = Answer("u", [Recommended("x" * 22, "[red]alert[/red]", ["[b]"], [])])
        out.print(listening.ranking(odd, 1))
        assert "[red]alert[/red]" in printed(out)
        assert "not in the catalogue" in printed(out)


class TestWaitForMove:
    def wait(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> listening.Moved:
        told, ticks = iter(answers), iter(range(100))
        monkeypatch.setattr(listening, "ask", lambda *_: next(told))
        return listening.wait_for_move(
            None, answer("pop", "pop"), "rock", clock=lambda: next(ticks), pause=lambda _: None
        )

    def test_returns_when_the_genre_gains(self, monkeypatch):
        """It asks again until more of the list is of the genre, and says how long that took."""
        moved = self.wait(monkeypatch, answer("pop", "pop"), answer("rock", "pop"))
        assert moved.answer.share("rock") == 0.5
        assert moved.seconds > 0

    def test_gives_up(self, monkeypatch):
        """A list that never moves is a failure that names listener, genre and share."""
        with pytest.raises(NothingMovedError, match=r"plays of rock.* of u .*0% as before"):
            self.wait(monkeypatch, *[answer("pop", "pop")] * 100)


def test_a_station_agrees_only_on_equal_counts():
    """One event more or less is a disagreement."""
    assert Station("s", 5, 5, 7).agrees
    assert not Station("s", 4, 5).agrees
    assert not Station("s", 6, 5).agrees


@pytest.fixture(scope="module")
def population(sample_tracks) -> Population:
    return Population(sample_tracks, listeners=30, days=2, seed=3)


class TestPopulation:
    def test_posts_everything_and_some_of_it_twice(self, population: Population):
        """Every event is in some request, and the repeats are whole requests."""
        requests = population.requests()
        ids = [event.event_id for request in requests for event in request]
        assert set(ids) == {event.event_id for event in population.events}
        assert len(ids) >= len(population.events)

    def test_the_other_genre_is_on_no_list(self, population: Population):
        """It is neither among what is recommended nor among the listener's ten dearest."""
        listener = population.listener()
        favourites = population._simulation.listener(listener).favourite_genres(10)
        genre = population.another_genre(listener, answer("rock", "pop"))
        assert genre not in {"rock", "pop", *favourites}
        assert len(population.steer(listener, genre, 5)) == 10

    def test_no_other_genre_is_an_error(self, population: Population):
        """A list that holds every genre leaves nothing to show."""
        everything = answer(
            *{genre for track in population._tracks.values() for genre in track.genres}
        )
        with pytest.raises(NothingElseError, match=population.listener()):
            population.another_genre(population.listener(), everything)

    def test_the_rule_is_due_the_night_after(self, population: Population):
        """Two days from the fifth of January end on the sixth; the build is the seventh's."""
        assert population.next_night() == datetime(2026, 1, 7, 3, tzinfo=UTC)


class TestNotebooks:
    def notebook(self, path: Path, source: str) -> Path:
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    @pytest.mark.slow
    def test_kept_outputs_hold_nothing_of_the_run(self, tmp_path: Path):
        """What is stored has the outputs, and no times, progress, paths or parameters of the run."""
        lines = "import sys; print('50 %', file=sys.stderr); print('Björk')"
        source = self.notebook(tmp_path / "01_x.ipynb", lines)
        executed = notebooks.execute(source, tmp_path / "out")
        keep(executed, source)
        (cell,) = nbformat.read(source, as_version=4).cells
        assert [output["text"] for output in cell.outputs] == ["Björk\n"]
        assert cell.execution_count == 1
        assert "papermill" not in source.read_text()
        assert str(tmp_path) not in source.read_text()

    @pytest.mark.slow
    def test_takes_the_parameters_it_declares(self, tmp_path: Path):
        """A value reaches the notebook that declares it and does not disturb one that does not."""
        cell = nbformat.v4.new_code_cell('word: str = "a"', metadata={"tags": ["parameters"]})
        show = nbformat.v4.new_code_cell("print(word)")
        source = tmp_path / "01_x.ipynb"
        metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "x"}}
        nbformat.write(nbformat.v4.new_notebook(cells=[cell, show], metadata=metadata), source)
        executed = notebooks.execute(source, tmp_path / "out", {"word": "b", "other": 1})
        assert nbformat.read(executed, as_version=4).cells[-1].outputs[0]["text"] == "b\n"

    @pytest.mark.slow
    def test_a_failing_notebook_fails_and_is_kept(self, tmp_path: Path):
        """The error reaches the caller, and the executed copy shows where it happened."""
        source = self.notebook(tmp_path / "01_x.ipynb", "1 / 0")
        with pytest.raises(Exception, match="ZeroDivisionError"):
            notebooks.execute(source, tmp_path / "out")
        assert "ZeroDivisionError" in (tmp_path / "out" / "01_x.ipynb").read_text()


def test_a_shard_that_refuses_for_a_while_is_read_to_its_end(monkeypatch):
    """The consumers read as well, and a shard gives only so many bytes a second."""
    busy = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "GetRecords")
    record = {"Data": events.encode(events.from_mapping(delivery_world.event(1)))}
    answers = iter([busy, {"Records": [record], "NextShardIterator": "i"}, busy, {"Records": []}])

    def get_records(**_):
        answer = next(answers)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    kinesis = SimpleNamespace(
        list_shards=lambda **_: {"Shards": [{"ShardId": "one"}]},
        get_shard_iterator=lambda **_: {"ShardIterator": "i"},
        get_records=get_records,
    )
    monkeypatch.setattr(stations, "AGAIN_S", 0)
    assert stations.records_on_stream(kinesis, "stream") == 1
