"""A store with a canary in every field that holds a secret, and in keys, files and variables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline_store.channels import Channel, JobType, ProcessingJob
from pipeline_store.secrets import KEYS_VARIABLE, Keyring, Secret, add_key, new_key
from pipeline_store.services import publish_guard
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.credentials import credential, refresh_failed, set_credential
from pipeline_store.services.settings import SHIPPED, Setting, Settings
from pipeline_store.tasks import Task, TaskStatus
from tests.integration.canary.scanner import canary
from tests.integration.canary.spellings import spellings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork

OLDEST, OLDER, NEWEST, IN_FILE = (new_key() for _ in range(4))
KEYS = (OLDEST, OLDER, NEWEST, IN_FILE)
KEYRING = Keyring([NEWEST, OLDER])
BEFORE = Keyring([OLDER])

CHANNELS = ("nature1", "nature2")
CREDENTIALS = ("youtube", "notion", "elevenlabs", "Größe 漢字")

SETTINGS = Settings(
    [
        Setting("api.token", str, None, "Opens the door.", secret=True),
        Setting("webhook", str, None, "Is called.", secret=True),
        Setting("mail.password", str, None, "Comes from the environment.", secret=True),
        Setting("cloud.password", str, None, "Comes from a file.", secret=True),
        Setting("title", str, "untitled", "Of every video."),
    ]
)
"""What a made-up program declares; commands import it by name."""

IN_ENVIRONMENT = SETTINGS.get("mail.password")
IN_FILES = SETTINGS.get("cloud.password")
SECRET_SETTINGS = [each for each in (*SHIPPED, *SETTINGS) if each.secret]
"""Those that come with the package too, should there be any."""

IN_DATABASE = [each for each in SECRET_SETTINGS if each not in {IN_ENVIRONMENT, IN_FILES}]


class Planted:
    """A store with canaries in it, and what a program holds that uses them."""

    def __init__(self, store: Store, url: str, folder: Path) -> None:
        self.store = store
        self.url = url
        self.folder = folder
        self.key_file = folder / "keys.txt"
        self.toml = folder / "settings.toml"
        self.yaml = folder / "settings.yaml"
        self.environ = {
            KEYS_VARIABLE: f"{NEWEST.reveal()},{OLDER.reveal()}",
            IN_ENVIRONMENT.environment_name: canary("environment"),
        }
        self._write_files()
        self.configuration = self.another()

    def _write_files(self) -> None:
        add_key(self.key_file, OLDER)
        add_key(self.key_file, IN_FILE)
        section, _, name = IN_FILES.key.partition(".")
        written = json.dumps(canary("TOML"), ensure_ascii=False)
        self.toml.write_text(f"[{section}]\n{name} = {written}\n", encoding="utf-8")
        written = json.dumps(canary("YAML"))
        self.yaml.write_text(f"{section}:\n  {name}: {written}\n", encoding="utf-8")

    def another(self, **given: Any) -> Configuration:
        """Another configuration, as another process has it."""
        mine = {"environ": self.environ, "max_age": timedelta(), "files": [self.toml, self.yaml]}
        return Configuration(self.store.unit_of_work, SETTINGS, **mine | given)

    def plant(self) -> None:
        """Set everything twice, so that there is an old value, and one thing that is gone again."""
        with self.store.unit_of_work() as uow:
            channels = uow.channels.add_many(Channel(channel_id=n, name=n) for n in CHANNELS)
            for keyring in (BEFORE, KEYRING):
                for channel in channels:
                    for name in CREDENTIALS:
                        self._set_credential(uow, keyring, channel, name)
            uow.jobs.add(ProcessingJob(channel_id=channels[0].id, job_type=JobType.SCRAPE))
            task = Task(
                channel_id=channels[0].id,
                notion_page_id="page1",
                title="The bridge",
                topic="How it was built",
                story_direction="",
                status=TaskStatus.UPLOADING,
            )
            uow.tasks.add(task)
            uow.commit()
        self._keep_session()
        for setting in IN_DATABASE:
            for place in ({"system": True}, *({"channel": name} for name in CHANNELS)):
                text = canary(f"{setting.key} {place}")
                self.configuration.set(setting.key, "earlier " + text, **place)
                self.configuration.set(setting.key, Secret(text), **place, by="somebody")
        self.configuration.unset("webhook", channel=CHANNELS[1])
        self.configuration.set("title", "a", system=True)
        with self.store.unit_of_work() as uow:
            for number, channel in enumerate(uow.channels.page()):
                name = CREDENTIALS[number]
                text = credential(uow, KEYRING, channel, name).reveal()
                refresh_failed(uow, channel, name, quoted(text), keyring=KEYRING)
                # The program that has sent it knows no key any more.
                refresh_failed(uow, channel, CREDENTIALS[-1], quoted(text), keyring=Keyring())
            uow.commit()

    def _keep_session(self) -> None:
        """Let an upload be under way, whose worker has failed."""
        with self.store.unit_of_work() as uow:
            claim = uow.tasks.claim_next("uploader", timedelta(hours=1))
            assert claim is not None
            upload = publish_guard.begin(uow, claim, "youtube", "sha256:1")
            session = Secret(canary("session"))
            publish_guard.keep_session(uow, BEFORE, claim, upload, session)
            uow.tasks.fail(claim, "no connection")
            uow.commit()

    def _set_credential(
        self, uow: UnitOfWork, keyring: Keyring, channel: Channel, name: str
    ) -> None:
        secret = Secret(canary(f"{channel.channel_id} {name}"))
        ends = datetime(2026, 3, 1, tzinfo=UTC) if name == "notion" else None
        set_credential(uow, keyring, channel, name, secret, expires_at=ends, scopes=["up"])

    def channel(self, uow: UnitOfWork, name: str = CHANNELS[0]) -> Channel:
        """A channel with secrets."""
        found = uow.channels.by_channel_id(name)
        assert found is not None
        return found


def quoted(text: str) -> str:
    """What a library says that could not refresh a credential: it quotes what it has sent."""
    return "; ".join(f"sent {spelled}" for spelled in spellings(text))
