"""Run by alembic with the connection that `store.engine.upgrade` holds; there is no configuration file."""

from __future__ import annotations

from alembic import context

from dfdetect.serve.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
