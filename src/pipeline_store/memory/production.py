"""The production context in memory: ten repositories."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, final

from pipeline_store import values
from pipeline_store.entity import change, copy_as_new
from pipeline_store.errors import Conflict, NotFound
from pipeline_store.memory.repository import MemoryRepository
from pipeline_store.production import (
    REVIEW_LIMIT,
    Analytics,
    AnalyticsRepository,
    Clip,
    ClipRepository,
    ConfigOverride,
    ConfigOverrideRepository,
    DiscoveredVideo,
    DiscoveredVideoRepository,
    ErrorLog,
    ErrorLogRepository,
    PipelineRun,
    PipelineRunRepository,
    Processed,
    Recorded,
    ReviewLog,
    ReviewLogRepository,
    RunStatus,
    Script,
    ScriptRepository,
    Short,
    ShortRepository,
    ShortStatus,
    TTSAudio,
    TTSAudioRepository,
    skipped_ranks,
)
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.production.discovered_video import take_over
from pipeline_store.production.pipeline_run import check_same_cycle
from pipeline_store.production.review_log import due_before
from pipeline_store.production.snapshot_columns import checked_columns
from pipeline_store.repository import check_key, check_kind, check_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from pipeline_store.production import Snapshot


@final
class MemoryDiscoveredVideoRepository(
    MemoryRepository[DiscoveredVideo, int], DiscoveredVideoRepository
):
    """Discovered videos in memory."""

    collection = "discovered_videos"

    def record(self, video: DiscoveredVideo) -> DiscoveredVideo:
        """See `DiscoveredVideoRepository.record`."""
        self.record_many([video])
        return self.by_video_ids([video.video_id])[video.video_id]

    def record_many(self, videos: Iterable[DiscoveredVideo]) -> Recorded:
        """See `DiscoveredVideoRepository.record_many`."""
        self._session.check_writable()
        values.check_several("videos", videos)
        given = list(videos)
        for video in given:
            check_kind(DiscoveredVideo, video)
        known = self.by_video_ids(video.video_id for video in given)
        for video in known.values():
            self._session.reread(self.collection, video)
        new: dict[str, DiscoveredVideo] = {}
        # The order in which the databases write them, and thus give them their keys.
        for video in sorted(given, key=lambda video: video.video_id):
            stored = known.get(video.video_id) or new.get(video.video_id)
            if stored is None:
                new[video.video_id] = copy_as_new(video)
            else:
                take_over(stored, video)
        self._insert(list(new.values()))
        return Recorded(len(new), len(given) - len(new))

    def by_video_id(self, video_id: str) -> DiscoveredVideo | None:
        """See `DiscoveredVideoRepository.by_video_id`."""
        return self.by_video_ids([video_id]).get(video_id)

    def by_video_ids(self, video_ids: Iterable[str]) -> dict[str, DiscoveredVideo]:
        """See `DiscoveredVideoRepository.by_video_ids`."""
        values.check_several("video_ids", video_ids)
        wanted = list(video_ids)
        for video_id in wanted:
            values.check_text("video_id", video_id)
        chosen = set(wanted)
        return {v.video_id: v for v in self._where(lambda video: video.video_id in chosen)}

    def pending(self, niche: str, limit: int | None = None) -> list[DiscoveredVideo]:
        """See `DiscoveredVideoRepository.pending`."""
        values.check_text("niche", niche)
        if limit is not None:
            values.check_integer("limit", limit, least=1)
        found = self._where(lambda v: v.niche == niche and v.processed == Processed.PENDING)
        return sorted(found, key=lambda video: (video.discovered_at, video.id))[:limit]

    def count_pending(self, niche: str) -> int:
        """See `DiscoveredVideoRepository.count_pending`."""
        return len(self.pending(niche))

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
        return sorted({video.niche for video in self._where(lambda _: True)})


@final
class MemoryPipelineRunRepository(MemoryRepository[PipelineRun, int], PipelineRunRepository):
    """Runs in memory."""

    collection = "pipeline_runs"

    def for_cycle(self, niche: str, cycle_start: datetime, cycle_end: datetime) -> PipelineRun:
        """See `PipelineRunRepository.for_cycle`."""
        wanted = PipelineRun(niche=niche, cycle_start=cycle_start, cycle_end=cycle_end)
        found = self._of_cycle(wanted)
        if not found:
            made = self.add(wanted)
            self._session.guards.append(lambda: self._refuse_second(made))
            return made
        check_same_cycle(found[0], wanted)
        return found[0]

    def in_status(self, status: RunStatus) -> list[PipelineRun]:
        """See `PipelineRunRepository.in_status`."""
        wanted = values.as_member("status", RunStatus, status)
        return self._where(lambda run: run.status == wanted)

    def niches(self) -> list[str]:
        """See `PipelineRunRepository.niches`."""
        return sorted({run.niche for run in self._where(lambda _: True)})

    def latest_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.latest_for`."""
        values.check_text("niche", niche)
        runs = self._where(lambda run: run.niche == niche)
        return max(runs, key=lambda run: (run.cycle_start, run.id), default=None)

    def last_upload_for(self, niche: str) -> PipelineRun | None:
        """See `PipelineRunRepository.last_upload_for`."""
        values.check_text("niche", niche)
        runs = self._where(lambda run: run.niche == niche and run.status == RunStatus.UPLOADED)
        return max(
            runs, key=lambda run: (run.completed_at or values.EARLIEST, run.id), default=None
        )

    def count_by_status(self, niche: str | None = None) -> dict[str, int]:
        """See `PipelineRunRepository.count_by_status`."""
        if niche is not None:
            values.check_text("niche", niche)
        runs = self._where(lambda run: niche is None or run.niche == niche)
        return dict(Counter(str(run.status) for run in runs))

    def _of_cycle(self, wanted: PipelineRun) -> list[PipelineRun]:
        return self._where(lambda run: _cycle(run) == _cycle(wanted))

    def _refuse_second(self, made: PipelineRun) -> None:
        cycle = _cycle(made)
        if self._session.is_there_by_others(self.collection, lambda run: _cycle(run) == cycle):
            raise Conflict(f"pipeline_runs: the cycle of {made.niche} was started by somebody else")


def _cycle(run: PipelineRun) -> tuple[str, datetime]:
    return run.niche, run.cycle_start


@final
class MemoryClipRepository(MemoryRepository[Clip, int], ClipRepository):
    """Clips in memory."""

    collection = "clips"

    def for_run(self, run_id: int, skipped: bool = True) -> list[Clip]:
        """See `ClipRepository.for_run`."""
        check_key("run_id", run_id, is_text=False)
        found = self._where(lambda clip: clip.pipeline_run_id == run_id)
        left_out: frozenset[int] = frozenset()
        if not skipped:
            left_out = skipped_ranks(
                self._session.select("reviews", lambda review: review.pipeline_run_id == run_id)
            )
        kept = [clip for clip in found if clip.rank_position not in left_out]
        return sorted(kept, key=lambda clip: (clip.rank_position, clip.id))


@final
class MemoryScriptRepository(MemoryRepository[Script, int], ScriptRepository):
    """Scripts in memory."""

    collection = "scripts"

    def for_run(self, run_id: int) -> list[Script]:
        """See `ScriptRepository.for_run`."""
        check_key("run_id", run_id, is_text=False)
        found = self._where(lambda script: script.pipeline_run_id == run_id)
        return sorted(found, key=lambda script: (script.generated_at, script.id))

    def newest_for(self, run_id: int) -> Script | None:
        """See `ScriptRepository.newest_for`."""
        return next(reversed(self.for_run(run_id)), None)


@final
class MemoryTTSAudioRepository(MemoryRepository[TTSAudio, int], TTSAudioRepository):
    """Spoken audio in memory."""

    collection = "tts_audio"

    def for_run(self, run_id: int) -> list[TTSAudio]:
        """See `TTSAudioRepository.for_run`."""
        check_key("run_id", run_id, is_text=False)
        found = self._where(lambda audio: audio.pipeline_run_id == run_id)
        return sorted(found, key=lambda audio: (audio.generated_at, audio.id))


@final
class MemoryShortRepository(MemoryRepository[Short, int], ShortRepository):
    """Shorts in memory."""

    collection = "shorts"

    def for_run(self, run_id: int) -> list[Short]:
        """See `ShortRepository.for_run`."""
        check_key("run_id", run_id, is_text=False)
        return self._where(lambda short: short.pipeline_run_id == run_id)

    def in_status(self, status: ShortStatus) -> list[Short]:
        """See `ShortRepository.in_status`."""
        wanted = values.as_member("status", ShortStatus, status)
        return self._where(lambda short: short.status == wanted)


@final
class MemoryAnalyticsRepository(MemoryRepository[Analytics, int], AnalyticsRepository):
    """Readings in memory."""

    collection = "analytics"

    def record_many(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_many`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        columns = checked_columns(list(snapshots), self._now)
        rows = _rows(columns)
        self._insert(rows)
        return len(rows)

    def record_new(self, snapshots: Iterable[Snapshot]) -> int:
        """See `AnalyticsRepository.record_new`."""
        self._session.check_writable()
        values.check_several("snapshots", snapshots)
        wanted: dict[tuple[str, datetime], Analytics] = {}
        for row in _rows(checked_columns(list(snapshots), self._now)):
            wanted.setdefault(_place(row), row)
        stored = {_place(row) for row in self._where(lambda row: _place(row) in wanted)}
        new = [row for place, row in wanted.items() if place not in stored]
        self._insert(new)
        self._session.guards.append(lambda: self._refuse_doubled(new))
        return len(new)

    def latest_for(self, video_ids: Iterable[str]) -> dict[str, Analytics]:
        """See `AnalyticsRepository.latest_for`."""
        values.check_several("video_ids", video_ids)
        wanted = list(video_ids)
        for video_id in wanted:
            values.check_text("video_id", video_id)
        chosen = set(wanted)
        found = self._where(lambda row: row.youtube_video_id in chosen)
        by_time = sorted(found, key=lambda row: (row.measured_at, row.id))
        return {row.youtube_video_id: row for row in by_time}

    def series(
        self, video_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Analytics]:
        """See `AnalyticsRepository.series`."""
        values.check_text("video_id", video_id)
        start = values.EARLIEST if since is None else values.as_instant("since", since)
        end = values.LATEST if until is None else values.as_instant("until", until)
        found = self._where(
            lambda row: row.youtube_video_id == video_id and start <= row.measured_at < end
        )
        return sorted(found, key=lambda row: (row.measured_at, row.id))

    def _refuse_doubled(self, new: list[Analytics]) -> None:
        mine = set(map(_place, new))
        if self._session.is_there_by_others(self.collection, lambda row: _place(row) in mine):
            raise Conflict("analytics: somebody else recorded the same readings")


def _place(row: Analytics) -> tuple[str, datetime]:
    return row.youtube_video_id, row.measured_at


def _rows(columns: dict[str, list[Any]]) -> list[Analytics]:
    by_row = zip(*columns.values(), strict=True)
    return [Analytics(**dict(zip(columns, row, strict=True))) for row in by_row]


@final
class MemoryReviewLogRepository(MemoryRepository[ReviewLog, int], ReviewLogRepository):
    """Reviews in memory."""

    collection = "reviews"

    def for_run(self, run_id: int) -> list[ReviewLog]:
        """See `ReviewLogRepository.for_run`."""
        check_key("run_id", run_id, is_text=False)
        return self._oldest_first(lambda review: review.pipeline_run_id == run_id)

    def open_for(self, run_id: int) -> ReviewLog | None:
        """See `ReviewLogRepository.open_for`."""
        return next((review for review in reversed(self.for_run(run_id)) if review.is_open), None)

    def waiting(self) -> list[ReviewLog]:
        """See `ReviewLogRepository.waiting`."""
        return self._oldest_first(lambda review: review.is_open)

    def hold_overdue(self, limit: timedelta = REVIEW_LIMIT) -> list[ReviewLog]:
        """See `ReviewLogRepository.hold_overdue`."""
        self._session.check_writable()
        now = self._now()
        due = due_before(now, limit)
        overdue = self._oldest_first(lambda review: review.is_open and review.sent_at <= due)
        for review in overdue:
            self._session.reread(self.collection, review)
        unanswered = [review for review in overdue if review.is_open]
        for review in unanswered:
            review.hold_unanswered(now)
        return unanswered

    def _oldest_first(self, condition: Callable[[ReviewLog], bool]) -> list[ReviewLog]:
        return sorted(self._where(condition), key=lambda review: (review.sent_at, review.id))


@final
class MemoryConfigOverrideRepository(
    MemoryRepository[ConfigOverride, str], ConfigOverrideRepository
):
    """Overrides in memory."""

    collection = "config_overrides"

    def set(self, key: str, value: str, updated_by: str = SYSTEM) -> ConfigOverride:
        """See `ConfigOverrideRepository.set`."""
        self._session.check_writable()
        wanted = ConfigOverride(key=key, value=value, updated_at=self._now(), updated_by=updated_by)
        found = self.find(key)
        if found is None:
            return self._insert([wanted])[0]
        self._session.reread(self.collection, found)
        change(found, value=value, updated_at=wanted.updated_at, updated_by=updated_by)
        return found

    def unset(self, key: str) -> bool:
        """See `ConfigOverrideRepository.unset`."""
        found = self.find(key)
        if found is not None:
            self.remove(found)
        return found is not None

    def value(self, key: str) -> str | None:
        """See `ConfigOverrideRepository.value`."""
        found = self.find(key)
        return None if found is None else found.value

    def starting_with(self, prefix: str) -> list[ConfigOverride]:
        """See `ConfigOverrideRepository.starting_with`."""
        check_key("prefix", prefix, is_text=True)
        return self._where(lambda override: override.key.startswith(prefix))


@final
class MemoryErrorLogRepository(MemoryRepository[ErrorLog, int], ErrorLogRepository):
    """Errors in memory."""

    collection = "errors"

    def recent(
        self, limit: int = 20, module: str | None = None, unresolved_only: bool = False
    ) -> list[ErrorLog]:
        """See `ErrorLogRepository.recent`."""
        check_limit(limit)
        if module is not None:
            check_key("module", module, is_text=True)
        found = self._where(
            lambda error: (
                module in (None, error.module) and (error.resolved == 0 or not unresolved_only)
            )
        )
        newest = sorted(found, key=lambda error: (error.occurred_at, error.id), reverse=True)
        return newest[:limit]

    def resolve(self, error_id: int) -> ErrorLog:
        """See `ErrorLogRepository.resolve`."""
        error = self.get(error_id)
        self._session.check_writable()
        error.resolved = 1
        return error

    def count_unresolved(self) -> int:
        """See `ErrorLogRepository.count_unresolved`."""
        return len(self._where(lambda error: error.resolved == 0))
