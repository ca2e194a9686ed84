"""Connections that stay open beside the pool, made as the pool makes its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.pool import PoolProxiedConnection


def connect_beside_pool(engine: sa.Engine) -> PoolProxiedConnection:
    """Return a new connection that does not count as one of the pool."""
    connection = engine.raw_connection()
    connection.detach()
    return connection


def close_beside_pool(engine: sa.Engine, connection: PoolProxiedConnection) -> None:
    """Close it, whatever state it is in."""
    driver = connection.dbapi_connection
    connection.close()
    dialect: Any = engine.dialect
    if driver is not None and dialect.is_async and not dialect.has_terminate:
        # SQLAlchemy leaves these to the garbage collector.
        driver.close()
