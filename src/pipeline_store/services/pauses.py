"""Niches that are paused: kept in `config_overrides`, so that every program sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_store.pauses import NICHE_PAUSED, PAUSED
from pipeline_store.production.config_override import SYSTEM
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
    return uow.config_overrides.unset(NICHE_PAUSED + niche)


def paused_niches(uow: UnitOfWork) -> list[str]:
    """Return the paused niches in alphabetical order."""
    overrides = uow.config_overrides.starting_with(NICHE_PAUSED)
    return [o.key.removeprefix(NICHE_PAUSED) for o in overrides if o.value == PAUSED]
