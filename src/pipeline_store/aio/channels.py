"""The channels context, awaited: one line for each method of the ports."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pipeline_store.aio.lifting import awaits
from pipeline_store.aio.repository import AsyncRepository
from pipeline_store.channels import (
    Channel,
    ChannelRepository,
    ChannelStatistics,
    ChannelStatisticsRepository,
    ConfigurationChange,
    ConfigurationChangeRepository,
    Music,
    MusicRepository,
    ProcessingJob,
    ProcessingJobRepository,
    SystemConfiguration,
    SystemConfigurationRepository,
    TransformationPreset,
    TransformationPresetRepository,
    Video,
    VideoRepository,
    VideoStatistics,
    VideoStatisticsRepository,
)


@final
class AsyncChannelRepository(AsyncRepository[Channel, UUID]):
    """`ChannelRepository`, awaited."""

    by_channel_id = awaits(ChannelRepository.by_channel_id)
    by_youtube_channel_id = awaits(ChannelRepository.by_youtube_channel_id)
    active = awaits(ChannelRepository.active)


@final
class AsyncVideoRepository(AsyncRepository[Video, UUID]):
    """`VideoRepository`, awaited."""

    by_source_url = awaits(VideoRepository.by_source_url)
    by_youtube_video_id = awaits(VideoRepository.by_youtube_video_id)
    for_channel = awaits(VideoRepository.for_channel)
    count_by_status = awaits(VideoRepository.count_by_status)
    due_for_publication = awaits(VideoRepository.due_for_publication)


@final
class AsyncProcessingJobRepository(AsyncRepository[ProcessingJob, UUID]):
    """`ProcessingJobRepository`, awaited."""

    claim_next = awaits(ProcessingJobRepository.claim_next)
    claim_batch = awaits(ProcessingJobRepository.claim_batch)
    heartbeat = awaits(ProcessingJobRepository.heartbeat)
    complete = awaits(ProcessingJobRepository.complete)
    complete_many = awaits(ProcessingJobRepository.complete_many)
    fail = awaits(ProcessingJobRepository.fail)
    release = awaits(ProcessingJobRepository.release)
    retry = awaits(ProcessingJobRepository.retry)
    pause = awaits(ProcessingJobRepository.pause)
    resume = awaits(ProcessingJobRepository.resume)
    paused = awaits(ProcessingJobRepository.paused)
    in_status = awaits(ProcessingJobRepository.in_status)
    count_by_channel = awaits(ProcessingJobRepository.count_by_channel)
    statistics = awaits(ProcessingJobRepository.statistics)


@final
class AsyncTransformationPresetRepository(AsyncRepository[TransformationPreset, UUID]):
    """`TransformationPresetRepository`, awaited."""

    by_name = awaits(TransformationPresetRepository.by_name)
    active = awaits(TransformationPresetRepository.active)
    default = awaits(TransformationPresetRepository.default)
    make_default = awaits(TransformationPresetRepository.make_default)


@final
class AsyncMusicRepository(AsyncRepository[Music, UUID]):
    """`MusicRepository`, awaited."""

    by_spotify_track_id = awaits(MusicRepository.by_spotify_track_id)
    least_used = awaits(MusicRepository.least_used)
    record_use = awaits(MusicRepository.record_use)


@final
class AsyncChannelStatisticsRepository(AsyncRepository[ChannelStatistics, UUID]):
    """`ChannelStatisticsRepository`, awaited."""

    record_new = awaits(ChannelStatisticsRepository.record_new)
    latest_for = awaits(ChannelStatisticsRepository.latest_for)
    series = awaits(ChannelStatisticsRepository.series)


@final
class AsyncVideoStatisticsRepository(AsyncRepository[VideoStatistics, UUID]):
    """`VideoStatisticsRepository`, awaited."""

    record_new = awaits(VideoStatisticsRepository.record_new)
    latest_for = awaits(VideoStatisticsRepository.latest_for)
    series = awaits(VideoStatisticsRepository.series)


@final
class AsyncSystemConfigurationRepository(AsyncRepository[SystemConfiguration, str]):
    """`SystemConfigurationRepository`, awaited."""

    set = awaits(SystemConfigurationRepository.set)
    unset = awaits(SystemConfigurationRepository.unset)
    all = awaits(SystemConfigurationRepository.all)


@final
class AsyncConfigurationChangeRepository(AsyncRepository[ConfigurationChange, UUID]):
    """`ConfigurationChangeRepository`, awaited."""

    recent = awaits(ConfigurationChangeRepository.recent)
