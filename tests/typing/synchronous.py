"""What type checkers know of the synchronous store; never run, only checked."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, assert_type
from uuid import UUID

from pipeline_store import Store, UnitOfWork, open_store
from pipeline_store.channels import (
    Channel,
    ChannelStatistics,
    ConfigurationChange,
    JobStatistics,
    JobStatus,
    JobType,
    Music,
    ProcessingJob,
    SystemConfiguration,
    TransformationPreset,
    Video,
    VideoStatistics,
    VideoStatus,
)
from pipeline_store.claim import Claim
from pipeline_store.production import (
    Analytics,
    Clip,
    ConfigOverride,
    DiscoveredVideo,
    ErrorLog,
    PipelineRun,
    Processed,
    Recorded,
    ReviewLog,
    RunStatus,
    Script,
    Short,
    TTSAudio,
)
from pipeline_store.services import reviews
from pipeline_store.services.work import Result, Work, Worker
from pipeline_store.tasks import PendingReview, Task, TaskStatus, TaskTransition

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def readme_example(text: str) -> None:
    """The example of the README."""
    store = open_store("sqlite:///first.db")
    assert_type(store, Store)
    store.upgrade()
    with store.unit_of_work() as uow:
        assert_type(uow, UnitOfWork)
        run = uow.pipeline_runs.for_cycle("gaming", NOON, NOON + timedelta(hours=6))
        assert_type(run, PipelineRun)
        assert_type(run.id, int)
        assert_type(run.status, RunStatus)
        script = uow.scripts.add(Script(pipeline_run_id=run.id, full_script_json=text))
        assert_type(script, Script)
        uow.commit()
    with store.unit_of_work(read_only=True) as uow:
        assert_type(uow.pipeline_runs.in_status(RunStatus.REVIEW), list[PipelineRun])
    store.close()


def collections(uow: UnitOfWork) -> None:
    """What the collections return."""
    assert_type(uow.discovered_videos.get(1), DiscoveredVideo)
    assert_type(uow.pipeline_runs.find(1), PipelineRun | None)
    assert_type(uow.clips.for_run(1, skipped=False), list[Clip])
    assert_type(uow.scripts.newest_for(1), Script | None)
    assert_type(uow.tts_audio.page(after=1, limit=5), list[TTSAudio])
    assert_type(uow.shorts.add_many([Short(pipeline_run_id=1)]), list[Short])
    assert_type(uow.analytics.latest_for(["v"]), dict[str, Analytics])
    assert_type(uow.analytics.series("v", since=NOON), list[Analytics])
    assert_type(uow.reviews.hold_overdue(), list[ReviewLog])
    assert_type(uow.config_overrides.get("a"), ConfigOverride)
    assert_type(uow.config_overrides.value("a"), str | None)
    assert_type(uow.errors.recent(module="render"), list[ErrorLog])
    assert_type(uow.errors.count(), int)


def fields(video: DiscoveredVideo) -> None:
    """What the fields are."""
    assert_type(video.view_count, int | None)
    assert_type(video.niche, str)
    assert_type(video.processed, Processed)
    assert_type(video.discovered_at, datetime)


def channel_collections(uow: UnitOfWork, key: UUID) -> None:
    """What the collections of channels return: their keys are UUIDs, but for settings."""
    assert_type(uow.channels.get(key), Channel)
    assert_type(uow.channels.find(key), Channel | None)
    assert_type(uow.channels.by_channel_id("a"), Channel | None)
    assert_type(uow.videos.for_channel(key, limit=5), list[Video])
    assert_type(uow.videos.page(after=key), list[Video])
    assert_type(uow.presets.make_default(key), TransformationPreset)
    assert_type(uow.music.least_used(3), list[Music])
    assert_type(uow.channel_statistics.latest_for([key]), dict[UUID, ChannelStatistics])
    assert_type(uow.video_statistics.series(key, since=NOON), list[VideoStatistics])
    assert_type(uow.system_configuration.set("a", {"b": 1}), SystemConfiguration)
    assert_type(uow.system_configuration.get("a"), SystemConfiguration)
    assert_type(uow.configuration_changes.recent("a"), list[ConfigurationChange])


def channel_fields(channel: Channel, video: Video, job: ProcessingJob) -> None:
    """What the fields are; JSON is what can be read, not what can be changed."""
    assert_type(channel.id, UUID)
    assert_type(channel.is_active, bool)
    assert_type(channel.settings, Mapping[str, Any])
    assert_type(channel.credentials, Mapping[str, Any] | None)
    assert_type(channel.default_preset_id, UUID | None)
    channel.settings = {**channel.settings, "posting_frequency": 3}
    assert_type(video.processing_history, Sequence[Any])
    assert_type(video.status, VideoStatus)
    assert_type(job.status, JobStatus)
    assert_type(job.video_id, UUID | None)
    assert_type(SystemConfiguration(key="a", value=None).key, str)


def claims(uow: UnitOfWork, store: Store) -> None:
    """What a claim is, from a unit of work and from the store itself."""
    hour = timedelta(hours=1)
    claim = uow.jobs.claim_next("worker-1", hour, [JobType.DOWNLOAD])
    assert_type(claim, Claim[ProcessingJob] | None)
    if claim is not None:
        assert_type(claim.item, ProcessingJob)
        assert_type(claim.token, int)
        assert_type(claim.expires_at, datetime)
        assert_type(uow.jobs.heartbeat(claim, hour), Claim[ProcessingJob])
        uow.jobs.fail(claim, "no space left", {"free": 0}, permanent=True)
    assert_type(uow.jobs.claim_batch("worker-1", 5, hour), list[Claim[ProcessingJob]])
    assert_type(uow.jobs.statistics(JobType.PUBLISH), JobStatistics)
    assert_type(uow.jobs.statistics().counts, Mapping[JobStatus, int])
    assert_type(store.claim_next("worker-1", lease=hour), Claim[ProcessingJob] | None)
    claims = store.claim_batch("worker-1", 5, lease=hour)
    assert_type(claims, list[Claim[ProcessingJob]])
    store.complete_many(claims)


def tasks(uow: UnitOfWork, store: Store, key: UUID) -> None:
    """What the collection of tasks returns, and what a claim of one is."""
    hour = timedelta(hours=1)
    assert_type(uow.tasks.by_notion_page_id("a"), Task | None)
    assert_type(uow.tasks.count_by_status(key), dict[TaskStatus, int])
    assert_type(uow.tasks.count_held(key), int)
    assert_type(uow.tasks.pending_reviews(), list[PendingReview])
    assert_type(uow.tasks.history(key), list[TaskTransition])
    assert_type(uow.tasks.approve(key, "ann", review=1), Task)
    claim = uow.tasks.claim_next("w1", hour, [TaskStatus.QUEUED])
    assert_type(claim, Claim[Task] | None)
    if claim is not None:
        assert_type(uow.tasks.advance(claim, TaskStatus.GENERATING_ASSETS), Task)
        assert_type(uow.tasks.heartbeat(claim, hour), Claim[Task])
        assert_type(uow.tasks.fail(claim, "no space left"), Task)
    assert_type(uow.tasks.claim_batch("w1", 5, hour), list[Claim[Task]])
    assert_type(store.claim_next("w1", lease=hour, queue="tasks"), Claim[Task] | None)
    claims = store.claim_batch("w1", 5, lease=hour, queue="tasks", most_attempts=3)
    assert_type(claims, list[Claim[Task]])
    store.complete_many(claims)


def readings() -> Iterator[dict[str, object]]:
    """Readings as mappings."""
    yield {"youtube_video_id": "v", "view_count": 1}


def bulk(uow: UnitOfWork, store: Store) -> None:
    """What bulk calls take: objects and mappings, from any iterable."""
    assert_type(uow.analytics.record_many(readings()), int)
    assert_type(uow.analytics.record_new([Analytics(youtube_video_id="v")]), int)
    assert_type(uow.tasks.enqueue(iter(())), int)
    assert_type(store.enqueue([]), int)
    recorded = uow.discovered_videos.record_many(iter(()))
    assert_type(recorded, Recorded)
    assert_type(recorded.made, int)


def service(uow: UnitOfWork) -> None:
    """Services take a unit of work."""
    assert_type(reviews.request(uow, 1), ReviewLog)
    for waiting in reviews.queue(uow):
        assert_type(waiting.run, PipelineRun)
        assert_type(reviews.approve(uow, waiting.run.id), ReviewLog)


def workers(store: Store) -> None:
    """A store serves a worker; what its handlers return says what is written."""

    def make(work: Work) -> Result:
        assert_type(work.task, Task)
        assert_type(work.lost, threading.Event)

        def write(uow: UnitOfWork) -> TaskStatus | None:
            uow.tasks.get(work.task.id).youtube_url = "https://example.org/1"
            return None

        return write

    worker = Worker(store, {TaskStatus.GENERATING_VIDEO: make}, poll=timedelta(seconds=5))
    assert_type(worker.run_until_idle(), int)
    with store.wakeups() as wakeups:
        assert_type(wakeups.wait(timedelta(seconds=1)), bool)
