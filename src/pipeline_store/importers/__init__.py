"""Reading real files about videos: trending lists, dumps of yt-dlp, responses of YouTube's API.

Readers yield one outcome for every row, lazily where the format allows it: a reading, or why there
is none. They know no store; what becomes of a reading there is decided by the service that asks.
"""

from __future__ import annotations

from pipeline_store.importers.categories import category_file_beside, read_category_file
from pipeline_store.importers.importing import (
    import_trending,
    import_youtube_api,
    import_yt_dlp,
)
from pipeline_store.importers.niches import (
    UNCATEGORISED,
    NicheRules,
    parse_niche_pairs,
    read_niche_map,
)
from pipeline_store.importers.reading import Ignored, Outcome, Place, Refusal, VideoReading
from pipeline_store.importers.summary import FileSummary, ReasonCount
from pipeline_store.importers.trending import read_trending_file
from pipeline_store.importers.youtube_api import (
    ApiReadings,
    JoinedReading,
    read_youtube_api_files,
)
from pipeline_store.importers.yt_dlp import read_yt_dlp_file

__all__ = [
    "UNCATEGORISED",
    "ApiReadings",
    "FileSummary",
    "Ignored",
    "JoinedReading",
    "NicheRules",
    "Outcome",
    "Place",
    "ReasonCount",
    "Refusal",
    "VideoReading",
    "category_file_beside",
    "import_trending",
    "import_youtube_api",
    "import_yt_dlp",
    "parse_niche_pairs",
    "read_category_file",
    "read_niche_map",
    "read_trending_file",
    "read_youtube_api_files",
    "read_yt_dlp_file",
]
