"""The `musicrec` command: the demo, the embedded stack, a stack on AWS, the lake, and the producer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from musicrec import terminal
from musicrec.deploying import commands as deploying
from musicrec.processor import commands as profiles
from musicrec.producer import commands as producer
from musicrec.producer.history import commands as history

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # drawing one takes seconds, and its variables may hold a key
    help="A real-time music recommender: AWS on this machine or in an account, the same code.",
)
app.registered_commands.extend(producer.app.registered_commands)
app.registered_commands.extend(history.app.registered_commands)
app.registered_commands.extend(deploying.app.registered_commands)
app.add_typer(profiles.app, name="profiles")

SAMPLE = Path(__file__).parents[1] / "notebooks" / "data" / "spotify_tracks_sample.csv.gz"

NOTEBOOKS = Path("build/notebooks")

Catalog = Annotated[
    Path,
    typer.Option(
        "--catalog", help="The Kaggle tracks file (CSV or gzip).", exists=True, dir_okay=False
    ),
]
Listeners = Annotated[int, typer.Option(min=0, help="Simulated listeners that play.")]
Days = Annotated[int, typer.Option(min=1, max=366, help="Days that they play for.")]
Seed = Annotated[int, typer.Option(help="Seed of the simulation.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")]


@app.command()
def demo(
    *,
    catalog: Catalog = SAMPLE,
    listeners: Annotated[int, typer.Option(min=30, help="Simulated listeners that play.")] = 215,
    days: Days = 6,
    seed: Seed = 2026,
    port: Port = 0,
    output: Annotated[Path, typer.Option(help="Where executed notebooks go.")] = NOTEBOOKS,
    keep_notebooks: Annotated[
        bool,
        typer.Option(
            help="Also store the notebooks' outputs, and what is printed, in the repository."
        ),
    ] = False,
) -> None:
    """Run the whole system once on this machine and show what it recommends."""
    # Here, so that the producer's commands start without the embedded AWS and its dependencies.
    from musicrec.local.demo import run  # noqa: PLC0415 - see above

    settings = run.Settings(
        catalog=catalog,
        listeners=listeners,
        days=days,
        seed=seed,
        port=port,
        output=output,
        keep_notebooks=keep_notebooks,
    )
    with _other_files():
        run.demo(settings)


@app.command()
def up(
    *,
    catalog: Catalog = SAMPLE,
    listeners: Listeners = 0,
    days: Days = 6,
    seed: Seed = 2026,
    port: Port = 4570,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line when ready, and nothing else.")
    ] = False,
) -> None:
    """Keep the embedded stack running until Ctrl-C or SIGTERM.

    With --listeners N it is filled as in the demo: N listeners play and the datasets are built.
    """
    from musicrec.local.demo import keep, run  # noqa: PLC0415 - as in demo

    settings = run.Settings(
        catalog=catalog, listeners=listeners, days=days, seed=seed, port=port, output=NOTEBOOKS
    )
    with _other_files():
        keep.up(settings, as_json=json)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One statement of Athena's SQL.")],
    *,
    stack: Annotated[str, typer.Option(help="Name of the deployed stack.")] = "musicrec",
    form: Annotated[
        str, typer.Option("--format", help="How to print the rows: table, csv or json.")
    ] = "table",
) -> None:
    """Ask the lake of listening events, on AWS or on the stack that `musicrec up` runs.

    Rows go to standard output, what was scanned and what it costs to standard error.
    """
    from musicrec import query_command  # noqa: PLC0415 - pandas and awswrangler take a second

    raise typer.Exit(query_command.run(sql, stack, form))


@contextmanager
def _other_files() -> Iterator[None]:
    """A file that is not the tracks file is the user's to mend, and needs no traceback."""
    from musicrec.catalog import CatalogFormatError  # noqa: PLC0415 - as in demo

    try:
        yield
    except CatalogFormatError as error:
        raise terminal.failure(str(error)) from error
