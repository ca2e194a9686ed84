"""What type checkers know of the awaited store; never run, only checked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import assert_type
from uuid import UUID

from pipeline_store import AsyncStore, AsyncUnitOfWork, UnitOfWork, open_async_store
from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ConfigurationChange,
    JobStatistics,
    Music,
    ProcessingJob,
    SystemConfiguration,
    TransformationPreset,
    Video,
    VideoStatistics,
)
from pipeline_store.claim import Claim
from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    Recorded,
    ReviewLog,
    RunStatus,
    Script,
    Short,
    TTSAudio,
)
from pipeline_store.services.async_work import AsyncHandler, AsyncWork, AsyncWorker
from pipeline_store.tasks import PendingReview, Task, TaskStatus, TaskTransition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def count_runs(uow: UnitOfWork, niche: str) -> int:
    """A synchronous service."""
    return len(uow.pipeline_runs.in_status(RunStatus.REVIEW)) + len(niche)


async def example(text: str) -> None:
    """The same example, awaited."""
    store = open_async_store("sqlite:///first.db")
    assert_type(store, AsyncStore)
    await store.upgrade()
    async with store.unit_of_work() as uow:
        assert_type(uow, AsyncUnitOfWork)
        run = await uow.pipeline_runs.for_cycle("gaming", NOON, NOON + timedelta(hours=6))
        assert_type(run, PipelineRun)
        script = await uow.scripts.add(Script(pipeline_run_id=run.id, full_script_json=text))
        assert_type(script, Script)
        assert_type(uow.now(), datetime)
        assert_type(await uow.run(count_runs, "gaming"), int)
        await uow.commit()
    assert_type(await store.run(count_runs, niche="gaming"), int)
    assert_type(await store.current(), str | None)
    await store.close()


async def collections(uow: AsyncUnitOfWork) -> None:
    """What the awaited collections return: concrete types, none of them Any."""
    assert_type(await uow.discovered_videos.get(1), DiscoveredVideo)
    assert_type(await uow.discovered_videos.by_video_id("v"), DiscoveredVideo | None)
    assert_type(await uow.discovered_videos.record_many([]), Recorded)
    assert_type(await uow.pipeline_runs.find(1), PipelineRun | None)
    assert_type(await uow.pipeline_runs.count_by_status(), dict[str, int])
    assert_type(await uow.clips.for_run(1, skipped=False), list[Clip])
    assert_type(await uow.scripts.newest_for(1), Script | None)
    assert_type(await uow.tts_audio.page(after=1, limit=5), list[TTSAudio])
    assert_type(await uow.shorts.add_many([Short(pipeline_run_id=1)]), list[Short])
    assert_type(await uow.analytics.latest_for(["v"]), dict[str, Analytics])
    assert_type(await uow.analytics.record_many([{"youtube_video_id": "v"}]), int)
    assert_type(await uow.reviews.hold_overdue(), list[ReviewLog])
    assert_type(await uow.config_overrides.get("a"), ConfigOverride)
    assert_type(await uow.config_overrides.set("a", "1"), ConfigOverride)
    assert_type(await uow.errors.recent(module="render"), list[ErrorLog])
    assert_type(await uow.errors.count(), int)


async def channel_collections(uow: AsyncUnitOfWork, key: UUID) -> None:
    """What the awaited collections of channels return."""
    assert_type(await uow.channels.get(key), Channel)
    assert_type(await uow.channels.active(), list[Channel])
    assert_type(await uow.videos.by_source_url(key, "https://example.org"), Video | None)
    assert_type(await uow.presets.default(), TransformationPreset | None)
    assert_type(await uow.music.record_use(key), Music)
    assert_type(await uow.channel_statistics.latest_for([key]), dict[UUID, ChannelStatistics])
    assert_type(await uow.video_statistics.record_new([]), int)
    assert_type(await uow.video_statistics.find(key), VideoStatistics | None)
    assert_type(await uow.system_configuration.all(), list[SystemConfiguration])
    assert_type(await uow.configuration_changes.recent(limit=5), list[ConfigurationChange])


async def claims(uow: AsyncUnitOfWork, store: AsyncStore) -> None:
    """What a claim is, awaited."""
    hour = timedelta(hours=1)
    assert_type(await uow.jobs.claim_next("worker-1", hour), Claim[ProcessingJob] | None)
    assert_type(await uow.jobs.statistics(), JobStatistics)
    claims = await store.claim_batch("worker-1", 5, lease=hour)
    assert_type(claims, list[Claim[ProcessingJob]])
    assert_type(await uow.jobs.heartbeat(claims[0], hour), Claim[ProcessingJob])
    await store.complete(claims[0])
    assert_type(await uow.tasks.enqueue([]), int)
    assert_type(await store.enqueue(iter(())), int)


async def documentaries(uow: AsyncUnitOfWork, store: AsyncStore, key: UUID) -> None:
    """What the awaited collection of tasks returns, and what a claim of one is."""
    hour = timedelta(hours=1)
    assert_type(await uow.tasks.in_status(TaskStatus.QUEUED), list[Task])
    assert_type(await uow.tasks.pending_reviews(), list[PendingReview])
    assert_type(await uow.tasks.history(key), list[TaskTransition])
    assert_type(await uow.tasks.retry(key, "ann"), Task)
    assert_type(await uow.tasks.claim_next("w1", hour), Claim[Task] | None)
    claims = await store.claim_batch("w1", 5, lease=hour, queue="tasks")
    assert_type(claims, list[Claim[Task]])
    assert_type(await uow.tasks.heartbeat(claims[0], hour), Claim[Task])
    await store.complete(claims[0])


async def tasks(store: AsyncStore) -> None:
    """Awaited calls are coroutines, which make tasks."""
    async with store.unit_of_work(read_only=True) as uow:
        assert_type(
            await asyncio.create_task(uow.pipeline_runs.latest_for("a")), PipelineRun | None
        )
        assert_type(await asyncio.wait_for(uow.errors.count_unresolved(), 5), int)


async def workers(store: AsyncStore) -> None:
    """A store serves an awaited worker, with handlers that are awaited or not."""

    async def make(work: AsyncWork) -> TaskStatus:
        assert_type(work.lost, asyncio.Event)
        assert_type(work.claim, Claim[Task])
        return TaskStatus.ASSETS_READY

    def upload(work: AsyncWork) -> None:
        assert_type(work.stage, TaskStatus)

    handlers: dict[TaskStatus, AsyncHandler] = {
        TaskStatus.GENERATING_ASSETS: make,
        TaskStatus.UPLOADING: upload,
    }
    worker = AsyncWorker(store, handlers, name="worker-1", lease=timedelta(minutes=1))
    assert_type(await worker.run_until_idle(), int)
    assert_type(await AsyncWorker(store, make).run_once(), bool)
    async with store.wakeups() as wakeups:
        assert_type(await wakeups.wait(timedelta(seconds=1)), bool)
