"""What a unit of work costs beside a plain session of SQLAlchemy that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline_store import open_store
from pipeline_store.production import DiscoveredVideo
from tests.benchmarks.result import Result, best_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline_store.unit_of_work import Store

READS = 1_000
CHANGES = 200
TARGET = 0.5


def on_sqlite(folder: Path) -> Iterator[Result]:
    """Reading one row by its key, and changing one, each in a unit of work of its own."""
    url = f"sqlite:///{folder / 'units.db'}"
    store, engine = open_store(url), sa.create_engine(url)
    store.upgrade()
    with store.unit_of_work() as uow:
        name = {"title": "A river", "channel_name": "Rivers", "channel_id": "UC1", "url": ""}
        video = DiscoveredVideo(video_id="a" * 11, niche="nature", **name)
        key = uow.discovered_videos.add(video).id
        uow.commit()
    assert key is not None
    yield _compare("read one row", READS, _reading(store, key), _plainly_reading(engine, key))
    changing, plainly = _changing(store, key), _plainly_changing(engine, key)
    yield _compare("change one row", CHANGES, changing, plainly)
    engine.dispose()
    store.close()


def _compare(
    what: str, times: int, ours: Callable[[], object], plain: Callable[[], object]
) -> Result:
    def repeated(run: Callable[[], object]) -> Callable[[], None]:
        def several() -> None:
            for _ in range(times):
                run()

        return several

    rivals = {"ours": repeated(ours), "plain": repeated(plain)}
    best = best_seconds(rivals, lambda: None, lambda b: b["plain"] / b["ours"] >= TARGET)
    return Result(
        what=f"SQLite: unit of work, {what}",
        unit="/s",
        ours=times / best["ours"],
        beside="plain Session",
        other=times / best["plain"],
        target=TARGET,
    )


def _reading(store: Store, key: int) -> Callable[[], object]:
    def read() -> None:
        with store.unit_of_work(read_only=True) as uow:
            uow.discovered_videos.get(key)

    return read


def _plainly_reading(engine: sa.Engine, key: int) -> Callable[[], object]:
    def read() -> None:
        with Session(engine) as session:
            assert session.get(DiscoveredVideo, key) is not None

    return read


def _changing(store: Store, key: int) -> Callable[[], object]:
    def change() -> None:
        with store.unit_of_work() as uow:
            video = uow.discovered_videos.get(key)
            video.view_count = (video.view_count or 0) + 1
            uow.commit()

    return change


def _plainly_changing(engine: sa.Engine, key: int) -> Callable[[], object]:
    def change() -> None:
        with Session(engine) as session:
            video = session.get(DiscoveredVideo, key)
            assert video is not None
            video.view_count = (video.view_count or 0) + 1
            session.commit()

    return change
