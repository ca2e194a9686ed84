"""Pausing a niche: kept where every program sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InvalidValue
from pipeline_store.services import pauses

if TYPE_CHECKING:
    from pipeline_store import UnitOfWork


def test_a_paused_niche_is_a_config_override(uow: UnitOfWork) -> None:
    """Its key names the niche, and the row says who paused it."""
    pauses.pause_niche(uow, "gaming", by="ann")
    override = uow.config_overrides.get("paused.niche.gaming")
    assert (override.value, override.updated_by) == ("true", "ann")
    assert pauses.paused_niches(uow) == ["gaming"]


def test_a_pause_ends_once(uow: UnitOfWork) -> None:
    """Resuming tells whether there was a pause."""
    pauses.pause_niche(uow, "gaming")
    assert pauses.resume_niche(uow, "gaming")
    assert not pauses.resume_niche(uow, "gaming")
    assert pauses.paused_niches(uow) == []


def test_pausing_twice_is_one_pause(uow: UnitOfWork) -> None:
    """The last one to pause is named."""
    pauses.pause_niche(uow, "gaming", by="ann")
    pauses.pause_niche(uow, "gaming", by="bob")
    assert pauses.resume_niche(uow, "gaming")
    assert pauses.paused_niches(uow) == []


def test_niches_are_told_apart(uow: UnitOfWork) -> None:
    """By every letter, whatever wildcards a database knows, in alphabetical order."""
    for niche in ("pets", "Pets", "p_ts", "pe%", "jobs.upload"):
        pauses.pause_niche(uow, niche)
    pauses.resume_niche(uow, "p_ts")
    assert pauses.paused_niches(uow) == ["Pets", "jobs.upload", "pe%", "pets"]


def test_other_pauses_and_values_pause_no_niche(uow: UnitOfWork) -> None:
    """Jobs and channels have keys of their own, and a niche may be set to go on."""
    uow.config_overrides.set("paused.jobs", "true")
    uow.config_overrides.set("paused.channel.c1", "true")
    uow.config_overrides.set("paused.niche.pets", "false")
    assert pauses.paused_niches(uow) == []


@pytest.mark.parametrize("niche", ["", "n" * 243, None, 7, "a\x00b"])
def test_what_cannot_be_a_niche_cannot_be_paused(uow: UnitOfWork, niche: str) -> None:
    """The longest key of a setting is 255 characters, "paused.niche." included."""
    with pytest.raises(InvalidValue, match="niche"):
        pauses.pause_niche(uow, niche)
    assert uow.config_overrides.count() == 0


def test_the_longest_niche_can_be_paused(uow: UnitOfWork) -> None:
    """Its key has exactly 255 characters."""
    pauses.pause_niche(uow, "n" * 242)
    assert pauses.paused_niches(uow) == ["n" * 242]
