"""What Alembic runs: always on the connection it is handed, inside the caller's transaction."""

from __future__ import annotations

from alembic import context

from pipeline_store.sql.columns import metadata
from pipeline_store.sql.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
