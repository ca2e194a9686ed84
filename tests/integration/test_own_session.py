"""A unit of work over the caller's own session: the transaction stays the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline_store import open_store
from pipeline_store.errors import AlreadyExists, NotFound, RolledBack
from pipeline_store.production import DiscoveredVideo, ErrorLog, Script
from pipeline_store.sql import SqlUnitOfWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from pipeline_store import UnitOfWork


@pytest.fixture(params=["the store's engine", "an engine of the caller's own"])
def session(request: pytest.FixtureRequest, new_url: Callable[[], str]) -> Iterator[Session]:
    """A session on a database with the newest schema, over the store's engine or a plain one."""
    url = new_url()
    store: Any = open_store(url)
    engine = store.engine
    if request.param != "the store's engine":
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", enforce_references)
    with Session(engine) as session:
        yield session
    engine.dispose()
    store.close()


def enforce_references(dbapi: Any, _entry: object) -> None:
    dbapi.execute("PRAGMA foreign_keys = ON")


def an_error(message: str) -> ErrorLog:
    return ErrorLog(module="cut", error_type="ValueError", error_message=message, resolved=0)


def a_video(video_id: str) -> DiscoveredVideo:
    return DiscoveredVideo(
        video_id=video_id, title="", channel_name="", channel_id="", url="", niche="gaming"
    )


def stored(session: Session) -> list[str]:
    """The messages that others see."""
    engine: Engine = session.get_bind()  # type: ignore[assignment]
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT error_message FROM error_log ORDER BY id"))
        found = [row[0] for row in rows]
        connection.rollback()
    return found


def test_a_commit_is_left_to_the_caller(session: Session) -> None:
    """What was committed in the unit of work is undone when the caller rolls back."""
    with SqlUnitOfWork.over(session) as uow:
        uow.errors.add(an_error("written"))
        uow.commit()
    assert [each.error_message for each in session.scalars(sa.select(ErrorLog))] == ["written"]
    session.rollback()
    assert stored(session) == []


def test_a_commit_of_the_caller_keeps_it(session: Session) -> None:
    """What was committed in the unit of work is stored when the caller commits."""
    with SqlUnitOfWork.over(session) as uow:
        uow.errors.add(an_error("written"))
        uow.commit()
    session.commit()
    assert stored(session) == ["written"]


def test_leaving_without_commit_undoes_its_own_part(session: Session) -> None:
    """Work of the caller before and after stays when the unit of work is left without commit."""
    session.add(an_error("before"))
    with SqlUnitOfWork.over(session) as uow:
        uow.errors.add(an_error("kept"))
        uow.commit()
        uow.errors.add(an_error("dropped"))
    session.add(an_error("after"))
    session.commit()
    assert stored(session) == ["before", "kept", "after"]


def test_a_rollback_undoes_its_own_part(session: Session) -> None:
    """A rollback in the unit of work takes it back to its start or last commit, and it goes on."""
    session.add(an_error("before"))
    with SqlUnitOfWork.over(session) as uow:
        dropped = uow.errors.add(an_error("dropped"))
        uow.rollback()
        assert vars(dropped)["id"] is None
        uow.errors.add(an_error("kept"))
        uow.commit()
    session.commit()
    assert stored(session) == ["before", "kept"]


def add_a_known_video(uow: UnitOfWork) -> None:
    uow.discovered_videos.add(a_video("known"))


def refer_to_nothing(uow: UnitOfWork) -> None:
    uow.scripts.add(Script(pipeline_run_id=99))


@pytest.mark.parametrize(
    ("fail", "expected"), [(add_a_known_video, AlreadyExists), (refer_to_nothing, NotFound)]
)
def test_an_error_inside_leaves_the_caller_a_working_transaction(
    session: Session, fail: Callable[[UnitOfWork], None], expected: type[Exception]
) -> None:
    """An error of the database undoes the unit of work; the caller's work before it is kept."""
    session.add_all([a_video("known"), an_error("before")])
    with pytest.raises(expected), SqlUnitOfWork.over(session) as uow:  # noqa: PT012
        uow.errors.add(an_error("dropped"))
        fail(uow)
    session.add(an_error("after"))
    session.commit()
    assert stored(session) == ["before", "after"]


def test_after_an_error_it_is_undone_until_rolled_back(session: Session) -> None:
    """After an error further calls raise RolledBack, and after a rollback they work."""
    with SqlUnitOfWork.over(session) as uow:
        uow.discovered_videos.add(a_video("known"))
        uow.commit()
        with pytest.raises(AlreadyExists):
            uow.discovered_videos.add(a_video("known"))
        with pytest.raises(RolledBack):
            uow.errors.count()
        uow.rollback()
        uow.errors.add(an_error("kept"))
        uow.commit()
    session.commit()
    assert stored(session) == ["kept"]


def test_an_error_of_the_caller_inside_undoes_its_own_part(session: Session) -> None:
    """An exception that passes through undoes the unit of work, not what the caller did before."""
    session.add(an_error("before"))
    with pytest.raises(ZeroDivisionError), SqlUnitOfWork.over(session) as uow:  # noqa: PT012
        uow.errors.add(an_error("dropped"))
        raise ZeroDivisionError
    session.commit()
    assert stored(session) == ["before"]


def test_the_store_gives_one_over_a_session(new_url: Callable[[], str]) -> None:
    """`store.unit_of_work(session=...)` works in the caller's transaction, by the store's clock."""
    store: Any = open_store(new_url())
    with Session(store.engine) as session:
        with store.unit_of_work(session=session) as uow:
            uow.errors.add(an_error("written"))
            assert abs((uow.now() - store.unit_of_work().now()).total_seconds()) < 60
            uow.commit()
        session.rollback()
        assert stored(session) == []
    store.close()


def test_an_ended_one_does_nothing_any_more(session: Session) -> None:
    """A unit of work that was left refuses calls, and no longer watches the caller's session."""
    with SqlUnitOfWork.over(session) as uow:
        video = uow.discovered_videos.add(a_video("known"))
        uow.commit()
    with pytest.raises(RolledBack):
        uow.errors.count()
    session.commit()
    # Another program changes the row; a plain session writes over it, as it always did.
    session.execute(sa.text("UPDATE discovered_videos SET title = 'theirs'"))
    video.title = "mine"
    session.commit()
    assert session.scalar(sa.text("SELECT title FROM discovered_videos")) == "mine"


def test_an_ended_one_can_be_left_again(session: Session) -> None:
    """Leaving within itself ends it, and leaving it a second time does nothing."""
    with SqlUnitOfWork.over(session) as uow, uow:
        uow.discovered_videos.add(a_video("known"))
    with pytest.raises(RolledBack):
        uow.errors.count()
