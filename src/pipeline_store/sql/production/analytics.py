"""The table, the mapping and the repository of readings."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import sqlalchemy as sa

from pipeline_store import values
from pipeline_store.clock import utc_now as system_clock
from pipeline_store.production import Analytics, AnalyticsRepository
from pipeline_store.production.snapshot_columns import checked_columns
from pipeline_store.sql.bulk import append_rows
from pipeline_store.sql.columns import (
    Instant,
    RowKey,
    before_instant,
    chronological,
    from_instant,
    map_class,
    metadata,
    until_instant,
    utc_now,
)
from pipeline_store.sql.repository import SqlRepository, batches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline_store.production import Snapshot

SNAPSHOTS_PER_BATCH = 5_000
VIDEOS_PER_STATEMENT = 1_000

analytics = sa.Table(
    "analytics",
    metadata,
    sa.Column("id", RowKey, primary_key=True, autoincrement=True),
    sa.Column("youtube_video_id", sa.Text, nullable=False),
    sa.Column("measured_at", Instant, default=system_clock, server_default=utc_now()),
    sa.Column("view_count", sa.BigInteger),
    sa.Column("like_count", sa.BigInteger),
    sa.Column("comment_count", sa.BigInteger),
    sa.Column("average_view_duration_seconds", sa.Float),
    sa.Column("click_through_rate", sa.Float),
    sa.Column("subscriber_gain", sa.BigInteger),
    sa.Column("estimated_revenue_usd", sa.Float),
    sa.Index("idx_analytics_video", "youtube_video_id", "measured_at"),
    sqlite_autoincrement=True,
)
map_class(Analytics, analytics)


@final
class SqlAnalyticsRepository(SqlRepository[Analytics, int], AnalyticsRepository):
    """Readings in the table analytics."""

    kind = Analytics
    table = analytics

    def record_many(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_many`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        written = 0
        with self._session.all_or_nothing():
            for batch in batches(snapshots, SNAPSHOTS_PER_BATCH):
                columns = checked_columns(batch, self._now, first_row=written)
                append_rows(self._session, analytics, columns)
                written += len(batch)
        return written

    def record_new(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_new`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        seen = written = 0
        with self._session.all_or_nothing():
            # The table may have no unique index, so those who add only what is new take turns.
            self._session.lock("analytics.record_new")
            for batch in batches(snapshots, SNAPSHOTS_PER_BATCH):
                columns = checked_columns(batch, self._now, first_row=seen)
                new = self._new_rows(columns["youtube_video_id"], columns["measured_at"])
                chosen = {name: [values[i] for i in new] for name, values in columns.items()}
                append_rows(self._session, analytics, chosen)
                seen += len(batch)
                written += len(new)
        return written

    def latest_for(self, video_ids: Iterable[str]) -> dict[str, Analytics]:
        """See `AnalyticsRepository.latest_for`."""
        values.check_several("video_ids", video_ids)
        found: dict[str, Analytics] = {}
        for batch in batches(video_ids, VIDEOS_PER_STATEMENT):
            for video_id in batch:
                values.check_text("video_id", video_id)
            ids = self._latest_ids(list(dict.fromkeys(batch)))
            statement = sa.select(Analytics).where(analytics.c.id.in_(ids))
            found |= {row.youtube_video_id: row for row in self._session.scalars(statement)}
        return found

    def series(
        self, video_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Analytics]:
        """See `AnalyticsRepository.series`."""
        values.check_text("video_id", video_id)
        c = analytics.c
        time = chronological(c.measured_at)
        statement = sa.select(Analytics).where(c.youtube_video_id == video_id)
        if since is not None:
            statement = statement.where(from_instant(time, values.as_instant("since", since)))
        if until is not None:
            statement = statement.where(before_instant(time, values.as_instant("until", until)))
        return self._all(statement.order_by(time, c.id))

    def _latest_ids(self, video_ids: list[str]) -> sa.Select[int]:
        """Return a query that probes the index once per video, whatever the number of readings."""
        c = analytics.c
        has_time: sa.ColumnElement[bool] = c.measured_at.is_not(None)
        time: sa.ColumnElement[datetime] = c.measured_at
        if self._session.dialect == "postgresql":
            array = sa.cast(video_ids, sa.ARRAY(sa.Text))
            wanted = sa.func.unnest(array).table_valued("value").render_derived(name="wanted")
        else:
            ids = sa.bindparam(None, video_ids, sa.JSON)
            wanted = sa.func.json_each(ids).table_valued("value")
            has_time = sa.type_coerce(c.measured_at, sa.Text) >= _first_day(wanted)
            time = chronological(c.measured_at)
        readings = sa.select(c.id).where(c.youtube_video_id == wanted.c.value)
        timed = readings.where(has_time).order_by(time.desc(), c.id.desc())
        # NULLS LAST would be one query, but one that no index serves: it sorts all readings.
        timeless = readings.where(c.measured_at.is_(None)).order_by(c.id.desc())
        newest = (query.limit(1).correlate(wanted).scalar_subquery() for query in (timed, timeless))
        return sa.select(sa.func.coalesce(*newest)).select_from(wanted)

    def _new_rows(self, video_ids: list[str], instants: list[datetime]) -> list[int]:
        """Return the positions of the readings to store: first of their kind, and not there yet."""
        positions: dict[tuple[str, datetime], int] = {}
        for position, reading in enumerate(zip(video_ids, instants, strict=True)):
            positions.setdefault(reading, position)
        c = analytics.c
        time = chronological(c.measured_at)
        for batch in batches(dict.fromkeys(video_ids), VIDEOS_PER_STATEMENT):
            statement = sa.select(c.youtube_video_id, c.measured_at).where(
                c.youtube_video_id.in_(batch),
                from_instant(time, min(instants)),
                until_instant(time, max(instants)),
            )
            for row in self._session.execute(statement):
                positions.pop((row.youtube_video_id, row.measured_at), None)
        return sorted(positions.values())


def _first_day(wanted: sa.TableValuedAlias) -> sa.ColumnElement[str]:
    """Return the day from which SQLite must look for the video's latest reading.

    The day comes first in all spellings, and a zone moves an instant by less than two days.
    """
    others = analytics.alias()
    last_time = (
        sa.select(sa.type_coerce(others.c.measured_at, sa.Text))
        .where(others.c.youtube_video_id == wanted.c.value)
        .order_by(others.c.measured_at.desc())
        .limit(1)
        .correlate(wanted)
        .scalar_subquery()
    )
    first_day = sa.func.date(sa.func.substr(last_time, 1, 10), "-2 days")
    # What cannot be read as a time is not passed over.
    return sa.func.coalesce(first_day, "")
