"""The commands that this package adds to `parley`. Each imports what it needs when it runs."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from parley_core.backup.manifest import Manifest
    from parley_core.kernel.backups import Backups

app = typer.Typer()
migrations = typer.Typer(no_args_is_help=True, help="Bring stored data into the shape of this release.")
app.add_typer(migrations, name="migrate")
_DataDir = Annotated[
    Path | None,
    typer.Option(help="The folder of the embedded MongoDB's data. Default: PARLEY_DATA_DIR, or .parley."),
]
_Host = Annotated[
    str | None,
    typer.Option(
        help="The address to listen on; 0.0.0.0 means all of IPv4, :: all of both families. Default: "
        "PARLEY_LISTEN_HOST, or 127.0.0.1."
    ),
]
_Port = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="The port to listen on; 0 chooses a free one. Default: PARLEY_LISTEN_PORT, or 8000.",
    ),
]
_Socket = Annotated[
    Path | None,
    typer.Option(help="The path of a Unix domain socket to listen on, of mode 0660, in place of host and port."),
]
_WORDS = {True: "ok", False: "wrong", None: "unknown"}


@app.command()
def serve(
    *,
    host: _Host = None,
    port: _Port = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="The number of processes that serve requests. Default: PARLEY_LISTEN_WORKERS, or 1."),
    ] = None,
    uds: _Socket = None,
    root_path: Annotated[
        str | None,
        typer.Option(help="The prefix under which a proxy serves the API, like /parley. Default: PARLEY_ROOT_PATH."),
    ] = None,
    data_dir: _DataDir = None,
) -> None:
    """Run the API. It starts an embedded MongoDB unless PARLEY_MONGODB_URI names a server."""
    _check_place(host, port, uds)
    from parley_app import logs

    logs.configure()
    from parley_app.serving import run

    _use(data_dir)
    if root_path is not None:
        os.environ["PARLEY_ROOT_PATH"] = root_path
    run(host=host, port=port, uds=uds, workers=workers)


@app.command()
def demo(
    *,
    port: _Port = None,
    data_dir: Annotated[Path, typer.Option(help="The folder to fill; it must be new or empty.")] = Path(".parley-demo"),
) -> None:
    """Fill a new embedded MongoDB with a month of interviews, print who can log in, and run the API on it."""
    _use(data_dir)
    from parley_app.demo.command import prepare

    prepare(data_dir)
    serve(port=port, data_dir=data_dir)


@app.command()
def check(*, host: _Host = None, port: _Port = None, uds: _Socket = None, data_dir: _DataDir = None) -> None:
    """Check what a start checks: plugins, settings, policy, database. It changes nothing and serves nothing."""
    _check_place(host, port, uds)
    from parley_app import logs
    from parley_app.checking import Check

    logs.configure(as_text=True)
    _use(data_dir)
    findings = list(Check(host=host, port=port, uds=uds).findings())
    for line in _table([(_WORDS[found.is_sound], found.part, found.text) for found in findings]):
        typer.echo(line)
    raise typer.Exit(code=int(any(found.is_sound is False for found in findings)))


@app.command()
def health(
    *,
    host: _Host = None,
    port: _Port = None,
    uds: _Socket = None,
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it can serve, too, as /readyz does.")] = False,
) -> None:
    """Ask a server with the same settings whether it is alive; the exit code is 1 where it is not."""
    _check_place(host, port, uds)
    from parley_app.health import at_port, at_socket
    from parley_app.messages import complain
    from parley_app.settings import read_settings

    path = "/readyz" if ready else "/healthz"
    problem = at_socket(uds, path) if uds else at_port(*read_settings().place(host, port), path)
    if problem:
        complain(problem)
        raise typer.Exit(code=1)
    typer.echo("ok")


def _check_place(host: str | None, port: int | None, uds: Path | None) -> None:
    if uds is not None and (host, port) != (None, None):
        raise typer.BadParameter("a Unix domain socket has no host and no port: leave out --host and --port")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, a tar; it must not exist yet.")],
    *,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Take along the keys that are stored in the data directory.")
    ] = False,
    data_dir: _DataDir = None,
) -> None:
    """Write a backup of the database, all of one instant, while the API runs or without it."""
    manifest = _backups(data_dir).make(file, with_keys=with_keys)
    typer.echo(f"Backed up database '{manifest.database}' into {file}: {_extent(manifest)}.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", exists=True, dir_okay=False)],
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the data that is there, all of it.")] = False,
    revoke_sessions: Annotated[
        bool, typer.Option("--revoke-sessions", help="End all sessions that were open when the backup was made.")
    ] = False,
    data_dir: _DataDir = None,
) -> None:
    """Verify a backup and restore it, into an empty database unless told otherwise. Stop the API before.

    The exit code is 2, and nothing is written, where the file is no whole backup or is of a newer release.
    """
    from parley_app.messages import complain
    from parley_core.backup.errors import UnusableBackup

    try:
        manifest = _backups(data_dir).restore(file, replaces=replace, revokes=revoke_sessions)
    except UnusableBackup as error:
        complain(error)
        raise typer.Exit(code=2) from None
    typer.echo(f"Restored the backup of {manifest.created_at:%Y-%m-%dT%H:%M:%SZ}: {_extent(manifest)}.")


def _backups(data_dir: Path | None) -> "Backups":
    from parley_app.backups import backups

    _use(data_dir)
    return backups()


def _extent(manifest: "Manifest") -> str:
    return f"{sum(manifest.documents.values()):,} documents in {len(manifest.documents)} collections"


def _use(data_dir: Path | None) -> None:
    # Workers are separate processes: settings reach them through the environment.
    if data_dir is not None:
        os.environ["PARLEY_DATA_DIR"] = str(data_dir)


@app.command("plugins")
def list_plugins() -> None:
    """List the plugins with their versions, modules and hooks."""
    from parley_app.application import chosen_plugins
    from parley_core.kernel.plugins import Plugins

    plugins = Plugins(allowed=chosen_plugins()).info()
    rows = [(p.name, p.version, p.module, ", ".join(p.hooks)) for p in plugins]
    for line in _table([("NAME", "VERSION", "MODULE", "HOOKS"), *rows]):
        typer.echo(line)


@app.command("openapi")
def show_document(context: typer.Context) -> None:
    """Print the OpenAPI document of all plugins, as /openapi.json answers it. No database is needed."""
    typer.echo(json.dumps(context.obj([]).openapi(), indent=2, sort_keys=True, ensure_ascii=False))


@migrations.command("status")
def show_migrations(context: typer.Context, data_dir: _DataDir = None) -> None:
    """List the migrations of stored data; exit code 1 when one isn't done. It changes no data."""
    from parley_app.migrating import status_of

    _use(data_dir)
    found = status_of(context.obj([]))
    rows = [(f.plugin, str(f.migration.number), f.migration.phase, f.state, f.migration.name) for f in found]
    for line in _table([("PLUGIN", "NUMBER", "PHASE", "STATE", "NAME"), *rows]):
        typer.echo(line)
    raise typer.Exit(code=int(any(one.state != "done" for one in found)))


@migrations.command("up")
def run_migrations(context: typer.Context, data_dir: _DataDir = None) -> None:
    """Do all migrations of stored data and build the indexes. Processes that serve may go on meanwhile."""
    from parley_app import logs
    from parley_app.migrating import migrate

    logs.configure()
    _use(data_dir)
    migrate(context.obj([]))
    typer.echo("All migrations are done.")


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
