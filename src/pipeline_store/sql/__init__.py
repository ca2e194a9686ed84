"""The adapter on SQLAlchemy 2.1: SQLite and PostgreSQL.

Importing this package maps the domain classes to their tables.
"""

from pipeline_store.sql.columns import metadata
from pipeline_store.sql.store import SqlStore
from pipeline_store.sql.unit_of_work import SqlUnitOfWork

__all__ = ["SqlStore", "SqlUnitOfWork", "metadata"]
