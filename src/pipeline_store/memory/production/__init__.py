"""The production context in memory: one repository per aggregate, as in the other adapters."""

from pipeline_store.memory.production.analytics import MemoryAnalyticsRepository
from pipeline_store.memory.production.clip import MemoryClipRepository
from pipeline_store.memory.production.config_override import MemoryConfigOverrideRepository
from pipeline_store.memory.production.discovered_video import MemoryDiscoveredVideoRepository
from pipeline_store.memory.production.error_log import MemoryErrorLogRepository
from pipeline_store.memory.production.pipeline_run import MemoryPipelineRunRepository
from pipeline_store.memory.production.review_log import MemoryReviewLogRepository
from pipeline_store.memory.production.script import MemoryScriptRepository
from pipeline_store.memory.production.short import MemoryShortRepository
from pipeline_store.memory.production.tts_audio import MemoryTTSAudioRepository

__all__ = [
    "MemoryAnalyticsRepository",
    "MemoryClipRepository",
    "MemoryConfigOverrideRepository",
    "MemoryDiscoveredVideoRepository",
    "MemoryErrorLogRepository",
    "MemoryPipelineRunRepository",
    "MemoryReviewLogRepository",
    "MemoryScriptRepository",
    "MemoryShortRepository",
    "MemoryTTSAudioRepository",
]
