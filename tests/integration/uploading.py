"""A platform that counts what is uploaded, and workers that die on the way there."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
import traceback
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_store import open_store
from pipeline_store.channels import Channel
from pipeline_store.errors import LeaseLost
from pipeline_store.secrets import Keyring, Secret
from pipeline_store.services.publish_guard import SessionExpired, publish
from pipeline_store.tasks import Task, TaskStatus, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline_store import Store, UnitOfWork

KEYS = Keyring(["pXh0n5yPTgZAeMHI7HyFqzYt9TnhbO1mGHqb2yMkFbI="])
STEPS = 16
"""At least as many as an upload has."""

LEASE = timedelta(seconds=0.5)
PATIENCE = 60.0


class Killed(BaseException):
    """Stands for the death of a worker."""


class Doom:
    """Lets a worker die at one of its steps."""

    def __init__(self, at: int, die: Callable[[], None]) -> None:
        self.steps = 0
        self._at = at
        self._die = die

    def step(self) -> None:
        """One step further."""
        self.steps += 1
        if self.steps == self._at:
            self._die()


def die() -> None:
    """Dies within a test."""
    raise Killed


def die_for_good() -> None:
    """Is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


class CountingPlatform:
    """A platform that has one video for each session that was sent, in a file."""

    name = "youtube"

    def __init__(self, path: Path, doom: Doom | None = None) -> None:
        self._path = path
        self._doom = doom or Doom(0, die)
        self.asked = 0

    @property
    def videos(self) -> list[str]:
        """The contents that it has, one for each upload."""
        return [content for content in self._read().values() if content]

    def expire(self) -> None:
        """Forget the sessions that nothing was sent by."""
        self._write({session: content for session, content in self._read().items() if content})

    def find(self, upload: Upload) -> str | None:
        """See `Platform.find`."""
        self.asked += 1
        self._doom.step()
        found = [key for key, content in self._read().items() if content == upload.content_hash]
        self._doom.step()
        return f"video of {found[0]}" if found else None

    def open_session(self, _upload: Upload) -> Secret:
        """See `Platform.open_session`."""
        self._doom.step()
        sessions = self._read()
        session = f"https://upload.example/{len(sessions)}"
        self._write({**sessions, session: ""})
        self._doom.step()
        return Secret(session)

    def send(self, upload: Upload, session: Secret) -> str:
        """See `Platform.send`; twice by the same session is once."""
        self._doom.step()
        sessions = self._read()
        if session.reveal() not in sessions:
            raise SessionExpired
        self._write({**sessions, session.reveal(): upload.content_hash})
        self._doom.step()
        return f"video of {session.reveal()}"

    def _read(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def _write(self, sessions: dict[str, str]) -> None:
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(sessions))
        written.replace(self._path)


def doomed(store: Store, doom: Doom) -> Callable[[], UnitOfWork]:
    """Units of work in which a step is made before the commit and one after it."""

    @contextmanager
    def unit_of_work() -> Iterator[UnitOfWork]:
        with store.unit_of_work() as uow:
            commit = uow.commit

            def commit_in_steps() -> None:
                doom.step()
                commit()
                doom.step()

            uow.commit = commit_in_steps  # type: ignore[method-assign]
            yield uow

    return unit_of_work  # type: ignore[return-value]


def add_uploads(store: Store, count: int) -> None:
    """Add tasks that wait to be uploaded, in one channel."""
    with store.unit_of_work() as uow:
        channel = uow.channels.add(Channel(channel_id="c", name="c", max_concurrent=10))
        uow.tasks.add_many(
            Task(
                channel_id=channel.id,
                notion_page_id=f"{number:032x}",
                title="The bridge",
                topic="How it was built",
                story_direction="",
                status=TaskStatus.UPLOADING,
            )
            for number in range(count)
        )
        uow.commit()


def upload_and_die(url: str) -> str:
    """Lets a worker be killed at each step of an upload, and one do the rest of all of them."""
    store = open_store(url)
    store.upgrade()
    add_uploads(store, STEPS)
    store.close()
    path = Path(_folder_of(url)) / "platform.json"
    path.unlink(missing_ok=True)
    killed = 0
    for step in (*range(1, STEPS + 1), 0):
        worker = os.fork()
        if worker == 0:
            _work(url, path, step)
        _, status = os.waitpid(worker, 0)
        killed += os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            return f"a worker failed at step {step}"
    videos = CountingPlatform(path).videos
    path.unlink()
    store = open_store(url)
    with store.unit_of_work(read_only=True) as uow:
        published = len(uow.tasks.in_status(TaskStatus.PUBLISHED))
        done = sum(upload.is_done for upload in uow.uploads.page())
    store.close()
    return f"{killed} {len(videos)} {len(set(videos))} {published} {done}"


def _folder_of(url: str) -> str:
    if url.startswith("sqlite:///"):
        return str(Path(url.removeprefix("sqlite:///")).parent)
    return tempfile.mkdtemp()


def _work(url: str, path: Path, step: int) -> None:
    try:
        store = open_store(url)
        doom = Doom(step, die_for_good)
        end = time.monotonic() + PATIENCE
        while True:
            claim = store.claim_next("w", lease=LEASE, queue="tasks", most_attempts=1_000)
            if claim is None:
                with store.unit_of_work(read_only=True) as uow:
                    if len(uow.tasks.in_status(TaskStatus.PUBLISHED)) == STEPS:
                        os._exit(0)
                if time.monotonic() > end:
                    os._exit(1)
                time.sleep(0.05)
                continue
            content = f"content of {claim.item.id}"
            # On a busy machine a worker may be late, and then claims the task anew.
            with suppress(LeaseLost):
                publish(doomed(store, doom), claim, content, CountingPlatform(path, doom), KEYS)
                store.complete(claim)
    except BaseException:  # noqa: BLE001 - the parent is told
        traceback.print_exc()
        os._exit(1)
