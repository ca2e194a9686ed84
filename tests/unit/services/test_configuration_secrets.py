"""Secret settings: sealed in the database, masked wherever they are told, never journalled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store.errors import InputFileRefused, InvalidValue, SecretUnreadable
from pipeline_store.secrets import KEY_FILE_VARIABLE, KEYS_VARIABLE, Keyring, Secret, new_key
from pipeline_store.secrets.sealing import place_of_channel_setting, place_of_system_setting
from tests.unit.services.configured import Configured
from tests.whole_store import everything_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_store import Store

HUNTER2 = "hunter2-hunter2"
KEYRING = Keyring([new_key()])

PLACES = [
    pytest.param({"channel": "nature1"}, id="channel"),
    pytest.param({"system": True}, id="system"),
]


@pytest.fixture
def configured(store: Store) -> Configured:
    """Two channels, nothing set, and keys in the environment."""
    configured = Configured(store)
    configured.configuration = configured.another(keyring=KEYRING)
    return configured


def told_of(problem: pytest.ExceptionInfo[Exception]) -> str:
    """Everything that a log would show of an error."""
    told: list[str] = []
    error: BaseException | None = problem.value
    while error is not None:
        told.append(f"{error} {error!r} {error.args}")
        error = error.__cause__ or error.__context__
    return "\n".join(told)


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("given", [HUNTER2, Secret(HUNTER2)])
def test_it_is_read_as_it_was_set(
    configured: Configured, where: dict[str, Any], given: str | Secret
) -> None:
    """As a `Secret`, which does not show it."""
    configured.configuration.set("api.token", given, **where)
    for reader in (configured.configuration, configured.another(keyring=KEYRING)):
        read = reader.get("api.token", where.get("channel"))
        assert read == Secret(HUNTER2)
        assert reader.explain("api.token", where.get("channel")).value == Secret(HUNTER2)


@pytest.mark.parametrize("where", PLACES)
def test_nothing_stored_or_told_shows_it(configured: Configured, where: dict[str, Any]) -> None:
    configuration = configured.configuration
    made = configuration.set("api.token", HUNTER2, **where)
    changed = configuration.set("api.token", HUNTER2 + "2", **where)
    explained = configuration.explain("api.token", where.get("channel"))
    all_of_them = configuration.all(where.get("channel"))
    gone = configuration.unset("api.token", **where)
    told = [made, changed, explained, all_of_them, gone, configuration.history()]
    with configured.store.unit_of_work(read_only=True) as uow:
        told.append(everything_in(uow))
        told += [attrs.asdict(row) for row in uow.system_configuration.page()]
        told += [attrs.asdict(row) for row in uow.channels.page()]
        told += [attrs.asdict(row) for row in uow.configuration_changes.page()]
    assert HUNTER2 not in repr(told)
    assert HUNTER2 not in str(attrs.asdict(explained))


@pytest.mark.parametrize("where", PLACES)
def test_the_journal_tells_that_there_was_one(
    configured: Configured, where: dict[str, Any]
) -> None:
    configuration = configured.configuration
    configuration.set("api.token", HUNTER2, **where)
    configuration.set("api.token", HUNTER2, **where)
    configuration.unset("api.token", **where)
    there = {"secret": True}
    assert [(c.old_value, c.new_value) for c in configuration.history()] == [
        (there, None),
        (there, there),
        (None, there),
    ]


def test_where_it_is_sealed(configured: Configured) -> None:
    """Where a rotation of the keys looks for it, and nowhere else."""
    configured.configuration.set("api.token", HUNTER2, system=True)
    configured.configuration.set("api.token", HUNTER2, channel="nature1")
    with configured.store.unit_of_work() as uow:
        row = uow.system_configuration.get("api.token")
        assert row.encrypted
        assert KEYRING.open(row.value, place_of_system_setting("api.token")) == Secret(HUNTER2)
    channel = configured.channel()
    assert list(channel.settings) == ["api.token"]
    sealed = channel.settings["api.token"]["sealed"]
    place = place_of_channel_setting(channel.id, "api.token")
    assert KEYRING.open(sealed, place) == Secret(HUNTER2)


def test_the_environment_and_files_may_hold_it(configured: Configured, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"api.token = '{HUNTER2}'")
    configuration = configured.another(files=[path])
    assert configuration.get("api.token") == Secret(HUNTER2)
    assert configuration.explain("api.token").layer == "file"
    configured.environ["PIPELINE_STORE_SET__API__TOKEN"] = HUNTER2 + "2"
    configured.let_pass()
    assert configuration.get("api.token") == Secret(HUNTER2 + "2")
    assert HUNTER2 not in repr(configuration.explain("api.token"))


def test_an_override_holds_no_secrets(configured: Configured) -> None:
    """It is refused, and nothing is stored."""
    with pytest.raises(InvalidValue, match="set it for a channel or the system") as refused:
        configured.configuration.set("api.token", HUNTER2)
    assert HUNTER2 not in told_of(refused)
    with configured.store.unit_of_work() as uow:
        assert uow.config_overrides.count() == 0
    assert configured.configuration.history() == []


@pytest.mark.parametrize("value", ["", 5, None, "a\0", ["a"]])
@pytest.mark.parametrize("where", PLACES)
def test_what_is_no_secret_is_refused(
    configured: Configured, where: dict[str, Any], value: Any
) -> None:
    with pytest.raises(InvalidValue):
        configured.configuration.set("api.token", value, **where)
    assert configured.configuration.history() == []


def test_a_secret_is_no_value_of_another_setting(configured: Configured) -> None:
    with pytest.raises(InvalidValue, match="text expected, found Secret"):
        configured.configuration.set("title", Secret(HUNTER2))


PLAIN_IN: dict[str, Callable[[Configured], None]] = {
    "channel": lambda c: c.store_in_channel({"api.token": HUNTER2}),
    "nested": lambda c: c.store_in_channel({"api": {"token": {"sealed": HUNTER2}}}),
    "more": lambda c: c.store_in_channel({"api.token": {"sealed": "v1", "note": HUNTER2}}),
    "override": lambda c: c.store_override("api.token", HUNTER2),
    "system": lambda c: c.store_in_system("api.token", HUNTER2),
}


@pytest.mark.parametrize("layer", PLAIN_IN)
def test_what_others_stored_in_plain_text_is_not_used(configured: Configured, layer: str) -> None:
    """And not shown, here or in the journal when it is removed."""
    PLAIN_IN[layer](configured)
    with pytest.raises(InvalidValue, match=r"^api\.token: .*config unset api\.token") as refused:
        configured.configuration.get("api.token", "nature1")
    explained = configured.configuration.explain("api.token", "nature1")
    assert explained.problem == str(refused.value)
    where: dict[str, Any] = {"system": True} if layer == "system" else {}
    if layer not in {"override", "system"}:
        where = {"channel": "nature1"}
    configured.configuration.unset("api.token", **where)
    assert configured.configuration.get("api.token", "nature1") is None
    told = [told_of(refused), explained, configured.configuration.history()]
    assert HUNTER2 not in repr(told)


def test_a_secret_that_is_not_declared_as_one_is_not_shown(configured: Configured) -> None:
    """Its sealed text is no value either."""
    sealed = KEYRING.seal(Secret(HUNTER2), place_of_system_setting("title"))
    configured.store_in_system("title", sealed, encrypted=True)
    with pytest.raises(InvalidValue, match="stored as a secret, and not declared as one"):
        configured.configuration.get("title")
    configured.configuration.set("title", "a", system=True)
    assert configured.configuration.get("title") == "a"
    assert configured.configuration.history()[0].old_value == {"secret": True}
    configured.store_in_system("old.token", sealed)
    gone = configured.configuration.unset("old.token", system=True)
    assert gone is not None
    assert gone.old_value == {"secret": True}


class TestKeys:
    """Keys are needed for secrets and for nothing else."""

    def test_without_a_key_nothing_is_sealed(self, configured: Configured) -> None:
        for where in ({"system": True}, {"channel": "nature1"}):
            with pytest.raises(SecretUnreadable, match="no key is given") as refused:
                configured.another().set("api.token", HUNTER2, **where)
            assert HUNTER2 not in told_of(refused)
        assert configured.configuration.history() == []

    def test_without_its_key_it_is_not_opened(self, configured: Configured) -> None:
        """`explain` names the key that is missing, and tells the other layers."""
        configured.configuration.set("api.token", HUNTER2, system=True)
        configured.environ["PIPELINE_STORE_SET__SPEED"] = "2"
        other = configured.another(keyring=Keyring([new_key()]))
        with pytest.raises(SecretUnreadable, match=KEYRING.key_ids[0]):
            other.get("api.token")
        explained = other.explain("api.token")
        assert (explained.layer, explained.value) == ("system", None)
        assert KEYRING.key_ids[0] in (explained.problem or "")
        assert other.get("speed") == 2.0

    def test_keys_come_from_the_environment(self, configured: Configured) -> None:
        configured.configuration.set("api.token", HUNTER2, system=True)
        key = new_key()
        configured.environ[KEYS_VARIABLE] = key.reveal()
        configuration = configured.another()
        configuration.set("api.token", HUNTER2 + "2", channel="nature1")
        assert configuration.get("api.token", "nature1") == Secret(HUNTER2 + "2")

    def test_a_bad_key_file_stops_only_secrets(self, configured: Configured) -> None:
        configured.environ[KEY_FILE_VARIABLE] = "/no/such/file"
        configuration = configured.another()
        configuration.set("speed", 2)
        assert configuration.get("speed") == 2.0
        with pytest.raises(InputFileRefused):
            configuration.set("api.token", HUNTER2, system=True)

    @pytest.mark.parametrize("where", PLACES)
    def test_what_is_no_key_is_not_held_against_the_stored_secret(
        self, configured: Configured, where: dict[str, Any]
    ) -> None:
        """Nobody is told to remove what only the environment keeps from being opened."""
        configured.configuration.set("api.token", HUNTER2, **where)
        configured.environ[KEYS_VARIABLE] = "no-key"
        channel = where.get("channel")
        with pytest.raises(InvalidValue, match=r"PIPELINE_STORE_KEYS, key 1: not a key") as refused:
            configured.another().get("api.token", channel)
        explained = configured.another().explain("api.token", channel)
        assert explained.problem == str(refused.value)
        assert "config unset" not in str(refused.value)

    def test_a_token_of_another_channel_does_not_open(self, configured: Configured) -> None:
        configured.configuration.set("api.token", HUNTER2, channel="nature1")
        copied = json.loads(json.dumps(configured.channel().settings))
        configured.store_in_channel(copied, "nature2")
        with pytest.raises(SecretUnreadable, match="another place"):
            configured.configuration.get("api.token", "nature2")
