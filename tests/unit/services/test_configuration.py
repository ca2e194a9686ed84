"""Which value holds, why, and how it is changed."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pipeline_store import open_store
from pipeline_store.channels import Channel, ConfigurationLayer
from pipeline_store.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from pipeline_store.production import ConfigOverride
from pipeline_store.services import configuration_storage
from pipeline_store.services.configuration import Configuration
from pipeline_store.services.configuration_cache import ATTEMPTS
from pipeline_store.services.settings import Setting
from tests.unit.services.configured import LIMIT, NEW_VALUES, Configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline_store import Store, UnitOfWork
    from pipeline_store.channels import ConfigurationChange
    from pipeline_store.services.configuration_layers import Explanation


@pytest.fixture
def configured(store: Store) -> Configured:
    """Two channels, and nothing set anywhere."""
    return Configured(store)


def said_by(explanation: Explanation) -> dict[str, Any]:
    return {layer.layer.value: layer.value for layer in explanation.layers if layer.is_set}


class TestOrder:
    """The strongest layer that says anything wins."""

    def test_each_layer_beats_those_behind_it(self, configured: Configured, tmp_path: Path) -> None:
        """Environment, channel, override, system, later file, earlier file, default."""
        files = [tmp_path / "first.toml", tmp_path / "second.yaml"]
        for file in files:
            file.write_text("")

        def read() -> tuple[int, str, str]:
            told = configured.another(files=files).explain("upload.limit", "nature1")
            won = next(layer.source for layer in told.layers if layer.wins)
            assert configured.another(files=files).get("upload.limit", "nature1") == told.value
            return told.value, told.layer, won

        assert read() == (6, "default", "its declaration")
        files[0].write_text("upload.limit = 10")
        assert read() == (10, "file", str(files[0]))
        files[1].write_text("upload: {limit: 20}")
        assert read() == (20, "file", str(files[1]))
        configured.configuration.set("upload.limit", 30, system=True)
        assert read() == (30, "system", "system_configuration")
        configured.configuration.set("upload.limit", 40)
        assert read() == (40, "override", "config_overrides")
        configured.configuration.set("upload.limit", 50, channel="nature1")
        assert read() == (50, "channel", "channel nature1")
        configured.environ["PIPELINE_STORE_SET__UPLOAD__LIMIT"] = "60"
        assert read() == (60, "environment", "PIPELINE_STORE_SET__UPLOAD__LIMIT")

        told = configured.another(files=files).explain("upload.limit", "nature1")
        assert [(layer.layer, layer.value) for layer in told.layers] == [
            ("environment", 60),
            ("channel", 50),
            ("override", 40),
            ("system", 30),
            ("file", 20),
            ("file", 10),
            ("default", 6),
        ]
        assert [layer.wins for layer in told.layers] == [True] + [False] * 6
        assert all(layer.is_set and layer.problem is None for layer in told.layers)
        assert (told.key, told.channel, told.setting) == ("upload.limit", "nature1", LIMIT)
        assert told.problem is None

    def test_a_channel_says_nothing_about_others(self, configured: Configured) -> None:
        configured.configuration.set("upload.limit", 50, channel="nature1")
        get = configured.configuration.get
        assert get("upload.limit", "nature1") == 50
        assert get("upload.limit", "nature2") == 6
        assert get("upload.limit") == 6

    def test_layers_that_say_nothing_are_told_too(self, configured: Configured) -> None:
        """With where they would say it."""
        told = configured.configuration.explain("upload.limit")
        assert [(layer.layer, layer.source, layer.is_set) for layer in told.layers] == [
            ("environment", "PIPELINE_STORE_SET__UPLOAD__LIMIT", False),
            ("channel", "", False),
            ("override", "config_overrides", False),
            ("system", "system_configuration", False),
            ("file", "", False),
            ("default", "its declaration", True),
        ]

    def test_an_empty_value_is_a_value(self, configured: Configured) -> None:
        """False, 0 and an empty text beat what stands behind them."""
        configured.configuration.set("title", "a", system=True)
        configured.configuration.set("title", "")
        assert configured.configuration.get("title") == ""
        configured.configuration.set("upload.limit", 0, channel="nature1")
        assert configured.configuration.get("upload.limit", "nature1") == 0

    def test_nothing_at_all_is_none(self, configured: Configured) -> None:
        """A setting without a default that nobody has set."""
        assert configured.configuration.get("api.token") is None
        assert configured.configuration.explain("api.token").layer == "default"

    def test_all_of_them(self, configured: Configured) -> None:
        """Every declared key in order, and what else config_overrides holds."""
        configured.store_override("paused.jobs", "true")
        told = configured.configuration.all("nature2")
        assert [each.key for each in told] == sorted(
            [*(setting.key for setting in configured.settings), "paused.jobs"]
        )
        assert {each.channel for each in told} == {"nature2"}
        assert all(each == configured.configuration.explain(each.key, "nature2") for each in told)


class TestTypes:
    """What is read is of the declared type, whatever the layer holds."""

    @pytest.mark.parametrize("setting", NEW_VALUES, ids=lambda setting: setting.key)
    @pytest.mark.parametrize("where", [{}, {"system": True}, {"channel": "nature1"}])
    def test_what_is_set_is_read(
        self, configured: Configured, setting: Setting, where: dict[str, Any]
    ) -> None:
        value = NEW_VALUES[setting]
        configured.configuration.set(setting.key, value, **where)
        for reader in (configured.configuration, configured.another()):
            read = reader.get(setting.key, where.get("channel"))
            assert json.dumps(read) == json.dumps(value)
            assert isinstance(read, setting.kind)

    @pytest.mark.parametrize("setting", NEW_VALUES, ids=lambda setting: setting.key)
    def test_text_layers_are_read_by_kind(self, configured: Configured, setting: Setting) -> None:
        value = NEW_VALUES[setting]
        text = value if isinstance(value, str) else json.dumps(value)
        configured.store_override(setting.key, text)
        assert configured.configuration.get(setting.key) == value
        with configured.store.unit_of_work() as uow:
            uow.config_overrides.unset(setting.key)
            uow.commit()
        configured.environ[setting.environment_name] = text
        configured.let_pass()
        assert configured.configuration.explain(setting.key).layer == "environment"
        assert configured.configuration.get(setting.key) == value

    def test_a_float_may_be_written_as_a_whole_number(self, configured: Configured) -> None:
        configured.configuration.set("speed", 2)
        assert repr(configured.configuration.get("speed")) == "2.0"

    def test_what_was_read_cannot_change_what_others_read(self, configured: Configured) -> None:
        configured.configuration.set("niches", {"gaming": {"weight": 2}})
        read = configured.configuration.get("niches")
        with pytest.raises(TypeError):
            read["gaming"]["weight"] = 3
        assert configured.configuration.get("niches") == {"gaming": {"weight": 2}}

    def test_a_channels_settings_may_be_nested(self, configured: Configured) -> None:
        """`{"a": {"b": 1}}` means `a.b`, unless `a` is declared as a dict."""
        configured.store_in_channel({"upload": {"limit": 7}, "niches": {"a": {"b": 1}}})
        assert configured.configuration.get("upload.limit", "nature1") == 7
        assert configured.configuration.get("niches", "nature1") == {"a": {"b": 1}}

    def test_setting_replaces_the_nested_spelling(self, configured: Configured) -> None:
        """And leaves everything else of the channel as it was."""
        other = {"theirs": {"x": [1]}, "niches": {"a": 1}}
        configured.store_in_channel({"upload": {"limit": 7, "note": "keep"}, **other})
        configured.configuration.set("upload.limit", 8, channel="nature1")
        assert configured.channel().settings == {
            "upload": {"note": "keep"},
            "upload.limit": 8,
            **other,
        }
        configured.configuration.unset("upload.limit", channel="nature1")
        assert configured.channel().settings == {"upload": {"note": "keep"}, **other}


WRONG_IN: dict[str, Callable[[Configured, Path], None]] = {
    "environment": lambda c, _: c.environ.update(PIPELINE_STORE_SET__UPLOAD__LIMIT="many"),
    "channel": lambda c, _: c.store_in_channel({"upload.limit": "many"}),
    "override": lambda c, _: c.store_override("upload.limit", "many"),
    "system": lambda c, _: c.store_in_system("upload.limit", "many"),
    "file": lambda _, path: bool(path.write_text("upload.limit = 'many'")),
}
CURES = {
    "environment": "correct the variable, or unset it",
    "channel": "`pipeline-store config unset upload.limit --channel nature1`",
    "override": "`pipeline-store config unset upload.limit`",
    "system": "`pipeline-store config unset upload.limit --system`",
    "file": "correct the file",
}


class TestWrongValues:
    """What is stored may be wrong; what is set may not."""

    @pytest.mark.parametrize("layer", WRONG_IN)
    def test_a_stored_value_of_the_wrong_type(
        self, configured: Configured, tmp_path: Path, layer: str
    ) -> None:
        """`get` names key, layer and cure; `explain` does too and tells the other layers."""
        path = tmp_path / "a.toml"
        path.write_text("")
        WRONG_IN[layer](configured, path)
        configuration = configured.another(files=[path])
        with pytest.raises(InvalidValue) as refused:
            configuration.get("upload.limit", "nature1")
        told = str(refused.value)
        assert told.startswith("upload.limit: whole number expected, found ")
        assert f"(layer {layer}, " in told
        assert CURES[layer] in told
        assert "many" not in told

        explained = configuration.explain("upload.limit", "nature1")
        assert (explained.layer, explained.value, explained.problem) == (layer, None, told)
        assert said_by(explained) == {layer: None, "default": 6}
        assert {one.layer.value for one in explained.layers if one.problem} == {layer}

    def test_what_does_not_win_does_no_harm(self, configured: Configured) -> None:
        configured.store_in_system("upload.limit", "many")
        configured.configuration.set("upload.limit", 7)
        assert configured.configuration.get("upload.limit") == 7
        explained = configured.configuration.explain("upload.limit")
        assert explained.problem is None
        assert [layer.layer for layer in explained.layers if layer.problem] == ["system"]

    @pytest.mark.parametrize("value", [None, True, 1.0, [], {"sealed": "v1"}])
    def test_json_of_another_kind(self, configured: Configured, value: Any) -> None:
        for put in (
            lambda: configured.store_in_channel({"upload.limit": value}),
            lambda: configured.store_in_system("upload.limit", value),
        ):
            put()
            with pytest.raises(InvalidValue, match=r"^upload\.limit: whole number expected"):
                configured.configuration.get("upload.limit", "nature1")
            configured.store_in_channel({})

    def test_a_value_that_a_channel_has_twice(self, configured: Configured) -> None:
        configured.store_in_channel({"upload.limit": 1, "upload": {"limit": 2}})
        with pytest.raises(InvalidValue, match="written twice, dotted and nested"):
            configured.configuration.get("upload.limit", "nature1")
        configured.configuration.set("upload.limit", 3, channel="nature1")
        assert configured.channel().settings == {"upload.limit": 3}
        assert configured.configuration.history()[0].old_value is None

    @pytest.mark.parametrize("where", [{}, {"system": True}, {"channel": "nature1"}])
    @pytest.mark.parametrize("value", ["7", None, True, 7.0, 2**63, [7]])
    def test_setting_another_kind_is_refused(
        self, configured: Configured, where: dict[str, Any], value: Any
    ) -> None:
        """And changes nothing; the text that spells a whole number is none."""
        configured.configuration.set("upload.limit", 5, **where)
        with pytest.raises(InvalidValue, match=r"^upload\.limit: "):
            configured.configuration.set("upload.limit", value, **where)
        assert configured.configuration.get("upload.limit", where.get("channel")) == 5
        assert len(configured.configuration.history()) == 1

    def test_a_mapping_that_would_pass_for_a_secret_is_refused(
        self, configured: Configured
    ) -> None:
        with pytest.raises(InvalidValue, match="kept for secrets"):
            configured.configuration.set("niches", {"sealed": "x"}, channel="nature1")
        configured.configuration.set("niches", {"sealed": "x", "a": 1}, channel="nature1")

    @pytest.mark.parametrize("max_age", [5, None, timedelta(seconds=-1)])
    def test_an_age_that_is_none_is_refused(self, configured: Configured, max_age: Any) -> None:
        with pytest.raises(InvalidValue, match="max_age"):
            configured.another(max_age=max_age)


class TestUnknownKeys:
    """A misspelled key is an error, and not a setting that nothing reads."""

    def test_it_is_refused_with_the_nearest_one(self, configured: Configured) -> None:
        configuration = configured.configuration
        for ask in (
            lambda: configuration.get("uplod.limit"),
            lambda: configuration.get("uplod.limit", "nature1"),
            lambda: configuration.explain("uplod.limit"),
            lambda: configuration.set("uplod.limit", 5),
            lambda: configuration.set("uplod.limit", 5, system=True),
            lambda: configuration.set("uplod.limit", 5, channel="nature1"),
            lambda: configuration.unset("uplod.limit"),
            lambda: configuration.unset("uplod.limit", system=True),
            lambda: configuration.unset("uplod.limit", channel="nature1"),
        ):
            with pytest.raises(InvalidValue, match=r"'uplod\.limit'; .* 'upload\.limit'"):
                ask()
        assert configuration.history() == []

    def test_unless_it_is_registered_first(self, configured: Configured) -> None:
        configured.settings.declare(Setting("uplod.limit", int, 1, "Decides."))
        configured.configuration.set("uplod.limit", 5)
        assert configured.configuration.get("uplod.limit") == 5

    def test_in_the_environment_and_in_files(self, configured: Configured, tmp_path: Path) -> None:
        """It is refused before anything is read."""
        path = tmp_path / "a.toml"
        path.write_text("uplod.limit = 1")
        with pytest.raises(InvalidValue, match=r"'upload\.limit'"):
            configured.another(files=[path])
        with pytest.raises(InvalidValue, match="PIPELINE_STORE_SET__UPLOAD__LIMIT"):
            configured.another(environ={"PIPELINE_STORE_SET__UPLOD__LIMIT": "1"})

    def test_foreign_overrides_stay_readable_as_text(self, configured: Configured) -> None:
        """And can be removed, but not set."""
        configured.store_override("Their Key", "42")
        configuration = configured.configuration
        assert configuration.get("Their Key") == "42"
        assert configuration.get("Their Key", "nature1") == "42"
        told = configuration.explain("Their Key")
        assert (told.setting, told.value, told.layer) == (None, "42", "override")
        assert [layer.wins for layer in told.layers] == [True]
        with pytest.raises(InvalidValue, match="unknown setting 'Their Key'"):
            configuration.set("Their Key", "43")
        gone = configuration.unset("Their Key")
        assert gone is not None
        assert (gone.old_value, gone.new_value) == ("42", None)
        with pytest.raises(InvalidValue, match="unknown setting 'Their Key'"):
            configuration.get("Their Key")

    def test_what_else_a_channel_and_the_system_hold_is_not_a_setting(
        self, configured: Configured
    ) -> None:
        """Only what is declared is read from there; it can be removed."""
        configured.store_in_channel({"theirs": {"x": 1}})
        configured.store_in_system("theirs", 1)
        for key in ("theirs", "theirs.x"):
            with pytest.raises(InvalidValue, match="unknown setting"):
                configured.configuration.get(key, "nature1")
        assert configured.configuration.unset("theirs.x", channel="nature1") is not None
        assert configured.configuration.unset("theirs", system=True) is not None
        assert configured.channel().settings == {}

    @pytest.mark.parametrize("key", [None, 5, b"speed", ["speed"], "a\0"])
    def test_a_key_that_is_no_text(self, configured: Configured, key: Any) -> None:
        configuration = configured.configuration
        for ask in (
            configuration.get,
            configuration.explain,
            configuration.unset,
            lambda key: configuration.set(key, 1),
        ):
            with pytest.raises(InvalidValue, match=r"^key: "):
                ask(key)


class TestChannels:
    """A channel is named by its business key."""

    def test_an_unknown_one_is_refused(self, configured: Configured) -> None:
        configuration = configured.configuration
        for ask in (
            lambda: configuration.get("speed", "nature9"),
            lambda: configuration.explain("speed", "nature9"),
            lambda: configuration.all("nature9"),
            lambda: configuration.set("speed", 1, channel="nature9"),
            lambda: configuration.unset("speed", channel="nature9"),
        ):
            with pytest.raises(NotFound, match="no channel 'nature9'"):
                ask()

    def test_one_that_is_new_is_found_at_once(self, configured: Configured) -> None:
        """Although the settings of the others may be some seconds old."""
        assert configured.configuration.get("speed", "nature1") == 1.0
        configured.add_channel("nature3", speed=3)
        assert configured.configuration.get("speed", "nature3") == 3.0

    @pytest.mark.parametrize("channel", [5, b"nature1", ["nature1"], "a\0"])
    def test_one_that_is_no_text(self, configured: Configured, channel: Any) -> None:
        for ask in (configured.configuration.get, configured.configuration.explain):
            with pytest.raises(InvalidValue, match=r"^channel: "):
                ask("speed", channel)

    @pytest.mark.parametrize("change", ["set", "unset"])
    def test_a_channel_and_the_system_at_once(self, configured: Configured, change: str) -> None:
        ask = getattr(configured.configuration, change)
        given = ("speed", 1.0) if change == "set" else ("speed",)
        with pytest.raises(InvalidValue, match="not both"):
            ask(*given, channel="nature1", system=True)

    def test_there_may_be_more_than_a_page_of_them(
        self, configured: Configured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pipeline_store.services.lookup.LONGEST_PAGE", 2)
        for number in range(3, 7):
            configured.add_channel(f"nature{number}", speed=number)
        assert configured.configuration.get("speed", "nature6") == 6.0


class TestUnset:
    """What was set can be taken back."""

    @pytest.mark.parametrize("where", [{}, {"system": True}, {"channel": "nature1"}])
    def test_the_layer_behind_it_holds_again(
        self, configured: Configured, where: dict[str, Any]
    ) -> None:
        configured.configuration.set("speed", 2, **where)
        gone = configured.configuration.unset("speed", **where, by="anna")
        assert gone is not None
        assert (gone.changed_by, gone.old_value, gone.new_value) == ("anna", 2.0, None)
        assert configured.configuration.get("speed", where.get("channel")) == 1.0
        assert configured.configuration.unset("speed", **where) is None
        assert len(configured.configuration.history()) == 2


class TestJournal:
    """Every change leaves who, when, old and new, in the same unit of work."""

    def test_every_layer(self, configured: Configured) -> None:
        configuration = configured.configuration
        configuration.set("tags", ["a"], by="anna")
        configuration.set("tags", ["b"], by="bert")
        configuration.set("speed", 2, system=True)
        configuration.set("speed", 3, channel="nature1", by="anna")
        configuration.unset("tags")
        history = configuration.history()
        told = [(c.key, c.layer, c.changed_by, c.old_value, c.new_value) for c in history]
        assert told == [
            ("tags", "override", "system", ["b"], None),
            ("speed", "channel", "anna", None, 3.0),
            ("speed", "system", "system", None, 2.0),
            ("tags", "override", "bert", ["a"], ["b"]),
            ("tags", "override", "anna", None, ["a"]),
        ]
        assert [c.channel_id for c in history] == [None, configured.channel().id, *[None] * 3]
        with configured.store.unit_of_work() as uow:
            assert {c.changed_at for c in history} == {uow.now()}
        assert [c.new_value for c in configuration.history("speed", limit=1)] == [3.0]

    def test_what_set_returns_is_what_is_journalled(self, configured: Configured) -> None:
        made = configured.configuration.set("speed", 2, by="anna")
        [found] = configured.configuration.history()
        assert attrs.asdict(made) == attrs.asdict(found)
        assert made.layer is ConfigurationLayer.OVERRIDE

    def test_a_text_that_could_not_be_read_is_journalled_as_it_was(
        self, configured: Configured
    ) -> None:
        configured.store_override("speed", "fast")
        configured.configuration.set("speed", 2)
        assert configured.configuration.history()[0].old_value == "fast"

    def test_who_and_when_stand_in_the_override_too(self, configured: Configured) -> None:
        for value in (2.0, 3.0):
            configured.configuration.set("speed", value, by="anna")
            with configured.store.unit_of_work() as uow:
                found = uow.config_overrides.get("speed")
                assert (found.value, found.updated_by) == (str(value), "anna")
                assert found.updated_at == uow.now()

    def test_the_system_keeps_the_description(self, configured: Configured) -> None:
        configured.configuration.set("speed", 2, system=True)
        with configured.store.unit_of_work() as uow:
            row = uow.system_configuration.get("speed")
            assert (row.description, row.encrypted) == ("Of the voice.", False)
            row.description = "Theirs."
            uow.commit()
        configured.configuration.set("speed", 3, system=True)
        with configured.store.unit_of_work() as uow:
            assert uow.system_configuration.get("speed").description == "Theirs."


class TestAge:
    """Reading asks the database once in five seconds, and never tells anything older."""

    def test_many_reads_are_one_reading(self, configured: Configured) -> None:
        for _ in range(1000):
            for key in ("speed", "upload.limit", "title"):
                configured.configuration.get(key, "nature1")
                configured.configuration.get(key)
        configured.configuration.all()
        assert configured.units.opened == 1

    def test_what_others_change_is_seen_within_max_age(self, configured: Configured) -> None:
        """Not before, since nothing is asked; and not after."""
        assert configured.configuration.get("speed") == 1.0
        configured.another().set("speed", 2)
        configured.let_pass(timedelta(seconds=4.999))
        assert configured.configuration.get("speed") == 1.0
        configured.let_pass(timedelta(seconds=0.001))
        assert configured.configuration.get("speed") == 2.0

    def test_another_max_age(self, configured: Configured) -> None:
        reader = configured.another(max_age=timedelta())
        assert reader.get("speed") == 1.0
        configured.another().set("speed", 2)
        assert reader.get("speed") == 2.0

    def test_age_counts_from_where_the_reading_began(self, configured: Configured) -> None:
        """A slow database makes no value older than it is said to be."""

        def slow(*, read_only: bool = False) -> Any:
            unit = configured.store.unit_of_work(read_only=read_only)
            configured.let_pass(timedelta(seconds=4))
            return unit

        reader = Configuration(slow, configured.settings, environ={}, monotonic=configured.clock)
        assert reader.get("speed") == 1.0
        configured.another().set("speed", 2)
        configured.let_pass(timedelta(seconds=1))
        assert reader.get("speed") == 2.0

    @pytest.mark.parametrize("where", [{}, {"system": True}, {"channel": "nature1"}])
    def test_own_changes_are_seen_at_once(
        self, configured: Configured, where: dict[str, Any]
    ) -> None:
        for value in (2.0, 3.0):
            configured.configuration.set("speed", value, **where)
            assert configured.configuration.get("speed", "nature1") == value
        configured.configuration.unset("speed", **where)
        assert configured.configuration.get("speed", "nature1") == 1.0

    def test_a_change_during_a_reading_is_seen_after_it(self, configured: Configured) -> None:
        """The reading that had begun before is not kept."""
        changed: list[object] = []

        class Overtaken:
            """A unit of work that ends only after another thread has changed what was read."""

            def __enter__(self) -> UnitOfWork:
                self.unit = configured.store.unit_of_work(read_only=True)
                return self.unit.__enter__()

            def __exit__(self, *error: object) -> None:
                self.unit.__exit__(*error)
                if not changed:
                    thread = threading.Thread(target=lambda: changed.append(change()))
                    thread.start()
                    thread.join(10)

        def units(*, read_only: bool = False) -> Any:
            return Overtaken() if read_only else configured.store.unit_of_work()

        configuration = Configuration(
            units, configured.settings, environ={}, monotonic=configured.clock
        )

        def change() -> ConfigurationChange:
            return configuration.set("speed", 2)

        assert configuration.get("speed") == 1.0
        assert len(changed) == 1
        assert configuration.get("speed") == 2.0

    def test_a_channel_that_is_new_is_not_missed_by_a_reading_under_way(
        self, configured: Configured
    ) -> None:
        """Who asks for it waits for that reading, which had begun before, and then reads anew."""
        found: list[float] = []
        asking: list[threading.Thread] = []

        class SlowToEnd:
            """A unit of work during whose end a channel is added and asked for."""

            def __enter__(self) -> UnitOfWork:
                self.unit = configured.store.unit_of_work(read_only=True)
                return self.unit.__enter__()

            def __exit__(self, *error: object) -> None:
                self.unit.__exit__(*error)
                if not asking:
                    configured.add_channel("nature3", speed=3)
                    asking.append(threading.Thread(target=ask))
                    asking[0].start()
                    # Long enough to come to where it waits.
                    asking[0].join(0.2)

        def ask() -> None:
            found.append(configuration.get("speed", "nature3"))

        configuration = Configuration(
            lambda **_: SlowToEnd(),  # type: ignore[arg-type, return-value]
            configured.settings,
            environ={},
            monotonic=configured.clock,
        )
        assert configuration.get("speed") == 1.0
        asking[0].join(10)
        assert found == [3.0]

    def test_an_environment_that_changes_is_seen(self, configured: Configured) -> None:
        assert configured.configuration.get("speed") == 1.0
        configured.environ["PIPELINE_STORE_SET__SPEED"] = "3"
        configured.let_pass()
        assert configured.configuration.get("speed") == 3.0
        configured.environ["PIPELINE_STORE_SET__SPED"] = "3"
        configured.let_pass()
        with pytest.raises(InvalidValue, match="PIPELINE_STORE_SET__SPED: unknown"):
            configured.configuration.get("speed")

    def test_files_are_read_once(self, configured: Configured, tmp_path: Path) -> None:
        """Half of a file that is being written could pass for a whole one."""
        path = tmp_path / "a.toml"
        path.write_text("speed = 2.0")
        configuration = configured.another(files=[path])
        path.write_text("")
        configured.let_pass()
        assert configuration.get("speed") == 2.0

    def test_a_database_that_cannot_be_asked_is_an_error(self, configured: Configured) -> None:
        """Never an older value."""
        broken = False

        def units(*, read_only: bool = False) -> Any:
            if broken:
                raise Conflict("gone")
            return configured.store.unit_of_work(read_only=read_only)

        reader = Configuration(units, configured.settings, environ={}, monotonic=configured.clock)
        assert reader.get("speed") == 1.0
        broken = True
        assert reader.get("speed") == 1.0
        configured.let_pass()
        for _ in range(2):
            with pytest.raises(Conflict):
                reader.get("speed")


class TestOthersInTheWay:
    """Changes of the same setting at the same moment."""

    def interrupted(self, configured: Configured, times: int) -> Configuration:
        """A configuration whose units of work are overtaken by another that often."""
        left = times

        def units(*, read_only: bool = False) -> Any:
            nonlocal left
            unit = configured.store.unit_of_work(read_only=read_only)
            if not read_only and left:
                left -= 1
                commit = unit.commit

                def overtaken() -> None:
                    with configured.store.unit_of_work() as theirs:
                        theirs.config_overrides.set("speed", str(left + 10))
                        theirs.commit()
                    commit()

                unit.commit = overtaken
            return unit

        return Configuration(units, configured.settings, environ={}, monotonic=configured.clock)

    @pytest.mark.parametrize("was_there", [True, False])
    def test_the_change_is_made_all_the_same(self, configured: Configured, was_there: bool) -> None:
        """And the journal tells the value that was there last."""
        if was_there:
            configured.store_override("speed", "5")
        made = self.interrupted(configured, 3).set("speed", 2)
        assert (made.old_value, made.new_value) == (10.0, 2.0)
        assert configured.configuration.get("speed") == 2.0
        assert len(configured.configuration.history()) == 1

    def test_it_is_given_up_after_many_attempts(self, configured: Configured) -> None:
        configuration = self.interrupted(configured, ATTEMPTS)
        with pytest.raises((Conflict, AlreadyExists)):
            configuration.set("speed", 2)
        assert configuration.history() == []
        assert configuration.set("speed", 2).new_value == 2.0


@pytest.mark.parametrize("where", [{}, {"system": True}, {"channel": "nature1"}])
def test_the_same_value_again_is_a_change_too(
    configured: Configured, where: dict[str, Any]
) -> None:
    """Or else the journal would tell an old value that was not the last."""
    store = open_store("memory://")
    with store.unit_of_work() as uow:
        uow.channels.add(Channel(channel_id="nature1", name="Nature"))
        uow.commit()

    def set_speed(uow: UnitOfWork, value: float) -> None:
        configuration_storage.set_value(uow, configured.settings, None, "speed", value, **where)

    for speed in (6, 7):
        with store.unit_of_work() as uow:
            set_speed(uow, speed)
            uow.commit()
    with store.unit_of_work() as ours:
        set_speed(ours, 7)
        with store.unit_of_work() as theirs:
            set_speed(theirs, 8)
            theirs.commit()
        with pytest.raises(Conflict):
            ours.commit()


def test_changed_together_with_other_things(configured: Configured) -> None:
    """In a caller's own unit of work nothing is committed."""
    with configured.store.unit_of_work() as uow:
        uow.config_overrides.add(ConfigOverride(key="theirs", value="1"))
        configuration_storage.set_value(uow, configured.settings, None, "speed", 2)
    assert configured.configuration.get("speed") == 1.0
    assert configured.configuration.history() == []


def test_many_threads_wait_for_one_reading(configured: Configured) -> None:
    """However slow the database is, it is asked once."""
    start = threading.Barrier(8)
    opened: list[bool] = []

    def slow(*, read_only: bool = False) -> Any:
        opened.append(read_only)
        time.sleep(0.1)
        return configured.store.unit_of_work(read_only=read_only)

    configuration = Configuration(slow, configured.settings, environ={})

    def read() -> None:
        start.wait(10)
        configuration.get("speed", "nature1")

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [True]


def test_many_threads_read_and_change(configured: Configured) -> None:
    """Each thread always sees its own last change, and readers only what was once set."""
    configuration = configured.another(max_age=timedelta(microseconds=1))
    failures: list[object] = []
    names = [f"own{number}" for number in range(4)]
    for name in names:
        configured.add_channel(name)

    def work(name: str) -> None:
        try:
            for value in range(1, 26):
                configuration.set("upload.limit", value, channel=name)
                if (found := configuration.get("upload.limit", name)) != value:
                    failures.append((name, value, found))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(configuration.history(limit=1000)) == 100
