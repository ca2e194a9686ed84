"""Niches that are paused: kept in `config_overrides`, so that every program sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline_store.production.config_override import SYSTEM
from pipeline_store.values import LONGEST_KEY, check_text

if TYPE_CHECKING:
    from pipeline_store.unit_of_work import UnitOfWork

NICHE_PREFIX: Final = "paused.niche."
PAUSED: Final = "true"


def pause_niche(uow: UnitOfWork, niche: str, by: str = SYSTEM) -> None:
    """Ask the pipeline to start no new work for the niche.

    Raises:
        InvalidValue: no niche is named, or one that no run can have.
    """
    check_text("niche", niche, longest=LONGEST_KEY - len(NICHE_PREFIX), empty=False)
    uow.config_overrides.set(NICHE_PREFIX + niche, PAUSED, by)


def resume_niche(uow: UnitOfWork, niche: str) -> bool:
    """End the pause and return whether there was one."""
    return uow.config_overrides.unset(NICHE_PREFIX + niche)


def paused_niches(uow: UnitOfWork) -> list[str]:
    """Return the paused niches in alphabetical order."""
    overrides = uow.config_overrides.starting_with(NICHE_PREFIX)
    return [o.key.removeprefix(NICHE_PREFIX) for o in overrides if o.value == PAUSED]
