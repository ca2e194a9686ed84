"""One family of errors: nothing that a database or a driver raises leaves the package.

Every message says what was found, what was needed and, where there is one, the command or call that
cures it. No message holds a secret or the parameters of a statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID


class PipelineStoreError(Exception):
    """Root of every error that this package raises on purpose."""


class NotFound(PipelineStoreError, LookupError):
    """No such row, or the row that a new one refers to does not exist."""


class AlreadyExists(PipelineStoreError):
    """A row with the same unique key is there already."""


class DuplicateUpload(AlreadyExists):
    """Another task has uploaded the same content for the channel on the platform, or means to."""

    def __init__(
        self, message: str, *, upload_id: UUID, task_id: UUID, external_id: str | None
    ) -> None:
        """Keep which upload it is, of which task, and what the platform calls it."""
        self.upload_id = upload_id
        self.task_id = task_id
        self.external_id = external_id
        super().__init__(message)


class InUse(PipelineStoreError):
    """A delete was refused because other rows still refer to the row."""


class Conflict(PipelineStoreError):
    """Somebody else changed it first: open a new unit of work, read again, decide again."""


class InvalidValue(PipelineStoreError, ValueError):
    """A value that the field cannot hold; nothing was changed."""


class IllegalTransition(PipelineStoreError):
    """A status change that the rules do not allow; nothing was changed."""

    def __init__(self, subject: str, found: str, wanted: str, legal: Sequence[str]) -> None:
        """Name both statuses and the ones that `subject` could go to."""
        self.found = found
        self.wanted = wanted
        self.legal = tuple(legal)
        choices = ", ".join(self.legal) or "none"
        super().__init__(f"{subject} is {found} and cannot become {wanted} (legal: {choices})")


class LeaseLost(PipelineStoreError):
    """A worker's lease has ended, or somebody else has the item: its late write was refused."""


class QuotaExhausted(PipelineStoreError):
    """Less is left of a quota today than was asked for; nothing was reserved."""

    def __init__(
        self, project: str, bucket: str, left: int, asked: int, turns_at: datetime
    ) -> None:
        """Name the bucket, what is left of it and when the day turns."""
        self.project = project
        self.bucket = bucket
        self.left = left
        self.asked = asked
        self.turns_at = turns_at
        super().__init__(
            f"quota {bucket} of project {project}: {left} left today, {asked} asked for; "
            f"wait until {turns_at.isoformat()}, or raise the limit"
        )


class UploadUnresolved(PipelineStoreError):
    """An upload of the task was begun, and it is not known whether the platform has it."""


class RolledBack(PipelineStoreError):
    """An earlier error undid this unit of work: call rollback(), or open a new one.

    Or it was used outside of its `with` block.
    """


class ReadOnly(PipelineStoreError):
    """A write was tried in a unit of work that was opened with read_only=True."""


class SchemaOutOfDate(PipelineStoreError):
    """The database holds another revision of the schema than this package needs."""


class AdoptionRefused(PipelineStoreError):
    """A database made by another program differs from the schema; it was left as it was."""

    def __init__(self, database: str, differences: Sequence[str]) -> None:
        """List what differs in `database`."""
        self.differences = tuple(differences)
        listed = "\n".join(f"  - {difference}" for difference in self.differences)
        super().__init__(f"{database} cannot be adopted and was not touched:\n{listed}")


class InputFileRefused(PipelineStoreError):
    """An input file cannot be read to its end as the kind of file it was said to be."""

    def __init__(self, path: str, reason: str) -> None:
        """Keep `path` and `reason` apart for reports."""
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class SecretUnreadable(PipelineStoreError):
    """A secret cannot be opened or sealed: a key is missing, or what is stored is not its own."""

    def __init__(self, subject: str, key_id: str | None, reason: str) -> None:
        """Name what it is about, never its value, and the key where that can be read."""
        self.subject = subject
        self.key_id = key_id
        self.reason = reason
        key = "" if key_id is None else f" (key {key_id})"
        super().__init__(f"{subject}{key}: {reason}")


class StoreBusy(PipelineStoreError):
    """The database was locked by others for too long, or the pool was exhausted: try again."""


class StoreUnavailable(PipelineStoreError):
    """No connection to the database, or the connection was lost before the commit."""


class CommitUnknown(PipelineStoreError):
    """The connection was lost during a commit: it may or may not have happened. Look first."""


class StoreFailure(PipelineStoreError):
    """The database refused a statement for a reason that has no type of its own."""


class NaiveDatetimeWarning(UserWarning):
    """A datetime without a time zone was taken as UTC."""
