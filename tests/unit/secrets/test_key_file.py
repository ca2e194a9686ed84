"""A file of keys: read by its owner alone, changed as a whole, and no key is ever lost."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pipeline_store.errors import InputFileRefused, InUse, InvalidValue, NotFound
from pipeline_store.secrets import (
    Secret,
    add_key,
    drop_key,
    key_id_of_key,
    new_key,
    read_key_file,
)
from tests.unit.secrets.conftest import CANARY, shown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a key file will be."""
    return tmp_path / "keys"


def written(file: Path, text: str | bytes, mode: int = 0o600) -> Path:
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(content)
    file.chmod(mode)
    return file


def test_a_new_file_is_for_its_owner_alone(file: Path, newer: Secret) -> None:
    """Whatever the process's mask is."""
    mask = os.umask(0)
    try:
        assert add_key(file, newer) == key_id_of_key(newer)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key_file(file) == [newer]
    assert os.listdir(file.parent) == ["keys"]  # noqa: PTH208 - nothing is left beside it


def test_a_new_key_goes_to_the_head_and_the_rest_stays(
    file: Path, newer: Secret, older: Secret
) -> None:
    """Remarks and empty lines included; the id stands behind the key, for people."""
    text = f"# the keys of production\n\n{older.reveal()}  # since March\n"
    written(file, text)
    add_key(file, newer)
    assert file.read_text() == f"{newer.reveal()}  # {key_id_of_key(newer)}\n{text}"
    assert read_key_file(str(file)) == [newer, older]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o644, 0o777])
def test_a_file_that_others_can_use_is_refused(file: Path, newer: Secret, mode: int) -> None:
    """To read and to change, with the command that cures it."""
    written(file, new_key().reveal(), mode)
    before = file.read_bytes()
    uses: list[Any] = [
        lambda: read_key_file(file),
        lambda: add_key(file, newer),
        lambda: drop_key(file, "0" * 16),
    ]
    for use in uses:
        with pytest.raises(InputFileRefused, match=rf"mode {mode:04o}\); chmod 600"):
            use()
    assert file.read_bytes() == before


def test_a_file_without_a_key_gives_none(file: Path) -> None:
    assert read_key_file(written(file, "# nothing yet\n\n   \n")) == []


@pytest.mark.parametrize(
    "line", [CANARY, f"{CANARY} # x", "A" * 43 + "= " + "A" * 43 + "=", "A" * 44]
)
def test_a_line_that_is_no_key_is_named_and_not_shown(
    file: Path, newer: Secret, older: Secret, line: str
) -> None:
    """And nothing is changed."""
    text = f"# keys\n{older.reveal()}\n{line}\n"
    written(file, text)
    uses: list[Any] = [
        lambda: read_key_file(file),
        lambda: add_key(file, newer),
        lambda: drop_key(file, key_id_of_key(older)),
    ]
    for use in uses:
        with pytest.raises(InvalidValue, match=r"keys, line 3: not a key") as raised:
            use()
        assert CANARY not in shown(raised.value)
    assert file.read_text() == text


@pytest.mark.parametrize(
    "content", [b"\xff" + CANARY.encode(), "ключ".encode(), b"#" * (1024 * 1024 + 1)]
)
def test_what_is_no_file_of_keys_is_refused(file: Path, content: bytes) -> None:
    with pytest.raises(InputFileRefused, match="lines of plain ASCII") as raised:
        read_key_file(written(file, content))
    assert CANARY not in shown(raised.value)
    assert raised.value.__context__ is None


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path, newer: Secret) -> None:
    """A pipe too, which would keep the reader waiting."""
    with pytest.raises(InputFileRefused, match="No such file"):
        read_key_file(tmp_path / "missing")
    with pytest.raises(InputFileRefused, match="No such file"):
        drop_key(tmp_path / "missing", "0" * 16)
    with pytest.raises(InputFileRefused, match="No such file"):
        add_key(tmp_path / "missing" / "keys", newer)
    with pytest.raises(InputFileRefused, match="not a regular file"):
        read_key_file(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InputFileRefused, match="not a regular file"):
        read_key_file(tmp_path / "pipe")


def test_an_older_key_is_dropped_and_the_rest_stays(
    file: Path, newer: Secret, older: Secret
) -> None:
    """The line of the key goes, every time it stands there."""
    line = f"{older.reveal()}  # since March\n"
    written(file, f"# keys\n{newer.reveal()}\n{line}# between\n{line}")
    drop_key(file, key_id_of_key(older))
    assert file.read_text() == f"# keys\n{newer.reveal()}\n# between\n"


def test_the_newest_key_is_not_dropped(file: Path, newer: Secret, older: Secret) -> None:
    """It may seal something at any moment."""
    add_key(file, older)
    with pytest.raises(InUse, match="keys new --file"):
        drop_key(file, key_id_of_key(older))
    add_key(file, newer)
    drop_key(file, key_id_of_key(older))
    assert read_key_file(file) == [newer]


def test_an_unknown_key_is_not_dropped(file: Path, newer: Secret) -> None:
    add_key(file, newer)
    with pytest.raises(NotFound, match=f"it has: {key_id_of_key(newer)}"):
        drop_key(file, "0" * 16)


def test_a_key_that_is_needed_is_not_dropped(file: Path, newer: Secret, older: Secret) -> None:
    add_key(file, older)
    add_key(file, newer)

    def refuse() -> None:
        raise InUse("three values need it")

    with pytest.raises(InUse, match="three values"):
        drop_key(file, key_id_of_key(older), refuse)
    assert read_key_file(file) == [newer, older]


def test_a_link_goes_on_pointing_to_the_file(tmp_path: Path, file: Path, newer: Secret) -> None:
    add_key(file, newer)
    link = tmp_path / "link"
    link.symlink_to(file)
    add_key(link, new_key())
    assert link.is_symlink()
    assert len(read_key_file(file)) == 2


def test_writers_at_the_same_moment_lose_no_key(file: Path) -> None:
    """Each sees what the one before has written."""
    keys = [new_key() for _ in range(60)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: add_key(file, key), keys))
    found = {key.reveal() for key in read_key_file(file)}
    assert found == {key.reveal() for key in keys}


def test_a_failed_write_leaves_the_old_file(
    file: Path, newer: Secret, older: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    add_key(file, older)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputFileRefused, match="No space left"):
        add_key(file, newer)
    assert read_key_file(file) == [older]
    assert os.listdir(file.parent) == ["keys"]  # noqa: PTH208 - as above


def test_the_file_of_a_service_stays_its_own(
    file: Path, newer: Secret, older: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When an administrator changes it: the service could not read it any more."""
    add_key(file, older)
    owner = file.stat()
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: owner.st_uid + 1)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))
    add_key(file, newer)
    assert given == [(owner.st_uid, owner.st_gid)]
