"""What an import says about one file: everything that was read, and what became of it."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias, get_args

import attrs

from pipeline_store.importers.reading import Ignored, Outcome, Place, Refusal

Counted: TypeAlias = Literal[
    "new", "refreshed", "older", "snapshots", "repeated", "without_instant"
]
"""What an account of discovered videos counts besides rows."""


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
class Account:
    """What became of one file; it grows while the file is imported.

    Compared by identity: one file may be given twice.
    """

    COUNTED: ClassVar[tuple[str, ...]] = ()
    """The names of what is counted besides rows."""

    path: str
    rows: int = 0
    """Every row of the file, whatever became of it."""

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

    def refused_by_reason(self) -> list[ReasonCount]:
        """Return the reasons for refusals, the most frequent first."""
        return by_reason(self.refused)

    def ignored_by_reason(self) -> list[ReasonCount]:
        """Return the reasons for rows that hold nothing to keep, the most frequent first."""
        return by_reason(self.ignored)

    def unknown_by_reason(self) -> list[ReasonCount]:
        """Return why rows were left out that are about nothing the store knows, if any were."""
        return []

    def add(self, counted: str, count: int) -> None:
        """Count more of one of `COUNTED`."""
        setattr(self, counted, getattr(self, counted) + count)

    def counts(self) -> dict[str, int]:
        """Return every number of the account, by its name."""
        stored = {counted: getattr(self, counted) for counted in self.COUNTED}
        told = {"refused": len(self.refused), "ignored": len(self.ignored)}
        return {"rows": self.rows, **stored, **told}

    def as_mapping(self) -> dict[str, object]:
        """Return the account as values that JSON can hold."""
        return {
            "path": self.path,
            **self.counts(),
            "refused": [
                {"place": str(refusal.place), "reason": refusal.reason, "value": refusal.value}
                for refusal in self.refused
            ],
            "ignored": [
                {"place": str(ignored.place), "reason": ignored.reason} for ignored in self.ignored
            ],
            "problem": self.problem,
        }


@attrs.define(kw_only=True, eq=False)
class FileSummary(Account):
    """The account of a file of videos that are discovered.

    What is stored is counted apart from rows, since one row may make a video and a snapshot, and
    several rows of an API call may make one video.
    """

    COUNTED: ClassVar[tuple[str, ...]] = get_args(Counted)

    new: int = 0
    refreshed: int = 0
    older: int = 0
    """Readings that were not the newest of their video, and so refreshed nothing."""

    snapshots: int = 0
    repeated: int = 0
    """Readings whose video and instant had a snapshot already."""

    without_instant: int = 0
    """Readings of numbers that made no snapshot because nothing says when they were read."""


def by_reason(rows: list[Refusal] | list[Ignored]) -> list[ReasonCount]:
    """Return the reasons that the rows have, the most frequent first."""
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
