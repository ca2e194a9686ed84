"""The tasks context in memory."""

from pipeline_store.memory.tasks.history import MemoryTaskTransitionRepository
from pipeline_store.memory.tasks.quota import MemoryQuotaRepository
from pipeline_store.memory.tasks.task import MemoryTaskRepository
from pipeline_store.memory.tasks.upload import MemoryUploadRepository

__all__ = [
    "MemoryQuotaRepository",
    "MemoryTaskRepository",
    "MemoryTaskTransitionRepository",
    "MemoryUploadRepository",
]
