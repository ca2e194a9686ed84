"""What keeps a task from being handed out to a worker."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from pipeline_store.services.pauses import paused_channels
from pipeline_store.tasks import CLAIMABLE, ERRORS, GATES, TaskStatus
from pipeline_store.tasks.quota_plans import DEFAULT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline_store.channels import Channel
    from pipeline_store.tasks import QuotaAccount, Task
    from pipeline_store.unit_of_work import UnitOfWork


class ObstacleKind(StrEnum):
    """What can stand between a task and a worker."""

    #: It was not released into the queue.
    DRAFT = "draft"
    #: It waits at a gate for a person.
    REVIEW = "review"
    #: Its stage failed, or a person rejected it: it waits for a retry.
    FAILED = "failed"
    #: It is done.
    PUBLISHED = "published"
    #: A worker has it.
    HELD = "held"
    #: Its channel was deactivated.
    CHANNEL_INACTIVE = "channel_inactive"
    #: Its channel was paused.
    CHANNEL_PAUSED = "channel_paused"
    #: Workers have as many tasks of its channel as they may.
    CHANNEL_FULL = "channel_full"
    #: What its stage costs is not left of its channel's quota.
    QUOTA_EXHAUSTED = "quota_exhausted"


@frozen(kw_only=True)
class Obstacle:
    """One thing that stands between a task and a worker."""

    #: What it is, for programs.
    kind: ObstacleKind
    #: What it is, and what ends it, in words.
    reason: str
    #: When it is over if nobody does anything; None when that cannot be told.
    until: datetime | None = None


def obstacles(uow: UnitOfWork, task: Task) -> list[Obstacle]:
    """Return what keeps a task from being handed out; nothing when it only waits its turn.

    Its turn comes when a worker asks for the stage that it is in, and no task is before it: one of
    a more urgent priority, of a channel that has waited longer, or an older one of its channel.
    """
    state = _of_status(task) or _of_holder(task, uow.now())
    return [state] if state else list(_of_channel(uow, task))


def _of_status(task: Task) -> Obstacle | None:
    if task.status in CLAIMABLE:
        return None
    if task.status in GATES:
        reason = f"an answer: `pipeline-store task approve {task.id}`, or reject"
        return Obstacle(kind=ObstacleKind.REVIEW, reason=reason)
    if task.status in ERRORS:
        reason = f"a retry: `pipeline-store task retry {task.id}`"
        return Obstacle(kind=ObstacleKind.FAILED, reason=reason)
    if task.status == TaskStatus.DRAFT:
        reason = f"its release: `pipeline-store task advance {task.id} {TaskStatus.QUEUED}`"
        return Obstacle(kind=ObstacleKind.DRAFT, reason=reason)
    return Obstacle(kind=ObstacleKind.PUBLISHED, reason="nothing more: it is published")


def _of_holder(task: Task, now: datetime) -> Obstacle | None:
    ends = task.lease_expires_at
    if ends is None or ends <= now:
        return None
    reason = f"{task.worker or 'a worker'}, who has it"
    return Obstacle(kind=ObstacleKind.HELD, reason=reason, until=ends)


def _of_channel(uow: UnitOfWork, task: Task) -> Iterator[Obstacle]:
    channel = uow.channels.get(task.channel_id)
    name = channel.channel_id
    if not channel.is_active:
        reason = f"its channel to be active: `pipeline-store channel activate {name}`"
        yield Obstacle(kind=ObstacleKind.CHANNEL_INACTIVE, reason=reason)
    if name in paused_channels(uow):
        reason = f"the end of its channel's pause: `pipeline-store channel resume {name}`"
        yield Obstacle(kind=ObstacleKind.CHANNEL_PAUSED, reason=reason)
    held = uow.tasks.count_held(channel.id)
    if held >= channel.max_concurrent:
        reason = f"room in its channel, of which workers have {held} of {channel.max_concurrent}"
        yield Obstacle(kind=ObstacleKind.CHANNEL_FULL, reason=reason)
    yield from _of_quota(uow, task, channel)


def _of_quota(uow: UnitOfWork, task: Task, channel: Channel) -> Iterator[Obstacle]:
    project = channel.quota_project or DEFAULT_PROJECT
    for cost in uow.quotas.costs():
        if cost.stage != task.status:
            continue
        account = uow.quotas.account(project, cost.bucket)
        if not account.has(cost.units):
            yield _exhausted(account, cost.units)


def _exhausted(account: QuotaAccount, units: int) -> Obstacle:
    where = f"of bucket {account.bucket}, project {account.project}"
    if account.limit is not None and account.limit < units:
        reason = f"a limit of {units} units or more {where}, which has {account.limit} a day"
        return Obstacle(kind=ObstacleKind.QUOTA_EXHAUSTED, reason=reason)
    reason = f"{units} units {where}, which has {account.left} left today"
    return Obstacle(kind=ObstacleKind.QUOTA_EXHAUSTED, reason=reason, until=account.turns_at)
