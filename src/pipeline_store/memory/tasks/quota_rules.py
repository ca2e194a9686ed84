"""Limits and costs in memory, as one unit of work has changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final
from weakref import WeakKeyDictionary

from pipeline_store.tasks import DEFAULT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_store.memory.session import MemorySession
    from pipeline_store.memory.tables import Units


@final
class QuotaRules:
    """What was committed, until the unit of work changes it; published with its commit."""

    def __init__(self, session: MemorySession) -> None:
        self._session = session
        self._limits: Units = {}
        self._costs: Units = {}

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

    def change(self, how: Callable[[Units, Units], None]) -> None:
        """Change the limits and the costs as `how` does."""
        self._session.check_writable()
        limits, costs = self.limits.copy(), self.costs.copy()
        how(limits, costs)
        self._limits, self._costs = limits, costs
        if not self._is_changed:
            self._session.on_publish.append(self._publish)

    @property
    def _is_changed(self) -> bool:
        # After a rollback nothing is to be published any more.
        return self._publish in self._session.on_publish

    def _publish(self) -> None:
        tables = self._session.tables
        tables.quota_limits, tables.quota_costs = self._limits, self._costs


_rules: Final[WeakKeyDictionary[MemorySession, QuotaRules]] = WeakKeyDictionary()


def rules_of(session: MemorySession) -> QuotaRules:
    """Return the rules that all repositories of a unit of work share."""
    if session not in _rules:
        _rules[session] = QuotaRules(session)
    return _rules[session]
