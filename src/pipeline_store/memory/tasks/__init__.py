"""The tasks context in memory."""

from pipeline_store.memory.tasks.history import MemoryTaskTransitionRepository
from pipeline_store.memory.tasks.task import MemoryTaskRepository

__all__ = ["MemoryTaskRepository", "MemoryTaskTransitionRepository"]
