"""Another program's table that has a name of ours is neither used nor lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from pipeline_store.errors import AdoptionRefused, StoreFailure
from pipeline_store.sql import SqlStore
from pipeline_store.sql.adopt import adopt
from tests.integration.foreign_schemas import PLAIN_DDL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_adoption_is_refused(tmp_path: Path) -> None:
    """The ten tables may be in order; the name that adoption would need is listed."""
    file = tmp_path / "foreign.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"{PLAIN_DDL}; CREATE TABLE channels (mine TEXT)")
    before = file.read_bytes()
    with pytest.raises(AdoptionRefused, match="table channels has a name") as refused:
        adopt(f"sqlite:///{file}")
    assert len(refused.value.differences) == 1
    assert file.read_bytes() == before


def test_an_upgrade_stops_before_it(new_empty_url: Callable[[], str]) -> None:
    """The revision stays what it was, the table too, and the cure is named."""
    store = SqlStore(new_empty_url())
    store.upgrade()
    store.downgrade("0001")
    with store.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE music (mine TEXT)"))
        connection.execute(sa.text("INSERT INTO music VALUES ('kept')"))
    with pytest.raises(StoreFailure, match="rename it"):
        store.upgrade()
    assert store.current() == "0001"
    with store.engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT mine FROM music")) == "kept"
        connection.execute(sa.text("ALTER TABLE music RENAME TO my_music"))
    store.upgrade()
    store.close()
