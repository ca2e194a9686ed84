"""The tasks context on SQL: its tables, their mappings and repositories.

Importing this package maps the classes of `pipeline_store.tasks`.
"""

from pipeline_store.sql.tasks.history import SqlTaskTransitionRepository, task_transitions
from pipeline_store.sql.tasks.quota import SqlQuotaRepository
from pipeline_store.sql.tasks.quota_tables import (
    quota_costs,
    quota_days,
    quota_limits,
    quota_reservations,
)
from pipeline_store.sql.tasks.tables import task_ageing, task_leases, task_turns, tasks
from pipeline_store.sql.tasks.task import SqlTaskRepository
from pipeline_store.sql.tasks.upload import SqlUploadRepository, uploads

TASKS_TABLES = (
    tasks,
    task_transitions,
    task_leases,
    task_turns,
    task_ageing,
    quota_limits,
    quota_costs,
    quota_days,
    quota_reservations,
    uploads,
)
"""The tables, parents before children."""

__all__ = [
    "TASKS_TABLES",
    "SqlQuotaRepository",
    "SqlTaskRepository",
    "SqlTaskTransitionRepository",
    "SqlUploadRepository",
    "quota_costs",
    "quota_days",
    "quota_limits",
    "quota_reservations",
    "task_ageing",
    "task_leases",
    "task_transitions",
    "task_turns",
    "tasks",
    "uploads",
]
