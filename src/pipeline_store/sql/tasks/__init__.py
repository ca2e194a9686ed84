"""The tasks context on SQL: its tables, their mappings and repositories.

Importing this package maps the classes of `pipeline_store.tasks`.
"""

from pipeline_store.sql.tasks.history import SqlTaskTransitionRepository, task_transitions
from pipeline_store.sql.tasks.task import SqlTaskRepository, tasks

TASKS_TABLES = (tasks, task_transitions)
"""The tables, parents before children."""

__all__ = [
    "TASKS_TABLES",
    "SqlTaskRepository",
    "SqlTaskTransitionRepository",
    "task_transitions",
    "tasks",
]
