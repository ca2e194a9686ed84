"""Imports that others get in the way of, and files that end before their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import Conflict, InputFileRefused, StoreBusy, StoreUnavailable
from pipeline_store.importers import NicheRules, importing
from pipeline_store.importers.importing import (
    import_trending,
    import_youtube_api,
    import_yt_dlp,
)
from pipeline_store.importers.storing import ATTEMPTS
from pipeline_store.importers.trending import read_trending_file
from tests.unit.importers.made_up import BARE_HEADER, BARE_ROW, file_of, json_file_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.importers import Outcome


class Hindered:
    """Units of work of a store whose first commits fail."""

    def __init__(
        self, store: Store, errors: list[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.store = store
        self.errors = errors
        self.begun = 0
        self.monkeypatch = monkeypatch

    def __call__(self) -> UnitOfWork:
        uow = self.store.unit_of_work()
        self.begun += 1
        if self.errors:
            error = self.errors.pop(0)

            def commit() -> None:
                raise error

            self.monkeypatch.setattr(uow, "commit", commit)
        return uow


def a_list(folder: Path, rows: int = 1) -> str:
    lines = [BARE_ROW.replace("abcdefghijk", f"video-{number:05}") for number in range(rows)]
    return file_of(folder, BARE_HEADER + "".join(lines), "list.csv")


@pytest.mark.parametrize("error", [Conflict("changed"), StoreBusy("locked")])
def test_a_batch_that_others_got_in_the_way_of_is_stored_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It counts once, however often it was tried."""
    hindered = Hindered(store, [error] * (ATTEMPTS - 1), monkeypatch)
    account = import_trending(hindered, a_list(tmp_path), NicheRules())
    assert hindered.begun == ATTEMPTS
    assert (account.rows, account.new, account.snapshots) == (1, 1, 1)
    with store.unit_of_work() as uow:
        assert (uow.discovered_videos.count(), uow.analytics.count()) == (1, 1)


def test_after_five_tries_the_import_says_why_it_ends(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that were stored before stay stored."""
    hindered = Hindered(store, [], monkeypatch)
    told: list[int] = []

    def spoil(summary: importing.FileSummary) -> None:
        told.append(summary.rows)
        hindered.errors[:] = [Conflict("changed")] * ATTEMPTS

    with pytest.raises(Conflict):
        import_trending(hindered, a_list(tmp_path, 700), NicheRules(), progress=spoil)
    assert (told, hindered.begun) == ([500], 1 + ATTEMPTS)
    with store.unit_of_work() as uow:
        assert uow.discovered_videos.count() == 500


def test_an_error_that_trying_again_cannot_cure_is_raised_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost connection, for one."""
    hindered = Hindered(store, [StoreUnavailable("gone")], monkeypatch)
    with pytest.raises(StoreUnavailable):
        import_trending(hindered, a_list(tmp_path), NicheRules())
    assert hindered.begun == 1


def test_a_file_that_breaks_off_keeps_what_was_read_and_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account has the rows taken and the problem."""

    def breaks_off(path: str, *, year: int | None = None) -> Iterator[Outcome]:
        yield from read_trending_file(path, year=year)
        raise InputFileRefused(path, "damaged after 900 readable bytes")

    monkeypatch.setattr(importing, "read_trending_file", breaks_off)
    account = import_trending(store.unit_of_work, a_list(tmp_path, 3), NicheRules())
    assert (account.is_complete, account.problem) == (False, "damaged after 900 readable bytes")
    assert (account.rows, account.new, account.snapshots) == (3, 3, 3)
    with store.unit_of_work() as uow:
        assert uow.discovered_videos.count() == 3


def test_a_file_that_cannot_be_read_is_told_and_not_raised(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is not even asked."""
    hindered = Hindered(store, [], monkeypatch)
    missing = str(tmp_path / "nothing")
    for account in (
        import_trending(hindered, missing, NicheRules()),
        import_yt_dlp(hindered, missing, NicheRules()),
        *import_youtube_api(hindered, [missing], NicheRules()),
    ):
        assert (account.path, account.problem, account.rows) == (missing, "no such file", 0)
    assert hindered.begun == 0


def test_one_unreadable_response_does_not_stop_the_others(store: Store, tmp_path: Path) -> None:
    """Each file of a call has its own account."""
    item = {"kind": "youtube#video", "id": "abcdefghijk", "snippet": {"title": "A title"}}
    sound = json_file_of(tmp_path, item)
    missing, read = import_youtube_api(
        store.unit_of_work, [str(tmp_path / "nothing"), sound], NicheRules()
    )
    assert (missing.problem, read.problem) == ("no such file", None)
    assert read.new == 1
