"""A store on SQLite or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

from pipeline_store.clock import checked, utc_now
from pipeline_store.short_way import ShortWay
from pipeline_store.sql import schema
from pipeline_store.sql.adopt import AdoptionReport, adopt
from pipeline_store.sql.engine import make_engine, read_only
from pipeline_store.sql.failures import translated
from pipeline_store.sql.session import GuardedSession
from pipeline_store.sql.short_way import SqlQueues
from pipeline_store.sql.unit_of_work import SqlUnitOfWork
from pipeline_store.sql.urls import (
    create_sqlite_file,
    fixed_in_place,
    parse_url,
    refuse_missing_file,
    sqlite_file,
)
from pipeline_store.sql.wakeups import make_wakeups
from pipeline_store.sql.watched_session import KeepingSession, WatchedSession
from pipeline_store.unit_of_work import Store

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy.orm import Session

    from pipeline_store.claim import Claim
    from pipeline_store.clock import Clock
    from pipeline_store.short_way import Queues
    from pipeline_store.tasks import Task
    from pipeline_store.tasks.claiming import ClaimRequest
    from pipeline_store.wakeups import Wakeups


@final
class SqlStore(ShortWay, Store):
    """Objects in a database; made without touching it."""

    def __init__(
        self, url: str, *, clock: Clock = utc_now, awaited: bool = False, **options: Any
    ) -> None:
        """Keep objects at `url`; `options` go to SQLAlchemy's `create_engine`."""
        #: As it was given, for reports.
        self._given = parse_url(url)
        self._url = fixed_in_place(self._given)
        self._file = sqlite_file(self._url)
        self._clock = checked(clock)
        self.engine = make_engine(self._url, awaited=awaited, **options)
        self._reading = read_only(self.engine)
        self._short_way = SqlQueues(self.engine, self._clock)
        self._schema_is_current = False
        #: Which file was found by that name, as the disk tells files apart.
        self._found: tuple[int, int] | None = None

    def unit_of_work(
        self, *, read_only: bool = False, session: Session | None = None
    ) -> SqlUnitOfWork:
        """Return a new unit of work; one over the caller's own `session` never commits it."""
        if session is not None:
            return SqlUnitOfWork.over(session, clock=self._clock)
        engine = self._reading if read_only else self.engine
        kind = WatchedSession if read_only else KeepingSession
        own = kind(engine, expire_on_commit=False)
        guarded = own.guard = GuardedSession(own, self._clock, read_only=read_only)
        return SqlUnitOfWork(guarded, self._clock, self.check_schema)

    def check_schema(self) -> None:
        """Refuse a database at another revision; asked once, since revisions only go up."""
        self._follow_file()
        if not self._schema_is_current:
            refuse_missing_file(self._url)
            schema.check(self._reading)
            self._schema_is_current = True

    def _follow_file(self) -> None:
        """Leave a file that was removed or replaced: to write to it would be to lose it."""
        if self._file is None:
            return
        try:
            status = self._file.stat()
            found = (status.st_dev, status.st_ino)
        except OSError:
            found = None
        if found == self._found:
            return
        if self._found is not None:
            with translated():
                self.engine.dispose()
        self._found = found
        self._schema_is_current = False

    def upgrade(self) -> None:
        """See `pipeline_store.unit_of_work.Store.upgrade`."""
        create_sqlite_file(self._url)
        self._follow_file()
        schema.upgrade(self.engine)

    def wakeups(self) -> Wakeups:
        """See `pipeline_store.unit_of_work.Store.wakeups`."""
        return make_wakeups(self.engine)

    @contextmanager
    def _queues(self) -> Generator[Queues]:
        self.check_schema()
        yield self._short_way

    def _complete_and_claim_tasks(
        self, claims: list[Claim[Task]], wanted: ClaimRequest
    ) -> list[Claim[Task]]:
        self.check_schema()
        return self._short_way.tasks.complete_and_claim_batch(claims, wanted)

    def adopt(self) -> AdoptionReport:
        """Take over the SQLite file, whose ten tables another program made; see `adopt`."""
        return adopt(self._given)

    def downgrade(self, revision: str) -> None:
        """See `pipeline_store.unit_of_work.Store.downgrade`."""
        refuse_missing_file(self._url)
        self._follow_file()
        self._schema_is_current = False
        schema.downgrade(self.engine, revision)

    def current(self) -> str | None:
        """See `pipeline_store.unit_of_work.Store.current`."""
        refuse_missing_file(self._url)
        self._follow_file()
        return schema.current(self._reading)

    def close(self) -> None:
        """See `pipeline_store.unit_of_work.Store.close`."""
        with translated():
            self.engine.dispose()
