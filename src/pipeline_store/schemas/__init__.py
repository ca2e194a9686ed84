"""Pydantic models of tasks, for programs that take and give them as JSON.

They need the extra `schemas`; nothing else of the package loads pydantic.
"""

from __future__ import annotations

try:
    from pipeline_store.schemas.applying import apply_task_update, task_from
    from pipeline_store.schemas.task import TaskCreate, TaskInDB, TaskResponse, TaskUpdate
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] != "pydantic":
        raise
    message = "the schemas need pydantic: pip install 'pipeline-store[schemas]'"
    raise ModuleNotFoundError(message, name=missing.name) from None

__all__ = [
    "TaskCreate",
    "TaskInDB",
    "TaskResponse",
    "TaskUpdate",
    "apply_task_update",
    "task_from",
]
