"""What an import says about one file: everything that was read, and what became of it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from pipeline_store.importers.reading import Ignored, Outcome, Place, Refusal

Counted: TypeAlias = Literal[
    "new", "refreshed", "older", "snapshots", "repeated", "without_instant"
]
"""What an account counts besides rows."""


@attrs.frozen
class ReasonCount:
    """How many rows share one reason, and where they stand."""

    reason: str
    places: tuple[Place, ...]
    example: str | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.places)


@attrs.define(kw_only=True, eq=False)
class FileSummary:
    """The account of one file; it grows while the file is imported.

    Compared by identity: one file may be given twice.

    `rows` is every row of the file. What is stored is counted apart, since one row may make a video
    and a snapshot, and several rows of an API call may make one video.
    """

    path: str
    rows: int = 0
    new: int = 0
    refreshed: int = 0
    older: int = 0
    """Readings that were not the newest of their video, and so refreshed nothing."""

    snapshots: int = 0
    repeated: int = 0
    """Readings whose video and instant had a snapshot already."""

    without_instant: int = 0
    """Readings of numbers that made no snapshot because nothing says when they were read."""

    refused: list[Refusal] = attrs.field(factory=list[Refusal])
    ignored: list[Ignored] = attrs.field(factory=list[Ignored])
    problem: str | None = None
    """Why the file was not read to its end; None when it was."""

    @property
    def is_complete(self) -> bool:
        """Whether the file was read to its end."""
        return self.problem is None

    def note(self, outcome: Outcome) -> None:
        """Count one row, and keep why it was not taken."""
        self.rows += 1
        match outcome:
            case Refusal():
                self.refused.append(outcome)
            case Ignored():
                self.ignored.append(outcome)
            case _:
                pass

    def add(self, counted: Counted, count: int) -> None:
        """Count more of what was stored."""
        setattr(self, counted, getattr(self, counted) + count)

    def refused_by_reason(self) -> list[ReasonCount]:
        """Return the reasons for refusals, the most frequent first."""
        return _by_reason(self.refused)

    def ignored_by_reason(self) -> list[ReasonCount]:
        """Return the reasons for rows that hold nothing to keep, the most frequent first."""
        return _by_reason(self.ignored)

    def as_mapping(self) -> dict[str, object]:
        """Return the account as values that JSON can hold."""
        return {
            "path": self.path,
            "rows": self.rows,
            "new": self.new,
            "refreshed": self.refreshed,
            "older": self.older,
            "snapshots": self.snapshots,
            "repeated": self.repeated,
            "without_instant": self.without_instant,
            "refused": [
                {"place": str(refusal.place), "reason": refusal.reason, "value": refusal.value}
                for refusal in self.refused
            ],
            "ignored": [
                {"place": str(ignored.place), "reason": ignored.reason} for ignored in self.ignored
            ],
            "problem": self.problem,
        }


def _by_reason(rows: list[Refusal] | list[Ignored]) -> list[ReasonCount]:
    places: dict[str, list[Place]] = {}
    examples: dict[str, str | None] = {}
    for row in rows:
        places.setdefault(row.reason, []).append(row.place)
        if isinstance(row, Refusal):
            examples.setdefault(row.reason, row.value)
    counted = [
        ReasonCount(reason, tuple(found), examples.get(reason)) for reason, found in places.items()
    ]
    return sorted(counted, key=lambda reason: reason.count, reverse=True)
