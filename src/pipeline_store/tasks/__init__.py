"""The workflow of documentaries: states, tasks, history. Loads no database library."""

from pipeline_store.tasks.claiming import MOST_ATTEMPTS
from pipeline_store.tasks.history import Stay, TaskTransition, TaskTransitionRepository, stays
from pipeline_store.tasks.quota import (
    QuotaAccount,
    QuotaRepository,
    QuotaReservation,
    ReservationState,
)
from pipeline_store.tasks.quota_plans import (
    DEFAULT_PROJECT,
    YOUTUBE_BUCKETS,
    YOUTUBE_POOL,
    QuotaCost,
    QuotaLimit,
    QuotaPlan,
)
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
from pipeline_store.tasks.upload import Upload, UploadRepository, UploadStatus

__all__ = [
    "CLAIMABLE",
    "DEFAULT_PROJECT",
    "ERRORS",
    "GATES",
    "MOST_ATTEMPTS",
    "STAGES",
    "YOUTUBE_BUCKETS",
    "YOUTUBE_POOL",
    "PendingReview",
    "PriorityLevel",
    "QuotaAccount",
    "QuotaCost",
    "QuotaLimit",
    "QuotaPlan",
    "QuotaRepository",
    "QuotaReservation",
    "ReservationState",
    "Stage",
    "Stay",
    "Task",
    "TaskRepository",
    "TaskStatus",
    "TaskTransition",
    "TaskTransitionRepository",
    "Upload",
    "UploadRepository",
    "UploadStatus",
    "approved_by",
    "is_legal",
    "stays",
]
