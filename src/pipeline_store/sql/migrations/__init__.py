"""Alembic revisions of the package's own tables, shipped in the wheel."""
