"""Files of keys: one a line, newest first, `#` before a remark, readable by their owner alone.

A file is replaced as a whole and is on the disk before anybody is told so: a key that sealed
something must never be lost. Writers wait for each other; readers see the old file or the new one.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline_store.errors import InputFileRefused, InUse, NotFound
from pipeline_store.secrets.discretion import discreet
from pipeline_store.secrets.keys import as_key, key_id_of_key

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pipeline_store.secrets.secret import Secret

OWNER_ONLY: Final = 0o600
LARGEST_FILE: Final = 1024 * 1024
"""Bytes; a file of keys that is larger is something else."""

_OTHERS: Final = 0o077
_REMARK: Final = "#"


@discreet
def read_key_file(path: str | os.PathLike[str]) -> list[Secret]:
    """Return the keys in a file, newest first.

    Raises:
        InputFileRefused: it cannot be read, or others than its owner can, or it is no text.
        InvalidValue: a line of it is no key.
    """
    return _keys_in(path, _read(path))


@discreet
def add_key(path: str | os.PathLike[str], key: Secret) -> str:
    """Put a key at the head of a file, which is made when it is not there; return the key's id.

    Raises:
        InputFileRefused, InvalidValue: as for `read_key_file`; the file is left as it was.
    """
    key_id = key_id_of_key(as_key("key", key))

    def with_key(lines: list[str]) -> list[str]:
        return [f"{key.reveal()}  {_REMARK} {key_id}", *lines]

    _rewrite(path, with_key, may_create=True)
    return key_id


@discreet
def drop_key(
    path: str | os.PathLike[str], key_id: str, may_drop: Callable[[], None] = lambda: None
) -> None:
    """Take a key out of a file, after `may_drop`, which is called while no other writer can act.

    Raises:
        NotFound: the file has no such key.
        InUse: it is the newest, which seals whatever is sealed next.
        InputFileRefused, InvalidValue: as for `read_key_file`; the file is left as it was.
    """

    def without_key(lines: list[str]) -> list[str]:
        held = [key_id_of_key(key) for key in _keys_in(path, lines)]
        if key_id not in held:
            raise NotFound(f"{os.fspath(path)} has no key {key_id} (it has: {', '.join(held)})")
        if held[0] == key_id:
            raise InUse(
                f"key {key_id} is the newest in {os.fspath(path)} and seals new values; "
                "make a newer one first: `pipeline-store keys new --file FILE`"
            )
        may_drop()
        return [line for line in lines if _id_in(line) != key_id]

    _rewrite(path, without_key, may_create=False)


# Lines


def _keys_in(path: str | os.PathLike[str], lines: list[str]) -> list[Secret]:
    return [
        as_key(f"{os.fspath(path)}, line {number}", _key_text(line))
        for number, line in enumerate(lines, start=1)
        if _key_text(line)
    ]


def _key_text(line: str) -> str:
    return line.partition(_REMARK)[0].strip()


def _id_in(line: str) -> str | None:
    text = _key_text(line)
    return key_id_of_key(as_key("key", text)) if text else None


# Files


def _read(path: str | os.PathLike[str]) -> list[str]:
    with _refusals(path):
        _check_status(path, Path(path).stat())
        with Path(path).open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    text = _decoded(content)
    if text is None or len(content) > LARGEST_FILE:
        raise InputFileRefused(os.fspath(path), "no file of keys: lines of plain ASCII expected")
    return text.splitlines()


def _check_status(path: str | os.PathLike[str], status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputFileRefused(os.fspath(path), "not a regular file")
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS:
        raise InputFileRefused(
            os.fspath(path), f"others than its owner may use it (mode {mode:04o}); chmod 600 it"
        )


def _decoded(content: bytes) -> str | None:
    # The error would hold the whole content; dropped here, it is chained to nothing.
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        return None


def _rewrite(
    path: str | os.PathLike[str],
    change: Callable[[list[str]], list[str]],
    *,
    may_create: bool,
) -> None:
    # A link goes on pointing to the file.
    target = Path(os.path.realpath(path))
    with _refusals(path), _only_writer_in(target.parent):
        lines = [] if may_create and not target.exists() else _read(target)
        _keys_in(path, lines)
        text = "".join(f"{line}\n" for line in change(lines))
        _replace(target, text.encode("ascii"))


def _replace(target: Path, content: bytes) -> None:
    """Write beside the file and rename: mkstemp makes files that their owner alone can use."""
    descriptor, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - made above
            stream.write(content)
            stream.flush()
            if target.exists():
                _take_over(descriptor, target.stat())
            os.fsync(descriptor)
        os.replace(beside, target)  # noqa: PTH105 - a plain name
    except BaseException:
        with suppress(FileNotFoundError):
            Path(beside).unlink()
        raise
    _sync_folder(target.parent)


def _take_over(descriptor: int, status: os.stat_result) -> None:
    """Keep the owner when an administrator changes the file of a service."""
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, status.st_uid, status.st_gid)


@contextmanager
def _only_writer_in(folder: Path) -> Generator[None]:
    import fcntl  # noqa: PLC0415 - reading needs none, and not every system has it

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusals(path: str | os.PathLike[str]) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputFileRefused(os.fspath(path), reason) from None
