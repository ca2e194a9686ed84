"""The tasks context, awaited: one line for each method of the ports."""

from __future__ import annotations

from typing import final
from uuid import UUID

from pipeline_store.aio.lifting import awaits
from pipeline_store.aio.repository import AsyncRepository
from pipeline_store.tasks import (
    QuotaRepository,
    QuotaReservation,
    Task,
    TaskRepository,
    TaskTransition,
    TaskTransitionRepository,
    Upload,
    UploadRepository,
)


@final
class AsyncTaskRepository(AsyncRepository[Task, UUID]):
    """`TaskRepository`, awaited."""

    enqueue = awaits(TaskRepository.enqueue)
    by_notion_page_id = awaits(TaskRepository.by_notion_page_id)
    for_channel = awaits(TaskRepository.for_channel)
    in_status = awaits(TaskRepository.in_status)
    count_by_status = awaits(TaskRepository.count_by_status)
    count_held = awaits(TaskRepository.count_held)
    advance = awaits(TaskRepository.advance)
    claim_next = awaits(TaskRepository.claim_next)
    claim_batch = awaits(TaskRepository.claim_batch)
    heartbeat = awaits(TaskRepository.heartbeat)
    complete = awaits(TaskRepository.complete)
    complete_many = awaits(TaskRepository.complete_many)
    fail = awaits(TaskRepository.fail)
    release = awaits(TaskRepository.release)
    approve = awaits(TaskRepository.approve)
    reject = awaits(TaskRepository.reject)
    retry = awaits(TaskRepository.retry)
    history = awaits(TaskRepository.history)
    pending_reviews = awaits(TaskRepository.pending_reviews)


@final
class AsyncTaskTransitionRepository(AsyncRepository[TaskTransition, UUID]):
    """`TaskTransitionRepository`, awaited."""

    for_task = awaits(TaskTransitionRepository.for_task)


@final
class AsyncQuotaRepository(AsyncRepository[QuotaReservation, UUID]):
    """`QuotaRepository`, awaited."""

    reserve = awaits(QuotaRepository.reserve)
    reserve_for = awaits(QuotaRepository.reserve_for)
    commit = awaits(QuotaRepository.commit)
    refund = awaits(QuotaRepository.refund)
    account = awaits(QuotaRepository.account)
    accounts = awaits(QuotaRepository.accounts)
    limits = awaits(QuotaRepository.limits)
    set_limit = awaits(QuotaRepository.set_limit)
    remove_limit = awaits(QuotaRepository.remove_limit)
    costs = awaits(QuotaRepository.costs)
    set_cost = awaits(QuotaRepository.set_cost)
    use_plan = awaits(QuotaRepository.use_plan)


@final
class AsyncUploadRepository(AsyncRepository[Upload, UUID]):
    """`UploadRepository`, awaited."""

    for_task = awaits(UploadRepository.for_task)
    of_content = awaits(UploadRepository.of_content)
    unresolved = awaits(UploadRepository.unresolved)
    begin = awaits(UploadRepository.begin)
    keep_session = awaits(UploadRepository.keep_session)
    finish = awaits(UploadRepository.finish)
    reconcile = awaits(UploadRepository.reconcile)
    abandon = awaits(UploadRepository.abandon)
