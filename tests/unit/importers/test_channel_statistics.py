"""Statistics of channels: what is stored, what is made, and what is left out and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.channels import Channel
from pipeline_store.importers.channel_storing import NAME_TAKEN, NO_CHANNEL, NOTHING_TOLD
from tests.unit.importers.api_responses import (
    CHANNEL,
    OTHER,
    THEN,
    channel,
    channel_list,
    counted,
    numbers_of_channels,
    take,
    told,
    video,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork

HUGE = 2**63 - 1


@pytest.mark.parametrize("spell", [str, int])
def test_a_known_channel_gets_a_reading(
    store: Store, known: Channel, after: UnitOfWork, tmp_path: Path, spell: type[str | int]
) -> None:
    """Counts up to 2^63-1, as text or as numbers; nothing of the channel itself is changed."""
    document = channel_list(
        channel(
            snippet={"title": "Another name"},
            statistics={
                "subscriberCount": spell(2**31),
                "viewCount": spell(HUGE),
                "videoCount": spell(0),
                "hiddenSubscriberCount": False,
            },
        )
    )
    [account] = take(store, tmp_path, document)
    assert told(account) == {"rows": 1, "readings": 1}
    assert numbers_of_channels(after) == [(2**31, HUGE, 0)]
    [reading] = after.channel_statistics.page()
    assert (reading.channel_id, reading.timestamp) == (known.id, THEN)
    assert after.channels.get(known.id).name == "Nature"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("shown", [{}, {"subscriberCount": "0"}, {"subscriberCount": "12"}])
def test_hidden_subscribers_are_unknown(
    store: Store, after: UnitOfWork, tmp_path: Path, shown: dict[str, str]
) -> None:
    """Whatever number a response says in their place."""
    take(store, tmp_path, channel_list(counted(viewCount="7", hiddenSubscriberCount=True, **shown)))
    assert numbers_of_channels(after) == [(None, 7, None)]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("part", [{}, {"statistics": {}}, {"statistics": None}])
def test_a_channel_of_which_nothing_is_told_gets_no_reading(
    store: Store, after: UnitOfWork, tmp_path: Path, part: dict[str, Any]
) -> None:
    """A reading of nothing but unknowns says nothing."""
    [account] = take(store, tmp_path, channel_list(channel(**part)))
    assert told(account) == {"rows": 1, "ignored": 1}
    assert account.ignored[0].reason == NOTHING_TOLD
    assert after.channel_statistics.count() == 0


def test_an_unknown_channel_is_told(store: Store, after: UnitOfWork, tmp_path: Path) -> None:
    """With its place, and is not made unless that is asked for."""
    document = channel_list(counted(viewCount="7"), counted(viewCount="8"))
    [account] = take(store, tmp_path, document)
    assert told(account) == {"rows": 2, "unknown": 1}
    assert account.as_mapping()["unknown"] == [
        {"place": "item 1", "kind": "channel", "youtube_id": CHANNEL, "reason": NO_CHANNEL}
    ]
    assert account.is_complete
    assert after.channels.count() == 0


@pytest.mark.parametrize(("part", "name"), [({"title": "A title"}, "A title"), ({}, CHANNEL)])
def test_an_unknown_channel_is_made_when_asked_for(
    store: Store, after: UnitOfWork, tmp_path: Path, part: dict[str, str], name: str
) -> None:
    """It is called as on YouTube, by its id where nothing else is said."""
    document = channel_list(channel(snippet=part, statistics={"viewCount": "7"}))
    [account] = take(store, tmp_path, document, create=True)
    assert told(account) == {"rows": 1, "new_channels": 1, "readings": 1}
    [made] = after.channels.page()
    assert (made.channel_id, made.youtube_channel_id, made.name) == (CHANNEL, CHANNEL, name)
    assert made.is_active


def test_a_channel_may_be_made_without_numbers(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """What was made of it is told, and not that there is no number."""
    [account] = take(store, tmp_path, channel_list(channel()), create=True, at=None)
    assert told(account) == {"rows": 1, "new_channels": 1}
    assert after.channel_statistics.count() == 0


def test_a_name_that_another_channel_has_is_not_taken(
    store: Store, after: UnitOfWork, tmp_path: Path
) -> None:
    """Whether it is the same one, a person decides."""
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id=CHANNEL, name="Mine"))
        uow.commit()
    document = channel_list(counted(viewCount="7"), channel(OTHER))
    [account] = take(store, tmp_path, document, create=True)
    assert told(account) == {"rows": 2, "new_channels": 1, "refused": 1}
    assert (account.refused[0].reason, account.refused[0].value) == (NAME_TAKEN, CHANNEL)
    assert after.channels.count() == 2


DAMAGED = {
    "an id that is none": channel("UCshort"),
    "an id that is no text": channel(7),  # type: ignore[arg-type]
    "a video": video(),
    "no object": "UC",
    "a fraction": counted(viewCount="1.5"),
    "a negative number": counted(viewCount="-1"),
    "a number above 64 bits": counted(viewCount=str(2**63)),
    "an empty number": counted(subscriberCount=""),
    "a flag that is text": counted(hiddenSubscriberCount="false", viewCount="1"),
    "statistics that are a list": channel(statistics=[]),
    "a title with NUL": channel(snippet={"title": "a\x00b"}),
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("item", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_channel_is_refused_alone(
    store: Store, after: UnitOfWork, tmp_path: Path, item: object
) -> None:
    """With its place; the next one is taken."""
    [account] = take(store, tmp_path, channel_list(item, counted(viewCount="7")), create=True)
    assert told(account) == {"rows": 2, "readings": 1, "refused": 1}
    assert str(account.refused[0].place) == "item 1"
    assert numbers_of_channels(after) == [(None, 7, None)]
