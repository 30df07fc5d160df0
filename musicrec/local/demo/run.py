"""`musicrec demo`: from nothing to recommendations that follow what is playing, step by step."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from musicrec.local.demo import filling, listening, notebooks, producers, stations
from musicrec.local.demo.filling import Sent
from musicrec.local.demo.listening import Answer
from musicrec.local.demo.population import Population
from musicrec.local.demo.producers import Watched
from musicrec.local.demo.progress import Steps
from musicrec.local.demo.stations import Station
from musicrec.local.running import RunningStack, running
from musicrec.notebooks.running import keep

FILL_STEPS: Final = 4
STEPS: Final = FILL_STEPS + 4
LIST_LENGTH: Final = 25
SHOWN: Final = 10
PLAIN_WIDTH: Final = 100
PLAYS: Final = 5
TRANSCRIPT: Final = notebooks.FOLDER.parent / "docs" / "demo.txt"
"""What a run printed that also stored its notebooks; the README quotes it."""


class CountsDisagreeError(RuntimeError):
    """A station of the pipeline lost an event or counted one twice."""


class Settings(Struct, frozen=True, kw_only=True):
    """What a run of the demo can be told; see `musicrec demo --help`."""

    catalog: Path
    listeners: int
    days: int
    seed: int
    port: int
    output: Path
    keep_notebooks: bool = False


def demo(settings: Settings, console: Console | None = None) -> None:
    """Run every step on a stack of its own.

    Raises:
        NotAcceptedError, NothingMovedError, CountsDisagreeError, and whatever a step fails with:
            the first failure ends the demo.
    """
    console = console or wide_console(record=settings.keep_notebooks)
    steps = Steps(console, STEPS)
    with ExitStack() as ending:
        with steps.step("Start the embedded AWS and deploy the stack into it"):
            stack = ending.enter_context(running(port=settings.port))
            steps.say(f"one process, one port: {stack.server.endpoint_url}")
        population, sent = fill(stack, steps, settings)
        executed = _run_notebooks(steps, settings)
        after = _recommend(stack, steps, population)
        _count(stack, steps, sent, after)
        _close(console, stack, executed, steps)
    if settings.keep_notebooks:
        lines = (line.rstrip() for line in console.export_text().splitlines())
        TRANSCRIPT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def wide_console(*, stderr: bool = False, record: bool = False) -> Console:
    """A console whose tables have room also where no terminal says how wide it is."""
    console = Console(stderr=stderr, record=record)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, record=record, width=PLAIN_WIDTH)


def fill(stack: RunningStack, steps: Steps, settings: Settings) -> tuple[Population, Sent]:
    """Catalogue, listeners, consumers, daily build: what a stack needs before the notebooks."""
    with steps.step(f"Load the catalogue from {settings.catalog.name}"):
        report = stack.prepare(settings.catalog)
        steps.say(f"{report.tracks:,} tracks from {report.rows:,} rows, {report.dropped} dropped")
    with steps.step(f"{settings.listeners} simulated listeners play for {settings.days} days"):
        population = Population(
            filling.read_tracks(settings.catalog),
            listeners=settings.listeners,
            days=settings.days,
            seed=settings.seed,
            processes=producers.PROCESSES,
            passing=lambda done: steps.track(done, settings.listeners, "listeners"),
        )
        _say_watched(steps, population.watched)
        sent = _play(stack, steps, population)
    with steps.step("The three consumers take in what is on the stream"):
        filling.drain(stack)
        steps.say("Personalize event tracker, DynamoDB profiles and the lake on S3 are up to date")
    with steps.step("The daily rule fires: build the three datasets, start their import"):
        manifest = filling.fire_daily_rule(stack, population.next_night())
        rows = (f"{kind.upper()} {built.rows:,} rows" for kind, built in manifest.datasets.items())
        steps.say(", ".join(rows))
    return population, sent


def _say_watched(steps: Steps, watched: Watched) -> None:
    steps.say(
        f"all of them through the real producer: {watched.polls:,} polls of a simulated Spotify in "
        f"{watched.seconds:.0f} s, {watched.polls / watched.seconds:,.0f} a second"
    )
    steps.say(
        f"it reported {watched.found:,} of their {watched.plays:,} plays; a skip within seconds may "
        "fall between two polls"
    )


def _play(stack: RunningStack, steps: Steps, population: Population) -> Sent:
    requests = population.requests()
    sent = filling.send(stack, steps.track(requests, len(requests), "requests"))
    steps.say(
        f"{len(sent.events):,} events in {sent.requests:,} requests to POST /events, and "
        f"{sent.copies - len(sent.events):,} of them sent again on purpose"
    )
    return sent


def _run_notebooks(steps: Steps, settings: Settings) -> list[Path]:
    executed = []
    # Stored outputs must not hold a path of this machine, so what is kept runs on its defaults.
    own_file = {"tracks_file": str(settings.catalog.resolve())}
    parameters = {} if settings.keep_notebooks else own_file
    with steps.step("papermill runs the notebooks in order"):
        for notebook in notebooks.numbered():
            executed.append(notebooks.execute(notebook, settings.output, parameters))
            count = notebooks.pictures(executed[-1])
            steps.say(f"{executed[-1]}  {count} picture{'s' * (count != 1)}")
            if settings.keep_notebooks:
                keep(executed[-1], notebook)
    return executed


def _recommend(stack: RunningStack, steps: Steps, population: Population) -> Sent:
    with steps.step("Ask for recommendations, play something else, ask again"):
        listener = population.listener()
        before = listening.ask(stack, listener, LIST_LENGTH)
        steps.say(f"GET /recommendations?user_id={listener}&num_results={LIST_LENGTH}")
        steps.show(listening.ranking(before, SHOWN))
        genre = population.another_genre(listener, before)
        steps.say(f"{listener} now plays {PLAYS} tracks of {genre} to the end ...")
        sent = filling.send(stack, [population.steer(listener, genre, PLAYS)])
        moved = listening.wait_for_move(stack, before, genre)
        steps.show(listening.side_by_side(before, moved.answer, genre, SHOWN))
        steps.say(_movement(before, moved.answer, genre, moved.seconds))
    return sent


def _movement(before: Answer, after: Answer, genre: str, seconds: float) -> str:
    return (
        f"{genre}: {before.share(genre):.0%} of the {LIST_LENGTH} tracks before, "
        f"{after.share(genre):.0%} {seconds:.1f} s after the plays were sent; nothing was retrained"
    )


def _count(stack: RunningStack, steps: Steps, *sent: Sent) -> None:
    with steps.step("Count the events at every station"):
        filling.drain(stack)
        events = [event for part in sent for event in part.events]
        copies = sum(part.copies for part in sent)
        counted = stations.count(stack, events, copies, datetime.now(UTC))
        steps.show(_station_table(counted))
        wrong = [station for station in counted if not station.agrees]
        if wrong:
            raise CountsDisagreeError(
                ", ".join(f"{s.name}: {s.events:,}, not {s.expected:,}" for s in wrong)
            )


def _station_table(counted: list[Station]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("station")
    table.add_column("with repeats", justify="right")
    table.add_column("events", justify="right")
    table.add_column("")
    for station in counted:
        copies = "" if station.copies is None else f"{station.copies:,}"
        verdict = "[green]agrees[/]" if station.agrees else f"[red]not {station.expected:,}[/]"
        table.add_row(station.name, copies, f"{station.events:,}", verdict)
    return table


def _close(console: Console, stack: RunningStack, executed: list[Path], steps: Steps) -> None:
    console.print(f"\n[bold green]Done[/] in {sum(steps.seconds.values()):.0f} s. What was made:")
    console.print(f"  executed notebooks   {executed[0].parent}/ ({len(executed)})")
    console.print(f"  the endpoint         {stack.server.endpoint_url} (stops now)")
    console.print("  to work on it        make up   then, in another terminal, make lab")
