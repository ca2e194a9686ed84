"""The channels context in memory."""

from pipeline_store.memory.channels.channel import MemoryChannelRepository
from pipeline_store.memory.channels.channel_statistics import MemoryChannelStatisticsRepository
from pipeline_store.memory.channels.configuration_change import MemoryConfigurationChangeRepository
from pipeline_store.memory.channels.music import MemoryMusicRepository
from pipeline_store.memory.channels.processing_job import MemoryProcessingJobRepository
from pipeline_store.memory.channels.system_configuration import MemorySystemConfigurationRepository
from pipeline_store.memory.channels.transformation_preset import (
    MemoryTransformationPresetRepository,
)
from pipeline_store.memory.channels.video import MemoryVideoRepository
from pipeline_store.memory.channels.video_statistics import MemoryVideoStatisticsRepository

__all__ = [
    "MemoryChannelRepository",
    "MemoryChannelStatisticsRepository",
    "MemoryConfigurationChangeRepository",
    "MemoryMusicRepository",
    "MemoryProcessingJobRepository",
    "MemorySystemConfigurationRepository",
    "MemoryTransformationPresetRepository",
    "MemoryVideoRepository",
    "MemoryVideoStatisticsRepository",
]
