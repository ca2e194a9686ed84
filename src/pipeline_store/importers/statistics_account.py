"""What an import of statistics says about one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import attrs

from pipeline_store.importers.summary import Account, ReasonCount

if TYPE_CHECKING:
    from pipeline_store.importers.reading import Place


@attrs.frozen
class Unknown:
    """A channel or a video that the store does not have."""

    place: Place
    kind: Literal["channel", "video"]
    youtube_id: str
    reason: str
    """The same words for the same case."""


@attrs.define(kw_only=True, eq=False)
class StatisticsAccount(Account):
    """The account of a file of statistics."""

    COUNTED: ClassVar[tuple[str, ...]] = ("new_channels", "new_videos", "readings", "repeated")

    new_channels: int = 0
    new_videos: int = 0
    readings: int = 0
    repeated: int = 0
    """Readings whose channel or video had one of that instant already."""

    unknown: list[Unknown] = attrs.field(factory=list[Unknown])
    """What was left out because the store does not know it, and nothing was to be created."""

    def unknown_by_reason(self) -> list[ReasonCount]:
        """Return why things are unknown, the most frequent reason first; see `ReasonCount`."""
        by_reason: dict[str, list[Unknown]] = {}
        for each in self.unknown:
            by_reason.setdefault(each.reason, []).append(each)
        counted = [
            ReasonCount(reason, tuple(each.place for each in its), its[0].youtube_id)
            for reason, its in by_reason.items()
        ]
        return sorted(counted, key=lambda reason: reason.count, reverse=True)

    def counts(self) -> dict[str, int]:
        """See `Account.counts`."""
        return {**super().counts(), "unknown": len(self.unknown)}

    def as_mapping(self) -> dict[str, object]:
        """See `Account.as_mapping`."""
        unknown = [
            {
                "place": str(each.place),
                "kind": each.kind,
                "youtube_id": each.youtube_id,
                "reason": each.reason,
            }
            for each in self.unknown
        ]
        return {**super().as_mapping(), "unknown": unknown}
