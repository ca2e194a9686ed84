"""The production context on SQL: ten tables, their mappings and repositories.

Importing this package maps the ten classes of `pipeline_store.production`.
"""

from pipeline_store.sql.production.analytics import SqlAnalyticsRepository, analytics
from pipeline_store.sql.production.clip import SqlClipRepository, clips
from pipeline_store.sql.production.config_override import (
    SqlConfigOverrideRepository,
    config_overrides,
)
from pipeline_store.sql.production.discovered_video import (
    SqlDiscoveredVideoRepository,
    discovered_videos,
)
from pipeline_store.sql.production.error_log import SqlErrorLogRepository, error_log
from pipeline_store.sql.production.pipeline_run import SqlPipelineRunRepository, pipeline_runs
from pipeline_store.sql.production.review_log import SqlReviewLogRepository, review_log
from pipeline_store.sql.production.script import SqlScriptRepository, scripts
from pipeline_store.sql.production.short import SqlShortRepository, shorts
from pipeline_store.sql.production.tts_audio import SqlTTSAudioRepository, tts_audio

PRODUCTION_TABLES = (
    discovered_videos,
    pipeline_runs,
    clips,
    scripts,
    tts_audio,
    shorts,
    analytics,
    review_log,
    config_overrides,
    error_log,
)
"""The ten tables, parents before children."""

__all__ = [
    "PRODUCTION_TABLES",
    "SqlAnalyticsRepository",
    "SqlClipRepository",
    "SqlConfigOverrideRepository",
    "SqlDiscoveredVideoRepository",
    "SqlErrorLogRepository",
    "SqlPipelineRunRepository",
    "SqlReviewLogRepository",
    "SqlScriptRepository",
    "SqlShortRepository",
    "SqlTTSAudioRepository",
    "analytics",
    "clips",
    "config_overrides",
    "discovered_videos",
    "error_log",
    "pipeline_runs",
    "review_log",
    "scripts",
    "shorts",
    "tts_audio",
]
