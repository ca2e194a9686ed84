"""What is declared, and what a setting can hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_store.errors import InvalidValue
from pipeline_store.services.setting_values import read_text, write_text
from pipeline_store.services.settings import SHIPPED, Setting, Settings, settings_in

KINDS = (str, int, float, bool, list, dict)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
WHOLE = st.integers(1 - 2**63, 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBERS | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXTS, inside, max_size=3),
    max_leaves=8,
)
VALUES: dict[type[Any], st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: WHOLE,
    float: NUMBERS,
    bool: st.booleans(),
    list: st.lists(JSON, max_size=3),
    dict: st.dictionaries(TEXTS, JSON, max_size=3),
}


def a_setting(kind: type[Any], default: Any = None, **more: Any) -> Setting:
    return Setting("a.b", kind, default, "Decides.", **more)


class TestDeclaration:
    """A setting is declared once, in a form that every layer can spell."""

    def test_what_comes_with_the_package(self) -> None:
        """Each has a kind, a default of that kind, a unit and a help."""
        assert [setting.key for setting in Settings()] == [
            "max_concurrent_jobs",
            "min_resolution",
            "posting_frequency",
            "retry_attempts",
        ]
        for setting in SHIPPED:
            assert setting.checked(setting.default) == setting.default
            assert type(setting.default) is setting.kind
            assert setting.unit
            assert setting.help.endswith(".")

    @pytest.mark.parametrize(
        "key",
        ["", "A", "a..b", ".a", "a.", "a__b", "_a", "a_", "a-b", "a b", "ä", "a" * 256, "a\n"],
    )
    def test_a_key_that_no_variable_could_spell_is_refused(self, key: str) -> None:
        with pytest.raises(InvalidValue, match=r"^key: "):
            Setting(key, int, 1, "Decides.")

    def test_two_keys_never_have_one_variable(self) -> None:
        """Which is why a key has no double underscores and no capitals."""
        keys = ["a.b", "a_b", "ab", "a.b_c", "a_b.c", "a.4k"]
        names = {Setting(key, int, 1, "Decides.").environment_name for key in keys}
        assert len(names) == len(keys)
        assert Setting("a.b_c", int, 1, "x").environment_name == "PIPELINE_STORE_SET__A__B_C"

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ({"kind": set}, "one of str, int, float, bool, list, dict"),
            ({"kind": int, "default": "1"}, "whole number expected, found str"),
            ({"kind": int, "default": True}, "whole number expected, found bool"),
            ({"kind": int, "default": 5, "most": 4}, "at most 4 expected"),
            ({"kind": str, "least": 1}, "only a number has limits"),
            ({"kind": str, "default": "c", "choices": ("a", "b")}, "one of a, b expected"),
            ({"kind": int, "choices": ("a",)}, "choices: whole number expected"),
            ({"kind": int, "secret": True}, "a secret is a text"),
            ({"kind": str, "secret": True, "default": "hunter2"}, "a secret is a text"),
            ({"kind": str, "secret": True, "choices": ("a",)}, "a secret is a text"),
            ({"kind": str, "help": ""}, "help: must not be empty"),
            ({"kind": str, "unit": 5}, "unit: text expected"),
        ],
    )
    def test_a_declaration_that_contradicts_itself_is_refused(
        self, more: dict[str, Any], told: str
    ) -> None:
        with pytest.raises(InvalidValue, match=told) as refused:
            Setting(**{"key": "a.b", "default": None, "help": "Decides."} | more)
        assert "hunter2" not in str(refused.value)

    def test_declaring_the_same_twice_changes_nothing(self) -> None:
        settings = Settings()
        assert settings.declare(a_setting(int, 1)) == settings.declare(a_setting(int, 1))
        assert len(settings) == len(SHIPPED) + 1

    def test_declaring_it_in_another_way_is_refused(self) -> None:
        settings = Settings([a_setting(int, 1)])
        with pytest.raises(InvalidValue, match=r"a\.b: declared already"):
            settings.declare(a_setting(int, 2))
        assert settings.get("a.b").default == 1

    @pytest.mark.parametrize("key", ["a", "a.b.c"])
    def test_one_key_inside_another_is_refused(self, key: str) -> None:
        """A file could not hold both."""
        settings = Settings([a_setting(int, 1)])
        with pytest.raises(InvalidValue, match=r"beside a\.b"):
            settings.declare(Setting(key, int, 1, "Decides."))
        assert key not in settings
        assert settings.declare(Setting("a.bc", int, 1, "Decides.")).key in settings

    def test_a_list_of_the_declaring_program_cannot_change_the_default(self) -> None:
        given = ["a"]
        setting = a_setting(list, given)
        given.append("b")
        assert setting.default == ["a"]
        with pytest.raises(TypeError):
            setting.default.append("b")


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("retry_atempts", "retry_attempts"),
        ("max_jobs", "max_concurrent_jobs"),
        ("min.resolution", "min_resolution"),
        ("", "min_resolution|posting_frequency|retry_attempts|max_concurrent_jobs"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(key: str, nearest: str) -> None:
    with pytest.raises(InvalidValue, match=f"unknown setting '{key}'; the nearest .*'({nearest})'"):
        Settings().get(key)


@pytest.mark.parametrize("key", [None, 5, b"a", ["a"], "a\0", "\ud800"])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    for ask in (Settings().get, Settings().find):
        with pytest.raises(InvalidValue, match=r"^key: "):
            ask(key)


class TestEnvironment:
    """Variables with the prefix set settings; others have nothing to do with them."""

    def test_what_is_declared_is_found(self) -> None:
        environ = {"PIPELINE_STORE_SET__A__B": "1", "PATH": "/bin", "PIPELINE_STORE_URL": "x"}
        found = settings_in(environ, Settings([a_setting(int)]))
        assert found == {"PIPELINE_STORE_SET__A__B": "1"}

    @pytest.mark.parametrize(
        "name", ["PIPELINE_STORE_SET__A__C", "PIPELINE_STORE_SET__a__b", "PIPELINE_STORE_SET__"]
    )
    def test_an_unknown_variable_is_refused_with_the_nearest_one(self, name: str) -> None:
        with pytest.raises(InvalidValue, match=rf"^{name}: unknown setting; the nearest is ") as it:
            settings_in({name: "hunter2"}, Settings([a_setting(int)]))
        assert "hunter2" not in str(it.value)
        assert str(it.value).endswith("PIPELINE_STORE_SET__A__B") or name.endswith("__")


RIGHT: dict[type[Any], Any] = {str: "x", int: 1, float: 1.5, bool: True, list: [1], dict: {"a": 1}}


class TestValues:
    """A value is of the declared kind, exactly."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("other", KINDS)
    def test_another_kind_is_refused(self, kind: type[Any], other: type[Any]) -> None:
        """A bool is no whole number and a float is none; a whole number is a float."""
        setting = a_setting(kind)
        if kind is other:
            assert setting.checked(RIGHT[kind]) == RIGHT[kind]
        elif (kind, other) == (float, int):
            assert type(setting.checked(1)) is float
        else:
            with pytest.raises(InvalidValue, match=rf"^a\.b: .* found {other.__name__}"):
                setting.checked(RIGHT[other])

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", [None, b"x", object(), 2j, set(), range(3)])
    def test_what_is_no_value_at_all_is_refused(self, kind: type[Any], value: Any) -> None:
        if kind is list and isinstance(value, range):
            assert a_setting(kind).checked(value) == [0, 1, 2]
            return
        with pytest.raises(InvalidValue, match=r"^a\.b: "):
            a_setting(kind).checked(value)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            (str, "a\0"),
            (str, "\ud800"),
            (int, 2**63),
            (int, -(2**63)),
            pytest.param(int, 10**5000, id="thousands of digits"),
            (float, float("nan")),
            (float, float("inf")),
            (float, 10**400),
            (list, [float("nan")]),
            (list, [{"a": {1: 2}}]),
            (dict, {"a": {"b": object()}}),
            (dict, {"a\0": 1}),
        ],
    )
    def test_what_no_store_could_keep_is_refused(self, kind: type[Any], value: Any) -> None:
        with pytest.raises(InvalidValue, match=r"^a\.b"):
            a_setting(kind).checked(value)

    def test_limits_and_choices(self) -> None:
        number = a_setting(int, 5, least=1, most=9)
        assert [number.checked(value) for value in (1, 9)] == [1, 9]
        for value in (0, 10):
            with pytest.raises(InvalidValue, match=f"at least 1 and at most 9 .* found {value}"):
                number.checked(value)
        choice = a_setting(int, 720, choices=(480, 720))
        assert choice.checked(480) == 480
        with pytest.raises(InvalidValue, match="one of 480, 720 expected"):
            choice.checked(481)


class TestText:
    """Layers that hold only text spell every value."""

    @given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))
    def test_what_is_written_is_read_again(self, case: tuple[type[Any], Any]) -> None:
        kind, value = case
        read = read_text("a", kind, write_text(value))
        # 1, 1.0 and True are equal, but not the same JSON.
        assert json.dumps(read) == json.dumps(value)

    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            (str, " a ", " a "),
            (int, " +5\n", 5),
            (int, "-0007", -7),
            (float, "5", 5.0),
            (float, "-.5e-3", -0.0005),
            (bool, "TRUE", True),
            (bool, " yes", True),
            (bool, "on", True),
            (bool, "1", True),
            (bool, "False", False),
            (bool, "no", False),
            (bool, "OFF", False),
            (bool, "0", False),
            (list, ' ["a", 1] ', ["a", 1]),
            (dict, "{}", {}),
        ],
    )
    def test_what_people_write(self, kind: type[Any], text: str, value: Any) -> None:
        assert write_text(read_text("a", kind, text)) == write_text(value)

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            (int, "5.0"),
            (int, "five"),
            (int, ""),
            (int, "1_000"),
            (int, "٣"),
            (int, "9" * 19),
            (int, "9" * 5000),
            (float, "nan"),
            (float, "inf"),
            (float, "1e999"),
            (float, "0x10"),
            (float, "1_0.5"),
            (bool, "2"),
            (bool, ""),
            (bool, "truthy"),
            (list, "a,b"),
            (list, '{"a": 1}'),
            (list, "[NaN]"),
            (list, "[" * 100_000),
            (dict, "[]"),
            (dict, '{"a": 1, "a": 2}'),
            (dict, "null"),
            (str, "a\0"),
            (str, "\udc80"),
        ],
    )
    def test_what_spells_no_value_is_refused(self, kind: type[Any], text: str) -> None:
        with pytest.raises(InvalidValue, match=r"^a\b"):
            read_text("a", kind, text)

    @pytest.mark.parametrize("kind", [int, float, bool, list, dict])
    def test_the_text_is_not_repeated(self, kind: type[Any]) -> None:
        """It may be a password that was put in the wrong place."""
        with pytest.raises(InvalidValue) as refused:
            a_setting(kind).read_text("hunter2")
        assert "hunter2" not in str(refused.value)
