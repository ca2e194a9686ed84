"""Tasks: their moves, their history, and the gates where a person decides."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import (
    AlreadyExists,
    Conflict,
    IllegalTransition,
    InUse,
    InvalidValue,
    NotFound,
    ReadOnly,
)
from pipeline_store.tasks import ERRORS, GATES, STAGES, Task, TaskStatus, stays
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.in_turn import in_turn

if TYPE_CHECKING:
    from uuid import UUID

    from pipeline_store import Store, UnitOfWork
    from tests.integration.contract.conftest import SteppedClock

S = TaskStatus


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="history1", name="History"))
        uow.commit()
    return channel.id


def a_task(channel_id: UUID, page: int = 1, **values: Any) -> Task:
    """A new task."""
    sound: dict[str, Any] = {
        "notion_page_id": f"{page:032x}",
        "title": "The bridge",
        "topic": "How it was built",
        "story_direction": "From the river up.",
    }
    return Task(channel_id=channel_id, **sound | values)


def add_task(store: Store, channel_id: UUID, page: int = 1, **values: Any) -> Task:
    """A committed task."""
    with store.unit_of_work() as uow:
        task = uow.tasks.add(a_task(channel_id, page, **values))
        uow.commit()
    return task


def read(store: Store, task_id: UUID) -> Task:
    """The task as it is stored."""
    with store.unit_of_work(read_only=True) as uow:
        return uow.tasks.get(task_id)


def moves_of(store: Store, task_id: UUID) -> list[tuple[str, str, str, str | None]]:
    """The task's history in short."""
    with store.unit_of_work(read_only=True) as uow:
        return [
            (move.from_status, move.to_status, move.actor, move.reason)
            for move in uow.tasks.history(task_id)
        ]


class TestMoves:
    """Exactly the moves of the table are possible."""

    @pytest.mark.parametrize("way", ["advance", "assign"])
    def test_all_pairs(self, store: Store, channel_id: UUID, way: str) -> None:
        """26 x 26: a legal one is written with its history, any other changes nothing."""

        def move(uow: UnitOfWork, task: Task, wanted: TaskStatus) -> None:
            if way == "advance":
                uow.tasks.advance(task, wanted, "somebody")
            else:
                task.status = wanted

        actor = "somebody" if way == "advance" else "unknown"
        numbers = count()
        expected: dict[UUID, tuple[TaskStatus, list[Any]]] = {}
        # One unit of work for each status: in memory, its questions look at all that it has read.
        for found in S:
            legal = STAGES[found].moves
            with store.unit_of_work() as uow:
                stays, *move_on = uow.tasks.add_many(
                    a_task(channel_id, next(numbers), status=found) for _ in (found, *legal)
                )
                uow.commit()
                for wanted in set(S) - {found, *legal}:
                    with pytest.raises(IllegalTransition) as refused:
                        move(uow, stays, wanted)
                    error = refused.value
                    assert (error.found, error.wanted, error.legal) == (found, wanted, legal)
                    assert stays.status == found
                for task, wanted in zip(move_on, legal, strict=True):
                    move(uow, task, wanted)
                    assert task.status == wanted
                    expected[task.id] = wanted, [(found, wanted, actor)]
                uow.commit()
            expected[stays.id] = found, []
        with store.unit_of_work(read_only=True) as uow:
            history: dict[UUID, list[Any]] = {}
            for each in uow.task_transitions.page(limit=1_000):
                written = (each.from_status, each.to_status, each.actor)
                history.setdefault(each.task_id, []).append(written)
            stored = {
                task.id: (task.status, history.get(task.id, []))
                for task in uow.tasks.page(limit=1_000)
            }
        assert stored == expected

    def test_to_the_same_status_is_no_move(self, store: Store, channel_id: UUID) -> None:
        for page, status in enumerate(S):
            task = add_task(store, channel_id, page, status=status)
            with store.unit_of_work() as uow:
                with suppress(IllegalTransition):
                    uow.tasks.advance(uow.tasks.get(task.id), status, "somebody")
                    pytest.fail(f"moved from {status} to itself")
                uow.tasks.get(task.id).status = status
                uow.commit()
            assert moves_of(store, task.id) == [], status

    def test_several_in_one_unit_of_work(
        self, store: Store, channel_id: UUID, clock: SteppedClock
    ) -> None:
        task = add_task(store, channel_id)
        clock.advance(minutes=1)
        with store.unit_of_work() as uow:
            stored = uow.tasks.get(task.id)
            stored.status = S.QUEUED
            uow.tasks.advance(stored, S.CLAIMED, "w1", "mine")
            stored.status = S.ASSET_ERROR
            uow.commit()
        assert moves_of(store, task.id) == [
            ("draft", "queued", "unknown", None),
            ("queued", "claimed", "w1", "mine"),
            ("claimed", "asset_error", "unknown", None),
        ]
        stored = read(store, task.id)
        assert (stored.status, stored.failed_stage) == (S.ASSET_ERROR, S.CLAIMED)
        assert stored.updated_at == stored.status_since == clock.instant

    def test_rolled_back(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id)
        with store.unit_of_work() as uow:
            uow.tasks.advance(uow.tasks.get(task.id), S.QUEUED, "w1")
        assert (read(store, task.id).status, moves_of(store, task.id)) == (S.DRAFT, [])

    def test_of_a_task_read_earlier(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id)
        with store.unit_of_work() as uow:
            assert uow.tasks.advance(task, S.QUEUED, "w1") is task
            uow.commit()
        assert moves_of(store, task.id) == [("draft", "queued", "w1", None)]

    def test_of_two_who_move_it_one_wins(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.QUEUED)
        with store.unit_of_work(read_only=True) as uow:
            mine, theirs = uow.tasks.get(task.id), task
        with store.unit_of_work() as uow:
            uow.tasks.advance(theirs, S.CLAIMED, "them")
            uow.commit()
        with store.unit_of_work() as uow, pytest.raises(Conflict):
            uow.tasks.advance(mine, S.DRAFT, "me")
        assert moves_of(store, task.id) == [("queued", "claimed", "them", None)]

    def test_an_error_adds_a_line(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.GENERATING_AUDIO, error_log="earlier")
        with store.unit_of_work() as uow:
            uow.tasks.advance(uow.tasks.get(task.id), S.AUDIO_ERROR, "w1", "no voice")
            uow.commit()
        stored = read(store, task.id)
        assert stored.error_log == "earlier\ngenerating_audio: no voice (w1)"
        for shorter in (None, "earlier", ""):
            with pytest.raises(InvalidValue):
                stored.error_log = shorter

    @pytest.mark.parametrize(
        "arguments",
        [
            {"to": "rendered"},
            {"to": None},
            {"actor": ""},
            {"actor": None},
            {"actor": "x" * 256},
            {"reason": 1},
            {"reason": "\x00"},
            {"force": 1},
        ],
    )
    def test_bad_arguments(self, store: Store, channel_id: UUID, arguments: dict[str, Any]) -> None:
        task = add_task(store, channel_id)
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidValue):
                uow.tasks.advance(
                    uow.tasks.get(task.id), **{"to": "queued", "actor": "a"} | arguments
                )
            uow.commit()
        assert read(store, task.id).status == S.DRAFT

    def test_not_in_a_unit_of_work_that_only_reads(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id)
        with store.unit_of_work(read_only=True) as uow, pytest.raises(ReadOnly):
            uow.tasks.advance(uow.tasks.get(task.id), S.QUEUED)


class TestGates:
    """Where the work waits for a person."""

    @pytest.mark.parametrize("gate", GATES)
    def test_decided(
        self, store: Store, channel_id: UUID, clock: SteppedClock, gate: TaskStatus
    ) -> None:
        approved, rejected = (
            add_task(store, channel_id, page, status=before_gate(gate)) for page in (1, 2)
        )
        for task in (approved, rejected):
            with store.unit_of_work() as uow:
                uow.tasks.advance(uow.tasks.get(task.id), gate, "w1")
                uow.commit()
            clock.advance(minutes=10)
        with store.unit_of_work() as uow:
            pending = uow.tasks.pending_reviews()
            assert [each.task.id for each in pending] == [approved.id, rejected.id]
            assert [each.waiting for each in pending] == [
                timedelta(minutes=20),
                timedelta(minutes=10),
            ]
            assert uow.tasks.pending_reviews(limit=1)[0].review == 1
            uow.tasks.approve(approved.id, "ann", review=pending[0].review)
            uow.tasks.reject(rejected.id, "ann", "too dark", review=pending[1].review)
            assert uow.tasks.pending_reviews() == []
            uow.commit()
        stage = STAGES[gate]
        assert read(store, approved.id).status == stage.onward[0]
        stored = read(store, rejected.id)
        assert (stored.status, stored.failed_stage) == (stage.error, gate)
        assert moves_of(store, rejected.id)[-1] == (gate, stage.error, "ann", "too dark")

    def test_a_second_decision_is_told_of_the_first(
        self, store: Store, channel_id: UUID, clock: SteppedClock
    ) -> None:
        task = at_gate(store, channel_id)
        with store.unit_of_work() as uow:
            uow.tasks.approve(task.id, "ann", review=1)
            uow.commit()
        told = f"ann moved it from video_ready to video_approved at {clock.instant.isoformat()}"
        for decide in ("approve", "reject"):
            arguments: dict[str, Any] = {"reason": "no"} if decide == "reject" else {}
            with store.unit_of_work() as uow, pytest.raises(Conflict, match="was decided") as error:
                getattr(uow.tasks, decide)(task.id, "bob", review=1, **arguments)
            assert told in str(error.value)
        with store.unit_of_work() as uow, pytest.raises(IllegalTransition):
            uow.tasks.approve(task.id, "bob")

    def test_a_decision_on_an_older_entry(self, store: Store, channel_id: UUID) -> None:
        task = at_gate(store, channel_id)
        with store.unit_of_work() as uow:
            uow.tasks.reject(task.id, "ann", "too dark", review=1)
            uow.tasks.retry(task.id, "ann")
            uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "w1")
            uow.commit()
        assert read(store, task.id).review_token == 2
        with (
            store.unit_of_work() as uow,
            pytest.raises(Conflict, match=r"ann moved it .* too dark"),
        ):
            uow.tasks.approve(task.id, "bob", review=1)
        with store.unit_of_work() as uow:
            uow.tasks.approve(task.id, "bob", review=2)
            uow.commit()
        assert read(store, task.id).status == S.VIDEO_APPROVED

    def test_one_that_was_never_issued(self, store: Store, channel_id: UUID) -> None:
        task = at_gate(store, channel_id)
        with store.unit_of_work() as uow, pytest.raises(Conflict, match="never"):
            uow.tasks.approve(task.id, "bob", review=9)

    @pytest.mark.parametrize("reason", ["", None, 1])
    def test_a_rejection_needs_a_reason(self, store: Store, channel_id: UUID, reason: Any) -> None:
        task = at_gate(store, channel_id)
        with store.unit_of_work() as uow, pytest.raises(InvalidValue):
            uow.tasks.reject(task.id, "ann", reason)
        assert read(store, task.id).status == S.VIDEO_READY

    def test_unknown_tasks(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            for call in (
                lambda: uow.tasks.approve(new_key(), "ann"),
                lambda: uow.tasks.reject(new_key(), "ann", "no"),
                lambda: uow.tasks.retry(new_key(), "ann"),
                lambda: uow.tasks.history(new_key()),
            ):
                with pytest.raises(NotFound):
                    call()


class TestRetry:
    """A failed task begins again where its row says."""

    def test_at_the_stage_that_failed(self, store: Store, channel_id: UUID) -> None:
        for page, failed in enumerate(S):
            error = STAGES[failed].error
            if error is None:
                continue
            task = add_task(store, channel_id, page, status=failed)
            with store.unit_of_work() as uow:
                uow.tasks.advance(uow.tasks.get(task.id), error, "w1", "broken")
                uow.commit()
            with store.unit_of_work() as uow:
                retried = uow.tasks.retry(task.id, "ann")
                uow.commit()
            assert (retried.status, retried.failed_stage) == (STAGES[failed].retry_at, None), failed
            assert retried.attempts == 0, failed

    @pytest.mark.parametrize("error", ERRORS)
    def test_at_another(self, store: Store, channel_id: UUID, error: TaskStatus) -> None:
        task = add_task(store, channel_id, status=error)
        for wanted in S:
            with store.unit_of_work() as uow:
                if wanted in STAGES[error].moves:
                    assert uow.tasks.retry(task.id, "ann", to=wanted).status == wanted
                else:
                    with pytest.raises(IllegalTransition):
                        uow.tasks.retry(task.id, "ann", to=wanted)

    def test_only_what_failed(self, store: Store, channel_id: UUID) -> None:
        for page, status in enumerate(set(S) - set(ERRORS)):
            task = add_task(store, channel_id, page, status=status)
            with store.unit_of_work() as uow, suppress(IllegalTransition):
                uow.tasks.retry(task.id, "ann")
                pytest.fail(f"retried what is {status}")


class TestQuestions:
    """How tasks are found."""

    def test_by_the_page(self, store: Store, channel_id: UUID) -> None:
        page = "01A1fd3b-ffc8-7000-bc3e-ba7ce12946bd"
        with store.unit_of_work() as uow:
            task = uow.tasks.add(a_task(channel_id, notion_page_id=page))
            assert task.notion_page_id == page.replace("-", "")
            assert uow.tasks.by_notion_page_id(page) is task
            assert uow.tasks.by_notion_page_id(task.notion_page_id) is task
            assert uow.tasks.by_notion_page_id("another") is None
            with pytest.raises(AlreadyExists):
                uow.tasks.add(a_task(channel_id, notion_page_id=page.replace("-", "")))

    @in_turn(
        "values",
        [
            {"notion_page_id": ""},
            {"notion_page_id": "x" * 33},
            {"title": "x" * 256},
            {"topic": "x" * 501},
            {"youtube_url": "x" * 256},
            {"status": "done"},
            {"priority": "urgent"},
            {"story_direction": None},
        ],
    )
    def test_what_a_task_cannot_hold(self, channel_id: UUID, values: dict[str, Any]) -> None:
        with pytest.raises(InvalidValue):
            a_task(channel_id, **values)

    def test_the_longest_texts(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, title="🎬" * 255, topic="ä" * 500, youtube_url="x" * 255)
        assert read(store, task.id).title == "🎬" * 255

    def test_oldest_first(self, store: Store, channel_id: UUID, clock: SteppedClock) -> None:
        first = add_task(store, channel_id, 1)
        clock.advance(seconds=-5)
        earlier = add_task(store, channel_id, 2)
        done = add_task(store, channel_id, 3, status=S.PUBLISHED)
        with store.unit_of_work() as uow:
            found = [task.id for task in uow.tasks.for_channel(channel_id)]
            assert found == [earlier.id, done.id, first.id]
            found = [task.id for task in uow.tasks.in_status(S.DRAFT, limit=1)]
            assert found == [earlier.id]
            assert uow.tasks.count_by_status() == {S.DRAFT: 2, S.PUBLISHED: 1}
            assert uow.tasks.count_by_status(new_key()) == {}

    def test_time_in_each_stage(self, store: Store, channel_id: UUID, clock: SteppedClock) -> None:
        task = add_task(store, channel_id, status=S.GENERATING_VIDEO)
        clock.advance(minutes=3)
        for wanted, minutes in [(S.VIDEO_READY, 60), (S.VIDEO_APPROVED, 2)]:
            with store.unit_of_work() as uow:
                uow.tasks.advance(uow.tasks.get(task.id), wanted, "a")
                uow.commit()
            clock.advance(minutes=minutes)
        with store.unit_of_work(read_only=True) as uow:
            found = list(
                stays(
                    S.GENERATING_VIDEO, task.created_at, uow.tasks.history(task.id), clock.instant
                )
            )
        assert [(stay.status, stay.duration, stay.at_gate) for stay in found] == [
            (S.GENERATING_VIDEO, timedelta(minutes=3), False),
            (S.VIDEO_READY, timedelta(minutes=60), True),
            (S.VIDEO_APPROVED, timedelta(minutes=2), False),
        ]
        assert found[-1].until is None


def test_a_channel_with_tasks_stays(store: Store, channel_id: UUID) -> None:
    """Removing it is refused; removing a task removes its history."""
    task = add_task(store, channel_id)
    with store.unit_of_work() as uow:
        uow.tasks.advance(uow.tasks.get(task.id), S.QUEUED, "a")
        uow.commit()
    with store.unit_of_work() as uow, pytest.raises(InUse):
        uow.channels.remove(uow.channels.get(channel_id))
    with store.unit_of_work() as uow:
        uow.tasks.remove(uow.tasks.get(task.id))
        assert uow.task_transitions.count() == 0
        uow.channels.remove(uow.channels.get(channel_id))
        uow.commit()


def before_gate(gate: TaskStatus) -> TaskStatus:
    """The status from which the work comes to the gate."""
    return next(status for status in S if gate in STAGES[status].onward)


def at_gate(store: Store, channel_id: UUID) -> Task:
    """A task that waits for its video to be approved."""
    task = add_task(store, channel_id, status=S.GENERATING_VIDEO)
    with store.unit_of_work() as uow:
        uow.tasks.advance(uow.tasks.get(task.id), S.VIDEO_READY, "w1")
        uow.commit()
    return task
