"""Columns that the tables with UUID keys have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from pipeline_store.sql.columns import Instant, JsonValue, utc_now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


def uuid_key() -> sa.Column[UUID]:
    """Return the key."""
    return sa.Column("id", sa.Uuid, primary_key=True)


def uuid_reference(
    name: str,
    table: str,
    *,
    nullable: bool = False,
    ondelete: Literal["CASCADE", "RESTRICT", "SET NULL"] | None = None,
) -> sa.Column[UUID]:
    """Return a column that holds the key of a row in `table`."""
    foreign_key = sa.ForeignKey(f"{table}.id", ondelete=ondelete)
    return sa.Column(name, sa.Uuid, foreign_key, nullable=nullable)


def time_now(name: str) -> sa.Column[datetime]:
    """Return a time that is the present one when a row is made past the package."""
    return sa.Column(name, Instant, nullable=False, server_default=utc_now())


def json_object(name: str) -> sa.Column[Any]:
    """Return a JSON object that is empty when a row is made past the package."""
    return sa.Column(name, JsonValue, nullable=False, server_default="{}")
