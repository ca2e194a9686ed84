"""The ledger of quotas: what is reserved, spent and refunded, and what claims do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.errors import Conflict, IllegalTransition, InvalidValue, QuotaExhausted
from pipeline_store.sql.migrations.task_claims_0003 import MOST_VISITS
from pipeline_store.tasks import (
    DEFAULT_PROJECT,
    YOUTUBE_BUCKETS,
    YOUTUBE_POOL,
    QuotaAccount,
    QuotaCost,
    QuotaLimit,
    QuotaPlan,
    QuotaReservation,
    ReservationState,
    TaskStatus,
)
from tests.integration.contract.test_task_claims import (
    LEASE,
    add_channel,
    add_task,
    add_tasks,
    change_channel,
    claim_one,
    claim_shortly,
    nothing_to_claim,
    time_passes,
)
from tests.integration.contract.test_tasks import a_task, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from pipeline_store import Store
    from pipeline_store.claim import Claim
    from pipeline_store.tasks import Task
    from tests.integration.contract.conftest import SteppedClock

__all__ = ["time_passes"]

S = TaskStatus
UPLOADS = "youtube_uploads"
TURNS_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""The end of the day on which the tests play, at midnight in California."""


@pytest.fixture(autouse=True)
def shipped_rules(store: Store) -> Iterator[None]:
    """Limits and costs are what a new store has, before each test and after it."""
    yield
    with store.unit_of_work() as uow:
        for limit in uow.quotas.limits():
            if limit.project != DEFAULT_PROJECT:
                uow.quotas.remove_limit(limit.project, limit.bucket)
        uow.quotas.use_plan(YOUTUBE_BUCKETS)
        uow.commit()


def set_limit(store: Store, units: int, bucket: str = UPLOADS, project: str = "default") -> None:
    """Limit a bucket."""
    with store.unit_of_work() as uow:
        uow.quotas.set_limit(project, bucket, units)
        uow.commit()


def set_cost(store: Store, stage: str, bucket: str, units: int) -> None:
    """Let a stage cost something."""
    with store.unit_of_work() as uow:
        uow.quotas.set_cost(stage, bucket, units)
        uow.commit()


def standing(store: Store, bucket: str = UPLOADS, project: str = "default") -> tuple[int, int]:
    """What is used and what is reserved."""
    with store.unit_of_work(read_only=True) as uow:
        account = uow.quotas.account(project, bucket)
    return account.used, account.reserved


class TestReserving:
    """Reserve, commit, refund; what is left and when it turns."""

    def test_what_a_new_store_has(self, store: Store) -> None:
        with store.unit_of_work(read_only=True) as uow:
            assert uow.quotas.limits() == [
                QuotaLimit("default", "youtube_other", 10_000),
                QuotaLimit("default", "youtube_search", 100),
                QuotaLimit("default", UPLOADS, 100),
            ]
            assert uow.quotas.costs() == [
                QuotaCost("list", "youtube_other", 1),
                QuotaCost("search", "youtube_search", 1),
                QuotaCost("thumbnail", "youtube_other", 50),
                QuotaCost("uploading", UPLOADS, 1),
            ]
            account = uow.quotas.account("default", UPLOADS)
        assert account == QuotaAccount(
            project="default", bucket=UPLOADS, limit=100, used=0, reserved=0, turns_at=TURNS_AT
        )
        assert account.left == 100

    def test_the_older_pool_in_its_place(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.quotas.set_limit("mine", UPLOADS, 6)
            uow.quotas.use_plan(YOUTUBE_POOL)
            uow.commit()
        with store.unit_of_work(read_only=True) as uow:
            assert uow.quotas.limits() == [
                QuotaLimit("default", "youtube", 10_000),
                QuotaLimit("mine", UPLOADS, 6),
            ]
            assert uow.quotas.costs() == sorted(
                YOUTUBE_POOL.costs, key=lambda cost: (cost.stage, cost.bucket)
            )
            assert {cost.stage: cost.units for cost in uow.quotas.costs()} == {
                "uploading": 1_600,
                "search": 100,
                "thumbnail": 50,
                "list": 1,
            }

    def test_until_nothing_is_left(self, store: Store) -> None:
        """What was asked for, what is left, and when it turns: the error names them."""
        set_limit(store, 5)
        with store.unit_of_work() as uow:
            first = uow.quotas.reserve("default", UPLOADS, 3)
            with pytest.raises(QuotaExhausted) as refused:
                uow.quotas.reserve("default", UPLOADS, 3)
            uow.quotas.reserve("default", UPLOADS, 2)
            uow.commit()
        error = refused.value
        assert (error.project, error.bucket, error.left, error.asked, error.turns_at) == (
            "default",
            UPLOADS,
            2,
            3,
            TURNS_AT,
        )
        assert str(error) == (
            "quota youtube_uploads of project default: 2 left today, 3 asked for; "
            "wait until 2026-03-02T08:00:00+00:00, or raise the limit"
        )
        assert (first.units, first.state, first.turns_at) == (3, "held", TURNS_AT)
        assert standing(store) == (0, 5)

    def test_what_was_spent_is_gone_and_what_was_refunded_is_back(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            spent = uow.quotas.reserve("default", UPLOADS, 60)
            refunded = uow.quotas.reserve("default", UPLOADS, 40)
            uow.commit()
        with store.unit_of_work() as uow:
            uow.quotas.commit(spent)
            uow.quotas.refund(refunded)
            uow.quotas.commit(spent)  # a second time changes nothing
            uow.commit()
        assert standing(store) == (60, 0)
        with store.unit_of_work() as uow:
            with pytest.raises(IllegalTransition, match="is spent and cannot become refunded"):
                uow.quotas.refund(uow.quotas.get(spent.id))
            with pytest.raises(IllegalTransition, match="is refunded and cannot become spent"):
                uow.quotas.get(refunded.id).state = ReservationState.SPENT
            assert uow.quotas.account("default", UPLOADS).left == 40

    def test_what_was_not_committed_was_not_taken(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            uow.quotas.reserve("default", UPLOADS, 100)
            assert uow.quotas.account("default", UPLOADS).left == 0
            uow.rollback()
            assert uow.quotas.account("default", UPLOADS).left == 100
            uow.quotas.set_limit("default", UPLOADS, 7)
            uow.quotas.set_cost("uploading", UPLOADS, 7)
            uow.rollback()
            assert uow.quotas.account("default", UPLOADS).left == 100
            assert QuotaCost("uploading", UPLOADS, 1) in uow.quotas.costs()
        assert standing(store) == (0, 0)

    def test_what_is_booked_removed_or_changed_counts(self, store: Store) -> None:
        """Reservations that came in another way are in the sums too, even above the limit."""
        with store.unit_of_work() as uow:
            booked = uow.quotas.add(
                QuotaReservation(
                    project="default",
                    bucket=UPLOADS,
                    units=170,
                    turns_at=TURNS_AT,
                    state=ReservationState.SPENT,
                )
            )
            uow.commit()
        assert standing(store) == (170, 0)
        with store.unit_of_work() as uow:
            account = uow.quotas.account("default", UPLOADS)
            assert (account.left, account.has(1)) == (0, False)
            uow.quotas.get(booked.id).units = 30
            uow.commit()
        assert standing(store) == (30, 0)
        with store.unit_of_work() as uow:
            uow.quotas.get(booked.id).bucket = "youtube_search"
            uow.commit()
        assert standing(store) == (0, 0)
        assert standing(store, "youtube_search") == (30, 0)
        with store.unit_of_work() as uow:
            uow.quotas.remove(uow.quotas.get(booked.id))
            uow.commit()
        assert standing(store, "youtube_search") == (0, 0)

    def test_projects_stand_apart(self, store: Store) -> None:
        """Each has its own day; the limit of default holds for those without one."""
        set_limit(store, 2, project="mine")
        with store.unit_of_work() as uow:
            uow.quotas.reserve("default", UPLOADS, 100)
            uow.quotas.reserve("mine", UPLOADS, 2)
            uow.quotas.reserve("another", UPLOADS, 100)
            for project, left in [("default", 0), ("mine", 0), ("another", 0)]:
                with pytest.raises(QuotaExhausted) as refused:
                    uow.quotas.reserve(project, UPLOADS, 1)
                assert refused.value.left == left
            assert uow.quotas.remove_limit("mine", UPLOADS)
            assert not uow.quotas.remove_limit("mine", UPLOADS)
            assert uow.quotas.account("mine", UPLOADS).left == 98
            uow.commit()

    def test_which_accounts_there_are(self, store: Store) -> None:
        """Those of projects with limits, of channels, and of those that took something today."""
        add_channel(store, "history1", quota_project="of a channel")
        set_limit(store, 5, "tokens", "limited")
        with store.unit_of_work() as uow:
            uow.quotas.reserve("busy", UPLOADS, 5)
            uow.commit()
            accounts = uow.quotas.accounts()
            assert uow.quotas.accounts("busy") == [a for a in accounts if a.project == "busy"]
            assert [a.bucket for a in uow.quotas.accounts("nobody's")] == [
                "youtube_other",
                "youtube_search",
                UPLOADS,
            ]
        buckets = {project: [] for project in ("busy", "default", "limited", "of a channel")}
        assert list(dict.fromkeys(account.project for account in accounts)) == list(buckets)
        for account in accounts:
            buckets[account.project].append((account.bucket, account.left))
        shipped = [("youtube_other", 10_000), ("youtube_search", 100), (UPLOADS, 100)]
        assert buckets == {
            "busy": [*shipped[:2], (UPLOADS, 95)],
            "default": shipped,
            "limited": [("tokens", 5), *shipped],
            "of a channel": shipped,
        }

    def test_a_stage_of_several_buckets_is_reserved_whole_or_not(self, store: Store) -> None:
        set_cost(store, "search", "youtube_other", 5)
        set_limit(store, 5, "youtube_other")
        with store.unit_of_work() as uow:
            taken = uow.quotas.reserve_for("default", "search")
            assert [(each.bucket, each.units) for each in taken] == [
                ("youtube_other", 5),
                ("youtube_search", 1),
            ]
            with pytest.raises(QuotaExhausted, match="youtube_other"):
                uow.quotas.reserve_for("default", "search")
            assert uow.quotas.reserve_for("default", "costs nothing") == []
            uow.commit()
        assert standing(store, "youtube_search") == (0, 1)

    @pytest.mark.differs("sqlite", reason="on SQLite the second writer waits for the first to end")
    def test_two_units_of_work_set_limits_at_once(self, store: Store) -> None:
        """What one has set stays when the other, which began before, commits later."""
        with store.unit_of_work() as one, store.unit_of_work() as other:
            one.quotas.set_limit("nature", UPLOADS, 1)
            one.quotas.set_cost("search", UPLOADS, 3)
            other.quotas.set_limit("nature", "youtube_search", 2)
            one.commit()
            other.commit()
        with store.unit_of_work() as uow:
            limits = [each for each in uow.quotas.limits() if each.project == "nature"]
            assert limits == [
                QuotaLimit("nature", "youtube_search", 2),
                QuotaLimit("nature", UPLOADS, 1),
            ]
            assert QuotaCost("search", UPLOADS, 3) in uow.quotas.costs()

    def test_what_cannot_be_meant_is_refused(self, store: Store) -> None:
        with store.unit_of_work() as uow:
            quotas: Any = uow.quotas
            wrong: Any = 7
            short: Any = ("a",)
            for call in [
                lambda: quotas.reserve("default", UPLOADS, 0),
                lambda: quotas.reserve("default", UPLOADS, 1.5),
                lambda: quotas.reserve("", UPLOADS, 1),
                lambda: quotas.reserve("default", "no such bucket", 1),
                lambda: quotas.reserve_for("default", ""),
                lambda: quotas.account("default", b"x"),
                lambda: quotas.accounts(""),
                lambda: quotas.set_limit("default", UPLOADS, -1),
                lambda: quotas.set_limit("default", UPLOADS, 10**12 + 1),
                lambda: quotas.remove_limit("default", ""),
                lambda: quotas.set_cost("up\x00", UPLOADS, 1),
                lambda: quotas.set_cost("uploading", UPLOADS, True),  # noqa: FBT003
                lambda: quotas.use_plan("youtube-pool"),
                lambda: quotas.use_plan(QuotaPlan((("a", -1),), ())),
                lambda: quotas.use_plan(QuotaPlan(wrong, ())),
                lambda: quotas.use_plan(QuotaPlan((wrong,), ())),
                lambda: quotas.use_plan(QuotaPlan((short,), ())),
                lambda: quotas.use_plan(QuotaPlan((), (wrong,))),
                lambda: quotas.use_plan(QuotaPlan((), (QuotaCost("a", "b", 0),))),
                lambda: quotas.commit("reservation"),
            ]:
                with pytest.raises(InvalidValue):
                    call()
            assert uow.quotas.count() == 0
            assert [limit.units for limit in uow.quotas.limits()] == [10_000, 100, 100]

    def test_two_units_of_work_cannot_both_take_the_last_one(
        self, store: Store, store_id: str
    ) -> None:
        if store_id not in ("memory", "aio-memory"):
            pytest.skip("the second waits for the first; processes race elsewhere")
        set_limit(store, 1)
        with store.unit_of_work() as one, store.unit_of_work() as other:
            one.quotas.reserve("default", UPLOADS, 1)
            other.quotas.reserve("default", UPLOADS, 1)
            one.commit()
            with pytest.raises(Conflict, match="taken what was left"):
                other.commit()
        assert standing(store) == (0, 1)


DAYS = [
    pytest.param(datetime(2026, 3, 8, 7, 59, 59, tzinfo=UTC), 8, 8, id="the day before spring"),
    pytest.param(datetime(2026, 3, 8, 8, tzinfo=UTC), 9, 7, id="23 hours in spring"),
    pytest.param(datetime(2026, 3, 9, 6, 59, 59, tzinfo=UTC), 9, 7, id="the end of that day"),
    pytest.param(datetime(2026, 3, 9, 7, tzinfo=UTC), 10, 7, id="the day after"),
    pytest.param(datetime(2026, 11, 1, 7, tzinfo=UTC), 2, 8, id="25 hours in autumn"),
    pytest.param(datetime(2026, 11, 2, 7, 59, 59, tzinfo=UTC), 2, 8, id="the end of that day too"),
    pytest.param(datetime(2026, 11, 2, 8, tzinfo=UTC), 3, 8, id="the day after that"),
]


@pytest.mark.parametrize(("now", "day", "hour"), DAYS)
def test_days_turn_at_midnight_in_california(
    store: Store, clock: SteppedClock, now: datetime, day: int, hour: int
) -> None:
    """Also when clocks are changed there, and the day has 23 or 25 hours."""
    clock.instant = now
    with store.unit_of_work() as uow:
        reservation = uow.quotas.reserve("default", UPLOADS, 100)
        uow.commit()
    turns_at = datetime(now.year, now.month, day, hour, tzinfo=UTC)
    assert reservation.turns_at == turns_at
    clock.instant = turns_at - timedelta(microseconds=1)
    assert standing(store) == (0, 100)
    clock.instant = turns_at
    assert standing(store) == (0, 0)
    with store.unit_of_work() as uow:
        assert uow.quotas.reserve("default", UPLOADS, 100).turns_at > turns_at


@pytest.fixture
def channel_id(store: Store) -> UUID:
    """The key of a channel whose project is `mine`."""
    return add_channel(store, "history1", quota_project="mine")


def used_by_mine(store: Store) -> tuple[int, int]:
    """What the project of that channel has used and reserved."""
    return standing(store, project="mine")


WAYS = [
    pytest.param(lambda uow, claim: uow.tasks.complete(claim), id="complete"),
    pytest.param(lambda uow, claim: uow.tasks.advance(claim, S.PUBLISHED), id="advance"),
    pytest.param(lambda uow, claim: uow.tasks.fail(claim, "no connection"), id="fail"),
]


class TestClaims:
    """What a claim reserves, and what becomes of it."""

    @pytest.mark.parametrize("claim_a_task", [claim_one, claim_shortly])
    def test_a_claim_reserves_for_its_stage(
        self, store: Store, channel_id: UUID, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        add_task(store, channel_id)
        claim_a_task(store)
        assert used_by_mine(store) == (0, 0)
        add_task(store, channel_id, status=S.UPLOADING)
        claim = claim_a_task(store)
        assert used_by_mine(store) == (0, 1)
        with store.unit_of_work(read_only=True) as uow:
            (reservation,) = uow.quotas.page()
        assert reservation.task_id == claim.item.id
        assert reservation.lease_token == claim.token
        assert (reservation.project, reservation.bucket) == ("mine", UPLOADS)

    @pytest.mark.parametrize("write", WAYS)
    def test_what_a_worker_writes_spends_it(
        self, store: Store, channel_id: UUID, write: Callable[[Any, Claim[Task]], Any]
    ) -> None:
        add_task(store, channel_id, status=S.UPLOADING)
        claim = claim_one(store)
        with store.unit_of_work() as uow:
            uow.quotas.page()
            write(uow, claim)
            assert [each.state for each in uow.quotas.page()] == ["spent"]
            uow.commit()
        assert used_by_mine(store) == (1, 0)

    def test_the_short_way_spends_it(self, store: Store, channel_id: UUID) -> None:
        add_tasks(store, channel_id, *[{"status": S.UPLOADING}] * 3)
        store.complete(claim_shortly(store))
        store.complete_many([claim_shortly(store), claim_shortly(store)])
        assert used_by_mine(store) == (3, 0)

    def test_a_release_refunds_it(self, store: Store, channel_id: UUID) -> None:
        set_cost(store, "claimed", UPLOADS, 1)
        set_cost(store, "queued", UPLOADS, 1)
        add_task(store, channel_id, status=S.UPLOADING)
        with store.unit_of_work() as uow:
            uow.tasks.release(uow.tasks.claim_next("w1", LEASE))
            uow.commit()
        assert used_by_mine(store) == (0, 0)
        add_task(store, channel_id, priority="high")
        claim = claim_one(store)
        assert used_by_mine(store) == (0, 1)
        with store.unit_of_work() as uow:
            uow.tasks.advance(claim, S.QUEUED)
            uow.commit()
        assert used_by_mine(store) == (0, 0)

    @pytest.mark.parametrize("claim_a_task", [claim_one, claim_shortly])
    @pytest.mark.parametrize(("status", "after"), [(S.UPLOADING, (1, 1)), (S.ASSEMBLING, (0, 1))])
    def test_a_lease_lost_in_uploading_counts_as_spent(  # noqa: PLR0917
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        claim_a_task: Callable[..., Claim[Task]],
        status: TaskStatus,
        after: tuple[int, int],
    ) -> None:
        """And elsewhere as refunded; the next claim reserves anew."""
        set_cost(store, "assembling", UPLOADS, 1)
        add_task(store, channel_id, status=status)
        claim_a_task(store, "dies")
        time_passes(LEASE + timedelta(seconds=1))
        assert used_by_mine(store) == (0, 1)
        claim_a_task(store, "comes after")
        assert used_by_mine(store) == after

    def test_each_upload_retry_reserves_anew(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.UPLOADING)
        for tries in (1, 2, 3):
            claim = claim_one(store)
            assert used_by_mine(store) == (tries - 1, 1)
            with store.unit_of_work() as uow:
                uow.tasks.fail(claim, "no connection")
                uow.tasks.retry(task.id, "ann")
                uow.commit()
        assert used_by_mine(store) == (3, 0)

    @pytest.mark.parametrize("claim_a_task", [claim_one, claim_shortly])
    def test_other_work_is_claimed_instead(
        self, store: Store, channel_id: UUID, claim_a_task: Callable[..., Claim[Task]]
    ) -> None:
        """Of the same channel, also with less priority, and of other projects' channels."""
        set_limit(store, 1, project="mine")
        uploads = add_tasks(store, channel_id, *[{"status": S.UPLOADING, "priority": "high"}] * 3)
        low = add_task(store, channel_id, priority="low")
        normal = add_task(store, channel_id)
        theirs = add_channel(store, "history2", quota_project="theirs")
        of_theirs = add_task(store, theirs, status=S.UPLOADING)
        found = [claim_a_task(store).item.id for _ in range(4)]
        assert found[0] == uploads[0].id
        assert set(found[1:3]) == {normal.id, of_theirs.id}
        assert found[3] == low.id
        assert nothing_to_claim(store)
        assert nothing_to_claim(store, stages=[S.UPLOADING])
        assert used_by_mine(store) == (0, 1)

    def test_within_one_batch(self, store: Store, channel_id: UUID) -> None:
        set_limit(store, 2, project="mine")
        add_tasks(store, channel_id, *[{"status": S.UPLOADING, "priority": "high"}] * 4)
        add_tasks(store, channel_id, {}, {})
        claims = store.claim_batch("w1", 10, lease=LEASE, queue="tasks")
        assert [claim.item.status for claim in claims] == [
            S.UPLOADING,
            S.UPLOADING,
            S.CLAIMED,
            S.CLAIMED,
        ]

    def test_stages_that_are_asked_for(self, store: Store, channel_id: UUID) -> None:
        """A worker for uploads finds those of the projects that have something left."""
        set_limit(store, 0, project="mine")
        add_tasks(store, channel_id, *[{"status": S.UPLOADING, "priority": "high"}] * 2)
        theirs = add_channel(store, "history2", quota_project="theirs")
        of_theirs = add_task(store, theirs, status=S.UPLOADING, priority="low")
        wanted = [S.UPLOADING, S.ASSEMBLING]
        assert claim_shortly(store, stages=wanted).item.id == of_theirs.id
        assert nothing_to_claim(store, stages=wanted)

    def test_more_projects_than_one_call_looks_at(self, store: Store) -> None:
        """However many there are, each of which was set aside, the work behind them is found."""
        set_limit(store, 0)
        with store.unit_of_work() as uow:
            channels = uow.channels.add_many(
                Channel(channel_id=f"{number}", name="History", quota_project=f"project {number}")
                for number in range(MOST_VISITS + 5)
            )
            uow.tasks.add_many(
                a_task(channel.id, 1_000 + number, status=S.UPLOADING, priority="high")
                for number, channel in enumerate(channels)
            )
            uow.commit()
        last = add_task(store, channels[-1].id)
        assert nothing_to_claim(store, stages=[S.UPLOADING])
        assert claim_shortly(store).item.id == last.id
        assert nothing_to_claim(store)

    @pytest.mark.parametrize(
        "make_room",
        [
            lambda uow, claim: uow.tasks.release(claim),
            lambda uow, _: uow.quotas.set_limit("mine", UPLOADS, 2),
            lambda uow, _: uow.quotas.remove_limit("mine", UPLOADS),
            lambda uow, _: uow.quotas.set_cost("uploading", UPLOADS, 0),
            lambda uow, _: uow.quotas.refund(uow.quotas.page()[0]),
            lambda uow, _: uow.quotas.remove(uow.quotas.page()[0]),
            lambda uow, _: setattr(uow.quotas.page()[0], "project", "yours"),
            lambda uow, _: setattr(uow.quotas.page()[0], "bucket", "youtube_other"),
            lambda uow, _: setattr(uow.quotas.page()[0], "turns_at", TURNS_AT - timedelta(days=1)),
        ],
        ids=[
            "released",
            "limit raised",
            "limit removed",
            "cost removed",
            "refunded",
            "removed",
            "another project",
            "another bucket",
            "another day",
        ],
    )
    def test_what_was_set_aside_is_found_again(
        self, store: Store, channel_id: UUID, make_room: Callable[[Any, Claim[Task]], None]
    ) -> None:
        set_limit(store, 1, project="mine")
        other = add_channel(store, "history2", quota_project="mine")
        add_task(store, channel_id, status=S.UPLOADING, priority="high")
        waits = add_task(store, other, status=S.UPLOADING)
        claim = claim_one(store)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            make_room(uow, claim)
            uow.commit()
        if store.claim_next("w1", lease=LEASE, queue="tasks", stages=[S.QUEUED]):
            pytest.fail("nothing is queued")
        found = {claim_shortly(store).item.id}
        with store.unit_of_work(read_only=True) as uow:
            released = uow.tasks.get(claim.item.id).lease_token == 2
        assert found == ({claim.item.id} if released else {waits.id})

    def test_what_was_set_aside_is_found_again_when_less_was_spent(
        self, store: Store, channel_id: UUID
    ) -> None:
        set_limit(store, 10, project="mine")
        with store.unit_of_work() as uow:
            spent = uow.quotas.reserve("mine", UPLOADS, 10)
            uow.quotas.commit(spent)
            uow.commit()
        waits = add_task(store, channel_id, status=S.UPLOADING)
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            uow.quotas.get(spent.id).units = 9
            uow.commit()
        assert claim_shortly(store).item.id == waits.id

    def test_what_a_clock_that_was_ahead_has_set_aside_is_found_again(
        self,
        store: Store,
        channel_id: UUID,
        clock: SteppedClock,
        time_passes: Callable[[timedelta], None],
    ) -> None:
        """Soon after the clock is put right, and not when it comes to that time again."""
        set_limit(store, 1, project="mine")
        add_tasks(store, channel_id, *[{"status": S.UPLOADING}] * 2)
        clock.advance(days=3)
        store.complete(claim_shortly(store))
        assert nothing_to_claim(store)
        clock.advance(days=-3)
        time_passes(timedelta(seconds=31))
        claim_shortly(store)

    @pytest.mark.parametrize("then", ["activated", "more room", "another project", "resumed"])
    def test_what_was_set_aside_stays_known(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        then: str,
    ) -> None:
        """Whatever else stops the channel meanwhile."""
        set_limit(store, 0, project="mine")
        waits = add_task(store, channel_id, status=S.UPLOADING, priority="high")
        add_task(store, channel_id)
        claim = claim_one(store)
        change_channel(store, channel_id, max_concurrent=1, is_active=then != "activated")
        assert nothing_to_claim(store)
        with store.unit_of_work() as uow:
            uow.tasks.fail(claim, "no connection")
            if then == "another project":
                uow.channels.get(channel_id).quota_project = "free"
            else:
                uow.quotas.set_limit("mine", UPLOADS, 1)
            uow.commit()
        if then == "resumed":
            with store.unit_of_work() as uow:
                uow.config_overrides.set("paused.channel.history1", "true")
                uow.commit()
            assert nothing_to_claim(store)
            with store.unit_of_work() as uow:
                uow.config_overrides.unset("paused.channel.history1")
                uow.commit()
            time_passes(timedelta(seconds=31))
        change_channel(store, channel_id, is_active=True, max_concurrent=2)
        assert claim_shortly(store).item.id == waits.id

    def test_the_next_day_brings_it_back(
        self, store: Store, channel_id: UUID, time_passes: Callable[[timedelta], None]
    ) -> None:
        set_limit(store, 1, project="mine")
        add_tasks(store, channel_id, *[{"status": S.UPLOADING}] * 2)
        store.complete(claim_shortly(store))
        assert nothing_to_claim(store)
        time_passes(TURNS_AT - datetime(2026, 3, 1, 12, tzinfo=UTC))
        claim_shortly(store)
        assert used_by_mine(store) == (0, 1)

    @pytest.mark.parametrize("in_one_call", [False, True])
    def test_the_next_day_brings_it_back_however_many_projects_are_looked_at_again(
        self,
        store: Store,
        channel_id: UUID,
        time_passes: Callable[[timedelta], None],
        in_one_call: bool,
    ) -> None:
        with store.unit_of_work() as uow:
            for number in range(22):
                project = f"project {number}"
                uow.quotas.set_limit(project, UPLOADS, 0)
                channel = uow.channels.add(
                    Channel(channel_id=f"channel {number}", name="History", quota_project=project)
                )
                uow.tasks.add(a_task(channel.id, 1_000 + number, status=S.UPLOADING))
            uow.commit()
        set_limit(store, 1, project="mine")
        add_tasks(store, channel_id, *[{"status": S.UPLOADING}] * 2)
        store.complete(claim_shortly(store))
        add_task(store, add_channel(store, "free"), status=S.GENERATING_ASSETS)
        held = store.claim_next("w1", lease=timedelta(days=2), queue="tasks")
        assert held is not None
        assert nothing_to_claim(store)
        time_passes(TURNS_AT - datetime(2026, 3, 1, 12, tzinfo=UTC))
        if in_one_call:
            assert store.complete_and_claim_next(held, lease=LEASE) is not None
        else:
            claim_shortly(store)

    @pytest.mark.parametrize("shortly", [True, False])
    def test_going_on_into_a_stage_that_costs_reserves_for_it(
        self, store: Store, channel_id: UUID, shortly: bool
    ) -> None:
        """The lease goes on when it is left, and ends when not; the task waits in its stage."""
        set_limit(store, 1, project="mine")
        add_tasks(store, channel_id, *[{"status": S.APPROVED}] * 2)
        claims = [claim_one(store), claim_one(store, "w2")]
        assert used_by_mine(store) == (0, 0)
        for claim in claims:
            if shortly:
                store.complete(claim)
            else:
                with store.unit_of_work() as uow:
                    uow.tasks.complete(claim)
                    uow.commit()
        goes_on, waits = (read(store, claim.item.id) for claim in claims)
        assert (goes_on.status, goes_on.worker) == (S.UPLOADING, "w1")
        assert (waits.status, waits.worker, waits.lease_expires_at) == (S.UPLOADING, None, None)
        assert used_by_mine(store) == (0, 1)
        assert nothing_to_claim(store)
        store.complete(claims[0])
        assert used_by_mine(store) == (1, 0)
        set_limit(store, 2, project="mine")
        assert claim_shortly(store).item.id == waits.id

    def test_an_operator_who_takes_a_task_away_settles_it(
        self, store: Store, channel_id: UUID
    ) -> None:
        task = add_task(store, channel_id, status=S.UPLOADING)
        claim_one(store)
        with store.unit_of_work() as uow:
            uow.tasks.advance(uow.tasks.get(task.id), S.UPLOAD_ERROR, "ann", "stop", force=True)
            uow.commit()
        assert used_by_mine(store) == (1, 0)

    def test_a_task_that_is_given_up_keeps_nothing(self, store: Store, channel_id: UUID) -> None:
        task = add_task(store, channel_id, status=S.UPLOADING, attempts=5)
        assert nothing_to_claim(store)
        assert read(store, task.id).status == S.UPLOAD_ERROR
        assert used_by_mine(store) == (0, 0)

    def test_a_channel_without_a_project_uses_the_default_one(self, store: Store) -> None:
        add_task(store, add_channel(store, "history3"), status=S.UPLOADING)
        claim_shortly(store)
        assert standing(store) == (0, 1)

    def test_a_stage_without_a_limit_is_booked_and_not_stopped(
        self, store: Store, channel_id: UUID
    ) -> None:
        set_cost(store, "uploading", "tokens", 10**12)
        add_tasks(store, channel_id, *[{"status": S.UPLOADING}] * 2)
        claim_shortly(store)
        claim_one(store)
        assert standing(store, "tokens", "mine") == (0, 2 * 10**12)


def test_a_channel_has_no_project_that_the_ledger_cannot_name(store: Store) -> None:
    """A single task of such a channel would keep everybody from claiming."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="longest1", name="Longest"))
        for name in ("", "x" * 256):
            with pytest.raises(InvalidValue, match="quota_project"):
                channel.quota_project = name
        channel.quota_project = "x" * 255
        uow.tasks.add(a_task(channel.id, 1, status=S.UPLOADING))
        uow.commit()
    claim_one(store)
    assert standing(store, "youtube_uploads", "x" * 255) == (0, 1)
