"""What type checkers refuse: each line is an error, or its comment is one.

Never run, only checked: a comment that suppresses nothing is reported by both checkers.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.production import DiscoveredVideo, PipelineRun, Script

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_store import AsyncUnitOfWork, Store, UnitOfWork


def making(noon: datetime) -> None:
    """Objects are made by keyword, with all that is required and nothing unknown."""
    Script()  # type: ignore[call-arg]
    Script(1)  # type: ignore[call-arg]
    Script(pipeline_run_id=1, id=1)  # type: ignore[call-arg]
    Script(pipeline_run_id=1, text="a")  # type: ignore[call-arg]
    Script(pipeline_run_id="1")  # type: ignore[arg-type]
    PipelineRun(niche="a", cycle_start=noon, cycle_end="noon")  # type: ignore[arg-type]


def asking(uow: UnitOfWork) -> None:
    """Questions take their own arguments only."""
    uow.pipeline_runs.get("1")  # type: ignore[arg-type]
    uow.config_overrides.get(1)  # type: ignore[arg-type]
    uow.pipeline_runs.for_cycle("a")  # type: ignore[call-arg]
    uow.clips.for_run(run=1)  # type: ignore[call-arg]
    uow.clips.page(size=5)  # type: ignore[call-arg]
    uow.scripts.add(PipelineRun)  # type: ignore[arg-type]
    uow.analytics.series(video_id=1)  # type: ignore[arg-type]
    uow.channel_statistics  # noqa: B018
    uow.clips.for_video(1)  # type: ignore[attr-defined]


def using(video: DiscoveredVideo) -> None:
    """What may be unknown must be looked at first, and fields have types."""
    video.view_count + 1  # type: ignore[operator]
    video.niche = None  # type: ignore[assignment]
    video.processed = "used"  # type: ignore[assignment]
    video.unknown = 1  # type: ignore[attr-defined]


def opening(store: Store) -> None:
    """A store's options are keywords."""
    store.unit_of_work(True)  # type: ignore[call-arg]  # noqa: FBT003
    store.unit_of_work(readonly=True)  # type: ignore[call-arg]


async def awaiting(uow: AsyncUnitOfWork, script: Script) -> None:
    """Awaited calls take the same arguments, and what they return must be awaited."""
    await uow.pipeline_runs.for_cycle("a")  # type: ignore[call-arg]
    await uow.clips.for_run(run=1)  # type: ignore[call-arg]
    await uow.scripts.add(1)  # type: ignore[arg-type]
    await uow.config_overrides.get(1)  # type: ignore[arg-type]
    uow.scripts.add(script).id  # type: ignore[attr-defined]  # noqa: B018
    uow.clips.for_run(1).pop()  # type: ignore[attr-defined]
