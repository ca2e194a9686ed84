"""The channels context on SQL: its tables, their mappings and repositories.

Importing this package maps the classes of `pipeline_store.channels`.
"""

from pipeline_store.sql.channels.channel import SqlChannelRepository, channels
from pipeline_store.sql.channels.channel_statistics import (
    SqlChannelStatisticsRepository,
    channel_statistics,
)
from pipeline_store.sql.channels.configuration_change import (
    SqlConfigurationChangeRepository,
    configuration_changes,
)
from pipeline_store.sql.channels.job_statements import video_processing_jobs
from pipeline_store.sql.channels.music import SqlMusicRepository, music
from pipeline_store.sql.channels.processing_job import SqlProcessingJobRepository
from pipeline_store.sql.channels.system_configuration import (
    SqlSystemConfigurationRepository,
    system_configuration,
)
from pipeline_store.sql.channels.transformation_preset import (
    SqlTransformationPresetRepository,
    transformation_presets,
)
from pipeline_store.sql.channels.video import SqlVideoRepository, videos
from pipeline_store.sql.channels.video_statistics import (
    SqlVideoStatisticsRepository,
    video_statistics,
)

CHANNELS_TABLES = (
    transformation_presets,
    music,
    channels,
    videos,
    video_processing_jobs,
    channel_statistics,
    video_statistics,
    system_configuration,
    configuration_changes,
)
"""The nine tables, parents before children."""

__all__ = [
    "CHANNELS_TABLES",
    "SqlChannelRepository",
    "SqlChannelStatisticsRepository",
    "SqlConfigurationChangeRepository",
    "SqlMusicRepository",
    "SqlProcessingJobRepository",
    "SqlSystemConfigurationRepository",
    "SqlTransformationPresetRepository",
    "SqlVideoRepository",
    "SqlVideoStatisticsRepository",
    "channel_statistics",
    "channels",
    "configuration_changes",
    "music",
    "system_configuration",
    "transformation_presets",
    "video_processing_jobs",
    "video_statistics",
    "videos",
]
