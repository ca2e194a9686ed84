"""A store on SQLite or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

from sqlalchemy.orm import Session

from pipeline_store.clock import checked, utc_now
from pipeline_store.short_way import ShortWay
from pipeline_store.sql import schema
from pipeline_store.sql.adopt import AdoptionReport, adopt
from pipeline_store.sql.engine import (
    create_sqlite_file,
    make_engine,
    parse_url,
    read_only,
    refuse_missing_file,
)
from pipeline_store.sql.failures import translated
from pipeline_store.sql.session import GuardedSession
from pipeline_store.sql.short_way import SqlQueues
from pipeline_store.sql.unit_of_work import SqlUnitOfWork
from pipeline_store.sql.wakeups import make_wakeups
from pipeline_store.unit_of_work import Store

if TYPE_CHECKING:
    from collections.abc import Generator

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
        self._url = parse_url(url)
        self._clock = checked(clock)
        self.engine = make_engine(self._url, awaited=awaited, **options)
        self._reading = read_only(self.engine)
        self._short_way = SqlQueues(self.engine, self._clock)
        self._schema_is_current = False

    def unit_of_work(
        self, *, read_only: bool = False, session: Session | None = None
    ) -> SqlUnitOfWork:
        """Return a new unit of work; one over the caller's own `session` never commits it."""
        if session is not None:
            return SqlUnitOfWork.over(session, clock=self._clock)
        engine = self._reading if read_only else self.engine
        own = Session(engine, expire_on_commit=False)
        guarded = GuardedSession(own, self._clock, read_only=read_only)
        return SqlUnitOfWork(guarded, self._clock, self.check_schema)

    def check_schema(self) -> None:
        """Refuse a database at another revision; asked once, since revisions only go up."""
        if not self._schema_is_current:
            refuse_missing_file(self._url)
            schema.check(self._reading)
            self._schema_is_current = True

    def upgrade(self) -> None:
        """See `pipeline_store.unit_of_work.Store.upgrade`."""
        create_sqlite_file(self._url)
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
        return adopt(self._url)

    def downgrade(self, revision: str) -> None:
        """See `pipeline_store.unit_of_work.Store.downgrade`."""
        refuse_missing_file(self._url)
        self._schema_is_current = False
        schema.downgrade(self.engine, revision)

    def current(self) -> str | None:
        """See `pipeline_store.unit_of_work.Store.current`."""
        refuse_missing_file(self._url)
        return schema.current(self._reading)

    def close(self) -> None:
        """See `pipeline_store.unit_of_work.Store.close`."""
        with translated():
            self.engine.dispose()
