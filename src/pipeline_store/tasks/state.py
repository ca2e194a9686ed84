"""The workflow of a documentary as data: 26 statuses, their moves, and what each row means.

The table below is the rule; everything else, the diagram in the documentation included, is read
from it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping


class TaskStatus(StrEnum):
    """Where a task is, in the order of the workflow; the four errors stand at the end."""

    DRAFT = "draft"
    QUEUED = "queued"
    CLAIMED = "claimed"
    GENERATING_ASSETS = "generating_assets"
    ASSETS_READY = "assets_ready"
    ASSETS_APPROVED = "assets_approved"
    GENERATING_COMPOSITES = "generating_composites"
    COMPOSITES_READY = "composites_ready"
    GENERATING_VIDEO = "generating_video"
    VIDEO_READY = "video_ready"
    VIDEO_APPROVED = "video_approved"
    GENERATING_AUDIO = "generating_audio"
    AUDIO_READY = "audio_ready"
    AUDIO_APPROVED = "audio_approved"
    GENERATING_SFX = "generating_sfx"
    SFX_READY = "sfx_ready"
    ASSEMBLING = "assembling"
    ASSEMBLY_READY = "assembly_ready"
    FINAL_REVIEW = "final_review"
    APPROVED = "approved"
    UPLOADING = "uploading"
    PUBLISHED = "published"
    ASSET_ERROR = "asset_error"
    VIDEO_ERROR = "video_error"
    AUDIO_ERROR = "audio_error"
    UPLOAD_ERROR = "upload_error"


class PriorityLevel(StrEnum):
    """How urgent a task is, the most urgent first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@frozen
class Stage:
    """A row of the table: what may follow a status."""

    #: Where the work goes on, or where a person lets it go on.
    onward: tuple[TaskStatus, ...] = ()
    #: Where it goes when it fails, or when a person rejects it.
    error: TaskStatus | None = None
    #: Where a retry of what failed here begins again.
    retry_at: TaskStatus | None = None

    @property
    def moves(self) -> tuple[TaskStatus, ...]:
        """Every status that may follow."""
        return self.onward if self.error is None else (*self.onward, self.error)


_S = TaskStatus

STAGES: Final[Mapping[TaskStatus, Stage]] = {
    _S.DRAFT: Stage((_S.QUEUED,)),
    _S.QUEUED: Stage((_S.CLAIMED, _S.DRAFT)),
    _S.CLAIMED: Stage(
        (_S.GENERATING_ASSETS, _S.QUEUED), _S.ASSET_ERROR, retry_at=_S.GENERATING_ASSETS
    ),
    _S.GENERATING_ASSETS: Stage((_S.ASSETS_READY,), _S.ASSET_ERROR, retry_at=_S.GENERATING_ASSETS),
    _S.ASSETS_READY: Stage((_S.ASSETS_APPROVED,), _S.ASSET_ERROR, retry_at=_S.GENERATING_ASSETS),
    _S.ASSETS_APPROVED: Stage(
        (_S.GENERATING_COMPOSITES,), _S.ASSET_ERROR, retry_at=_S.GENERATING_COMPOSITES
    ),
    _S.GENERATING_COMPOSITES: Stage(
        (_S.COMPOSITES_READY,), _S.ASSET_ERROR, retry_at=_S.GENERATING_COMPOSITES
    ),
    _S.COMPOSITES_READY: Stage(
        (_S.GENERATING_VIDEO,), _S.VIDEO_ERROR, retry_at=_S.GENERATING_VIDEO
    ),
    _S.GENERATING_VIDEO: Stage((_S.VIDEO_READY,), _S.VIDEO_ERROR, retry_at=_S.GENERATING_VIDEO),
    _S.VIDEO_READY: Stage((_S.VIDEO_APPROVED,), _S.VIDEO_ERROR, retry_at=_S.GENERATING_VIDEO),
    _S.VIDEO_APPROVED: Stage((_S.GENERATING_AUDIO,), _S.AUDIO_ERROR, retry_at=_S.GENERATING_AUDIO),
    _S.GENERATING_AUDIO: Stage((_S.AUDIO_READY,), _S.AUDIO_ERROR, retry_at=_S.GENERATING_AUDIO),
    _S.AUDIO_READY: Stage((_S.AUDIO_APPROVED,), _S.AUDIO_ERROR, retry_at=_S.GENERATING_AUDIO),
    _S.AUDIO_APPROVED: Stage((_S.GENERATING_SFX,), _S.AUDIO_ERROR, retry_at=_S.GENERATING_SFX),
    _S.GENERATING_SFX: Stage((_S.SFX_READY,), _S.AUDIO_ERROR, retry_at=_S.GENERATING_SFX),
    _S.SFX_READY: Stage((_S.ASSEMBLING,), _S.VIDEO_ERROR, retry_at=_S.ASSEMBLING),
    _S.ASSEMBLING: Stage((_S.ASSEMBLY_READY,), _S.VIDEO_ERROR, retry_at=_S.ASSEMBLING),
    _S.ASSEMBLY_READY: Stage((_S.FINAL_REVIEW,), _S.VIDEO_ERROR, retry_at=_S.ASSEMBLING),
    _S.FINAL_REVIEW: Stage((_S.APPROVED,), _S.VIDEO_ERROR, retry_at=_S.ASSEMBLING),
    _S.APPROVED: Stage((_S.UPLOADING,), _S.UPLOAD_ERROR, retry_at=_S.UPLOADING),
    _S.UPLOADING: Stage((_S.PUBLISHED,), _S.UPLOAD_ERROR, retry_at=_S.UPLOADING),
    _S.PUBLISHED: Stage(),
    _S.ASSET_ERROR: Stage((_S.GENERATING_ASSETS, _S.GENERATING_COMPOSITES)),
    _S.VIDEO_ERROR: Stage((_S.GENERATING_VIDEO, _S.ASSEMBLING)),
    _S.AUDIO_ERROR: Stage((_S.GENERATING_AUDIO, _S.GENERATING_SFX)),
    _S.UPLOAD_ERROR: Stage((_S.UPLOADING, _S.FINAL_REVIEW)),
}
"""What may follow each status."""

GATES: Final = (_S.ASSETS_READY, _S.VIDEO_READY, _S.AUDIO_READY, _S.FINAL_REVIEW)
"""Where the work waits for a person."""

ERRORS: Final = (_S.ASSET_ERROR, _S.VIDEO_ERROR, _S.AUDIO_ERROR, _S.UPLOAD_ERROR)
"""Where the work waits for a retry."""

CLAIMABLE: Final = tuple(
    status for status in TaskStatus if status not in {_S.DRAFT, _S.PUBLISHED, *GATES, *ERRORS}
)
"""Where the work waits for a worker."""

UNHELD: Final = frozenset(TaskStatus) - frozenset(CLAIMABLE) | {TaskStatus.QUEUED}
"""Where no worker holds a task: a lease ends with the move into one of these."""

RANKS: Final[Mapping[PriorityLevel, int]] = {
    priority: rank for rank, priority in enumerate(PriorityLevel)
}
"""The place of each priority in the order of the queue, 0 first."""


def is_legal(found: TaskStatus, wanted: TaskStatus) -> bool:
    """Whether a task in the one status may move to the other."""
    return wanted in STAGES[found].moves


def onward_from(status: TaskStatus) -> TaskStatus | None:
    """Return the one status to which the work goes on, or None where it is not a worker's to do so.

    That a claimed task can also go back to the queue is a release, not a way on.
    """
    return STAGES[status].onward[0] if status in CLAIMABLE else None


def approved_by(gate: TaskStatus) -> TaskStatus:
    """Return the status to which an approval at the gate leads."""
    (onward,) = STAGES[gate].onward
    return onward
