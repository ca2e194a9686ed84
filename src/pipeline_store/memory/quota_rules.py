"""Limits and costs in memory, as one unit of work has changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, final

from pipeline_store.tasks import DEFAULT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store.memory.session import MemorySession
    from pipeline_store.memory.tables import Units

Change: TypeAlias = "Callable[[Units, Units], None]"
"""Changes the limits and the costs that it is handed."""


@final
class QuotaRules:
    """What was committed, until the unit of work changes it; published with its commit."""

    def __init__(self, session: MemorySession) -> None:
        self._session = session
        self._limits: Units = {}
        self._costs: Units = {}
        #: What was changed since the last commit, the earliest first.
        self._changes: list[Change] = []

    @property
    def limits(self) -> Units:
        """How much of each bucket of each project may be spent."""
        return self._limits if self._is_changed else self._session.tables.quota_limits

    @property
    def costs(self) -> Units:
        """What each stage costs of each bucket."""
        return self._costs if self._is_changed else self._session.tables.quota_costs

    def limit_of(self, project: str, bucket: str) -> int | None:
        """Return the project's own limit, or else that of all."""
        limits = self.limits
        return limits.get((project, bucket), limits.get((DEFAULT_PROJECT, bucket)))

    def costs_of(self, stage: str) -> dict[str, int]:
        """Return what a stage costs, by bucket."""
        return {
            bucket: units for (each, bucket), units in sorted(self.costs.items()) if each == stage
        }

    def change(self, how: Change) -> None:
        """Change the limits and the costs as `how` does, which is called again by the commit."""
        self._session.check_writable()
        self._limits, self._costs = _changed(self.limits, self.costs, [how])
        if not self._is_changed:
            # After a rollback nothing of before it is to be published any more.
            self._changes.clear()
            self._session.on_publish.append(self._publish)
        self._changes.append(how)

    @property
    def _is_changed(self) -> bool:
        return self._publish in self._session.on_publish

    def _publish(self) -> None:
        tables = self._session.tables
        # Upon what others have committed meanwhile, whose rows a database would not touch either.
        tables.quota_limits, tables.quota_costs = _changed(
            tables.quota_limits, tables.quota_costs, self._changes
        )


def _changed(limits: Units, costs: Units, changes: list[Change]) -> tuple[Units, Units]:
    limits, costs = limits.copy(), costs.copy()
    for change in changes:
        change(limits, costs)
    return limits, costs
