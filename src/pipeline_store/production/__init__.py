"""One pipeline run and what it leaves behind: ten aggregates and their repositories.

Pure: attrs and the standard library. Nothing here knows how or where the objects are stored.
"""

from pipeline_store.production.analytics import Analytics, AnalyticsRepository, Snapshot
from pipeline_store.production.clip import (
    LONGEST_CLIP_SECONDS,
    Clip,
    ClipRepository,
    ExtractionMethod,
)
from pipeline_store.production.config_override import ConfigOverride, ConfigOverrideRepository
from pipeline_store.production.discovered_video import (
    ContentIdRisk,
    DiscoveredVideo,
    DiscoveredVideoRepository,
    Processed,
    Recorded,
)
from pipeline_store.production.error_log import ErrorLog, ErrorLogRepository
from pipeline_store.production.pipeline_run import (
    DEFAULT_RETRIES,
    RUN_MOVES,
    PipelineRun,
    PipelineRunRepository,
    RunStatus,
)
from pipeline_store.production.review_log import (
    REVIEW_LIMIT,
    ReviewAction,
    ReviewLog,
    ReviewLogRepository,
    skipped_ranks,
)
from pipeline_store.production.script import Script, ScriptRepository
from pipeline_store.production.short import Short, ShortRepository, ShortStatus
from pipeline_store.production.tts_audio import TTSAudio, TTSAudioRepository

__all__ = [
    "DEFAULT_RETRIES",
    "LONGEST_CLIP_SECONDS",
    "REVIEW_LIMIT",
    "RUN_MOVES",
    "Analytics",
    "AnalyticsRepository",
    "Clip",
    "ClipRepository",
    "ConfigOverride",
    "ConfigOverrideRepository",
    "ContentIdRisk",
    "DiscoveredVideo",
    "DiscoveredVideoRepository",
    "ErrorLog",
    "ErrorLogRepository",
    "ExtractionMethod",
    "PipelineRun",
    "PipelineRunRepository",
    "Processed",
    "Recorded",
    "ReviewAction",
    "ReviewLog",
    "ReviewLogRepository",
    "RunStatus",
    "Script",
    "ScriptRepository",
    "Short",
    "ShortRepository",
    "ShortStatus",
    "Snapshot",
    "TTSAudio",
    "TTSAudioRepository",
    "skipped_ranks",
]
