"""The command that imports an account's privacy export."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    TaskProgressColumn,
)

from musicrec import terminal
from musicrec.producer.commands import API_KEY_VARIABLE, HOME, Home

if TYPE_CHECKING:
    from musicrec.producer.history.importing import History
    from musicrec.producer.history.lookup import Lookup
    from musicrec.producer.history.targets import Target
    from musicrec.producer.outbox import Outbox

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)


@app.command("import-history")
def import_history(
    files: Annotated[
        list[Path],
        typer.Argument(help="The zip as Spotify sent it, or JSON files or folders.", exists=True),
    ],
    home: Home = HOME,
    *,
    catalog: Annotated[
        Path | None,
        typer.Option(
            help="The Kaggle tracks file: lengths of tracks, and ids for the short format.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    user_id: Annotated[
        str | None, typer.Option(help="Whose history it is; by default who logged in.")
    ] = None,
    api_url: Annotated[
        str | None,
        typer.Option(envvar="MUSICREC_API_URL", help="`api_url` of the stack.", show_envvar=True),
    ] = None,
    to_lake: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="Write to the lake and the profiles of this stack instead, with your AWS rights.",
        ),
    ] = None,
) -> None:
    """Take in the listening history that Spotify sends on request (Account, Privacy).

    Extended and short formats, in any order; what is known already is not added again. Addresses,
    user agents and names in the files are not read. The API key is read from the environment
    variable MUSICREC_API_KEY or asked for.
    """
    # Here, so that other commands start without requests, boto3 and spotipy.
    from musicrec import deployment  # noqa: PLC0415 - see above
    from musicrec.catalog import CatalogFormatError  # noqa: PLC0415 - as above
    from musicrec.producer.auth import TokenFile  # noqa: PLC0415 - as above
    from musicrec.producer.history.files import NoHistoryError  # noqa: PLC0415 - as above
    from musicrec.producer.history.sending import ImportStoppedError  # noqa: PLC0415 - as above
    from musicrec.producer.ingest import ApiSettingError, RefusedSenderError  # noqa: PLC0415 - as above
    from musicrec.producer.outbox import Outbox, OutboxFileError  # noqa: PLC0415 - as above

    listener = user_id or TokenFile(home / "spotify-token.json").user_id()
    if listener is None:
        raise terminal.failure("whose history is it? Run `musicrec login` first, or give --user-id")
    try:
        target = _target(api_url, to_lake)
        with closing(Outbox(home / "outbox.sqlite")) as outbox:
            complete = _import(files, listener, _lookup(catalog), outbox, target)
    except (
        ApiSettingError,
        CatalogFormatError,
        deployment.DeploymentNotFoundError,
        ImportStoppedError,
        NoHistoryError,
        OutboxFileError,
        RefusedSenderError,
    ) as error:
        raise terminal.failure(str(error)) from error
    except KeyboardInterrupt:
        raise terminal.failure("stopped; run the same command again, nothing is doubled") from None
    if not complete:
        raise typer.Exit(1)


def _target(api_url: str | None, to_lake: str | None) -> Target:
    from musicrec.producer.history.targets import ApiTarget, LakeTarget  # noqa: PLC0415 - as above

    if to_lake is not None:
        return LakeTarget(to_lake)
    if api_url is None:
        raise terminal.failure("where to? Give --api-url (or MUSICREC_API_URL), or --to-lake")
    key = os.environ.get(API_KEY_VARIABLE) or typer.prompt("API key", hide_input=True)
    return ApiTarget(api_url, key)


def _lookup(path: Path | None) -> Lookup:
    from musicrec.catalog import read_kaggle  # noqa: PLC0415 - as above
    from musicrec.producer.history.lookup import Lookup  # noqa: PLC0415 - as above

    return Lookup.of(() if path is None else read_kaggle(path)[0])


def _import(
    files: list[Path], listener: str, lookup: Lookup, outbox: Outbox, target: Target
) -> bool:
    """Read, send, note what was sent, tell; False when something could not be taken."""
    from musicrec.producer.history.importing import opened  # noqa: PLC0415 - as above

    with outbox.known_plays() as known:
        plays, covered = known.of(listener), known.covered(listener, target.name)
    with terminal.progress(TaskProgressColumn()) as progress:
        reading = progress.add_task("reading", total=None)
        with opened(
            files,
            listener,
            lookup,
            covered=covered,
            known=plays,
            tell=lambda done, total: progress.update(reading, completed=done, total=total),
        ) as history:
            sending = progress.add_task("sending", total=2 * len(history))
            rejected = target.take(history.events(), lambda n: progress.advance(sending, n))
            _note(outbox, listener, target, history)
    _tell(history, target, rejected)
    return not history.report.broken and not rejected


def _note(outbox: Outbox, listener: str, target: Target, history: History) -> None:
    """What later imports must know."""
    from musicrec.producer.known_plays import MINUTE_SLACK_MS  # noqa: PLC0415 - as above

    with outbox.known_plays() as known:
        known.confirm(history.matched)
        for event in history.short_events():
            known.note(event, MINUTE_SLACK_MS)
        if history.period:
            known.cover(listener, target.name, *history.period)


def _tell(history: History, target: Target, rejected: dict[str, str]) -> None:
    for line in history.report.lines():
        typer.echo(line)
    if rejected:
        typer.echo(
            f"{len(rejected):,} events were rejected for good: {next(iter(rejected.values()))}"
        )
    taken = 2 * history.report.taken - len(rejected)
    typer.echo(f"{taken:,} events are at {target.name}; what had been there was not doubled")
