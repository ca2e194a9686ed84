"""Niches and channels that are paused: kept in `config_overrides`, so that all programs see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.pauses import CHANNEL_PAUSED, NICHE_PAUSED, PAUSED
from pipeline_store.production.config_override import SYSTEM
from pipeline_store.services.lookup import channel_named
from pipeline_store.values import LONGEST_KEY, check_text

if TYPE_CHECKING:
    from pipeline_store.unit_of_work import UnitOfWork


def pause_niche(uow: UnitOfWork, niche: str, by: str = SYSTEM) -> None:
    """Ask the pipeline to start no new work for the niche.

    Raises:
        InvalidValue: no niche is named, or one that no run can have.
    """
    check_text("niche", niche, longest=LONGEST_KEY - len(NICHE_PAUSED), empty=False)
    uow.config_overrides.set(NICHE_PAUSED + niche, PAUSED, by)


def resume_niche(uow: UnitOfWork, niche: str) -> bool:
    """End the pause and return whether there was one."""
    check_text("niche", niche)
    return uow.config_overrides.unset(NICHE_PAUSED + niche)


def paused_niches(uow: UnitOfWork) -> list[str]:
    """Return the paused niches in alphabetical order."""
    return _paused(uow, NICHE_PAUSED)


def pause_channel(uow: UnitOfWork, channel_id: str, by: str = SYSTEM) -> None:
    """Ask programs to start no new work for the channel of that name, `Channel.channel_id`.

    Raises:
        NotFound: there is no such channel.
        InvalidValue: its name is too long to be part of a key.
    """
    channel = channel_named(uow, channel_id)
    longest = LONGEST_KEY - len(CHANNEL_PAUSED)
    check_text("channel_id", channel.channel_id, longest=longest, empty=False)
    uow.config_overrides.set(CHANNEL_PAUSED + channel.channel_id, PAUSED, by)


def resume_channel(uow: UnitOfWork, channel_id: str) -> bool:
    """End the pause and return whether there was one; the channel itself may be gone."""
    check_text("channel_id", channel_id)
    return uow.config_overrides.unset(CHANNEL_PAUSED + channel_id)


def paused_channels(uow: UnitOfWork) -> list[str]:
    """Return the names of the paused channels in alphabetical order."""
    return _paused(uow, CHANNEL_PAUSED)


def _paused(uow: UnitOfWork, prefix: str) -> list[str]:
    overrides = uow.config_overrides.starting_with(prefix)
    return [each.key.removeprefix(prefix) for each in overrides if each.value == PAUSED]
