"""The channels we feed and how they are doing. Loads no database library."""

from pipeline_store.channels.channel import Channel, ChannelRepository
from pipeline_store.channels.channel_statistics import (
    ChannelStatistics,
    ChannelStatisticsRepository,
)
from pipeline_store.channels.configuration_change import (
    ConfigurationChange,
    ConfigurationChangeRepository,
    ConfigurationLayer,
)
from pipeline_store.channels.music import Music, MusicRepository
from pipeline_store.channels.processing_job import (
    JobStatistics,
    JobStatus,
    JobType,
    ProcessingJob,
    ProcessingJobRepository,
)
from pipeline_store.channels.system_configuration import (
    SystemConfiguration,
    SystemConfigurationRepository,
)
from pipeline_store.channels.transformation_preset import (
    TransformationPreset,
    TransformationPresetRepository,
)
from pipeline_store.channels.video import (
    DownloadStatus,
    PublicationStatus,
    TransformationStatus,
    Video,
    VideoRepository,
    VideoStatus,
)
from pipeline_store.channels.video_statistics import VideoStatistics, VideoStatisticsRepository

__all__ = [
    "Channel",
    "ChannelRepository",
    "ChannelStatistics",
    "ChannelStatisticsRepository",
    "ConfigurationChange",
    "ConfigurationChangeRepository",
    "ConfigurationLayer",
    "DownloadStatus",
    "JobStatistics",
    "JobStatus",
    "JobType",
    "Music",
    "MusicRepository",
    "ProcessingJob",
    "ProcessingJobRepository",
    "PublicationStatus",
    "SystemConfiguration",
    "SystemConfigurationRepository",
    "TransformationPreset",
    "TransformationPresetRepository",
    "TransformationStatus",
    "Video",
    "VideoRepository",
    "VideoStatistics",
    "VideoStatisticsRepository",
    "VideoStatus",
]
