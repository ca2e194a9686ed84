"""The same ports, awaited.

Nothing is written twice: every call is lifted over a bridge, which the front door chooses. Neither
SQLAlchemy nor an adapter is known here.
"""

from pipeline_store.aio.lifting import Bridge, call_directly
from pipeline_store.aio.store import AsyncStore, AsyncUnitOfWork

__all__ = ["AsyncStore", "AsyncUnitOfWork", "Bridge", "call_directly"]
