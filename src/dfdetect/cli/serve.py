"""`dfdetect serve`: the API, workers and the clerk on this computer, or one of them of a larger service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run the service, and manage its keys and its store.", invoke_without_command=True)


@app.callback()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port (default: 8000); 0 takes a free one.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for everything that is kept.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (default: 1); 0: they run elsewhere.")] = None,
    model: Annotated[str | None, typer.Option(help="Model for those who name none (default: default).")] = None,
    policy: Annotated[str | None, typer.Option(help="Policy for those who name none (default: balanced).")] = None,
    public: Annotated[
        bool | None, typer.Option("--public", help="Anybody may scan, as a visitor with small limits.")
    ] = None,
    url_intake: Annotated[
        bool | None, typer.Option("--url-intake", help="Fetch files from public URLs that askers name.")
    ] = None,
) -> None:
    """Start the service and print its address and a key for this run.

    Everything lies in one folder, SQLite included; DATABASE_URL=postgresql://... and DFDETECT_SERVE_OBJECTS_URL move
    it to where several hosts share it. All settings: DFDETECT_SERVE_* (docs/service.md). On another address than the
    loopback it starts only with a key made by `dfdetect serve keys add`, or with --public.
    """
    if context.invoked_subcommand is not None:
        context.obj = data
        return
    from dfdetect.serve.settings import load_serve_settings
    from dfdetect.serve.supervise import run_service

    run_service(
        load_serve_settings(
            host=host, port=port, data=data, workers=workers, model=model, policy=policy, public=public,
            url_intake=url_intake,
        )
    )  # fmt: skip


@app.command()
def worker(context: typer.Context) -> None:
    """Only a worker, for a service whose store and files are shared."""
    from dfdetect.serve.processes import run_worker
    from dfdetect.serve.settings import load_serve_settings

    run_worker(load_serve_settings(data=context.obj))


@app.command()
def clerk(context: typer.Context) -> None:
    """Only the clerk: webhooks, and forgetting what is due."""
    from dfdetect.serve.processes import run_clerk
    from dfdetect.serve.settings import load_serve_settings

    run_clerk(load_serve_settings(data=context.obj))


@app.command()
def upgrade(context: typer.Context) -> None:
    """Bring the store's schema to this version. `dfdetect serve` does so by itself at start."""
    from dfdetect.serve.settings import load_serve_settings
    from dfdetect.serve.store.engine import open_store
    from dfdetect.serve.store.engine import upgrade as bring_up

    settings = load_serve_settings(data=context.obj)
    settings.data.mkdir(parents=True, exist_ok=True)
    bring_up(open_store(settings.store_url))


keys = typer.Typer(help="Keys of those who may ask.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("add")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="scan, read or admin; repeatable (default: scan and read).")
    ] = None,
    scans_per_hour: Annotated[int, typer.Option(help="0: no limit.")] = 0,
    scans_at_once: Annotated[int, typer.Option(help="Queued or running; 0: no limit.")] = 0,
) -> None:
    """Make a key. It is printed once and kept only as its digest."""
    from dfdetect.serve.access import create_key
    from dfdetect.serve.settings import load_serve_settings
    from dfdetect.serve.supervise import ready_store

    engine = ready_store(load_serve_settings(data=context.obj))
    key_id, secret = create_key(
        engine, name, scope or ["scan", "read"], scans_per_hour=scans_per_hour, scans_at_once=scans_at_once
    )
    typer.echo(f"{key_id}  {secret}")


@keys.command("revoke")
def revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")]) -> None:
    """End a key and its log-ins at once."""
    from dfdetect.errors import UsageError
    from dfdetect.serve.access import revoke_key
    from dfdetect.serve.settings import load_serve_settings
    from dfdetect.serve.supervise import ready_store

    if not revoke_key(ready_store(load_serve_settings(data=context.obj)), key_id):
        raise UsageError(f"no live key {key_id!r}; `dfdetect serve keys list` shows them")


@keys.command("list")
def list_keys(context: typer.Context) -> None:
    """Live keys: id, scopes, name."""
    import sqlalchemy as sa

    from dfdetect.serve.settings import load_serve_settings
    from dfdetect.serve.store.tables import keys as table
    from dfdetect.serve.supervise import ready_store

    live = sa.select(table).where(table.c.revoked_at.is_(None), sa.not_(table.c.visitor)).order_by(table.c.created_at)
    with ready_store(load_serve_settings(data=context.obj)).connect() as connection:
        for row in connection.execute(live).mappings():
            typer.echo(f"{row['id']}  {row['scopes']:<16}  {row['name']}")
