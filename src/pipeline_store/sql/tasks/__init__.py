"""The tasks context on SQL: its tables, their mappings and repositories.

Importing this package maps the classes of `pipeline_store.tasks`.
"""

from pipeline_store.sql.tasks.history import SqlTaskTransitionRepository, task_transitions
from pipeline_store.sql.tasks.tables import task_turns, tasks
from pipeline_store.sql.tasks.task import SqlTaskRepository

TASKS_TABLES = (tasks, task_transitions, task_turns)
"""The tables, parents before children."""

__all__ = [
    "TASKS_TABLES",
    "SqlTaskRepository",
    "SqlTaskTransitionRepository",
    "task_transitions",
    "task_turns",
    "tasks",
]
