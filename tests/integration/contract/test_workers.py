"""Workers: what they claim, what they write, and what becomes of a task when things go wrong."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.clock import utc_now
from pipeline_store.errors import (
    CommitUnknown,
    Conflict,
    PipelineStoreError,
    StoreBusy,
    StoreUnavailable,
)
from pipeline_store.memory import MemoryUnitOfWork
from pipeline_store.production import ErrorLog
from pipeline_store.services.async_work import AsyncWorker
from pipeline_store.services.work import GiveBack
from pipeline_store.services.work_holding import MOST_CONFLICTS
from pipeline_store.sql import SqlUnitOfWork
from pipeline_store.tasks import GATES, Task, TaskStatus
from tests.integration.contract.blocking import Blocking
from tests.integration.contract.test_quotas import UPLOADS, set_limit
from tests.integration.contract.test_task_claims import add_channel, add_task
from tests.integration.contract.test_tasks import moves_of, read
from tests.integration.contract.workers import LONG, AnyWorker, happens, has_happened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from pipeline_store import Store

S = TaskStatus
SHORT = timedelta(seconds=0.4)
LONG_ENOUGH = timedelta(seconds=2)
"""A lease that heartbeats keep also on a machine that has much else to do."""
EVER_LONGER = (LONG_ENOUGH, 3 * LONG_ENOUGH, 9 * LONG_ENOUGH)
"""A machine that stands still for a whole lease ends it: then the next one tells more."""
NEVER = timedelta(days=1)
FEW = 5
"""Looks for tasks: those that found one, and one for each hint that came of them."""


@pytest.fixture
def store(going_store: Store) -> Store:
    """An empty store: threads wait for its leases."""
    return going_store


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    return add_channel(store, "history1")


@pytest.fixture
def limited(store: Store) -> Iterator[UUID]:
    """The key of a channel whose project has nothing left."""
    set_limit(store, 0, project="limited")
    yield add_channel(store, "history2", quota_project="limited")
    with store.unit_of_work() as uow:
        uow.quotas.remove_limit("limited", UPLOADS)
        uow.commit()


async def work(_work: Any) -> None:
    """Do everything there is to do."""


def take_away(beside: Store, task_id: UUID) -> None:
    """Have a person move a task that a worker holds."""
    while True:
        try:
            with beside.unit_of_work() as uow:
                uow.tasks.advance(uow.tasks.get(task_id), S.ASSET_ERROR, "ann", "stop", force=True)
                uow.commit()
                return
        except Conflict:
            # A heartbeat came between.
            continue


class TestStages:
    """Which tasks a worker takes, and how far."""

    def test_statuses_without_work_are_passed(self, store: Store, channel_id: UUID) -> None:
        """A queued task comes to its first stage by itself, and its lease ends at the gate."""
        task = add_task(store, channel_id)
        worker = AnyWorker(store, {S.GENERATING_ASSETS: work})
        assert worker.until_idle() == 1
        assert [move[:3] for move in moves_of(store, task.id)] == [
            ("queued", "claimed", "w1"),
            ("claimed", "generating_assets", "w1"),
            ("generating_assets", "assets_ready", "w1"),
        ]
        assert read(store, task.id).lease_expires_at is None

    def test_one_for_what_was_claimed(self, store: Store, channel_id: UUID) -> None:
        """Whoever prepares a task before its first stage takes it from the queue."""
        task = add_task(store, channel_id)
        worker = AnyWorker(store, {S.CLAIMED: work})
        assert worker.until_idle() == 1
        assert [outcome.stage for outcome in worker.outcomes] == [S.CLAIMED]
        found = read(store, task.id)
        assert (found.status, found.lease_expires_at) == (S.GENERATING_ASSETS, None)

    def test_one_handler_for_all_stages(self, store: Store, channel_id: UUID) -> None:
        """It is called for the seven stages in which there is work, in their order."""
        stages: list[str] = []

        async def note(work: Any) -> None:
            stages.append(work.stage)
            assert work.task.status == work.stage

        task = add_task(store, channel_id)
        worker = AnyWorker(store, note)
        for _ in GATES:
            worker.until_idle()
            with store.unit_of_work() as uow:
                uow.tasks.approve(task.id, "ann")
                uow.commit()
        assert worker.until_idle() == 1
        assert read(store, task.id).status == S.PUBLISHED
        assert stages == [
            "generating_assets",
            "generating_composites",
            "generating_video",
            "generating_audio",
            "generating_sfx",
            "assembling",
            "uploading",
        ]
        assert worker.kinds == ["done"] * 7
        # Both stages between two gates are done under one claim.
        assert [outcome.token for outcome in worker.outcomes] == [1, 2, 2, 3, 4, 4, 5]

    def test_a_stage_of_others_is_left_to_them(self, store: Store, channel_id: UUID) -> None:
        """After its own stage a worker gives the task back as it is, and takes no other."""
        task = add_task(store, channel_id, status=S.ASSETS_APPROVED)
        other = add_task(store, channel_id, status=S.VIDEO_APPROVED)
        worker = AnyWorker(store, {S.GENERATING_COMPOSITES: work})
        assert worker.until_idle() == 1
        found = read(store, task.id)
        assert (found.status, found.worker, found.attempts) == (S.COMPOSITES_READY, None, 0)
        assert read(store, other.id).status == S.VIDEO_APPROVED
        assert AnyWorker(store, work, stages=[S.GENERATING_VIDEO]).until_idle() == 1
        assert read(store, task.id).status == S.VIDEO_READY


class TestResults:
    """What a handler returns is what is written."""

    def test_a_status(self, store: Store, channel_id: UUID) -> None:
        """The task goes where the handler says."""

        async def refuse(_work: Any) -> TaskStatus:
            return S.ASSET_ERROR

        task = add_task(store, channel_id)
        AnyWorker(store, refuse).until_idle()
        assert read(store, task.id).status == S.ASSET_ERROR

    @pytest.mark.parametrize("result", [S.PUBLISHED, "nowhere", 3], ids=str)
    def test_an_impossible_one(self, store: Store, channel_id: UUID, result: Any) -> None:
        """It is an error of the handler."""

        async def err(_work: Any) -> Any:
            return result

        task = add_task(store, channel_id)
        worker = AnyWorker(store, err)
        worker.until_idle()
        assert read(store, task.id).status == S.ASSET_ERROR
        assert worker.kinds == ["failed"]

    @pytest.mark.parametrize("fails", [False, True])
    def test_more_is_written_with_the_move_or_not_at_all(
        self, store: Store, channel_id: UUID, fails: bool
    ) -> None:
        """A function writes in the unit of work of the move."""

        async def make(work: Any) -> Any:
            def write(uow: Any) -> None:
                uow.tasks.get(work.task.id).youtube_url = "https://example.org/1"
                uow.errors.add(
                    ErrorLog(module="m", error_type="t", error_message="kept with the move")
                )
                if fails:
                    message = "no"
                    raise ValueError(message)

            return write

        task = add_task(store, channel_id)
        AnyWorker(store, make).until_idle()
        found = read(store, task.id)
        with store.unit_of_work(read_only=True) as uow:
            count = uow.errors.count()
        expected = (
            (S.ASSET_ERROR, None, 0) if fails else (S.ASSETS_READY, "https://example.org/1", 1)
        )
        assert (found.status, found.youtube_url, count) == expected

    def test_an_awaited_function_writes(self, store: Store, channel_id: UUID) -> None:
        """An awaited worker also takes a coroutine function of an awaited unit of work."""
        if not isinstance(store, Blocking):
            pytest.skip("for awaited workers only")

        async def make(work: Any) -> Any:
            async def write(uow: Any) -> TaskStatus:
                (await uow.tasks.get(work.task.id)).youtube_url = "https://example.org/1"
                return S.ASSETS_READY

            return write

        task = add_task(store, channel_id)
        AnyWorker(store, make).until_idle()
        found = read(store, task.id)
        assert (found.status, found.youtube_url) == (S.ASSETS_READY, "https://example.org/1")

    def test_a_plain_handler_of_an_awaited_worker(self, store: Store, channel_id: UUID) -> None:
        """It is called in a thread, so that the loop goes on."""
        if not isinstance(store, Blocking):
            pytest.skip("for awaited workers only")
        loops: list[bool] = []

        def note(_work: Any) -> None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                loops.append(False)

        task = add_task(store, channel_id)
        worker: Any = AsyncWorker(store.lifted, note)  # type: ignore[arg-type]
        store.loop.run_until_complete(worker.run_until_idle())
        assert (read(store, task.id).status, loops) == (S.ASSETS_READY, [False])

    def test_a_plain_handler_that_gives_something_to_await(
        self, store: Store, channel_id: UUID
    ) -> None:
        """A lambda that calls a coroutine function has done its work when that is awaited."""
        if not isinstance(store, Blocking):
            pytest.skip("for awaited workers only")

        async def refuse(_work: Any, to: TaskStatus) -> TaskStatus:
            await asyncio.sleep(0)
            return to

        task = add_task(store, channel_id)
        lifted: Any = store.lifted
        worker = AsyncWorker(lifted, lambda work: refuse(work, S.ASSET_ERROR), name="w1")
        store.loop.run_until_complete(worker.run_until_idle())
        log = str(read(store, task.id).error_log)
        assert log == "generating_assets: no reason given (w1)"

    def test_a_plain_handler_with_an_iterator_at_its_end(
        self, store: Store, channel_id: UUID
    ) -> None:
        """Its stage has failed; `next` of nothing leaves no worker waiting for ever."""
        if not isinstance(store, Blocking):
            pytest.skip("for awaited workers only")

        def take_next(_work: Any) -> None:
            next(iter(()))

        task = add_task(store, channel_id)
        worker: Any = AsyncWorker(store.lifted, take_next)  # type: ignore[arg-type]
        store.loop.run_until_complete(asyncio.wait_for(worker.run_until_idle(), LONG))
        found = read(store, task.id)
        assert found.status == S.ASSET_ERROR
        assert " in take_next" in str(found.error_log)

    def test_what_writes_gives_something_to_await(self, store: Store, channel_id: UUID) -> None:
        """It is an error of the handler, which says what it should have been."""

        class Later:
            def __await__(self) -> Iterator[None]:
                yield

        async def make(_work: Any) -> Any:
            return lambda _uow: Later()

        task = add_task(store, channel_id)
        worker = AnyWorker(store, make)
        worker.until_idle()
        assert worker.kinds == ["failed"]
        assert "`async def`" in str(read(store, task.id).error_log)

    def test_an_error(self, store: Store, channel_id: UUID) -> None:
        """The task fails at its stage, with what was said, where, and no secret."""

        async def err(_work: Any) -> None:
            message = "no answer from https://ann:hunter2@example.org/?api_key=0123456789 \0\ud800"
            raise ConnectionError(message)

        task = add_task(store, channel_id)
        worker = AnyWorker(store, err)
        worker.until_idle()
        found = read(store, task.id)
        assert (found.status, found.failed_stage) == (S.ASSET_ERROR, S.GENERATING_ASSETS)
        (line,) = str(found.error_log).splitlines()
        assert line.startswith("generating_assets: ConnectionError: no answer from https://")
        assert "(test_workers.py:" in line
        assert " in err" in line
        assert "hunter2" not in line
        assert "0123456789" not in line
        assert worker.outcomes[0].message in line
        assert worker.kinds == ["failed"]

    @pytest.mark.parametrize("where", ["handler", "function", "coroutine function"])
    def test_a_handler_in_which_something_is_cancelled(
        self, store: Store, channel_id: UUID, where: str
    ) -> None:
        """Its stage has failed, and the worker goes on with the next task."""
        if where == "coroutine function" and not isinstance(store, Blocking):
            pytest.skip("for awaited workers only")

        async def make(_work: Any) -> Any:
            waited_for = asyncio.get_running_loop().create_future()
            waited_for.cancel()

            async def wait(_uow: Any) -> None:
                await waited_for

            if where == "handler":
                await waited_for
            return wait if where == "coroutine function" else lambda _uow: waited_for.result()

        tasks = [add_task(store, channel_id) for _ in range(2)]
        worker = AnyWorker(store, make)
        assert worker.until_idle() == 2
        assert [read(store, task.id).status for task in tasks] == [S.ASSET_ERROR] * 2
        line = str(read(store, tasks[0].id).error_log)
        assert line.startswith("generating_assets: CancelledError (test_workers.py:")

    def test_a_listener_that_fails(self, store: Store, channel_id: UUID) -> None:
        """The worker ends with its error, and keeps no task that it would have gone on with."""

        def fail(_outcome: Any) -> None:
            message = "nobody listens"
            raise BrokenPipeError(message)

        task = add_task(store, channel_id, status=S.ASSETS_APPROVED)
        handlers = {S.GENERATING_COMPOSITES: work, S.GENERATING_VIDEO: work}
        worker = AnyWorker(store, handlers, on_outcome=fail)
        with pytest.raises(BrokenPipeError, match="nobody listens"):
            worker.until_idle()
        found = read(store, task.id)
        assert (found.status, found.lease_expires_at) == (S.COMPOSITES_READY, None)

    def test_giving_back(self, store: Store, channel_id: UUID) -> None:
        """A handler that does not want the task leaves it to others; no attempt."""

        async def refuse(_work: Any) -> None:
            worker.stop()
            raise GiveBack

        task = add_task(store, channel_id)
        worker = AnyWorker(store, refuse)
        worker.until_idle()
        found = read(store, task.id)
        assert (found.status, found.worker, found.attempts) == (S.GENERATING_ASSETS, None, 0)
        assert worker.kinds == ["released"]


class TestLeases:
    """Whose task it is while the handler works."""

    def test_a_long_work_keeps_its_lease(
        self, store: Store, beside: Store, channel_id: UUID
    ) -> None:
        """Heartbeats prolong it for as long as the handler works."""
        for lease in EVER_LONGER:
            add_task(store, channel_id)
            taken: set[UUID] = set()

            async def take_long(work: Any, lease: timedelta = lease, taken: Any = taken) -> None:
                first = read(beside, work.task.id).lease_expires_at
                assert first is not None
                # Between two heartbeats: while this asks, its event loop does nothing else.
                await happens(lambda: utc_now() > first + lease / 6)
                # Those of the rounds before may be there for the taking.
                claims = beside.claim_batch("thief", len(EVER_LONGER), lease=lease, queue="tasks")
                taken.update(claim.item.id for claim in claims)

            worker = AnyWorker(store, take_long, lease=lease)
            assert worker.once()
            if worker.kinds == ["done"]:
                break
        assert worker.kinds == ["done"]
        assert worker.outcomes[0].task_id not in taken
        assert read(store, worker.outcomes[0].task_id).status == S.ASSETS_READY

    def test_a_lost_lease(self, store: Store, beside: Store, channel_id: UUID) -> None:
        """The handler is told, and nothing that it returns is written."""
        task = add_task(store, channel_id)

        async def lose(work: Any) -> TaskStatus:
            assert not work.is_lost
            take_away(beside, task.id)
            await happens(work.lost.is_set)
            return S.ASSETS_READY

        worker = AnyWorker(store, lose, lease=SHORT)
        worker.until_idle()
        assert read(store, task.id).status == S.ASSET_ERROR
        assert moves_of(store, task.id)[-1][2:] == ("ann", "stop")
        assert worker.kinds == ["lost"]
        assert worker.outcomes[0].status is None

    @pytest.mark.parametrize("fails", [False, True])
    def test_a_lease_lost_without_a_heartbeat(
        self, store: Store, beside: Store, channel_id: UUID, fails: bool
    ) -> None:
        """Also one that nobody has noticed yet lets no result and no error be written."""
        task = add_task(store, channel_id)

        async def lose(_work: Any) -> None:
            take_away(beside, task.id)
            if fails:
                message = "too late"
                raise ValueError(message)

        worker = AnyWorker(store, lose)
        worker.until_idle()
        assert moves_of(store, task.id)[-1][2:] == ("ann", "stop")
        assert worker.kinds == ["lost"]

    def test_asking_whether_it_is_held(self, store: Store, beside: Store, channel_id: UUID) -> None:
        """A handler can end itself when there is nothing to write any more."""
        task = add_task(store, channel_id)

        async def ask(work: Any) -> None:
            work.check_held()
            take_away(beside, task.id)
            await happens(work.lost.is_set)
            work.check_held()

        worker = AnyWorker(store, ask, lease=LONG_ENOUGH)
        worker.until_idle()
        assert worker.kinds == ["lost"]


class TestStopping:
    """A worker that is asked to stop holds nothing when it is gone."""

    def test_between_two_stages(self, store: Store, channel_id: UUID) -> None:
        """The handler finishes, what it returns is written, and the task is given back."""
        task = add_task(store, channel_id, status=S.ASSETS_APPROVED)
        waiting = add_task(store, channel_id, status=S.ASSETS_APPROVED)

        async def stop(work: Any) -> None:
            assert not work.is_stopping
            worker.stop()
            await happens(lambda: work.is_stopping)

        worker = AnyWorker(store, stop)
        worker.run_beside(lambda: None)
        found: list[Task] = [read(store, each.id) for each in (task, waiting)]
        done = [each for each in found if each.status != S.ASSETS_APPROVED]
        assert [(each.status, each.worker) for each in done] in (
            [],
            [(S.GENERATING_VIDEO, None)],
        )
        assert all(each.lease_expires_at is None for each in found)

    def test_in_a_long_work(self, store: Store, beside: Store, channel_id: UUID) -> None:
        """After the grace the task is given back although the handler still works."""
        task = add_task(store, channel_id)

        async def go_on(work: Any) -> None:
            worker.stop()
            await happens(work.lost.is_set)
            await happens(lambda: read(beside, task.id).lease_expires_at is None)

        worker = AnyWorker(store, go_on, grace=timedelta())
        worker.until_idle()
        found = read(store, task.id)
        assert (found.status, found.attempts) == (S.GENERATING_ASSETS, 0)
        assert worker.kinds == ["released"]

    def test_when_interrupted(self, store: Store, channel_id: UUID) -> None:
        """What is no error ends the worker, and the task is given back."""
        task = add_task(store, channel_id)

        class Interruption(BaseException):
            pass

        async def interrupt(_work: Any) -> None:
            raise Interruption

        worker = AnyWorker(store, interrupt)
        with pytest.raises(Interruption):
            worker.until_idle()
        assert read(store, task.id).lease_expires_at is None


class TestWaiting:
    """A worker that has nothing to do is told when that changes."""

    def test_a_task_is_taken_when_it_is_added(
        self, store: Store, beside: Store, channel_id: UUID
    ) -> None:
        """Also by a worker that would look by itself only tomorrow."""
        first = add_task(store, channel_id)
        worker = AnyWorker(store, work, poll=NEVER)

        def meanwhile() -> None:
            for task in (first, add_task(beside, channel_id)):
                has_happened(lambda task=task: read(beside, task.id).status == S.ASSETS_READY)
                with beside.unit_of_work() as uow:
                    uow.tasks.approve(task.id, "ann")
                    uow.commit()
                has_happened(lambda task=task: read(beside, task.id).status == S.VIDEO_READY)

        worker.run_beside(meanwhile)
        assert worker.kinds == ["done"] * 6

    def test_what_only_time_brings(self, store: Store, beside: Store, channel_id: UUID) -> None:
        """A lease that has ended is found by the worker's own looks."""
        task = add_task(store, channel_id)
        lease = timedelta(seconds=0.2)
        assert store.claim_next("gone", lease=lease, queue="tasks") is not None
        worker = AnyWorker(store, work, poll=timedelta(seconds=0.05))
        worker.run_beside(
            lambda: has_happened(lambda: read(beside, task.id).status == S.ASSETS_READY)
        )
        assert worker.kinds == ["done"]
        assert worker.outcomes[0].attempt == 2


class Troubles:
    """What the next commits raise, before they have happened or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: list[PipelineStoreError] = []
        self.after: list[PipelineStoreError] = []
        for kind in (MemoryUnitOfWork, SqlUnitOfWork):
            monkeypatch.setattr(kind, "commit", self._commit(kind.commit))

    def _commit(self, commit: Callable[[Any], None]) -> Callable[[Any], None]:
        def commit_or_not(uow: Any) -> None:
            if self.before:
                raise self.before.pop()
            commit(uow)
            if self.after:
                raise self.after.pop()

        return commit_or_not


class TestQuotas:
    """A stage whose cost is not left waits, and a worker that comes to it does other work."""

    @pytest.mark.parametrize("handlers", [{S.UPLOADING}, {S.APPROVED, S.UPLOADING}], ids=len)
    def test_coming_to_it(self, store: Store, limited: UUID, handlers: set[TaskStatus]) -> None:
        """The lease ends with the move, which is no loss; what waits is worked on when it can."""
        waits = add_task(store, limited, status=S.APPROVED)
        also_waits = add_task(store, limited, status=S.UPLOADING)
        worker = AnyWorker(store, dict.fromkeys(handlers, work))
        assert worker.until_idle() == 1
        assert worker.kinds == ["done"] * (len(handlers) - 1)
        found = read(store, waits.id)
        assert (found.status, found.worker, found.attempts) == (S.UPLOADING, None, 0)
        assert found.lease_expires_at is None
        assert worker.until_idle() == 0
        set_limit(store, 2, project="limited")
        assert worker.until_idle() == 2
        assert {read(store, each.id).status for each in (waits, also_waits)} == {S.PUBLISHED}
        assert {outcome.kind for outcome in worker.outcomes} == {"done"}

    def test_waiting_for_it(
        self, store: Store, beside: Store, limited: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker rests while there is only what it cannot do, and wakes for what it can."""
        task = add_task(store, limited, status=S.APPROVED)
        worker = AnyWorker(store, work, poll=NEVER)
        looks: list[None] = []
        look: Callable[[], Any] = worker.worker.run_once

        def look_and_count() -> Any:
            looks.append(None)
            return look()

        monkeypatch.setattr(worker.worker, "run_once", look_and_count)

        def meanwhile() -> None:
            has_happened(lambda: read(beside, task.id).status == S.UPLOADING)
            # In that time a worker that does not rest looks hundreds of times.
            time.sleep(0.3)
            assert len(looks) <= FEW
            other = add_task(beside, limited)
            has_happened(lambda: read(beside, other.id).status == S.ASSETS_READY)

        worker.run_beside(meanwhile)
        assert worker.kinds == ["done"]


class TestTroubles:
    """What the database does to a worker while it writes."""

    @pytest.fixture
    def troubles(self, monkeypatch: pytest.MonkeyPatch) -> Troubles:
        """None as yet."""
        return Troubles(monkeypatch)

    @staticmethod
    def in_trouble(begin: Callable[[], None], calls: list[str]) -> Any:
        """A handler whose function is called, notes that, and comes into trouble the first time."""

        async def make(_work: Any) -> Any:
            def write(_uow: Any) -> None:
                if not calls:
                    begin()
                calls.append("written")

            return write

        return make

    @pytest.mark.parametrize("error", [StoreBusy, StoreUnavailable, Conflict])
    def test_what_passes(
        self,
        store: Store,
        channel_id: UUID,
        troubles: Troubles,
        error: type[PipelineStoreError],
    ) -> None:
        """It is written again, in a new unit of work."""
        task = add_task(store, channel_id)
        calls: list[str] = []
        handler = self.in_trouble(lambda: troubles.before.append(error("a moment")), calls)
        worker = AnyWorker(store, handler)
        worker.until_idle()
        assert (worker.kinds, calls) == (["done"], ["written"] * 2)
        assert read(store, task.id).status == S.ASSETS_READY

    @pytest.mark.parametrize("status", [S.QUEUED, S.ASSETS_APPROVED])
    def test_an_answer_that_is_lost(
        self, store: Store, channel_id: UUID, troubles: Troubles, status: TaskStatus
    ) -> None:
        """What was committed after all is not written again, nor taken for an error."""
        task = add_task(store, channel_id, status=status)
        calls: list[str] = []
        handler = self.in_trouble(lambda: troubles.after.append(CommitUnknown("lost")), calls)
        stage = S.GENERATING_ASSETS if status == S.QUEUED else S.GENERATING_COMPOSITES
        worker = AnyWorker(store, {stage: handler})
        worker.until_idle()
        assert (worker.kinds, calls) == (["done"], ["written"])
        assert [move[0] for move in moves_of(store, task.id)].count(stage) == 1
        assert read(store, task.id).lease_expires_at is None

    def test_an_answer_that_is_lost_and_a_quota_that_is_exhausted(
        self, store: Store, limited: UUID, troubles: Troubles
    ) -> None:
        """What was committed is found also where the lease has ended with it."""
        task = add_task(store, limited, status=S.APPROVED)
        calls: list[str] = []
        handler = self.in_trouble(lambda: troubles.after.append(CommitUnknown("lost")), calls)
        worker = AnyWorker(store, {S.APPROVED: handler, S.UPLOADING: work})
        assert worker.until_idle() == 1
        assert (worker.kinds, calls) == (["done"], ["written"])
        assert [move[:2] for move in moves_of(store, task.id)] == [("approved", "uploading")]

    def test_what_does_not_pass(self, store: Store, channel_id: UUID, troubles: Troubles) -> None:
        """When others are faster again and again, the stage has failed."""
        task = add_task(store, channel_id)
        calls: list[str] = []
        conflicts = [Conflict("somebody else") for _ in range(MOST_CONFLICTS)]
        worker = AnyWorker(store, self.in_trouble(lambda: troubles.before.extend(conflicts), calls))
        worker.until_idle()
        assert worker.kinds == ["failed"]
        assert "Conflict: somebody else" in str(read(store, task.id).error_log)

    def test_a_store_that_is_away_until_the_lease_ends(
        self, store: Store, channel_id: UUID, troubles: Troubles
    ) -> None:
        """What could not be written in time is lost, and somebody else will do it."""
        task = add_task(store, channel_id)
        calls: list[str] = []
        away = [StoreUnavailable("away") for _ in range(100)]
        handler = self.in_trouble(lambda: troubles.before.extend(away), calls)
        worker = AnyWorker(store, handler, lease=LONG_ENOUGH)
        assert worker.once() is True
        troubles.before.clear()
        assert worker.kinds == ["lost"]
        assert "away" in str(worker.outcomes[0].message)
        assert read(store, task.id).status == S.GENERATING_ASSETS

    def test_heartbeats_that_fail(
        self, store: Store, beside: Store, channel_id: UUID, troubles: Troubles
    ) -> None:
        """One that is missed does no harm; when all are, the handler is told."""
        task = add_task(store, channel_id)

        async def suffer(work: Any) -> None:
            first = read(beside, task.id).lease_expires_at
            troubles.before.append(StoreBusy("a moment"))
            await happens(lambda: read(beside, task.id).lease_expires_at != first)
            assert not work.is_lost
            troubles.before.extend(StoreBusy("for ever") for _ in range(1_000))
            await happens(work.lost.is_set)
            troubles.before.clear()

        worker = AnyWorker(store, suffer, lease=LONG_ENOUGH)
        worker.once()
        assert worker.kinds == ["lost"]
