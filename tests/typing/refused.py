"""What type checkers refuse: each line is an error, or its comment is one.

Never run, only checked: a comment that suppresses nothing is reported by both checkers.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline_store.channels import Channel, JobType, ProcessingJob, Video, VideoStatus
from pipeline_store.claim import Claim
from pipeline_store.production import DiscoveredVideo, PipelineRun, Script

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store import AsyncUnitOfWork, Store, UnitOfWork


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


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
    uow.film_statistics  # type: ignore[attr-defined]  # noqa: B018
    uow.clips.for_video(1)  # type: ignore[attr-defined]


def using(video: DiscoveredVideo) -> None:
    """What may be unknown must be looked at first, and fields have types."""
    video.view_count + 1  # type: ignore[operator]
    video.niche = None  # type: ignore[assignment]
    video.processed = "used"  # type: ignore[assignment]
    video.unknown = 1  # type: ignore[attr-defined]


def making_channels(key: UUID) -> None:
    """Keys are UUIDs, and given by the store."""
    Channel(channel_id="a", name="b", id=key)  # type: ignore[call-arg]
    Channel(channel_id="a", name="b", settings=[])  # type: ignore[arg-type]
    ProcessingJob(channel_id="a", job_type=JobType.SCRAPE)  # type: ignore[arg-type]
    ProcessingJob(channel_id=key)  # type: ignore[call-arg]


def asking_channels(uow: UnitOfWork, key: UUID) -> None:
    """A key of one kind is none of another."""
    uow.channels.get("a")  # type: ignore[arg-type]
    uow.channels.get(1)  # type: ignore[arg-type]
    uow.jobs.page(after=1)  # type: ignore[arg-type]
    uow.system_configuration.get(key)  # type: ignore[arg-type]
    uow.video_statistics.latest_for(["a"])  # type: ignore[list-item]
    uow.videos.by_source_url(key)  # type: ignore[call-arg]


def changing_channels(channel: Channel, video: Video) -> None:
    """JSON cannot be changed in place, nor a derived status be assigned."""
    channel.settings["a"] = 1  # type: ignore[index]
    channel.settings.update(a=1)  # type: ignore[attr-defined]
    video.processing_history.append({})  # type: ignore[attr-defined]
    video.status = VideoStatus.FAILED  # type: ignore[misc]
    channel.is_active = 1  # type: ignore[assignment]
    channel.default_preset_id = "a"  # type: ignore[assignment]


def claiming(uow: UnitOfWork, store: Store, claim: Claim[ProcessingJob]) -> None:
    """A claim is of a job, a lease a length of time, and a claim may be None."""
    uow.jobs.claim_next("worker-1", 60)  # type: ignore[arg-type]
    uow.jobs.claim_next("worker-1")  # type: ignore[call-arg]
    uow.jobs.claim_next("worker-1", HOUR).item  # type: ignore[union-attr]  # noqa: B018
    uow.jobs.complete(claim.item)  # type: ignore[arg-type]
    uow.jobs.complete(Claim(item="a", token=1, attempt=1, worker="w", expires_at=NOON))  # type: ignore[arg-type]
    store.claim_next("worker-1", HOUR)  # type: ignore[call-overload]
    claim.token = 2  # type: ignore[misc]


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
    await uow.channels.get("a")  # type: ignore[arg-type]
    await uow.jobs.claim_next("worker-1", 60)  # type: ignore[arg-type]
    uow.channels.active().pop()  # type: ignore[attr-defined]
    uow.scripts.add(script).id  # type: ignore[attr-defined]  # noqa: B018
    uow.clips.for_run(1).pop()  # type: ignore[attr-defined]
