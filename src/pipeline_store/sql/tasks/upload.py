"""The table, the mapping and the repository of uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final
from uuid import UUID

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.repository import check_limit
from pipeline_store.sql.columns import OpenChoice, map_class, metadata
from pipeline_store.sql.repository import SqlRepository
from pipeline_store.sql.row_columns import time_now, uuid_key, uuid_reference
from pipeline_store.sql.session import GuardedSession
from pipeline_store.sql.tasks.held import held_task
from pipeline_store.tasks import Upload, UploadStatus
from pipeline_store.tasks.abstract_upload import AbstractUploadRepository
from pipeline_store.tasks.upload import check_content

if TYPE_CHECKING:
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task

IS_UNRESOLVED: Final = sa.text("status <> 'done'")

uploads = sa.Table(
    "uploads",
    metadata,
    uuid_key(),
    uuid_reference("task_id", "tasks"),
    uuid_reference("channel_id", "channels"),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("status", OpenChoice(UploadStatus), nullable=False, server_default="intended"),
    sa.Column("lease_token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("sealed_session", sa.Text),
    sa.Column("external_id", sa.Text),
    time_now("created_at"),
    time_now("updated_at"),
    sa.UniqueConstraint("channel_id", "platform", "content_hash"),
    sa.Index("ix_uploads_task_id", "task_id", "created_at", "id"),
    sa.Index(
        "ix_uploads_unresolved",
        "created_at",
        "id",
        postgresql_where=IS_UNRESOLVED,
        sqlite_where=IS_UNRESOLVED,
    ),
)
map_class(Upload, uploads)


@final
class SqlUploadRepository(SqlRepository[Upload, UUID], AbstractUploadRepository[GuardedSession]):
    """Uploads in the table uploads."""

    kind = Upload
    table = uploads

    def for_task(self, task_id: UUID) -> list[Upload]:
        """See `UploadRepository.for_task`."""
        values.check_uuid("task_id", task_id)
        c = uploads.c
        of_task = sa.select(Upload).where(c.task_id == task_id)
        return self._all(of_task.order_by(c.created_at, c.id))

    def of_content(self, channel_id: UUID, platform: str, content_hash: str) -> Upload | None:
        """See `UploadRepository.of_content`."""
        values.check_uuid("channel_id", channel_id)
        check_content(platform, content_hash)
        c = uploads.c
        same = (c.channel_id == channel_id) & (c.platform == platform)
        return self._first(sa.select(Upload).where(same, c.content_hash == content_hash))

    def unresolved(self, limit: int = 100) -> list[Upload]:
        """See `UploadRepository.unresolved`."""
        check_limit(limit)
        c = uploads.c
        open_ones = sa.select(Upload).where(IS_UNRESOLVED).order_by(c.created_at, c.id)
        return self._all(open_ones.limit(limit))

    def _held_task(self, claim: Claim[Task]) -> Task:
        return held_task(self._session, claim, self._now)
