"""`preset ...` and `music ...`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from pipeline_store.channels import Channel, Video
from pipeline_store.cli import json_input
from tests.integration.cli.conftest import DATABASES
from tests.integration.cli.outcomes import refused, typed

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_store import UnitOfWork
    from tests.integration.cli.conftest import Command, Outcome

both = pytest.mark.parametrize("kind", DATABASES, indirect=True)

PARAMETERS = {"height": 1920, "crop": {"left": 0.5, "tags": ["é", None, True]}}


@both
def test_a_preset_is_added_and_shown(command: Command) -> None:
    """With parameters as JSON; they come back as they were."""
    added = command(
        "preset", "add", "shorts", json.dumps(PARAMETERS), "--description", "vertical", "--json"
    )
    assert added.code == 0
    shown = command("preset", "show", "shorts", "--json").json
    assert shown == added.json
    assert shown["parameters"] == PARAMETERS
    assert (shown["name"], shown["description"]) == ("shorts", "vertical")
    assert (shown["is_default"], shown["is_active"]) == (False, True)
    said = " ".join(command("preset", "show", "shorts").out.split())
    assert 'parameters {"height": 1920, "crop": {"left": 0.5, "tags": ["é", null, true]}}' in said


@pytest.mark.parametrize("way", ["a file", "the standard input"])
def test_parameters_may_be_read(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """From a file, or from the standard input; without any, there are none."""
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps(PARAMETERS), encoding="utf-8")
    typed(monkeypatch, json.dumps(PARAMETERS))
    source = str(file) if way == "a file" else "-"
    assert command("preset", "add", "a", "--from-file", source).out == "preset a is added\n"
    assert command("preset", "show", "a", "--json").json["parameters"] == PARAMETERS
    assert command("preset", "add", "b", "--json").json["parameters"] == {}


def test_what_is_no_preset_is_refused(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong usage is 2, what is in a file or the store refuses is 1; nothing is added."""
    command("preset", "add", "taken")

    def tried(*arguments: str) -> Outcome:
        return command("preset", "add", *arguments)

    def file(content: bytes) -> str:
        path = tmp_path / "parameters.json"
        path.write_bytes(content)
        return str(path)

    assert refused(tried("taken"), "preset taken is there already")
    assert refused(tried(""), "name: must not be empty")
    assert refused(tried("a", "{"), "parameters: not JSON", code=2)
    assert refused(tried("a", "[]"), "parameters: a JSON object", code=2)
    assert refused(tried("a", '{"a": 1e999}'), "parameters.a: a finite number", code=2)
    assert refused(tried("a", "{}", "--from-file", file(b"{}")), "not both", code=2)
    assert refused(tried("a", "--from-file", str(tmp_path / "missing")), "missing: No such file")
    assert refused(tried("a", "--from-file", file(b"nothing")), "parameters.json: not JSON")
    assert refused(tried("a", "--from-file", file(b"7")), "parameters.json: a JSON object")
    assert refused(tried("a", "--from-file", file(b'{"a": "\xff"}')), "byte 8 is not UTF-8 text")
    assert refused(tried("a", "--from-file", file(b"[" * 99_999)), "nested too deeply")
    monkeypatch.setattr(json_input, "LONGEST_TEXT", 10)
    assert refused(tried("a", "--from-file", file(b" " * 11)), "longer than 10 bytes")
    assert [one["name"] for one in command("preset", "list", "--json").json] == ["taken"]


@both
def test_one_preset_is_the_default(command: Command) -> None:
    """The last that was made it; a channel may have one of its own."""
    added = command("preset", "add", "a", "--default")
    assert added.out == "preset a is added and is the default\n"
    assert command("preset", "add", "b", "--default", "--json").json["is_default"] is True
    listed = command("preset", "list", "--json").json
    assert [(one["name"], one["is_default"]) for one in listed] == [("a", False), ("b", True)]
    assert command("preset", "default", "a").out == "preset a is the default\n"
    listed = command("preset", "list", "--json").json
    assert [(one["name"], one["is_default"]) for one in listed] == [("a", True), ("b", False)]
    assert command("preset", "default", "b", "--json").json["is_default"] is True
    defaults = [line.split()[1] for line in command("preset", "list").out.splitlines()[2:]]
    assert defaults == ["-", "yes"]
    assert refused(command("preset", "default", "bb"), "no preset 'bb'; did you mean b?")


@both
def test_a_preset_is_removed(command: Command) -> None:
    """Channels that have it go on without."""
    command("preset", "add", "shorts")
    command("channel", "add", "nature1", "--preset", "shorts")
    assert command("preset", "remove", "shorts").out == "preset shorts is removed\n"
    assert command("channel", "show", "nature1", "--json").json["default_preset"] is None
    assert refused(command("preset", "remove", "shorts"), "no preset 'shorts'")
    assert refused(command("preset", "show", "shorts"), "no preset 'shorts'")
    assert command("preset", "list").out == (
        "no presets yet: `pipeline-store preset add` adds one\n"
    )


@both
def test_music_is_added_and_listed(command: Command, uow: UnitOfWork) -> None:
    """What was used least first; with its id, whole, and its length."""
    added = command(
        "music", "add", "Rain", "--artist", "Nobody", "--spotify-id", "s1", "--file", "rain.mp3",
        "--seconds", "183.6", "--metadata", '{"mood": "calm"}', "--json",
    ).json  # fmt: skip
    assert (added["name"], added["artist"], added["spotify_track_id"]) == ("Rain", "Nobody", "s1")
    assert (added["file_path"], added["duration_seconds"]) == ("rain.mp3", 183.6)
    assert (added["metadata"], added["usage_count"]) == ({"mood": "calm"}, 0)
    said = command("music", "add", "Wind").out
    [piece] = [piece for piece in uow.music.page() if piece.name == "Wind"]
    assert said == f"Wind is added as {piece.id}\n"
    [rain] = [piece for piece in uow.music.page() if piece.name == "Rain"]
    uow.music.record_use(rain.id)
    uow.commit()
    assert [one["name"] for one in command("music", "list", "--json").json] == ["Wind", "Rain"]
    wind_row, rain_row = command("music", "list").out.splitlines()[2:]
    assert wind_row.split() == [str(piece.id), "Wind", "-", "-", "0"]
    assert rain_row.split() == [str(rain.id), "Rain", "Nobody", "3:04", "1"]


@both
def test_music_is_removed(command: Command, uow: UnitOfWork) -> None:
    """Videos that have it go on without."""
    music_id = command("music", "add", "Rain", "--json").json["id"]
    [piece] = uow.music.page()
    channel = uow.channels.add(Channel(channel_id="nature1", name="Nature"))
    video = Video(
        channel_id=channel.id,
        source_url="u",
        source_title="",
        source_platform="x",
        music_id=piece.id,
    )
    video_id = uow.videos.add(video).id
    uow.commit()
    assert command("music", "remove", music_id).out == f"Rain ({music_id}) is removed\n"
    assert command("music", "list").out == "no music yet: `pipeline-store music add` adds some\n"
    uow.rollback()
    assert uow.videos.get(video_id).music_id is None


def test_what_is_no_music_is_refused(command: Command) -> None:
    """A Spotify id that is taken names the piece that has it."""
    command("music", "add", "Rain", "--spotify-id", "s1")
    taken = command("music", "add", "Wind", "--spotify-id", "s1")
    assert refused(taken, "the Spotify id s1 is that of Rain (")
    assert refused(command("music", "add", ""), "name: must not be empty")
    assert refused(command("music", "add", "a", "--seconds", "-1"), "duration_seconds")
    assert refused(command("music", "add", "a", "--seconds", "nan"), "duration_seconds")
    assert refused(command("music", "add", "a", "--metadata", "7"), "--metadata", code=2)
    assert refused(command("music", "remove", "7"), "UUID", code=2)
    assert refused(command("music", "remove", str(uuid4())), "music")
    assert len(command("music", "list", "--json").json) == 1
