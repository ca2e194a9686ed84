"""What services depend on: the named collections, and when their changes count."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pipeline_store.production import (
    AnalyticsRepository,
    ClipRepository,
    ConfigOverrideRepository,
    DiscoveredVideoRepository,
    ErrorLogRepository,
    PipelineRunRepository,
    ReviewLogRepository,
    ScriptRepository,
    ShortRepository,
    TTSAudioRepository,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from pipeline_store.clock import Clock


AnyRepository = TypeVar("AnyRepository")


class Collection(cached_property[AnyRepository]):
    """How a store's unit of work declares a collection: its repository, made when first used."""

    def __init__(self, kind: Callable[[Any, Clock], AnyRepository]) -> None:
        """Make repositories of this kind from the unit of work's session and clock."""

        def make(unit_of_work: Any) -> AnyRepository:
            return kind(unit_of_work.session, unit_of_work.now)

        super().__init__(make)


class Collections(Protocol):
    """The collections of a unit of work, by name."""

    @property
    def discovered_videos(self) -> DiscoveredVideoRepository:
        """The viral videos that were discovered."""
        ...

    @property
    def pipeline_runs(self) -> PipelineRunRepository:
        """The runs of the pipeline."""
        ...

    @property
    def clips(self) -> ClipRepository:
        """The pieces cut for the runs."""
        ...

    @property
    def scripts(self) -> ScriptRepository:
        """The runs' scripts."""
        ...

    @property
    def tts_audio(self) -> TTSAudioRepository:
        """The runs' spoken audio."""
        ...

    @property
    def shorts(self) -> ShortRepository:
        """The runs' shorts."""
        ...

    @property
    def analytics(self) -> AnalyticsRepository:
        """The readings of videos' numbers."""
        ...

    @property
    def reviews(self) -> ReviewLogRepository:
        """What people were asked, and their answers."""
        ...

    @property
    def config_overrides(self) -> ConfigOverrideRepository:
        """The settings changed while the pipeline runs."""
        ...

    @property
    def errors(self) -> ErrorLogRepository:
        """What went wrong."""
        ...


class UnitOfWork(Collections, Protocol):
    """A group of changes that happen together or not at all.

    A context manager: leaving it without `commit()` rolls back. An error that the database raised
    undoes the whole unit of work; further calls raise `RolledBack` until `rollback()`.
    """

    def commit(self) -> None:
        """Make the changes permanent and visible to others; the unit of work can go on after.

        Raises:
            Conflict: somebody else changed one of the objects first; nothing was written.
            CommitUnknown: the connection was lost before the database answered.
        """
        ...

    def rollback(self) -> None:
        """Undo the changes since the start or the last commit.

        Objects that were added are new again; objects that were read keep their values, belong to
        no unit of work any more and should be read again.
        """
        ...

    def now(self) -> datetime:
        """Return the present instant by the store's clock, aware, in UTC."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Store(Protocol):
    """Where objects are kept. Making one touches nothing; the first unit of work connects."""

    def unit_of_work(self, *, read_only: bool = False) -> UnitOfWork:
        """Return a new unit of work.

        One that is `read_only` takes no write lock and refuses writes with `ReadOnly`.

        Raises:
            SchemaOutOfDate: the database is not at the revision that this package needs.
        """
        ...

    def upgrade(self) -> None:
        """Create what is missing in the database, or bring it to the newest revision."""
        ...

    def downgrade(self, revision: str) -> None:
        """Take the schema back to `revision`; "base" removes every table of this package."""
        ...

    def current(self) -> str | None:
        """Return the revision the database is at, or None when it has none."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
