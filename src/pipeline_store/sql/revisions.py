"""Moving a database between revisions, inside the caller's transaction.

Alembic is loaded with this module, and so only where a database is changed: asking which revision
it is at, as every command does, goes without.
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from pipeline_store import values
from pipeline_store.errors import StoreFailure

if TYPE_CHECKING:
    import sqlalchemy as sa


def upgrade(connection: sa.Connection) -> None:
    """Run every revision that the database lacks.

    Raises:
        StoreFailure: what the database says of its revision makes no sense.
    """
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise StoreFailure(f"cannot upgrade: {error}") from None


def downgrade(connection: sa.Connection, revision: str) -> None:
    """Go back to `revision`.

    Raises:
        StoreFailure: there is no such revision.
    """
    values.check_text("revision", revision)
    if not revision.rpartition("@")[2]:
        raise StoreFailure(f"cannot downgrade to {revision!r}: it names no revision")
    try:
        command.downgrade(_config(connection), revision)
    except CommandError as error:
        raise StoreFailure(f"cannot downgrade to {revision!r}: {error}") from None


def record(connection: sa.Connection, revision: str) -> None:
    """Write down that the database is at `revision`, and change nothing else."""
    command.stamp(_config(connection), revision)


def _config(connection: sa.Connection) -> Config:
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", "pipeline_store.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
