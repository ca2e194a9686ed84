"""Every method is known to read or to write, and none writes in a read-only unit of work."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from pipeline_store.claim import Claim
from pipeline_store.errors import ReadOnly
from pipeline_store.tasks import YOUTUBE_POOL, TaskStatus
from pipeline_store.unit_of_work import Collections
from tests.integration.contract.in_turn import in_turn
from tests.integration.contract.samples import (
    COLLECTIONS,
    EARLY,
    LATE,
    OF_CHANNELS,
    OF_TASKS,
    Parents,
    add_parents,
    content,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store import Store, UnitOfWork

HOUR = timedelta(hours=1)

READS = {
    "analytics": {"latest_for", "series"},
    "channel_statistics": {"latest_for", "series"},
    "channels": {"active", "by_channel_id", "by_youtube_channel_id"},
    "clips": {"for_run"},
    "config_overrides": {"starting_with", "value"},
    "configuration_changes": {"recent"},
    "discovered_videos": {
        "by_video_id",
        "by_video_ids",
        "count_pending",
        "niches",
        "pending",
    },
    "errors": {"count_unresolved", "recent"},
    "jobs": {"count_by_channel", "in_status", "paused", "statistics"},
    "music": {"by_spotify_track_id", "least_used"},
    "pipeline_runs": {"count_by_status", "in_status", "last_upload_for", "latest_for", "niches"},
    "presets": {"active", "by_name", "default"},
    "quotas": {"account", "accounts", "costs", "limits"},
    "reviews": {"for_run", "open_for", "waiting"},
    "scripts": {"for_run", "newest_for"},
    "shorts": {"for_run", "in_status"},
    "system_configuration": {"all"},
    "task_transitions": {"for_task"},
    "tasks": {
        "by_notion_page_id",
        "count_by_status",
        "count_held",
        "for_channel",
        "history",
        "in_status",
        "pending_reviews",
    },
    "tts_audio": {"for_run"},
    "uploads": {"for_task", "of_content", "unresolved"},
    "video_statistics": {"latest_for", "series"},
    "videos": {
        "by_source_url",
        "by_youtube_video_id",
        "count_by_status",
        "due_for_publication",
        "for_channel",
    },
}
"""Beside `get`, `find`, `count` and `page`."""


class Stored:
    """Keys and objects that the writes below can be tried on."""

    def __init__(
        self, parents: Parents, job: Any, task: Any, reservation: Any, upload: Any
    ) -> None:
        self.reservation, self.upload = reservation, upload
        self.parents = parents
        self.claim, self.task_claim = (
            Claim(item=item, token=item.lease_token, attempt=1, worker="worker-1", expires_at=LATE)
            for item in (job, task)
        )
        self.task = task


WRITES: dict[str, dict[str, Callable[[UnitOfWork, Stored], Any]]] = {
    "analytics": {
        "record_many": lambda uow, _: uow.analytics.record_many([{"youtube_video_id": "v"}]),
        "record_new": lambda uow, _: uow.analytics.record_new([{"youtube_video_id": "v"}]),
    },
    "channel_statistics": {
        "record_new": lambda uow, stored: uow.channel_statistics.record_new(
            [sample("channel_statistics", stored.parents)]
        ),
    },
    "config_overrides": {
        "set": lambda uow, _: uow.config_overrides.set("a", "1"),
        "unset": lambda uow, _: uow.config_overrides.unset("paused.jobs"),
    },
    "discovered_videos": {
        "mark": lambda uow, _: uow.discovered_videos.mark("video-90001", 1),  # type: ignore[arg-type]
        "record": lambda uow, _: uow.discovered_videos.record(sample("discovered_videos")),
        "record_many": lambda uow, _: uow.discovered_videos.record_many(
            [sample("discovered_videos")]
        ),
    },
    "errors": {"resolve": lambda uow, _: uow.errors.resolve(1)},
    "jobs": {
        "claim_next": lambda uow, _: uow.jobs.claim_next("worker-1", HOUR),
        "claim_batch": lambda uow, _: uow.jobs.claim_batch("worker-1", 5, HOUR),
        "heartbeat": lambda uow, stored: uow.jobs.heartbeat(stored.claim, HOUR),
        "complete": lambda uow, stored: uow.jobs.complete(stored.claim),
        "complete_many": lambda uow, stored: uow.jobs.complete_many([stored.claim]),
        "fail": lambda uow, stored: uow.jobs.fail(stored.claim, "no space left"),
        "release": lambda uow, stored: uow.jobs.release(stored.claim),
        "retry": lambda uow, stored: uow.jobs.retry(stored.claim.item.id),
        "pause": lambda uow, _: uow.jobs.pause("download"),  # type: ignore[arg-type]
        "resume": lambda uow, _: uow.jobs.resume(),
    },
    "music": {"record_use": lambda uow, stored: uow.music.record_use(stored.parents.music)},
    "pipeline_runs": {
        "check_unchanged": lambda uow, stored: uow.pipeline_runs.check_unchanged(
            uow.pipeline_runs.get(stored.parents.run)
        ),
        "for_cycle": lambda uow, _: uow.pipeline_runs.for_cycle("a", EARLY, LATE),
    },
    "presets": {
        "make_default": lambda uow, stored: uow.presets.make_default(stored.parents.preset)
    },
    "quotas": {
        "reserve": lambda uow, _: uow.quotas.reserve("default", "youtube_uploads", 1),
        "reserve_for": lambda uow, _: uow.quotas.reserve_for("default", "nothing"),
        "commit": lambda uow, stored: uow.quotas.commit(stored.reservation),
        "refund": lambda uow, stored: uow.quotas.refund(stored.reservation),
        "set_limit": lambda uow, _: uow.quotas.set_limit("default", "tokens", 1),
        "remove_limit": lambda uow, _: uow.quotas.remove_limit("default", "tokens"),
        "set_cost": lambda uow, _: uow.quotas.set_cost("uploading", "tokens", 0),
        "use_plan": lambda uow, _: uow.quotas.use_plan(YOUTUBE_POOL),
    },
    "reviews": {"hold_overdue": lambda uow, _: uow.reviews.hold_overdue()},
    "system_configuration": {
        "set": lambda uow, _: uow.system_configuration.set("a", 1),
        "unset": lambda uow, _: uow.system_configuration.unset("setting-00001"),
    },
    "tasks": {
        "enqueue": lambda uow, stored: uow.tasks.enqueue([sample("tasks", stored.parents, 7)]),
        "advance": lambda uow, stored: uow.tasks.advance(stored.task, TaskStatus.VIDEO_READY),
        "claim_next": lambda uow, _: uow.tasks.claim_next("worker-1", HOUR),
        "claim_batch": lambda uow, _: uow.tasks.claim_batch("worker-1", 5, HOUR),
        "heartbeat": lambda uow, stored: uow.tasks.heartbeat(stored.task_claim, HOUR),
        "complete": lambda uow, stored: uow.tasks.complete(stored.task_claim),
        "complete_many": lambda uow, stored: uow.tasks.complete_many([stored.task_claim]),
        "fail": lambda uow, stored: uow.tasks.fail(stored.task_claim, "no space left"),
        "release": lambda uow, stored: uow.tasks.release(stored.task_claim),
        "approve": lambda uow, stored: uow.tasks.approve(stored.task.id, "somebody"),
        "reject": lambda uow, stored: uow.tasks.reject(stored.task.id, "somebody", "dull"),
        "retry": lambda uow, stored: uow.tasks.retry(stored.task.id, "somebody"),
    },
    "uploads": {
        "begin": lambda uow, stored: uow.uploads.begin(stored.task_claim, "youtube", "a"),
        "keep_session": lambda uow, stored: uow.uploads.keep_session(
            stored.task_claim, stored.upload, "v1.0123456789abcdef.c2VhbGVk"
        ),
        "finish": lambda uow, stored: uow.uploads.finish(stored.task_claim, stored.upload, "x"),
        "reconcile": lambda uow, stored: uow.uploads.reconcile(
            stored.task_claim, stored.upload, None
        ),
        "abandon": lambda uow, stored: uow.uploads.abandon(stored.task_claim, stored.upload),
    },
    "video_statistics": {
        "record_new": lambda uow, stored: uow.video_statistics.record_new(
            [sample("video_statistics", stored.parents)]
        ),
    },
}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_method_is_known(collection: str) -> None:
    """Each method of each port reads or writes; a new one has to be told here."""
    port = get_type_hints(Collections)[collection]
    methods = {name for name, _ in inspect.getmembers(port, inspect.isfunction) if name[0] != "_"}
    common = {"add", "add_many", "count", "find", "get", "page", "remove"}
    reads, writes = READS.get(collection, set()), set(WRITES.get(collection, {}))
    assert methods == common | reads | writes
    assert not reads & writes


def test_every_write_is_refused(store: Store) -> None:
    """Each call that would write raises ReadOnly, and nothing is changed."""
    parents = add_parents(store)
    with store.unit_of_work() as uow:
        uow.errors.add(sample("errors", parents))
        uow.config_overrides.add(sample("config_overrides", key="paused.jobs", value="true"))
        uow.system_configuration.add(sample("system_configuration"))
        job = uow.jobs.add(sample("jobs", parents, status="failed", due_at=None))
        task = uow.tasks.add(sample("tasks", parents, lease_expires_at=None))
        reservation = uow.quotas.add(sample("quotas", state="held"))
        upload = uow.uploads.add(sample("uploads", parents))
        uow.commit()
    before = content(store)
    written = []
    for collection, writes in WRITES.items():
        for method, write in writes.items():
            with store.unit_of_work(read_only=True) as uow:
                try:
                    write(uow, Stored(parents, job, task, reservation, upload))
                except ReadOnly:
                    continue
                written.append(f"{collection}.{method}")
    assert written == []
    assert content(store) == before


CHANGES: dict[str, tuple[str, Any]] = {
    "tasks": ("status", "video_ready"),
    "quotas": ("units", 4),
    "uploads": ("external_id", "changed"),
    "task_transitions": ("reason", None),
    "channels": ("name", "changed"),
    "videos": ("source_title", "changed"),
    "jobs": ("priority", 1),
    "presets": ("parameters", {}),
    "music": ("name", "changed"),
    "channel_statistics": ("view_count", 5),
    "video_statistics": ("view_count", 5),
    "system_configuration": ("value", None),
    "configuration_changes": ("changed_by", "changed"),
}
"""A field of each class, and another value than the sample has."""


@in_turn("collection", OF_CHANNELS + OF_TASKS)
def test_objects_are_not_written(store: Store, parents: Parents, collection: str) -> None:
    """Objects are neither added, changed nor removed in a read-only unit of work."""
    with store.unit_of_work() as uow:
        stored = getattr(uow, collection).add(sample(collection, parents))
        uow.commit()
    before = content(store)
    with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
        getattr(uow, collection).add(sample(collection, parents, 2))
    with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
        getattr(uow, collection).remove(stored)
    with store.unit_of_work(read_only=True) as uow:
        found = getattr(uow, collection).page()[-1]
        setattr(found, *CHANGES[collection])
        with pytest.raises(ReadOnly):
            uow.commit()
    assert content(store) == before
