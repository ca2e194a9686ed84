"""The adapter on dictionaries: a faithful fake for the unit tests of services.

It is held to the same contract tests as the databases. See `MemoryStore` for what it does not
promise.
"""

from pipeline_store.memory.store import MemoryStore, MemoryUnitOfWork

__all__ = ["MemoryStore", "MemoryUnitOfWork"]
