"""Readings of channels and videos: appended, never doubled, found by owner and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel, ChannelStatistics, Video, VideoStatistics
from pipeline_store.errors import Conflict, InvalidValue, NotFound
from pipeline_store.uuid_keys import new_key
from tests.integration.contract.in_turn import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from pipeline_store import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["channel", "video"])
def owner(request: pytest.FixtureRequest) -> str:
    """Whose readings the test is about."""
    kind: str = request.param
    return kind


@pytest.fixture
def owners(store: Store, owner: str) -> list[UUID]:
    """The keys of three owners."""
    with store.unit_of_work() as uow:
        channels = uow.channels.add_many(
            Channel(channel_id=f"nature{number}", name="Nature") for number in range(3)
        )
        videos = uow.videos.add_many(
            Video(
                channel_id=channels[0].id,
                source_url=f"https://example.org/{number}",
                source_title="",
                source_platform="example",
            )
            for number in range(3)
        )
        uow.commit()
    return [each.id for each in (channels if owner == "channel" else videos)]


@pytest.fixture
def reading(owner: str) -> Callable[..., Any]:
    """Makes a reading of an owner, some hours after noon."""

    def make(owner_id: UUID, hours: float = 0, views: int | None = 1) -> Any:
        kind: Any = ChannelStatistics if owner == "channel" else VideoStatistics
        return kind(**{f"{owner}_id": owner_id}, timestamp=NOON + hours * HOUR, view_count=views)

    return make


def test_new_ones_only(
    store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]
) -> None:
    """One of the same owner and instant as a stored or an earlier one is left out."""
    one, two, _ = owners
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        first = [reading(one, views=10), reading(two), reading(one, views=11), reading(one, 1)]
        assert collection.record_new(first) == 3
        assert first[2].id is None
        assert collection.record_new([reading(one, views=12), reading(one, 2)]) == 1
        uow.commit()
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        assert collection.record_new(iter([reading(two), reading(one, 2)])) == 0
        assert [row.view_count for row in collection.series(one)] == [10, 1, 1]
        assert collection.record_new([]) == 0


def test_series(store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]) -> None:
    """The readings of one owner, oldest first, from a time to before another."""
    one, two, three = owners
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        collection.add_many([reading(one, hours) for hours in (2, 0, 1, 0.5)])
        collection.add(reading(two))

        def times(**limits: Any) -> list[float]:
            return [(row.timestamp - NOON) / HOUR for row in collection.series(one, **limits)]

        assert times() == [0, 0.5, 1, 2]
        assert times(since=NOON + HOUR / 2, until=NOON + 2 * HOUR) == [0.5, 1]
        assert collection.series(three) == []


def test_latest(store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]) -> None:
    """The latest reading of each owner that has one."""
    one, two, three = owners
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        rows = collection.add_many([reading(one, 1), reading(one, 5), reading(one, 3)])
        other = collection.add(reading(two))
        assert collection.latest_for(owners) == {one: rows[1], two: other}
        assert collection.latest_for([three, new_key()]) == {}
        assert collection.latest_for(iter([one, one])) == {one: rows[1]}
        assert collection.latest_for([]) == {}


def test_of_two_at_one_instant_the_later_added_is_the_latest(
    store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]
) -> None:
    """`add` appends whatever there is; ties are told apart by their keys."""
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        first, second = collection.add_many([reading(owners[0]), reading(owners[0])])
        assert collection.latest_for(owners[:1]) == {owners[0]: second}
        assert collection.series(owners[0]) == [first, second]


def test_counts_of_64_bits_and_hidden_ones(
    store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]
) -> None:
    """Counters keep 64 bits, and one that is hidden is None."""
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        collection.record_new([reading(owners[0], 0, 2**63 - 1), reading(owners[0], 1, None)])
        uow.commit()
    with store.unit_of_work() as uow:
        found = getattr(uow, f"{owner}_statistics").series(owners[0])
        assert [row.view_count for row in found] == [2**63 - 1, None]


@pytest.mark.differs("sqlite", "postgres", reason="the second waits, and leaves out what is there")
def test_new_ones_of_two_units_of_work(
    store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]
) -> None:
    """Of two that record the same readings the second gets a Conflict, and none is doubled."""
    with store.unit_of_work() as one, store.unit_of_work() as other:
        for uow in (one, other):
            assert getattr(uow, f"{owner}_statistics").record_new([reading(owners[0])]) == 1
        one.commit()
        with pytest.raises(Conflict, match="somebody else recorded the same readings"):
            other.commit()
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        assert collection.record_new([reading(owners[0])]) == 0
        assert collection.count() == 1


def test_unknown_owners(
    store: Store, owner: str, owners: list[UUID], reading: Callable[..., Any]
) -> None:
    """A reading of an owner that does not exist is refused, and nothing was written."""
    with store.unit_of_work() as uow, pytest.raises(NotFound):
        getattr(uow, f"{owner}_statistics").record_new([reading(owners[0]), reading(new_key())])
    with store.unit_of_work() as uow:
        assert getattr(uow, f"{owner}_statistics").count() == 0


@in_turn("several", [None, 7, "text", [None], ["text"], [7]])
def test_bad_arguments(store: Store, owner: str, several: Any) -> None:
    """What is no list of keys, or of readings, is refused."""
    with store.unit_of_work() as uow:
        collection = getattr(uow, f"{owner}_statistics")
        with pytest.raises(InvalidValue):
            collection.latest_for(several)
        with pytest.raises(InvalidValue):
            collection.record_new(several)
        with pytest.raises(InvalidValue):
            collection.series(several)
