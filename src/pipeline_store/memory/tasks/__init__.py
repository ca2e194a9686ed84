"""The tasks context in memory."""

from pipeline_store.memory.tasks.history import MemoryTaskTransitionRepository
from pipeline_store.memory.tasks.quota import MemoryQuotaRepository
from pipeline_store.memory.tasks.task import MemoryTaskRepository

__all__ = ["MemoryQuotaRepository", "MemoryTaskRepository", "MemoryTaskTransitionRepository"]
