"""Columns that the tables with UUID keys have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import sqlalchemy as sa

from pipeline_store.sql.columns import Instant, JsonValue, utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Dialect


class PlainUuid(sa.TypeDecorator[UUID]):
    """A `uuid.UUID`, also from asyncpg, which makes objects of a class of its own."""

    impl = sa.Uuid
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return a function from what the driver returns to a UUID, where that is needed."""
        if dialect.driver != "asyncpg":
            return super().result_processor(dialect, coltype)
        return _plain_uuid


def _plain_uuid(value: UUID | None) -> UUID | None:
    return None if value is None else UUID(int=value.int)


def uuid_key() -> sa.Column[UUID]:
    """Return the key."""
    return sa.Column("id", PlainUuid, primary_key=True)


def uuid_reference(
    name: str,
    table: str,
    *,
    nullable: bool = False,
    ondelete: Literal["CASCADE", "RESTRICT", "SET NULL"] | None = None,
) -> sa.Column[UUID]:
    """Return a column that holds the key of a row in `table`."""
    foreign_key = sa.ForeignKey(f"{table}.id", ondelete=ondelete)
    return sa.Column(name, PlainUuid, foreign_key, nullable=nullable)


def time_now(name: str) -> sa.Column[datetime]:
    """Return a time that is the present one when a row is made past the package."""
    return sa.Column(name, Instant, nullable=False, server_default=utc_now())


def json_object(name: str) -> sa.Column[Any]:
    """Return a JSON object that is empty when a row is made past the package."""
    return sa.Column(name, JsonValue, nullable=False, server_default="{}")
