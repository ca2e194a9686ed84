"""Everything that a store holds, to see that nothing was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from pipeline_store.entity import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_store import UnitOfWork

COLLECTIONS = (
    "discovered_videos",
    "pipeline_runs",
    "clips",
    "scripts",
    "tts_audio",
    "shorts",
    "analytics",
    "reviews",
    "config_overrides",
    "errors",
    "channels",
    "videos",
    "jobs",
    "presets",
    "music",
    "channel_statistics",
    "video_statistics",
    "system_configuration",
    "configuration_changes",
    "tasks",
    "task_transitions",
    "quotas",
    "uploads",
)
ROWS_AT_ONCE = 5_000


def everything_in(uow: UnitOfWork) -> dict[str, list[dict[str, Any]]]:
    """All rows of all collections, by key."""
    return {
        name: [
            {field.name: getattr(row, field.name) for field in attrs.fields(type(row))}
            for row in all_of(getattr(uow, name))
        ]
        for name in COLLECTIONS
    }


def all_of(collection: Any) -> Iterator[Any]:
    """Every object of a collection, page by page."""
    after = None
    while page := collection.page(after, ROWS_AT_ONCE):
        yield from page
        after = getattr(page[-1], key_of(type(page[-1])).name)
