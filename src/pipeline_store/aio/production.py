"""The production context, awaited: one line for each method of the ports."""

from __future__ import annotations

from typing import final

from pipeline_store.aio.lifting import awaits
from pipeline_store.aio.repository import AsyncRepository
from pipeline_store.production import (
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
    ReviewLog,
    ReviewLogRepository,
    Script,
    ScriptRepository,
    Short,
    ShortRepository,
    TTSAudio,
    TTSAudioRepository,
)


@final
class AsyncDiscoveredVideoRepository(AsyncRepository[DiscoveredVideo, int]):
    """`DiscoveredVideoRepository`, awaited."""

    record = awaits(DiscoveredVideoRepository.record)
    record_many = awaits(DiscoveredVideoRepository.record_many)
    by_video_id = awaits(DiscoveredVideoRepository.by_video_id)
    by_video_ids = awaits(DiscoveredVideoRepository.by_video_ids)
    pending = awaits(DiscoveredVideoRepository.pending)
    count_pending = awaits(DiscoveredVideoRepository.count_pending)
    mark = awaits(DiscoveredVideoRepository.mark)
    niches = awaits(DiscoveredVideoRepository.niches)


@final
class AsyncPipelineRunRepository(AsyncRepository[PipelineRun, int]):
    """`PipelineRunRepository`, awaited."""

    for_cycle = awaits(PipelineRunRepository.for_cycle)
    check_unchanged = awaits(PipelineRunRepository.check_unchanged)
    in_status = awaits(PipelineRunRepository.in_status)
    niches = awaits(PipelineRunRepository.niches)
    latest_for = awaits(PipelineRunRepository.latest_for)
    last_upload_for = awaits(PipelineRunRepository.last_upload_for)
    count_by_status = awaits(PipelineRunRepository.count_by_status)


@final
class AsyncClipRepository(AsyncRepository[Clip, int]):
    """`ClipRepository`, awaited."""

    for_run = awaits(ClipRepository.for_run)


@final
class AsyncScriptRepository(AsyncRepository[Script, int]):
    """`ScriptRepository`, awaited."""

    for_run = awaits(ScriptRepository.for_run)
    newest_for = awaits(ScriptRepository.newest_for)


@final
class AsyncTTSAudioRepository(AsyncRepository[TTSAudio, int]):
    """`TTSAudioRepository`, awaited."""

    for_run = awaits(TTSAudioRepository.for_run)


@final
class AsyncShortRepository(AsyncRepository[Short, int]):
    """`ShortRepository`, awaited."""

    for_run = awaits(ShortRepository.for_run)
    in_status = awaits(ShortRepository.in_status)


@final
class AsyncAnalyticsRepository(AsyncRepository[Analytics, int]):
    """`AnalyticsRepository`, awaited."""

    record_many = awaits(AnalyticsRepository.record_many)
    record_new = awaits(AnalyticsRepository.record_new)
    latest_for = awaits(AnalyticsRepository.latest_for)
    series = awaits(AnalyticsRepository.series)


@final
class AsyncReviewLogRepository(AsyncRepository[ReviewLog, int]):
    """`ReviewLogRepository`, awaited."""

    for_run = awaits(ReviewLogRepository.for_run)
    open_for = awaits(ReviewLogRepository.open_for)
    waiting = awaits(ReviewLogRepository.waiting)
    hold_overdue = awaits(ReviewLogRepository.hold_overdue)


@final
class AsyncConfigOverrideRepository(AsyncRepository[ConfigOverride, str]):
    """`ConfigOverrideRepository`, awaited."""

    set = awaits(ConfigOverrideRepository.set)
    unset = awaits(ConfigOverrideRepository.unset)
    value = awaits(ConfigOverrideRepository.value)
    starting_with = awaits(ConfigOverrideRepository.starting_with)


@final
class AsyncErrorLogRepository(AsyncRepository[ErrorLog, int]):
    """`ErrorLogRepository`, awaited."""

    recent = awaits(ErrorLogRepository.recent)
    resolve = awaits(ErrorLogRepository.resolve)
    count_unresolved = awaits(ErrorLogRepository.count_unresolved)
