"""What may be spent in a day, and what each stage costs: data that a store begins with."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import frozen

DEFAULT_PROJECT: Final = "default"
"""The project of channels that name none; its limits hold for projects without their own."""


@frozen
class QuotaLimit:
    """How many units of a bucket a project may spend in a Pacific day."""

    project: str
    bucket: str
    units: int


@frozen
class QuotaCost:
    """What a stage costs of a bucket.

    A stage is a status in which tasks are claimed, or a name for something else that is paid for,
    such as "search".
    """

    stage: str
    bucket: str
    units: int


@frozen
class QuotaPlan:
    """Limits for every project, and costs, that belong together."""

    #: By bucket.
    limits: tuple[tuple[str, int], ...]
    costs: tuple[QuotaCost, ...]


YOUTUBE_BUCKETS: Final = QuotaPlan(
    limits=(("youtube_uploads", 100), ("youtube_search", 100), ("youtube_other", 10_000)),
    costs=(
        QuotaCost("uploading", "youtube_uploads", 1),
        QuotaCost("search", "youtube_search", 1),
        QuotaCost("thumbnail", "youtube_other", 50),
        QuotaCost("list", "youtube_other", 1),
    ),
)
"""Calls of YouTube's Data API, counted apart; a new store begins with this plan."""

YOUTUBE_POOL: Final = QuotaPlan(
    limits=(("youtube", 10_000),),
    costs=(
        QuotaCost("uploading", "youtube", 1_600),
        QuotaCost("search", "youtube", 100),
        QuotaCost("thumbnail", "youtube", 50),
        QuotaCost("list", "youtube", 1),
    ),
)
"""The older way of YouTube's Data API: one pool that every call is paid from."""


class PlanName(StrEnum):
    """The plans by the names that they have on the command line."""

    BUCKETS = "youtube-buckets"
    POOL = "youtube-pool"


PLANS: Final = {PlanName.BUCKETS: YOUTUBE_BUCKETS, PlanName.POOL: YOUTUBE_POOL}
"""The plan of each name."""
