"""Processes that take from one quota all at once, and workers that die with it; see `racing`."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict, QuotaExhausted, StoreBusy
from pipeline_store.tasks import Task, TaskStatus
from tests.conftest import is_on

if TYPE_CHECKING:
    from pipeline_store import Store

BUCKET = "youtube_uploads"
LEASE = timedelta(seconds=2)
TRIES = 80 if is_on("PIPELINE_STORE_SOAK") else 8


def limit(url: str, units: int) -> None:
    """Make a store whose bucket has so much for a day."""
    store = open_store(url)
    store.upgrade()
    with store.unit_of_work() as uow:
        uow.quotas.set_limit("default", BUCKET, units)
        uow.commit()
    store.close()


def reserve(url: str) -> str:
    """Tries to take many units, one at a time; says how many were granted and how many refused."""
    store = open_store(url)
    granted = refused = 0
    while granted + refused < TRIES:
        try:
            with store.unit_of_work() as uow:
                uow.quotas.reserve("default", BUCKET, 1)
                uow.commit()
            granted += 1
        except QuotaExhausted:
            refused += 1
        except StoreBusy:
            time.sleep(0.01)
    store.close()
    return f"{granted} {refused}"


def add_uploads(url: str, count: int, projects: int = 1) -> None:
    """Add tasks that wait to be uploaded, in a few channels of that many projects."""
    store = open_store(url)
    with store.unit_of_work() as uow:
        channels = [
            uow.channels.add(
                Channel(
                    channel_id=f"c{number}",
                    name="c",
                    max_concurrent=10,
                    quota_project=None if projects == 1 else f"project {number % projects}",
                )
            ).id
            for number in range(4)
        ]
        uow.tasks.add_many(
            Task(
                channel_id=channels[number % len(channels)],
                notion_page_id=f"{number:032x}",
                title="The bridge",
                topic="How it was built",
                story_direction="",
                status=TaskStatus.UPLOADING,
            )
            for number in range(count)
        )
        uow.commit()
    store.close()


def claim_until_nothing_is_left(url: str) -> int:
    """Claims uploads, finishes them, and says how many it was given."""
    store = open_store(url)
    given = empty = 0
    while empty < 5:
        claim = store.claim_next(f"worker {os.getpid()}", lease=timedelta(minutes=5), queue="tasks")
        if claim is None:
            empty += 1
            time.sleep(0.02)
            continue
        given, empty = given + 1, 0
        store.complete(claim)
    store.close()
    return given


def take_turns(url: str) -> str:
    """Finishes an upload and claims the next in one call, for a while; says what was refused."""
    store = open_store(url)
    worker = f"worker {os.getpid()}"
    claim = store.claim_next(worker, lease=timedelta(minutes=5), queue="tasks")
    refused = ""
    while claim is not None and not refused:
        try:
            claim = store.complete_and_claim_next(claim, lease=timedelta(minutes=5))
        except StoreBusy:
            time.sleep(0.01)
        except Conflict as error:
            refused = str(error)
    store.close()
    return refused


def claim_and_die(url: str) -> None:
    """Takes an upload, and is killed."""
    store = open_store(url)
    assert store.claim_next("dies", lease=LEASE, queue="tasks") is not None
    os.kill(os.getpid(), signal.SIGKILL)


def left_over(store: Store) -> tuple[int, int]:
    """What is used and what is reserved."""
    with store.unit_of_work(read_only=True) as uow:
        account = uow.quotas.account("default", BUCKET)
    return account.used, account.reserved
