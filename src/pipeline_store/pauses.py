"""The keys under which `config_overrides` keeps what is paused."""

from __future__ import annotations

from typing import Final

PAUSED: Final = "true"
"""The value that pauses; any other does not."""

NICHE_PAUSED: Final = "paused.niche."
"""Before a niche: the pipeline starts no new work for it."""

CHANNEL_PAUSED: Final = "paused.channel."
"""Before a channel's id: none of its tasks is handed out."""

JOBS_PAUSED: Final = "paused.jobs"
"""The whole queue of jobs; with a dot and a type behind it, jobs of that type."""
