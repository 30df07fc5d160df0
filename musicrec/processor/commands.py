"""The commands about musical profiles: show one, and make all anew from the lake."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich.progress import (
    MofNCompleteColumn,
    Progress,
)

from musicrec import terminal

if TYPE_CHECKING:
    import boto3

    from musicrec.deployment import Deployment
    from musicrec.processor.lake import Lake
    from musicrec.processor.profile_run import Notes, Run, Tally
    from musicrec.profile import Profile
    from musicrec.retry import Retries

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Musical profiles: show one, or make all anew from the lake.",
)

PATIENT_MS: Final = 600_000
"""So long other writers may be faster at one listener."""

WORK: Final = Path(typer.get_app_dir("musicrec"), "profiles-rebuild")

Stack = Annotated[str, typer.Option(help="Name of the deployed stack.")]


@app.command()
def show(user_id: str, *, stack: Stack = "musicrec") -> None:
    """Print one listener's profile as JSON."""
    import boto3  # noqa: PLC0415 - so that other commands start without it

    from musicrec import deployment  # noqa: PLC0415 - as above
    from musicrec.processor.profiles import ProfileStore  # noqa: PLC0415 - as above

    session = boto3.Session()
    try:
        place = deployment.load(stack, session.client("ssm"))
    except deployment.DeploymentNotFoundError as error:
        raise terminal.failure(str(error)) from error
    profile = ProfileStore(session.client("dynamodb"), place.profile_table).get(user_id)
    if profile is None:
        raise terminal.failure(f"{place.profile_table} has no profile of {user_id!r}")
    typer.echo(msgspec.json.format(msgspec.json.encode(_shown(profile)), indent=2).decode())


@app.command()
def rebuild(
    *,
    stack: Stack = "musicrec",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare only; exit code 1 if anything differs.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    first_day: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Leave out earlier days, e.g. archived ones."),
    ] = None,
    work: Annotated[
        Path, typer.Option(help="For a copy of the lake while this runs.", file_okay=False)
    ] = WORK,
    anew: Annotated[
        bool, typer.Option("--anew", help="Forget an unfinished rebuild in that folder.")
    ] = False,
) -> None:
    """Make every listener's profile again from the lake's events and today's catalogue.

    The stream may go on: a profile is replaced only if the lake holds all that it has taken in.
    """
    import boto3  # noqa: PLC0415 - as in show

    from musicrec import deployment  # noqa: PLC0415 - as in show
    from musicrec.datasets.catalogue import CatalogNotPublishedError  # noqa: PLC0415 - as in show
    from musicrec.processor.profile_rebuild import RebuildError  # noqa: PLC0415 - as in show
    from musicrec.processor.profile_run import (  # noqa: PLC0415 - as in show
        ArchivedLakeError,
        OtherRebuildError,
        Run,
    )

    session = boto3.Session()
    try:
        place = deployment.load(stack, session.client("ssm"))
        with _directory(work, temporary=dry_run) as directory:
            since = f" since {first_day}" if first_day else ""
            run = Run(f"{place.profile_table} from s3://{place.bucket}/raw/{since}", directory)
            if anew:
                run.forget()
            tally = _run(session, place, run, first_day, dry_run=dry_run, ask=not (yes or dry_run))
    except (
        ArchivedLakeError,
        CatalogNotPublishedError,
        deployment.DeploymentNotFoundError,
        OtherRebuildError,
        RebuildError,
        ValueError,
    ) as error:
        raise terminal.failure(str(error)) from error
    except KeyboardInterrupt:
        raise terminal.failure("stopped; the same command goes on from here") from None
    _tell(tally, dry_run=dry_run)
    if tally.left or (dry_run and tally.different):
        raise typer.Exit(1)


def _run(
    session: boto3.Session,
    place: Deployment,
    run: Run,
    first_day: str | None,
    *,
    dry_run: bool,
    ask: bool,
) -> Tally:
    from musicrec.datasets import catalogue  # noqa: PLC0415 - as in show
    from musicrec.processor.lake import Lake  # noqa: PLC0415 - as in show
    from musicrec.processor.profile_rebuild import Rebuilder  # noqa: PLC0415 - as in show
    from musicrec.processor.profile_run import readable_days  # noqa: PLC0415 - as in show
    from musicrec.processor.profile_table import ProfileTable  # noqa: PLC0415 - as in show
    from musicrec.processor.profiles import ProfileStore  # noqa: PLC0415 - as in show

    s3, lake = session.client("s3"), Lake.of(place, session)
    notes = run.notes()
    days = readable_days(s3, place.bucket, lake, first_day) if notes is None else []
    if not dry_run:
        typer.echo(_intent(place, notes, days))
    if ask:
        typer.confirm("Go on?", abort=True)
    with (
        closing(session.client("dynamodb")) as dynamodb,
        catalogue.downloaded(s3, place.bucket) as catalog,
        terminal.progress(MofNCompleteColumn()) as progress,
    ):
        notes = notes or _copied(run, lake, first_day, len(days), progress)
        rebuilder = Rebuilder(
            ProfileTable(dynamodb, place.profile_table),
            ProfileStore(dynamodb, place.profile_table),
            catalog.get_many,
            _patiently,
        )
        each = rebuilder.compare if dry_run else rebuilder.rebuild
        task = progress.add_task("events", total=notes.events, completed=notes.tally.events)
        for tally in run.go(notes, each):
            progress.update(task, completed=tally.events)
    run.forget()
    return notes.tally


def _copied(run: Run, lake: Lake, first_day: str | None, days: int, progress: Progress) -> Notes:
    task = progress.add_task("days read", total=days)
    for _ in run.copy(lake, first_day):
        progress.advance(task)
    notes = run.notes()
    assert notes is not None
    return notes


def _intent(place: Deployment, notes: Notes | None, days: list[str]) -> str:
    """What the command will do, before it does."""
    if notes is not None:
        return f"An unfinished rebuild goes on: {notes.tally.events:,} of {notes.events:,} events done."
    span = f"{len(days):,} days, {days[0]} to {days[-1]}" if days else "no days"
    return (
        f"Profiles in {place.profile_table} that differ from the lake (s3://{place.bucket}/raw/, "
        f"{span}) will be overwritten with what the lake and today's catalogue say."
    )


def _tell(tally: Tally, *, dry_run: bool) -> None:
    total = sum(tally.listeners.values())
    typer.echo(f"{total:,} listeners with {tally.events:,} events in the lake")
    done = {
        "equal": "equal",
        "absent": "without a profile" if dry_run else "without a profile: made",
        "behind": "lacked events" if dry_run else "lacked events: added",
        "different": "differed" if dry_run else "differed: replaced",
        "unreadable": "unreadable" if dry_run else "unreadable: replaced where possible",
        "ahead": "ahead of the lake: not replaced; run again when the lake holds their events",
    }
    for verdict, words in done.items():
        count = next((n for kind, n in tally.listeners.items() if kind == verdict), 0)
        example = next((text for kind, text in tally.example.items() if kind == verdict), None)
        if count:
            typer.echo(f"{count:>9,} {words}" + (f" (e.g. {example})" if example else ""))


def _shown(profile: Profile) -> dict[str, Any]:
    from musicrec.profile import features  # noqa: PLC0415 - as in show

    return {
        **features(profile),
        "events": profile.events,
        "listened_ms": profile.listened_ms,
        "first_seen": profile.first_seen,
        "last_seen": profile.last_seen,
        "genres": dict(profile.favourite_genres()),
        "artists": dict(profile.favourite_artists()),
        "audio": {
            name: {"mean": sums.mean, "spread": sums.spread} for name, sums in profile.audio.items()
        },
        "hours": [round(share, 4) for share in profile.listening_hours()],
        "last_tracks": profile.last_tracks,
    }


def _patiently() -> Retries:
    from musicrec.retry import Retries  # noqa: PLC0415 - as in show

    end = time.monotonic() * 1000 + PATIENT_MS
    return Retries(
        remaining_ms=lambda: end - time.monotonic() * 1000,
        wait=time.sleep,
        random=random.Random(),  # noqa: S311 - spreads retries, guards nothing
    )


@contextmanager
def _directory(work: Path, *, temporary: bool) -> Iterator[Path]:
    """Where the copy goes; a comparison needs none that outlives it."""
    if not temporary:
        yield work
        return
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory, "copy")
