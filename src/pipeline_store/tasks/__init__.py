"""The workflow of documentaries: states, tasks, history. Loads no database library."""

from pipeline_store.tasks.claiming import MOST_ATTEMPTS
from pipeline_store.tasks.history import Stay, TaskTransition, TaskTransitionRepository, stays
from pipeline_store.tasks.repository import TaskRepository
from pipeline_store.tasks.state import (
    CLAIMABLE,
    ERRORS,
    GATES,
    STAGES,
    PriorityLevel,
    Stage,
    TaskStatus,
    approved_by,
    is_legal,
)
from pipeline_store.tasks.task import PendingReview, Task

__all__ = [
    "CLAIMABLE",
    "ERRORS",
    "GATES",
    "MOST_ATTEMPTS",
    "STAGES",
    "PendingReview",
    "PriorityLevel",
    "Stage",
    "Stay",
    "Task",
    "TaskRepository",
    "TaskStatus",
    "TaskTransition",
    "TaskTransitionRepository",
    "approved_by",
    "is_legal",
    "stays",
]
