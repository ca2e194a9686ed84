"""Files of settings: TOML and YAML say the same, and what is not understood is refused."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline_store.errors import InputFileRefused, InvalidValue
from pipeline_store.services import configuration_files
from pipeline_store.services.configuration_files import read_file, read_files
from pipeline_store.services.nested_settings import TWICE, flattened, without
from pipeline_store.services.settings import Setting, Settings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(
    [
        Setting("upload.daily_limit", int, 6, "Decides."),
        Setting("upload.at.hours", list, [], "Decides."),
        Setting("niches", dict, {}, "Decides."),
        Setting("title", str, "", "Decides."),
    ]
)

TOML = """
retry_attempts = 5
title = "Größe 漢字"
upload.daily_limit = 4

[upload.at]
hours = [6, 12]

[niches.gaming]
weight = 0.5
"""
YAML = """
retry_attempts: 5
title: Größe 漢字
upload:
  daily_limit: 4
  at.hours: [6, 12]
niches:
  gaming: {weight: 0.5}
"""
SAID = {
    "retry_attempts": 5,
    "title": "Größe 漢字",
    "upload.daily_limit": 4,
    "upload.at.hours": [6, 12],
    "niches": {"gaming": {"weight": 0.5}},
}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.toml", TOML),
        ("a.TOML", TOML),
        ("a.yaml", YAML),
        ("a.yml", YAML),
        ("bom.toml", b"\xef\xbb\xbf" + TOML.encode()),
        (
            "json.yaml",
            json.dumps(SAID),
        ),
    ],
)
def test_either_format_says_the_same(tmp_path: Path, name: str, content: str) -> None:
    """Tables and dots mean the same; a declared dict is taken whole."""
    assert read_file(written(tmp_path, name, content), SETTINGS).values == SAID


@pytest.mark.parametrize("name", ["a.toml", "a.yaml"])
def test_an_empty_file_says_nothing(tmp_path: Path, name: str) -> None:
    assert read_file(written(tmp_path, name, ""), SETTINGS).values == {}


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    paths = [written(tmp_path, "b.toml", ""), written(tmp_path, "a.toml", "")]
    assert [file.path for file in read_files(map(str, paths), SETTINGS)] == list(map(str, paths))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.toml", "[uplaod]\ndaily_limit = 4\n"),
        ("a.yaml", "uplaod: {daily_limit: 4}"),
        ("a.yaml", "uplaod.daily_limit: 4"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(
    tmp_path: Path, name: str, content: str
) -> None:
    path = written(tmp_path, name, content)
    told = r"unknown setting 'uplaod\.daily_limit'; the nearest .* 'upload\.daily_limit'"
    with pytest.raises(InvalidValue, match=f"{name}: {told}"):
        read_file(path, SETTINGS)


def test_every_unknown_key_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.toml", "titel = 1\nretry = 2\n")
    with pytest.raises(InvalidValue, match=r"'titel'; .*; unknown setting 'retry'; "):
        read_file(path, SETTINGS)


def test_yaml_may_take_over_another_mapping(tmp_path: Path) -> None:
    """What is merged in is not taken for a name given twice."""
    content = "niches: {a: &a {x: 1, y: 2}, b: {<<: *a, x: 3}}"
    found = read_file(written(tmp_path, "a.yaml", content), SETTINGS).values
    assert found["niches"]["b"] == {"x": 3, "y": 2}


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.toml", "title = ", "not TOML: "),
        ("a.toml", "title = 'a'\ntitle = 'b'", "not TOML: .*overwrite"),
        ("a.toml", b"title = '\xff'", "not UTF-8 at byte 9"),
        ("a.toml", "title = " + DEEP, "nested too deeply"),
        ("a.yaml", "title: [", "not YAML in line 1"),
        ("a.yaml", "x: 1\ntitle: a\ntitle: b", "not YAML in line 3: 'title' is there twice"),
        ("a.yaml", "upload: {daily_limit: 1, daily_limit: 2}", "'daily_limit' is there twice"),
        ("a.yaml", "title: a\n---\ntitle: b", "not YAML in line 2"),
        ("a.yaml", "title: !!python/object/apply:os.getcwd []", "not YAML in line 1"),
        ("a.yaml", "title: 2026-02-31", "not YAML in line 1: no valid timestamp"),
        ("a.yaml", "title: a\x01", "not YAML"),
        ("a.yaml", "? [a]\n: 1", "not YAML in line 1"),
        ("a.yaml", "5: a", "a name: text expected, found int"),
        ("a.yaml", "upload: {no: 1}", "a name in upload: text expected, found bool"),
        ("a.yaml", "[a, b]", "names with values expected, found list"),
        ("a.yaml", "title: " + DEEP, "nested too deeply"),
        ("a.json", "{}", r"ends in \.toml, \.yaml or \.yml"),
        ("toml", "", "a file of settings ends in"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, name: str, content: str | bytes, reason: str
) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(InputFileRefused, match=reason) as refused:
        read_file(path, SETTINGS)
    assert refused.value.path == str(path)


@pytest.mark.parametrize(
    ("written_value", "reason"),
    [
        ("*hunter2-hunter2", "found undefined alias"),
        ("!hunter2-hunter2", "could not determine a constructor for the tag"),
        ("!hunter2-hunter2!more", "found undefined tag handle"),
        ("!!int hunter2-hunter2", "no valid int"),
        ("!!float hunter2-hunter2", "no valid float"),
        ("!!bool hunter2-hunter2", "no valid bool"),
        ("!!timestamp hunter2-hunter2", "no valid timestamp"),
        ("'hunter2-hunter2", "found unexpected end of stream"),
        ("@hunter2-hunter2", "found character '@' that cannot start any token"),
        ("a\n hunter2: hunter2", "mapping values are not allowed here"),
    ],
)
def test_a_refused_file_is_not_quoted(tmp_path: Path, written_value: str, reason: str) -> None:
    """What YAML takes for something of its own may be a secret that lacks its quotes."""
    path = written(tmp_path, "a.yaml", f"title: {written_value}")
    with pytest.raises(InputFileRefused, match=f"not YAML in line [12]: {reason}") as refused:
        read_file(path, SETTINGS)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, reason in [
        (tmp_path / "none.toml", "no such file"),
        (tmp_path, "is a directory"),
        ("\0.toml", "null"),
    ]:
        with pytest.raises(InputFileRefused, match=reason):
            read_file(path, SETTINGS)


def test_a_file_that_is_far_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration_files, "LARGEST_FILE", 10)
    assert read_file(written(tmp_path, "a.toml", "#" * 10), SETTINGS).values == {}
    with pytest.raises(InputFileRefused, match="more than 10 bytes"):
        read_file(written(tmp_path, "a.toml", "#" * 11), SETTINGS)


def test_yaml_without_its_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(InputFileRefused, match=r"pip install 'pipeline-store\[yaml\]'"):
        read_file(written(tmp_path, "a.yaml", ""), SETTINGS)
    assert read_file(written(tmp_path, "a.toml", ""), SETTINGS).values == {}


class TestNesting:
    """Nested and dotted keys are the same."""

    def test_a_declared_key_is_not_looked_into(self) -> None:
        written = {"niches": {"a": {"b": 1}}, "title": {"x": 1}, "other": {"a": {"b": 1}}}
        assert flattened(written, SETTINGS) == {
            "niches": {"a": {"b": 1}},
            "title": {"x": 1},
            "other.a.b": 1,
        }

    def test_a_key_that_is_written_twice_has_no_value(self) -> None:
        """Neither spelling silently beats the other."""
        written = {"upload.daily_limit": 1, "upload": {"daily_limit": 2, "at": {"hours": []}}}
        found = flattened(written, SETTINGS)
        assert found == {"upload.daily_limit": TWICE, "upload.at.hours": []}
        assert "twice" in repr(TWICE)

    def test_a_key_is_taken_out_wherever_it_stands(self) -> None:
        written = {
            "upload.daily_limit": 1,
            "upload": {"daily_limit": 2, "at": {"hours": []}},
            "niches": {"a": 1},
            "empty": {},
        }
        assert without(written, "upload.daily_limit") == {
            "upload": {"at": {"hours": []}},
            "niches": {"a": 1},
            "empty": {},
        }
        assert without(written, "upload.at.hours")["upload"] == {"daily_limit": 2}
        assert without({"upload": {"at": {"hours": []}}}, "upload.at.hours") == {}
        assert without(written, "empty.x") == written
