"""The table, the mapping and the repository of discovered videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pipeline_store import values
from pipeline_store.clock import utc_now as system_clock
from pipeline_store.entity import copy_as_new, fields_of
from pipeline_store.errors import NotFound
from pipeline_store.production import (
    ContentIdRisk,
    DiscoveredVideo,
    DiscoveredVideoRepository,
    Processed,
    Recorded,
)
from pipeline_store.production.discovered_video import (
    REFRESHED_NUMBERS,
    REFRESHED_TEXTS,
    take_over,
)
from pipeline_store.repository import check_kind
from pipeline_store.sql.columns import (
    Instant,
    OpenChoice,
    RowKey,
    chronological,
    map_class,
    metadata,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository, batches

if TYPE_CHECKING:
    from collections.abc import Iterable

VIDEOS_PER_STATEMENT = 500

discovered_videos = sa.Table(
    "discovered_videos",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("video_id", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("channel_name", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("category_id", sa.BigInteger),
    sa.Column("duration_seconds", sa.BigInteger),
    sa.Column("view_count", sa.BigInteger),
    sa.Column("like_count", sa.BigInteger),
    sa.Column("comment_count", sa.BigInteger),
    sa.Column("view_velocity", sa.Float),
    sa.Column("viral_score", sa.Float),
    sa.Column("niche", sa.Text, nullable=False),
    sa.Column("discovery_source", sa.Text),
    sa.Column("discovered_at", Instant, default=system_clock, server_default=utc_now()),
    sa.Column("processed", OpenChoice(Processed), server_default="0"),
    sa.Column("content_id_risk", OpenChoice(ContentIdRisk), server_default="unknown"),
    sa.Index("idx_discovered_videos_niche", "niche", "discovered_at"),
    sa.Index("idx_discovered_videos_processed", "processed"),
    sqlite_autoincrement=True,
)
map_class(DiscoveredVideo, discovered_videos)

_IS_NEW: Final[sa.ColumnElement[bool]] = sa.literal_column("xmax = 0", sa.Boolean)
"""PostgreSQL notes in a row who last changed it; nobody has changed one that was inserted."""

COLUMNS = [field.name for field in fields_of(DiscoveredVideo) if field.name != "id"]


@final
class SqlDiscoveredVideoRepository(SqlRepository[DiscoveredVideo, int], DiscoveredVideoRepository):
    """Discovered videos in the table discovered_videos."""

    kind = DiscoveredVideo
    table = discovered_videos

    def record(self, video: DiscoveredVideo) -> DiscoveredVideo:
        """See `DiscoveredVideoRepository.record`."""
        check_kind(DiscoveredVideo, video)
        self._upsert([video])
        stored = self.by_video_id(video.video_id)
        if stored is None:
            raise NotFound(f"discovered_videos: {video.video_id} was removed just now")
        return stored

    def record_many(self, videos: Iterable[DiscoveredVideo]) -> Recorded:
        """See `DiscoveredVideoRepository.record_many`."""
        self._session.check_writable()
        values.check_several("videos", videos)
        given = list(videos)
        for video in given:
            check_kind(DiscoveredVideo, video)
        made = refreshed = 0
        for batch in batches(given, VIDEOS_PER_STATEMENT):
            new = self._upsert(batch)
            made += new
            refreshed += len(batch) - new
        return Recorded(made, refreshed)

    def by_video_id(self, video_id: str) -> DiscoveredVideo | None:
        """See `DiscoveredVideoRepository.by_video_id`."""
        values.check_text("video_id", video_id)
        statement = sa.select(DiscoveredVideo).where(discovered_videos.c.video_id == video_id)
        return self._session.scalar(statement)

    def by_video_ids(self, video_ids: Iterable[str]) -> dict[str, DiscoveredVideo]:
        """See `DiscoveredVideoRepository.by_video_ids`."""
        values.check_several("video_ids", video_ids)
        found: dict[str, DiscoveredVideo] = {}
        for batch in batches(video_ids, VIDEOS_PER_STATEMENT):
            for video_id in batch:
                values.check_text("video_id", video_id)
            statement = sa.select(DiscoveredVideo).where(discovered_videos.c.video_id.in_(batch))
            found |= {video.video_id: video for video in self._session.scalars(statement)}
        return found

    def pending(self, niche: str, limit: int | None = None) -> list[DiscoveredVideo]:
        """See `DiscoveredVideoRepository.pending`."""
        values.check_text("niche", niche)
        if limit is not None:
            values.check_integer("limit", limit, least=1)
        c = discovered_videos.c
        return self._all(
            sa.select(DiscoveredVideo)
            .where(c.niche == niche, c.processed == Processed.PENDING)
            .order_by(chronological(c.discovered_at), c.id)
            .limit(limit)
        )

    def count_pending(self, niche: str) -> int:
        """See `DiscoveredVideoRepository.count_pending`."""
        values.check_text("niche", niche)
        c = discovered_videos.c
        counted = sa.select(sa.func.count()).where(
            c.niche == niche, c.processed == Processed.PENDING
        )
        return self._session.scalar(counted) or 0

    def mark(self, video_id: str, processed: Processed) -> DiscoveredVideo:
        """See `DiscoveredVideoRepository.mark`."""
        video = self.by_video_id(video_id)
        if video is None:
            raise NotFound(f"discovered_videos: {video_id!r} was not discovered")
        self._session.check_writable()
        video.processed = processed
        return video

    def niches(self) -> list[str]:
        """See `DiscoveredVideoRepository.niches`."""
        return sorted(self._session.scalars(sa.select(discovered_videos.c.niche).distinct()))

    def _upsert(self, videos: list[DiscoveredVideo]) -> int:
        """Write the videos, refreshing known ones, and return how many were new."""
        self._session.check_writable()
        wanted: dict[str, DiscoveredVideo] = {}
        for video in videos:
            if video.video_id in wanted:
                first = copy_as_new(wanted[video.video_id])
                take_over(first, video)
                wanted[video.video_id] = first
            else:
                wanted[video.video_id] = video
        c = discovered_videos.c
        # One order for everybody, or two processes could wait for each other's rows.
        now = self._now()
        rows = [
            {name: getattr(wanted[video_id], name) for name in COLUMNS}
            for video_id in sorted(wanted)
        ]
        for row in rows:
            row["discovered_at"] = row["discovered_at"] or now
        made = self._write(rows)
        self._session.refresh_known(
            DiscoveredVideo,
            sa.select(DiscoveredVideo).where(c.video_id.in_(wanted)),
            lambda video: video.video_id in wanted,
        )
        return made

    def _write(self, rows: list[dict[str, Any]]) -> int:
        """Write the rows and return how many were new."""
        statement = self._upsert_statement()
        if self._session.dialect == "postgresql":
            # Known only once it is written: others may write the same videos at this moment.
            return sum(self._session.execute(statement.returning(_IS_NEW), rows).scalars())
        c = discovered_videos.c
        known = sa.select(sa.func.count()).where(c.video_id.in_([row["video_id"] for row in rows]))
        made = len(rows) - (self._session.scalar(known) or 0)
        self._session.execute(statement, rows)
        return made

    def _upsert_statement(self) -> Any:
        dialect = sqlite if self._session.dialect == "sqlite" else postgresql
        insert = dialect.insert(discovered_videos)
        new, old = insert.excluded, discovered_videos.c
        refreshed = {
            name: sa.func.coalesce(sa.func.nullif(new[name], ""), old[name])
            for name in REFRESHED_TEXTS
        } | {name: sa.func.coalesce(new[name], old[name]) for name in REFRESHED_NUMBERS}
        return insert.on_conflict_do_update(index_elements=[old.video_id], set_=refreshed)
