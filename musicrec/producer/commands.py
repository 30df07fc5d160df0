"""The producer's commands: log in to Spotify, track what is played, check the state machine."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from musicrec import terminal
from musicrec.producer import scenarios
from musicrec.producer.defaults import ACCOUNTS_URL, API_URL, PLAYING_S

if TYPE_CHECKING:
    from musicrec.producer.auth import TokenFile
    from musicrec.producer.playback import PlayerEvent
    from musicrec.producer.status import Status
    from musicrec.producer.tracker import Tracker

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)

API_KEY_VARIABLE: Final = "MUSICREC_API_KEY"
WARN_DAYS: Final = 32
"""Days before the token dies from which its end is shown."""

ClientId = Annotated[
    str,
    typer.Option(
        envvar="SPOTIPY_CLIENT_ID",
        help="Client id of your app at developer.spotify.com.",
        show_envvar=True,
    ),
]
Home = Annotated[
    Path,
    typer.Option(
        envvar="MUSICREC_HOME", help="Where the token and the outbox are.", file_okay=False
    ),
]
AccountsUrl = Annotated[
    str, typer.Option(envvar="SPOTIFY_ACCOUNTS_URL", help="Spotify's accounts service.")
]
SpotifyUrl = Annotated[str, typer.Option(envvar="SPOTIFY_API_URL", help="Spotify's Web API.")]
HOME: Final = Path(typer.get_app_dir("musicrec"))


@app.command()
def login(
    client_id: ClientId,
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port to return to.")] = 8898,
    *,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    accounts_url: AccountsUrl = ACCOUNTS_URL,
    spotify_url: SpotifyUrl = API_URL,
) -> None:
    """Let musicrec see what you play on Spotify; needed once in six months."""
    # Here and in track, because spotipy takes long to import.
    from musicrec.producer.login import LoginFailedError, PortBusyError, log_in  # noqa: PLC0415 - see above

    def show(url: str) -> None:
        typer.echo(f"Give your consent here:\n  {url}")
        if browser:
            webbrowser.open(url)

    typer.echo(
        f"Your Spotify app must list this redirect address: http://127.0.0.1:{port}/callback"
    )
    try:
        user_id = log_in(
            client_id,
            _token_path(home),
            show=show,
            port=port,
            accounts_url=accounts_url,
            api_url=spotify_url,
        )
    except (LoginFailedError, PortBusyError) as error:
        raise terminal.failure(str(error)) from error
    typer.echo(f"Logged in as {user_id}. Now run `musicrec track`.")


@app.command()
def track(
    client_id: ClientId,
    api_url: Annotated[
        str,
        typer.Option(envvar="MUSICREC_API_URL", help="`api_url` of the stack.", show_envvar=True),
    ],
    home: Home = HOME,
    *,
    interval: Annotated[
        float, typer.Option(min=2, max=60, help="Seconds between polls while something plays.")
    ] = PLAYING_S,
    accounts_url: AccountsUrl = ACCOUNTS_URL,
    spotify_url: SpotifyUrl = API_URL,
) -> None:
    """Send what you play on Spotify to the recommender, until Ctrl-C.

    The API key is read from the environment variable MUSICREC_API_KEY or asked for.
    """
    from musicrec.producer.ingest import ApiSettingError  # noqa: PLC0415 - as in login
    from musicrec.producer.outbox import OutboxFileError  # noqa: PLC0415 - as in login
    from musicrec.producer.setup import NotLoggedInError, tracker  # noqa: PLC0415 - as in login

    key = os.environ.get(API_KEY_VARIABLE) or typer.prompt("API key", hide_input=True)
    console = Console()
    try:
        with (
            _stop_signal() as stop,
            tracker(
                client_id=client_id,
                api_url=api_url,
                api_key=key,
                token_path=_token_path(home),
                outbox_path=home / "outbox.sqlite",
                wait=stop.wait,
                report=lambda event, wall_ms: _report(console, event, wall_ms),
                rng=random.Random(),  # noqa: S311 - spreads retries, guards nothing
                playing_s=interval,
                accounts_url=accounts_url,
                spotify_url=spotify_url,
            ) as (running, token),
        ):
            _watch(console, running, token)
    except (ApiSettingError, NotLoggedInError, OutboxFileError) as error:
        raise terminal.failure(str(error)) from error


@app.command("check-scenarios")
def check_scenarios(
    file: Annotated[Path, typer.Argument(help="Cases in JSON.", exists=True, dir_okay=False)],
) -> None:
    """Run the player state machine through conformance cases and show where it is wrong."""
    try:
        cases = scenarios.read(file)
    except scenarios.ScenarioFileError as error:
        raise terminal.failure(str(error)) from error
    wrong = [mismatch for case in cases for mismatch in scenarios.differences(case)]
    for mismatch in wrong:
        typer.echo(f"case {mismatch.case} ({mismatch.title}), event {mismatch.position + 1}")
        typer.echo(f"  expected: {_told(mismatch.expected)}")
        typer.echo(f"  emitted:  {_told(mismatch.emitted)}")
    failed = len({mismatch.case for mismatch in wrong})
    typer.echo(
        f"{len(cases)} cases: {len(cases) - failed} right, {failed} wrong, {len(wrong)} mismatches"
    )
    if wrong:
        raise typer.Exit(1)


def _told(event: dict[str, Any] | None) -> str:
    return "nothing" if event is None else msgspec.json.encode(event).decode()


def _token_path(home: Path) -> Path:
    return home / "spotify-token.json"


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a request under way is not torn."""
    stop = threading.Event()
    handlers = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _watch(console: Console, running: Tracker, token: TokenFile) -> None:
    with Live(
        get_renderable=lambda: _status_line(running.status, token.days_left(time.time())),
        console=console,
        refresh_per_second=1,
        transient=True,
    ):
        running.run()
    status = running.status
    console.print(f"Stopped: {status.accepted} events sent, {status.waiting} waiting.")
    if status.unseen:
        console.print(f"{status.unseen} plays were found in Spotify's history alone.")
    if status.set_aside:
        console.print(f"{status.set_aside} events were rejected for good and are kept aside.")
        console.print(f"The newest because: {escape(status.rejection or 'no reason given')}")
    if status.given_up:
        console.print(f"{status.given_up} events were lost: too many waited to be sent.")


def _status_line(status: Status, days_left: float | None) -> Text:
    playing = status.playing or "nothing playing"
    text = Text(f"{playing} (paused)" if status.paused else playing)
    text.append(f" | sent {status.accepted}, waiting {status.waiting}", "dim")
    if status.set_aside:
        text.append(f", rejected {status.set_aside}: {status.rejection}", "yellow")
    if status.given_up:
        text.append(f", lost {status.given_up}: too many waited", "red")
    problems = [each for each in (status.problem, status.delivery_problem) if each is not None]
    for problem in problems:
        text.append(f"\n{problem}", "red")
    if status.last_error is not None and not problems:
        problem, wall_ms = status.last_error
        text.append(f"\nlast error at {_local(wall_ms):%H:%M}: {problem}", "dim")
    text.append("\n").append_text(_token_line(days_left))
    return text


def _token_line(days_left: float | None) -> Text:
    """When the token dies; from a month before, what to do about it."""
    if days_left is None:
        return Text("nobody knows when this login ends: log in again to be told", "yellow")
    days = max(0, int(days_left))
    if days_left < WARN_DAYS:
        return Text(f"log in again within {days} days: `musicrec login`", "yellow")
    return Text(f"logged in for another {days} days", "dim")


def _local(wall_ms: int) -> datetime:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone()


def _report(console: Console, event: PlayerEvent, wall_ms: int) -> None:
    """One line for each play, when it has ended."""
    if event.ending is None or event.play is None:
        return
    item = event.play.item
    at = _local(wall_ms)
    heard = f"{_minutes(event.ending.listened_ms)} of {_minutes(item.duration_ms)}"
    unsent = "" if item.track_id else " (not sent: no track id)"
    console.print(
        f"{at:%H:%M} {event.signal:<8} {escape(item.name or item.uri)} - "
        f"{escape(', '.join(item.artists))}, {heard}{unsent}",
        highlight=False,
    )


def _minutes(ms: int) -> str:
    return f"{ms // 60_000}:{ms // 1000 % 60:02}"
